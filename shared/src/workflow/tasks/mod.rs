//! Tasks, in the `work` table: Lexi proposes them, and a person approves or dismisses them.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | task | `W#<workspace>#T#<task>` | `task` |
//! | part of the prospects that a search has found | `W#<workspace>#T#<task>` | `selection#<number>` |
//!
//! ```text
//! pending -> approved -> running -> completed | failed
//! pending -> dismissed
//! ```
//!
//! Every change is one transaction that includes its cost: an approval holds the price, completing posts it, and
//! failing voids it. A decision requires the version that was read, so the second of two simultaneous decisions is
//! refused. A worker's writes require its [lease](crate::workflow::lease).
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

/// The status of a task.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr, VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[schemars(rename = "TaskStatus")]
pub enum Status {
    /// It waits for a decision.
    Pending,
    /// It is approved and waits for a worker.
    Approved,
    /// A worker is running it, or will try again.
    Running,
    /// It succeeded.
    Completed,
    /// It failed: after the last attempt, or because it cannot be done.
    Failed,
    /// A person dismissed it, or another task replaced it.
    Dismissed,
}

impl Status {
    /// Its name in requests, responses and stored items.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Identifies a task. It is also the content of queue messages about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskId {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The task.
    pub task_id: Uuid,
}

/// The progress of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The number of finished parts.
    pub done: u32,
    /// The number of all parts; null until it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

/// Why a task failed, without personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TaskFailure")]
pub struct Failure {
    /// The code of the reason, such as `prospect_source_unavailable`.
    pub code: String,
    /// A message that says what a person can do about it.
    pub message: String,
}

impl Failure {
    /// A failure with this code. The message says what a person can do about it.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// An action that Lexi proposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its identifier.
    #[serde(flatten)]
    pub id: TaskId,
    /// Increases by one with every change.
    pub version: u64,
    /// Its status.
    pub status: Status,
    /// The action with its parameters.
    pub plan: Plan,
    /// The conversation in which it was proposed.
    pub conversation_id: Uuid,
    /// The time at which it was proposed.
    pub created_at: DateTime<Utc>,
    /// The time at which it was approved or dismissed; null before.
    pub decided_at: Option<DateTime<Utc>>,
    /// The API key of the decision; null before, or if another task replaced it.
    pub decided_by: Option<Uuid>,
    /// The request of the decision.
    decided_in: Option<Uuid>,
    /// Why it was dismissed, or [`SUPERSEDED`]; null without a reason.
    pub reason: Option<String>,
    /// The task that replaced it; null without one.
    pub superseded_by: Option<Uuid>,
    /// Its progress.
    #[serde(default)]
    pub progress: Progress,
    /// How many prospects a search passed over because they were on the list.
    #[serde(default)]
    pub passed_over: u32,
    /// The result, such as the number of prospects found; null until there is one.
    pub result: Option<Value>,
    /// Why it failed; null unless it failed.
    pub failure: Option<Failure>,
    /// The time of the first attempt; null before.
    pub started_at: Option<DateTime<Utc>>,
    /// The time at which it completed or failed; null before.
    pub finished_at: Option<DateTime<Utc>>,
    /// The credit operation that holds its price; null before the approval.
    operation: Option<Operation>,
    /// The number of attempts since it last made progress.
    #[serde(default)]
    pub attempts: u32,
    #[serde(flatten)]
    assignment: Assignment,
    /// The epoch second from which it is deleted.
    expires: i64,
}

impl Task {
    /// A pending task.
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
            passed_over: 0,
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

    /// Its price in credits. `prices` are the workspace's own prices.
    pub fn price(&self, prices: &BTreeMap<String, u32>) -> u32 {
        self.plan.action().map_or(0, |action| action.price(prices))
    }

    /// Its cost in credits: the price before the decision, then the hold, and finally the charge.
    pub fn credits(&self, prices: &BTreeMap<String, u32>) -> u32 {
        match (self.status, &self.operation) {
            (Status::Pending, _) => self.price(prices),
            (_, Some(operation)) if operation.state != State::Voided => operation.amount,
            _ => 0,
        }
    }
}

/// The tasks in the `work` table, with their credits.
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
    /// Reads a task.
    pub async fn get(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        self.table.get(task_key(id)).await
    }

    /// The tasks with a status, newest first: at most `limit` after the first `skip`, and the number of all. It may not
    /// show the latest decisions, because the index is eventually consistent.
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

    /// The task in its next version.
    fn next(&self, before: &Task) -> Task {
        let expires = (self.clock.now() + KEPT).timestamp();
        Task { version: before.version + 1, expires, ..before.clone() }
    }

    /// A write that replaces the task; the caller adds the condition.
    fn put(&self, task: &Task) -> Result<Write, StoreError> {
        let mut item = keyed(task, task_key(task.id))?;
        item.insert("listed".to_owned(), s(listed(task.id.workspace_id, task.status)));
        item.insert("listed_by".to_owned(), s(format!("{}#{}", timestamp(task.created_at), task.id.task_id)));
        Ok(self.table.put(item))
    }
}
