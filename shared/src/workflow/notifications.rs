//! Notifications of the people behind the workflow, in the `work` table: the manager, the representative,
//! and whoever looks after compliance (seeds/followup-recommendation.md, "Workflow").
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | notification | `W#<workspace>#N#<role>` | `<time>#<notification>` |
//!
//! A notification is in the index of [`crate::workflow::due`] until it was sent to the workspace's webhook, or there is
//! none. It is written in the transaction of the change that it tells of. It holds identifiers and
//! categories, never a name, an address, a phone number or a text.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{Put, ReturnValue};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::http::timestamp;
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::store::{StoreError, TransactWriteItem, from_item, n, s, store_error, to_item};
use crate::workflow::due::{Due, Place, Wanted};

/// How long notifications are kept.
const KEPT: TimeDelta = TimeDelta::days(400);

/// Whom a notification is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "NotificationRole")]
pub enum Role {
    /// The sales manager.
    Manager,
    /// The sales representative.
    Representative,
    /// The compliance team.
    Compliance,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Manager, Self::Representative, Self::Compliance];

    /// Its name in requests and responses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Representative => "representative",
            Self::Compliance => "compliance",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What a notification tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "NotificationKind")]
pub enum Kind {
    /// The model is down, and a recommendation waits in the manual queue.
    AiUnavailable,
    /// The lead's data is too little for a recommendation.
    CompleteLeadData,
    /// A draft held somebody's personal data and was blocked.
    PiiBlocked,
    /// What was approved did not arrive.
    DeliveryFailed,
    /// Nobody knows whether what was sent arrived.
    DeliveryUnknown,
    /// The representative is to call the lead.
    CallTheLead,
    /// The representative is to meet the lead.
    MeetTheLead,
    /// The lead does not want to be contacted any more.
    LeadSuppressed,
}

/// A notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Its identifier.
    pub notification_id: Uuid,
    /// The tenant.
    pub workspace_id: Uuid,
    /// Whom it is for.
    pub role: Role,
    /// What it tells.
    pub kind: Kind,
    /// The lead.
    pub lead_id: Uuid,
    /// The recommendation, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommendation_id: Option<Uuid>,
    /// What explains it: identifiers, categories and codes.
    pub details: Value,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// How often a notification is sent to the workspace's webhook before it is given up: as often as its queue delivers
/// a message.
pub const TRIES: u32 = crate::base::queue::DELIVERIES;

fn pk(workspace_id: Uuid, role: Role) -> String {
    format!("W#{workspace_id}#N#{}", role.name())
}

impl Notification {
    /// The write that records it in a table; once, however often the same one is written.
    pub(crate) fn put(&self, table: &str) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(self)?;
        item.insert("pk".to_owned(), s(pk(self.workspace_id, self.role)));
        item.insert("sk".to_owned(), s(format!("{}#{}", timestamp(self.created_at), self.notification_id)));
        item.insert("expires".to_owned(), n((self.created_at + KEPT).timestamp()));
        // The sweeper has it sent to the workspace's webhook, if there is one.
        item.extend(to_item(&Due::at_once(Wanted::Notification, self.notification_id, self.created_at))?);
        let put = Put::builder().table_name(table).set_item(Some(item)).build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// As it is shown.
    pub fn shown(&self) -> Value {
        json!({
            "notification_id": self.notification_id,
            "role": self.role,
            "kind": self.kind,
            "lead_id": self.lead_id,
            "recommendation_id": self.recommendation_id,
            "details": self.details,
            "created_at": timestamp(self.created_at),
        })
    }
}

/// The notifications in the `work` table.
#[derive(Clone, Debug)]
pub struct Notifications {
    client: Client,
    table: String,
}

impl Notifications {
    /// The table named by `WORK_TABLE`.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self { client: context.dynamodb.clone(), table: context.environment.required("WORK_TABLE")?.to_owned() })
    }

    /// A role's notifications, newest first, without the first `skip`; and whether there are more than
    /// `limit`.
    pub async fn list(
        &self,
        workspace_id: Uuid,
        role: Role,
        (skip, limit): (usize, usize),
    ) -> Result<(Vec<Notification>, bool), StoreError> {
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(pk(workspace_id, role)))
            .scan_index_forward(false)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let (mut seen, mut page) = (0, Vec::new());
        while page.len() <= limit
            && let Some(item) = items.next().await
        {
            let item = item.map_err(|error| store_error("Query", &error))?;
            seen += 1;
            if seen > skip {
                page.push(from_item(item)?);
            }
        }
        let more = page.len() > limit;
        page.truncate(limit);
        Ok((page, more))
    }

    /// A change of the item at a place.
    fn update(&self, place: &Place) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        update.key("pk", s(&place.pk)).key("sk", s(&place.sk))
    }

    /// A notification that is still to be sent, with how often that was tried, this time included. `None` if it
    /// was sent, or given up.
    pub async fn take(&self, place: &Place) -> Result<Option<(Notification, u32)>, StoreError> {
        let sent = self
            .update(place)
            .update_expression("ADD tries :one")
            .condition_expression("attribute_exists(due_at)")
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match sent {
            Ok(updated) => {
                let item = updated.attributes.unwrap_or_default();
                let tries = item.get("tries").and_then(|tries| tries.as_n().ok()).and_then(|tries| tries.parse().ok());
                Ok(Some((from_item(item)?, tries.unwrap_or(TRIES))))
            }
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(None)
            }
            Err(error) => Err(store_error("UpdateItem", &error)),
        }
    }

    /// Notes that a notification is not to be sent any more.
    pub async fn done(&self, place: &Place) -> Result<(), StoreError> {
        let sent = self.update(place).update_expression("REMOVE due_for, due_bucket, due_at").send().await;
        sent.map(drop).map_err(|error| store_error("UpdateItem", &error))
    }

    /// Records one that belongs to no change of a recommendation.
    pub async fn record(&self, notification: &Notification) -> Result<(), StoreError> {
        let write = notification.put(&self.table)?;
        let sent = self.client.transact_write_items().transact_items(write).send().await;
        sent.map(drop).map_err(|error| store_error("TransactWriteItems", &error))
    }
}
