//! The lead list and its messages, in the `leads` table.
//!
//! | item | `pk` | `sk` | `changed_at` (index `changed`) |
//! |---|---|---|---|
//! | row | `W#<workspace>#U#<user>` | `row#<identifier>` | time of the change |
//! | a lead was erased | `W#<workspace>#U#<user>` | `erased#<lead>` | time of the erasure |
//! | message | `W#<workspace>#U#<user>#M#<identifier>` | `message#<message id>` | its own time and number |
//! | status before its message | as a message | `status#<message id>` | – |
//! | template send | as a message | `template#<send id>` | – |
//! | extraction | as a message | `extraction#<time>#<extraction id>` | – |
//! | alias | as a message | `alias` | – |
//!
//! An event and the row that it changes are written in one transaction: the event only if it is not there yet, the row
//! only if nobody else changed it meanwhile. So an event counts once, however often it arrives and whatever arrives at
//! the same time.
//!
//! A row belongs to a lead of [`crate::crm::leads`], whose contact details it shows until an extraction says
//! otherwise; the lead has a link to each of its rows.

mod aliases;
mod delivery;
mod drafts;
mod erased;
pub mod incoming;
mod lead_object;
pub mod list;
mod listed;
mod load;
mod record;
pub mod row;
mod rows;
pub mod scoring;
mod stored;
mod touches;

use crate::base::channel::Channel;
use crate::crm::identifiers::CustomerPhone;
use crate::crm::identifiers::User;
use chrono::TimeDelta;
use std::collections::HashMap;

use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::store::{Item, Query, StoreError, Table, Write, key, s};
use crate::base::time::timestamp;
use crate::crm::leads::Leads;
pub use delivery::{Delivery, Reported};
pub use drafts::DraftsFound;
pub use lead_object::{LeadConversation, LeadObject};
pub use listed::Listed;
pub use load::Story;
pub use record::DeliveredMessage;
pub use row::{LeadStatus, MessageStatus};
use row::{Message, Row};
pub use rows::{Rows, UserRows};
pub(crate) use stored::row_of_item;
use stored::row_to_item;

/// The conversation of a message that names none: the one with its lead on its channel.
pub fn default_conversation(platform: Channel, phone_number_id: Option<&str>, lead: &CustomerPhone) -> String {
    [platform.name(), phone_number_id.unwrap_or("-"), lead.as_str()].join(":")
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was counted.
    New,
    /// It was counted before.
    Known,
}

/// The lead list's part of the `leads` table.
#[derive(Clone, Debug, FromContext)]
pub struct Conversations {
    clock: Clock,
    random: Random,
    leads: Leads,
    #[context(Table::named(context, "LEADS_TABLE")?)]
    table: Table,
    /// How long a conversation is quiet before it is scored. All functions that write rows have the same.
    #[context(TimeDelta::seconds(context.environment.parsed::<u32>("QUIET_SECONDS", 300)?.into()))]
    quiet: TimeDelta,
}

impl Conversations {
    /// Whether a message was recorded.
    pub async fn knows_message(
        &self,
        user: &User,
        lead: &CustomerPhone,
        message: &Message,
    ) -> Result<bool, StoreError> {
        if self.has_message(user, lead, message).await? {
            return Ok(true);
        }
        match self.alias(user, lead).await? {
            Some(of) => self.has_message(user, &of, message).await,
            None => Ok(false),
        }
    }

    async fn has_message(&self, user: &User, lead: &CustomerPhone, message: &Message) -> Result<bool, StoreError> {
        self.table.has(key(user.events_pk(lead), load::message_sk(message))).await
    }

    /// A lead's current row.
    pub async fn row(&self, user: &User, lead: &CustomerPhone) -> Result<Option<Row>, StoreError> {
        self.table.get_item(user.row_key(lead)).await?.map(row_of_item).transpose()
    }

    /// The query of a lead's messages by time, those of one moment in the order of their numbers.
    fn messages_by_time(&self, user: &User, lead: &CustomerPhone) -> Query {
        self.table.partition(user.events_pk(lead)).index("changed")
    }

    /// A lead's messages, oldest first; those of one moment in the order of arrival. Their numbers follow this order, so
    /// that a message that arrives late gets the number of its time.
    pub async fn messages(&self, user: &User, lead: &CustomerPhone) -> Result<Vec<Message>, StoreError> {
        let mut messages: Vec<Message> = self.messages_by_time(user, lead).all().await?;
        let mut counts = HashMap::new();
        for message in &mut messages {
            let count = counts.entry(message.conversation_id.clone()).or_insert(0);
            *count += 1;
            message.sequence_no = *count;
        }
        Ok(messages)
    }

    fn put_event(&self, user: &User, lead: &CustomerPhone, sk: &str, mut event: Item) -> Write {
        event.extend(key(user.events_pk(lead), sk));
        self.table.put_new(event)
    }

    fn row_item(&self, user: &User, row: &Row) -> Result<Item, StoreError> {
        let mut item = row_to_item(row)?;
        item.extend(user.row_key(&CustomerPhone(row.customer_phone.clone())));
        let now = self.clock.now();
        item.insert("changed_at".to_owned(), s(timestamp(now)));
        item.extend(self.due_attributes(&Row { changed_at: Some(now), ..row.clone() }));
        Ok(item)
    }

    fn put_row(&self, user: &User, row: &Row, before: Option<&Row>) -> Result<Write, StoreError> {
        let put = self.table.put(self.row_item(user, row)?);
        Ok(match before {
            None => put.when_new(),
            Some(before) => put.when_version(before.version),
        })
    }
}
