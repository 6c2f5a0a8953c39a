//! Notifications to the manager, the representative and compliance, in the `work` table (docs/behaviour.md,
//! "Delivery").
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | notification | `W#<workspace>#N#<role>` | `<time>#<notification>` |
//!
//! A notification stays in the index of [`crate::workflow::due`] until it was sent to the workspace's webhook, if there
//! is one. It is written in the transaction of the change that it reports. It contains identifiers and categories,
//! never a name, an address, a phone number or a text.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

use crate::base::context::FromContext;
use crate::base::store::{StoreError, Table, Write, WriteOutcome, from_item, key, keyed, n, to_item};
use crate::base::time::{Timestamp, timestamp};
use crate::workflow::due::{Due, Place, Worker};
use crate::workflow::lease::ATTEMPTS;

/// How long notifications are kept.
const KEPT: TimeDelta = TimeDelta::days(400);

/// The role that a notification is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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
    /// Its name in requests, responses and stored items.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The reason for a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "NotificationKind")]
pub enum Kind {
    /// The model is unavailable, and a recommendation waits in the manual queue.
    AiUnavailable,
    /// The lead has too little data for a recommendation.
    CompleteLeadData,
    /// A draft contained personal data of another person and was blocked.
    PiiBlocked,
    /// An approved message was not delivered.
    DeliveryFailed,
    /// It is unknown whether a message was delivered.
    DeliveryUnknown,
    /// The representative should call the lead.
    CallTheLead,
    /// The representative should meet the lead.
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
    /// The role that it is for.
    pub role: Role,
    /// Its reason.
    pub kind: Kind,
    /// The lead.
    pub lead_id: Uuid,
    /// The recommendation that it concerns; null without one.
    pub recommendation_id: Option<Uuid>,
    /// Details by kind: identifiers, categories and codes.
    #[serde(default)]
    pub details: Value,
    /// The time at which it was created.
    pub created_at: DateTime<Utc>,
}

fn pk(workspace_id: Uuid, role: Role) -> String {
    format!("W#{workspace_id}#N#{}", role.name())
}

impl Notification {
    /// The write that records it. Recording the same notification again changes nothing.
    pub(crate) fn put(&self, table: &Table) -> Result<Write, StoreError> {
        let sk = format!("{}#{}", timestamp(self.created_at), self.notification_id);
        let mut item = keyed(self, key(pk(self.workspace_id, self.role), sk))?;
        item.insert("expires".to_owned(), n((self.created_at + KEPT).timestamp()));
        // The sweeper has it sent to the workspace's webhook, if there is one.
        item.extend(to_item(&Due::at_once(Worker::Notification, self.notification_id, self.created_at))?);
        Ok(table.put(item))
    }
}

/// A notification.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Notification")]
pub struct NotificationView {
    /// Its identifier.
    pub notification_id: Uuid,
    /// The role that it is for.
    pub role: Role,
    /// Its reason.
    pub kind: Kind,
    /// The lead that it concerns.
    pub lead_id: Uuid,
    /// The recommendation that it concerns; null without one.
    pub recommendation_id: Option<Uuid>,
    /// Details by kind, without personal data.
    #[schemars(with = "Map<String, Value>")]
    pub details: Value,
    /// The time at which it was created.
    pub created_at: Timestamp,
}

impl From<Notification> for NotificationView {
    fn from(notification: Notification) -> Self {
        Self {
            notification_id: notification.notification_id,
            role: notification.role,
            kind: notification.kind,
            lead_id: notification.lead_id,
            recommendation_id: notification.recommendation_id,
            details: notification.details,
            created_at: notification.created_at.into(),
        }
    }
}

/// The notifications in the `work` table.
#[derive(Clone, Debug, FromContext)]
pub struct Notifications {
    #[context(Table::named(context, "WORK_TABLE")?)]
    table: Table,
}

impl Notifications {
    /// Lists a role's notifications, newest first, without the first `skip`. Also returns whether there are more than
    /// `limit`.
    pub async fn list(
        &self,
        workspace_id: Uuid,
        role: Role,
        (skip, limit): (usize, usize),
    ) -> Result<(Vec<Notification>, bool), StoreError> {
        let query = self.table.partition(pk(workspace_id, role)).newest_first();
        let mut page: Vec<Notification> = query.first(skip + limit + 1).await?.into_iter().skip(skip).collect();
        let more = page.len() > limit;
        page.truncate(limit);
        Ok((page, more))
    }

    /// A notification that is not sent yet, and the number of attempts, including this one. `None` if it was sent or
    /// given up.
    pub async fn take(&self, place: &Place) -> Result<Option<(Notification, u32)>, StoreError> {
        let count = self.table.update(place.key(), "ADD tries :one").when("attribute_exists(due_at)").bind("one", n(1));
        match self.table.write(count).await? {
            WriteOutcome::Applied(item) => {
                let tries = item.get("tries").and_then(|tries| tries.as_n().ok()).and_then(|tries| tries.parse().ok());
                Ok(Some((from_item(item)?, tries.unwrap_or(ATTEMPTS))))
            }
            WriteOutcome::Refused(_) => Ok(None),
        }
    }

    /// Records that a notification needs no further attempt.
    pub async fn done(&self, place: &Place) -> Result<(), StoreError> {
        self.table.write(self.table.update(place.key(), "REMOVE due_for, due_bucket, due_at")).await.map(drop)
    }

    /// Records a notification that belongs to no change of a recommendation.
    pub async fn record(&self, notification: &Notification) -> Result<(), StoreError> {
        self.table.write(notification.put(&self.table)?).await.map(drop)
    }
}
