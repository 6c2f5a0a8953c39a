//! Tasks, in the `work` table: Lexi proposes them, and a person approves or dismisses them.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | task | `W#<workspace>#T#<task>` | `task` |
//! | some of whom a search has found | `W#<workspace>#T#<task>` | `selection#<number>` |
//!
//! ```text
//! pending -> approved -> running -> completed | failed
//! pending -> dismissed
//! ```
//!
//! Every change is one transaction, with what it costs: an approval holds the price, completing posts it, and
//! failing voids it. A decision is conditional on the version that was read, so of two who decide at once the
//! second is refused. What a worker writes is conditional on its [lease](crate::workflow::lease).
//!
//! From its approval until it is finished, a task is in the index of [`crate::workflow::due`].

mod brief;
mod decide;
mod plan;
mod work;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{EnumString, IntoStaticStr, VariantNames};
use uuid::Uuid;

use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::store::{Item, StoreError, Table, Write, key, keyed, s};
use crate::base::time::timestamp;
use crate::workflow::due::Place;
use crate::workflow::lease::Assignment;
use crate::workspace::credits::{Ledger, Operation, State};
pub use brief::{Brief, Example};
pub use decide::{Decided, Decision, SUPERSEDED};
pub use plan::{ContactChanges, ListOperation, Plan};

/// How long tasks are kept after their last change.
const KEPT: TimeDelta = TimeDelta::days(400);

/// Where a task stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr, VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[schemars(rename = "TaskStatus")]
pub enum Status {
    /// It waits for a person.
    Pending,
    /// A person wants it; it waits for a worker.
    Approved,
    /// A worker is at it, or is going to try again.
    Running,
    /// It is done.
    Completed,
    /// It was tried too often, or cannot be done.
    Failed,
    /// A person does not want it, or another took its place.
    Dismissed,
}

impl Status {
    /// Its name in requests, responses and stored items.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Which task; also what a message of the queue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskId {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The task.
    pub task_id: Uuid,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many are done.
    pub done: u32,
    /// How many there are, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

/// Why a task failed, in words that hold no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TaskFailure")]
pub struct Failure {
    /// Such as `prospect_source_unavailable`.
    pub code: String,
    /// What a person can do about it.
    pub message: String,
}

impl Failure {
    /// A failure of this code; the message says what a person can do about it.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// Something that Lexi proposes to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Which one.
    #[serde(flatten)]
    pub id: TaskId,
    /// Rises by one with every change.
    pub version: u64,
    /// Where it stands.
    pub status: Status,
    /// What it does.
    pub plan: Plan,
    /// The conversation in which it was proposed.
    pub conversation_id: Uuid,
    /// When it was proposed.
    pub created_at: DateTime<Utc>,
    /// When it was approved or dismissed.
    pub decided_at: Option<DateTime<Utc>>,
    /// The key that it was decided with; none if another task took its place.
    pub decided_by: Option<Uuid>,
    /// The request that decided it.
    decided_in: Option<Uuid>,
    /// Why it was dismissed, or [`SUPERSEDED`].
    pub reason: Option<String>,
    /// The task that took its place.
    pub superseded_by: Option<Uuid>,
    /// How far it is.
    #[serde(default)]
    pub progress: Progress,
    /// What came of it, such as how many were found.
    pub result: Option<Value>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// When it was first taken.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was completed or had failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// What is held for it since its approval, as it stands now.
    operation: Option<Operation>,
    /// How often it was taken since it last came on.
    #[serde(default)]
    pub attempts: u32,
    #[serde(flatten)]
    assignment: Assignment,
    /// Epoch seconds from which it is deleted.
    expires: i64,
}

impl Task {
    /// A task that waits for a person.
    pub fn new(id: TaskId, plan: Plan, conversation_id: Uuid, now: DateTime<Utc>) -> Self {
        Self {
            id,
            version: 1,
            status: Status::Pending,
            plan,
            conversation_id,
            created_at: now,
            decided_at: None,
            decided_by: None,
            decided_in: None,
            reason: None,
            superseded_by: None,
            progress: Progress::default(),
            result: None,
            failure: None,
            started_at: None,
            finished_at: None,
            operation: None,
            attempts: 0,
            assignment: Assignment::default(),
            expires: (now + KEPT).timestamp(),
        }
    }

    /// What it costs in a workspace with these prices of its own.
    pub fn price(&self, prices: &BTreeMap<String, u32>) -> u32 {
        self.plan.action().map_or(0, |action| action.price(prices))
    }

    /// How many credits it takes: its price while nobody has decided, then what is held, and in the end what was
    /// spent.
    pub fn credits(&self, prices: &BTreeMap<String, u32>) -> u32 {
        match (self.status, &self.operation) {
            (Status::Pending, _) => self.price(prices),
            (_, Some(operation)) if operation.state != State::Voided => operation.amount,
            _ => 0,
        }
    }
}

/// The tasks in the `work` table, and what they cost.
#[derive(Clone, Debug, FromContext)]
pub struct Tasks {
    clock: Clock,
    random: Random,
    ledger: Ledger,
    #[context(Table::named(context, "WORK_TABLE")?)]
    table: Table,
}

fn pk(id: TaskId) -> String {
    format!("W#{}#T#{}", id.workspace_id, id.task_id)
}

fn task_key(id: TaskId) -> Item {
    key(pk(id), "task")
}

fn listed(workspace_id: Uuid, status: Status) -> String {
    format!("W#{workspace_id}#tasks#{}", status.name())
}

impl Tasks {
    /// A task.
    pub async fn get(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        self.table.get(task_key(id)).await
    }

    /// The tasks of a status, the newest first: at most `limit` after the first `skip`, and how many there are.
    /// What was decided a moment ago may be missing: the index follows the table.
    pub async fn list(
        &self,
        workspace_id: Uuid,
        status: Status,
        (skip, limit): (usize, usize),
    ) -> Result<(Vec<Task>, usize), StoreError> {
        let query = self.table.query("listed = :list").bind("list", s(listed(workspace_id, status)));
        let places: Vec<Place> = query.global_index("listed").newest_first().all().await?;
        let page = places.iter().skip(skip).take(limit).map(|place| self.table.get::<Task>(place.key()));
        let page = try_join_all(page).await?.into_iter().flatten();
        // The index may not have heard yet of what was decided.
        Ok((page.filter(|task| task.status == status).collect(), places.len()))
    }

    /// The same in its next version.
    fn next(&self, before: &Task) -> Task {
        let expires = (self.clock.now() + KEPT).timestamp();
        Task { version: before.version + 1, expires, ..before.clone() }
    }

    /// A write of a whole task, whose condition is the caller's.
    fn put(&self, task: &Task) -> Result<Write, StoreError> {
        let mut item = keyed(task, task_key(task.id))?;
        item.insert("listed".to_owned(), s(listed(task.id.workspace_id, task.status)));
        item.insert("listed_by".to_owned(), s(format!("{}#{}", timestamp(task.created_at), task.id.task_id)));
        Ok(self.table.put(item))
    }
}
