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
//! An event and the row that it changes are written in one transaction: the event only if it is not
//! there yet, the row only if nobody else changed it meanwhile. So an event counts once however
//! often it comes, and whatever else comes at the same time.
//!
//! A row belongs to a lead of [`crate::crm::leads`], whose contact details it shows until an extraction says
//! otherwise; the lead has a link to each of its rows.

mod aliases;
mod delivery;
mod description;
mod erased;
pub mod incoming;
pub mod list;
mod listed;
mod load;
mod pending;
mod record;
pub mod row;
mod rows;
pub mod scoring;
mod shown;
mod stored;
mod touches;

use crate::base::channel::Platform;
use crate::crm::identifiers::CustomerPhone;
use crate::crm::identifiers::User;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use chrono::TimeDelta;

use crate::base::clock::{Clock, Random};
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::store::{Item, StoreError, n, query_all, s, store_error};
use crate::base::time::timestamp;
use crate::crm::leads::Leads;
pub use delivery::{Delivery, Reported};
pub use description::{LeadShown, LeadStatus, MessageStatus, MomentOrDay};
pub use listed::Listed;
pub use load::Story;
pub use pending::{PENDING, PendingMessage};
pub use record::DeliveredMessage;
use row::{Message, Row};
pub use rows::{Rows, UserRows};
pub use shown::pagination;
pub(crate) use stored::row_of_item;
use stored::row_to_item;

/// The conversation of a message that names none: the one on its channel with its lead.
pub fn default_conversation(platform: Platform, phone_number_id: Option<&str>, lead: &CustomerPhone) -> String {
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
#[derive(Clone, Debug)]
pub struct Conversations {
    client: Client,
    clock: Clock,
    random: Random,
    leads: Leads,
    table: String,
    /// How long a conversation is quiet before it is scored.
    quiet: TimeDelta,
}

impl Conversations {
    /// The table named by `LEADS_TABLE`. A conversation is to be scored once it has been quiet for
    /// `QUIET_SECONDS`, by default 300; whoever writes rows has to be told the same.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        let quiet: u32 = context.environment.parsed("QUIET_SECONDS", 300)?;
        Ok(Self {
            client: context.dynamodb.clone(),
            clock: context.clock.clone(),
            random: context.random.clone(),
            leads: Leads::new(context)?,
            table: context.environment.required("LEADS_TABLE")?.to_owned(),
            quiet: TimeDelta::seconds(i64::from(quiet)),
        })
    }

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
        let sent = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", s(user.events_pk(lead)))
            .key("sk", s(load::message_sk(message)))
            .projection_expression("pk")
            .consistent_read(true)
            .send()
            .await;
        sent.map(|got| got.item.is_some()).map_err(|error| store_error("GetItem", &error))
    }

    /// A lead's row, as it stands.
    pub async fn row(&self, user: &User, lead: &CustomerPhone) -> Result<Option<Row>, StoreError> {
        let sent = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(user.row_key(lead)))
            .consistent_read(true)
            .send()
            .await;
        sent.map_err(|error| store_error("GetItem", &error))?.item.map(row_of_item).transpose()
    }

    /// The query of a lead's messages by time, those of one moment in the order of their numbers.
    fn messages_by_time(&self, user: &User, lead: &CustomerPhone) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.table).index_name("changed").consistent_read(true);
        query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", s(user.events_pk(lead)))
    }

    /// A lead's messages, oldest first, those of one moment in the order of their numbers.
    pub async fn messages(&self, user: &User, lead: &CustomerPhone) -> Result<Vec<Message>, StoreError> {
        query_all(self.messages_by_time(user, lead)).await
    }

    fn put_event(
        &self,
        user: &User,
        lead: &CustomerPhone,
        sk: &str,
        mut event: Item,
    ) -> Result<TransactWriteItem, StoreError> {
        event.insert("pk".to_owned(), s(user.events_pk(lead)));
        event.insert("sk".to_owned(), s(sk));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(event))
            .condition_expression("attribute_not_exists(pk)");
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    fn row_item(&self, user: &User, row: &Row) -> Result<Item, StoreError> {
        let mut item = row_to_item(row)?;
        item.extend(user.row_key(&CustomerPhone(row.customer_phone.clone())));
        let now = self.clock.now();
        item.insert("changed_at".to_owned(), s(timestamp(now)));
        item.extend(self.due_attributes(&Row { changed_at: Some(now), ..row.clone() }));
        Ok(item)
    }

    fn put_row(&self, user: &User, row: &Row, before: Option<&Row>) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(self.row_item(user, row)?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", n(before.version)),
        };
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }
}
