//! The items that events become: the event and its row. They are recorded one by one beside other writers, or built in
//! memory and written in batches.

use crate::base::channel::Channel;
use crate::crm::identifiers::CustomerPhone;
use crate::crm::identifiers::User;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Conversations;
use super::row::{Extraction, Message, Row};
use crate::base::store::{Item, StoreError, s, to_item};
use crate::base::time::timestamp;
use crate::crm::leads::{Lead, Link, identity_item, lead_item};

pub(super) fn message_sk(message: &Message) -> String {
    format!("message#{}", message.message_id)
}

pub(super) fn take_message(row: &mut Row, message: &Message) -> Result<Item, StoreError> {
    let mut message = message.clone();
    row.take_message(&mut message);
    let mut item = to_item(&message)?;
    let order = format!("{}#{:012}", timestamp(message.timestamp), message.sequence_no);
    item.insert("changed_at".to_owned(), s(order));
    Ok(item)
}

/// A template message that was sent, as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct TemplateSend {
    pub(super) platform: Channel,
    pub(super) sent_at: DateTime<Utc>,
}

pub(super) fn template_send_sk(send_id: &str) -> String {
    format!("template#{send_id}")
}

pub(super) fn take_template_send(row: &mut Row, platform: Channel, at: DateTime<Utc>) -> Result<Item, StoreError> {
    row.take_template_send(platform, at);
    to_item(&TemplateSend { platform, sent_at: at })
}

pub(super) fn extraction_sk(extraction: &Extraction) -> String {
    format!("extraction#{}#{}", timestamp(extraction.extracted_at), extraction.extraction_id)
}

pub(super) fn take_extraction(row: &mut Row, extraction: &Extraction) -> Result<Item, StoreError> {
    row.take_extraction(extraction.clone());
    to_item(extraction)
}

/// A lead that is built in memory: its row and its events, the same as if they were recorded one by one. Add each event
/// only once.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// The row after the events so far.
    pub row: Row,
    events: Vec<(String, Item)>,
}

impl Story {
    /// A lead without events, first seen at `at`.
    pub fn new(lead: &CustomerPhone, lead_id: Uuid, at: DateTime<Utc>) -> Self {
        Self { row: Row::new(lead.0.clone(), lead_id, at), events: Vec::new() }
    }

    /// Adds a message and sets its `sequence_no`.
    pub fn message(&mut self, message: &Message) -> Result<(), StoreError> {
        let item = take_message(&mut self.row, message)?;
        self.tell(message_sk(message), item);
        Ok(())
    }

    /// A template message that was sent.
    pub fn template_send(&mut self, send_id: &str, platform: Channel, at: DateTime<Utc>) -> Result<(), StoreError> {
        let item = take_template_send(&mut self.row, platform, at)?;
        self.tell(template_send_sk(send_id), item);
        Ok(())
    }

    /// An extraction.
    pub fn extraction(&mut self, extraction: &Extraction) -> Result<(), StoreError> {
        let item = take_extraction(&mut self.row, extraction)?;
        self.tell(extraction_sk(extraction), item);
        Ok(())
    }

    fn tell(&mut self, sk: String, item: Item) {
        self.row.version += 1;
        self.events.push((sk, item));
    }
}

impl Conversations {
    /// Writes leads that are known to be new, such as those of a data set, each with its row and its contact. Writes in
    /// batches without reading. Repeating it changes nothing.
    pub async fn load(&self, user: &User, stories: impl IntoIterator<Item = Story>) -> Result<(), StoreError> {
        let (mut events, mut rows) = (Vec::new(), Vec::new());
        for Story { row, events: told } in stories {
            let pk = user.events_pk(&CustomerPhone(row.customer_phone.clone()));
            events.extend(told.into_iter().map(|(sk, mut item)| {
                item.extend([("pk".to_owned(), s(&pk)), ("sk".to_owned(), s(sk))]);
                item
            }));
            rows.push(row);
        }
        // A row that is seen has its events, and a link its row. A row is dated when it is written, or
        // lists would look for it too late.
        self.table.put_all(events).await?;
        let (mut items, mut links) = (Vec::new(), Vec::new());
        for row in rows {
            let lead = contact(&row);
            items.push(lead_item(user.workspace_id, &lead, None)?);
            for (kind, value) in lead.identities() {
                items.push(identity_item(user.workspace_id, kind, value, lead.lead_id));
            }
            items.push(self.row_item(user, &row)?);
            let customer_phone = CustomerPhone(row.customer_phone);
            links.push(Link { user: user.clone(), customer_phone }.item(lead.lead_id)?);
        }
        items.append(&mut links);
        self.table.put_all(items).await
    }
}

/// The lead that a row shows.
fn contact(row: &Row) -> Lead {
    let phone = CustomerPhone(row.customer_phone.clone()).phone_number();
    Lead {
        lead_id: row.lead_id,
        full_name: row.contact_name.clone(),
        email: row.contact_email.clone(),
        phone: phone.filter(|_| row.platforms.contains(&Channel::Whatsapp)),
        company_name: row.contact_company.clone(),
        ..Lead::default()
    }
}
