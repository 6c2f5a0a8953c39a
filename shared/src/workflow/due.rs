//! The index `due` of the `work` table: the items of all workspaces that still need a queue message. Only the sweeper
//! reads it. An item is in the index as soon as it has to be worked on, with a time by which its message should have
//! been received. After that time the message was lost or never sent.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::Clock;
use crate::base::context::FromContext;
use crate::base::store::{Item, StoreError, Table, key, n, s};
use crate::workflow::lease::LEASE;

/// The index's partitions: one for each first hexadecimal digit of an identifier.
const BUCKETS: &str = "0123456789abcdef";

/// How long after its due time an item's message is sent again. It is longer than the queue's visibility timeout.
/// Otherwise the sweeper would send further messages, and none would fail often enough to become a dead letter.
pub const OVERDUE: TimeDelta = TimeDelta::seconds(420);

/// A worker that takes messages from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Worker {
    /// The copywriter.
    Copywriter,
    /// The analyst.
    Analysis,
    /// The delivery worker.
    Delivery,
    /// The notifier.
    Notification,
    /// Lexi's worker.
    Task,
}

/// An item's place in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The worker whose queue gets its message.
    due_for: Worker,
    /// The partition.
    due_bucket: String,
    /// Epoch milliseconds from which it is overdue.
    due_at: i64,
}

impl Due {
    /// An item that is due from `at` on.
    pub fn new(worker: Worker, id: Uuid, at: DateTime<Utc>) -> Self {
        let digit = usize::from(id.as_bytes()[0] >> 4);
        let bucket = BUCKETS.get(digit..=digit).unwrap_or("0");
        Self { due_for: worker, due_bucket: bucket.to_owned(), due_at: (at + OVERDUE).timestamp_millis() }
    }
}

impl Due {
    /// An item whose first message the sweeper sends.
    pub fn at_once(worker: Worker, id: Uuid, now: DateTime<Utc>) -> Self {
        Self::new(worker, id, now - OVERDUE)
    }
}

/// The key of an item, which is also the content of its queue message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its partition key.
    pub pk: String,
    /// Its sort key.
    pub sk: String,
}

impl Place {
    /// Its key.
    pub fn key(&self) -> Item {
        key(&self.pk, &self.sk)
    }
}

/// An overdue item: its key, and the content of its message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Overdue {
    /// The item's key.
    #[serde(flatten)]
    pub place: Place,
    /// The worker whose queue gets its message.
    #[serde(rename = "due_for")]
    pub worker: Worker,
    /// The tenant.
    pub workspace_id: Uuid,
    /// The command, if it is one.
    pub command_id: Option<Uuid>,
    /// The recommendation, if it is one.
    pub recommendation_id: Option<Uuid>,
    /// The task, if it is one.
    pub task_id: Option<Uuid>,
}

/// The index, for the sweeper.
#[derive(Clone, Debug, FromContext)]
pub struct DueIndex {
    clock: Clock,
    #[context(Table::named(context, "WORK_TABLE")?)]
    table: Table,
}

impl DueIndex {
    /// Reads the items that are overdue now.
    pub async fn overdue(&self) -> Result<Vec<Overdue>, StoreError> {
        let now = self.clock.now().timestamp_millis();
        let found = try_join_all(BUCKETS.chars().map(|bucket| {
            let query = self.table.query("due_bucket = :bucket AND due_at <= :now").global_index("due");
            query.bind("bucket", s(bucket)).bind("now", n(now)).all::<Overdue>()
        }));
        Ok(found.await?.concat())
    }

    /// Records that a message was sent for an overdue item, so that the next one is sent later.
    pub async fn postpone(&self, overdue: &Overdue) -> Result<(), StoreError> {
        let until = self.clock.now() + LEASE + OVERDUE;
        let update = self.table.update(overdue.place.key(), "SET due_at = :until");
        let update = update.when("attribute_exists(due_at)").bind("until", n(until.timestamp_millis()));
        self.table.write(update).await.map(drop)
    }
}
