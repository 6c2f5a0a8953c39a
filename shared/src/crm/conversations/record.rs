//! Records one event beside other writers: the event, its row and, if the event says something new about the lead, the
//! lead with its identities and its other rows.

use crate::base::channel::Channel;
use crate::crm::identifiers::CustomerPhone;
use crate::crm::identifiers::User;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::aliases::Place;
use super::row::{Extraction, Message, Row, Sender};
use super::stored::row_of_item;
use super::{Conversations, Recorded, default_conversation, load};
use crate::base::store::{Item, StoreError, Transacted, Try, Write, retrying};
use crate::crm::leads::{Lead, Link};

/// A message as a provider delivered it.
#[derive(Clone, Copy, Debug)]
pub struct DeliveredMessage<'a> {
    /// The lead's identifier; of several the preferred one.
    pub lead: &'a CustomerPhone,
    /// The person's other identifiers, each once.
    pub also: &'a [CustomerPhone],
    /// The message; it goes to the conversation on its channel with the lead.
    pub message: &'a Message,
    /// The lead's name on the channel; used if no name is known.
    pub contact_name: Option<&'a str>,
}

impl Conversations {
    /// Records a message and sets its `sequence_no`. Also returns the lead's contact.
    pub async fn record_message(
        &self,
        user: &User,
        lead: &CustomerPhone,
        message: &Message,
    ) -> Result<(Recorded, Option<Uuid>), StoreError> {
        let sk = load::message_sk(message);
        let on_channel =
            |lead: &CustomerPhone| default_conversation(message.platform, message.phone_number_id.as_deref(), lead);
        let take = |row: &mut Row| {
            let mut message = message.clone();
            // The conversation of a message that named none is its row's, which the identifier that was
            // given may only stand for.
            if message.conversation_id == on_channel(lead) {
                message.conversation_id = on_channel(&CustomerPhone(row.customer_phone.clone()));
            }
            load::take_message(row, &message)
        };
        let (recorded, at, lead_id) = self.record(user, (lead, &[]), &sk, message.timestamp, take).await?;
        self.take_reports(user, at, &[lead], message).await?;
        Ok((recorded, lead_id))
    }

    /// Records a message that a provider delivered, with the lead's identifiers and name. Also returns the lead's
    /// contact.
    pub async fn record_delivered(
        &self,
        user: &User,
        delivered: &DeliveredMessage<'_>,
    ) -> Result<(Recorded, Option<Uuid>), StoreError> {
        let DeliveredMessage { lead, also, message, contact_name } = *delivered;
        let sk = load::message_sk(message);
        let take = |row: &mut Row| {
            if let Some(name) = contact_name {
                row.take_contact_name(name);
            }
            let lead = CustomerPhone(row.customer_phone.clone());
            let conversation_id = default_conversation(message.platform, message.phone_number_id.as_deref(), &lead);
            load::take_message(row, &Message { conversation_id, is_delivered: true, ..message.clone() })
        };
        let (recorded, at, lead_id) = self.record(user, (lead, also), &sk, message.timestamp, take).await?;
        let told: Vec<_> = std::iter::once(lead).chain(also).collect();
        self.take_reports(user, at, &told, message).await?;
        Ok((recorded, lead_id))
    }

    /// Applies the reports that arrived before an agent's message. It does so for a known message too, because an
    /// earlier attempt may have stopped before this step.
    async fn take_reports(
        &self,
        user: &User,
        at: CustomerPhone,
        told: &[&CustomerPhone],
        message: &Message,
    ) -> Result<(), StoreError> {
        if message.sender != Sender::Agent {
            return Ok(());
        }
        let mut leads = vec![at];
        for one in told {
            if !leads.contains(one) {
                leads.push((*one).clone());
            }
        }
        self.take_kept_reports(user, &leads, &message.message_id).await
    }

    /// Records that a template message was sent.
    pub async fn record_template_send(
        &self,
        user: &User,
        lead: &CustomerPhone,
        send_id: &str,
        platform: Channel,
        at: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        let sk = load::template_send_sk(send_id);
        let take = |row: &mut Row| load::take_template_send(row, platform, at);
        self.record(user, (lead, &[]), &sk, at, take).await.map(|(recorded, ..)| recorded)
    }

    /// Records an extraction of an existing lead. All are kept, the latest is shown. An extraction with the same
    /// content and the same messages as the latest is not recorded again. Returns the current extraction, or `None` if
    /// there is no such lead.
    pub async fn record_extraction(
        &self,
        user: &User,
        lead: &CustomerPhone,
        extraction: &Extraction,
    ) -> Result<Option<Extraction>, StoreError> {
        retrying("a lead", (), |()| async {
            let Some(stored) = self.row_or_aliased(user, lead).await? else { return Ok(Try::Done(None)) };
            if let Some(known) = stored.repeated_by(extraction) {
                return Ok(Try::Done(Some(known.clone())));
            }
            let lead = CustomerPhone(stored.customer_phone.clone());
            let mut row = stored.clone();
            let event = load::take_extraction(&mut row, extraction)?;
            row.version += 1;
            let event = self.put_event(user, &lead, &load::extraction_sk(extraction), event);
            let writes = [event, self.put_row(user, &row, Some(&stored))?];
            Ok(self.table.transact(writes).await?.done(Some(extraction.clone())))
        })
        .await
    }

    /// Records an event. Also returns the identifier of its row, and the contact.
    pub(super) async fn record(
        &self,
        user: &User,
        (lead, also): (&CustomerPhone, &[CustomerPhone]),
        event_sk: &str,
        at: DateTime<Utc>,
        take: impl Fn(&mut Row) -> Result<Item, StoreError>,
    ) -> Result<(Recorded, CustomerPhone, Option<Uuid>), StoreError> {
        let (take, located) = (&take, self.locate(user, lead, also).await?);
        retrying("a lead", located, |mut place: Place| async move {
            let new = || Row::new(place.identifier.0.clone(), self.random.uuid(), at);
            let mut row = place.row.clone().unwrap_or_else(new);
            let event = take(&mut row)?;
            row.version += 1;
            let of_lead = self.lead_writes(user, &place, &mut row).await?;
            let mut writes = vec![
                self.put_event(user, &place.identifier, event_sk, event),
                self.put_row(user, &row, place.row.as_ref())?,
            ];
            writes.extend(of_lead);
            writes.extend(self.alias_writes(user, &place)?);
            let refused = match self.table.transact(writes).await? {
                Transacted::Applied => return Ok(Try::Done((Recorded::New, place.identifier, Some(row.lead_id)))),
                Transacted::Refused(refused) => refused,
            };
            if refused.first().is_some_and(Option::is_some) {
                let row = match place.row {
                    None => self.row(user, &place.identifier).await?,
                    row => row,
                };
                return Ok(Try::Done((Recorded::Known, place.identifier, row.map(|row| row.lead_id))));
            }
            match refused.into_iter().nth(1).flatten().filter(|item| !item.is_empty()) {
                Some(theirs) => place.row = Some(row_of_item(theirs)?),
                // The lead was changed, or an identifier has become something else.
                None => place = self.locate(user, lead, also).await?,
            }
            Ok(Try::Again(place))
        })
        .await
    }

    /// The changes that an event makes to the lead, and that the lead makes to the row. A new row gets the contact with
    /// its phone number, or a new contact. A name and a phone number are stored if none was known. Nothing is read if
    /// the event says nothing new.
    async fn lead_writes(&self, user: &User, place: &Place, row: &mut Row) -> Result<Vec<Write>, StoreError> {
        let before = place.row.as_ref();
        // On WhatsApp the identifier is a phone number; a row may have begun elsewhere.
        let is_new_there = before.is_none_or(|before| !before.platforms.contains(&Channel::Whatsapp));
        let own = Some(&place.identifier).filter(|_| is_new_there);
        let phone = own.into_iter().chain(&place.unknown).find_map(CustomerPhone::phone_number);
        let phone = phone.filter(|_| row.platforms.contains(&Channel::Whatsapp));
        let is_named = before.is_some_and(|before| before.contact_name.is_none()) && row.contact_name.is_some();
        if before.is_some() && phone.is_none() && !is_named {
            return Ok(Vec::new());
        }
        let owner = match &phone {
            Some(phone) => self.leads.owner(user.workspace_id, "phone", phone).await?,
            None => None,
        };
        if let (None, Some(owner)) = (before, owner) {
            row.lead_id = owner;
        }
        let stored = match before.map(|row| row.lead_id).or(owner) {
            Some(lead_id) => self.leads.stored(user.workspace_id, lead_id).await?,
            None => None,
        };
        let known = stored.as_ref().map(|stored| stored.lead.clone());
        let mut lead = known.clone().unwrap_or_else(|| Lead { lead_id: row.lead_id, ..Lead::default() });
        if lead.phone.is_none() && owner.is_none_or(|owner| owner == row.lead_id) {
            lead.phone = phone;
        }
        lead.full_name = lead.full_name.or_else(|| row.contact_name.clone());
        row.contact_name.clone_from(&lead.full_name);
        row.contact_email.clone_from(&lead.email);
        row.contact_company.clone_from(&lead.company_name);
        if before.is_some() && known.as_ref() == Some(&lead) {
            return Ok(Vec::new());
        }
        let link = Link { user: user.clone(), customer_phone: place.identifier.clone() };
        let mut writes = self.leads.change_writes(user.workspace_id, stored.as_ref(), &lead, Some(&link))?;
        if before.is_none() {
            writes.push(self.table.put(link.item(lead.lead_id)?));
        }
        Ok(writes)
    }
}
