//! The decisions on tasks: a task is proposed, and then approved or dismissed, once.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Status, Task, TaskId, Tasks, listed, task_key};
use crate::base::store::{Item, StoreError, Transacted, Write, from_item, n, s};
use crate::base::time::timestamp;
use crate::workflow::due::Worker;
use crate::workflow::lease::Assignment;
use crate::workspace::credits::{Balance, Operation};

/// The reason of a task that another one replaced.
pub const SUPERSEDED: &str = "superseded";

/// How long the price of a task is held: longer than all its attempts take. A worker that takes the task extends the
/// hold.
pub(super) const HELD: TimeDelta = TimeDelta::hours(24);

/// Identifies a decision by its key and request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The identifier of the API key.
    pub key_id: Uuid,
    /// The request; a repeated request has the same identifier.
    pub request: Uuid,
}

/// The result of a decision.
#[derive(Debug)]
pub enum Decided {
    /// The decision is stored, now or earlier by the same request.
    Done(Box<Task>),
    /// The task has another status: it was decided otherwise, or another task replaced it.
    NotPending(Status),
    /// The workspace has only this many credits. The task stays pending.
    Short(u64),
}

impl Tasks {
    /// The writes that create a pending task. If it replaces an earlier task of its conversation, the second write
    /// dismisses that task. It fails if that task is no longer pending; then propose the new task without `supersedes`.
    pub fn propose(&self, task: &Task, supersedes: Option<TaskId>) -> Result<Vec<Write>, StoreError> {
        let mut writes = vec![self.put(task)?.when_new()];
        if let Some(earlier) = supersedes {
            let dismiss = "SET #status = :dismissed, reason = :reason, superseded_by = :by, decided_at = :now, \
                           version = version + :one, listed = :listed, expires = :expires";
            let dismiss = self.table.update(task_key(earlier), dismiss);
            let dismiss = dismiss.when("#status = :pending AND conversation_id = :conversation");
            writes.push(
                dismiss
                    .bind("pending", s(Status::Pending.name()))
                    .bind("dismissed", s(Status::Dismissed.name()))
                    .bind("conversation", s(task.conversation_id))
                    .bind("reason", s(SUPERSEDED))
                    .bind("by", s(task.id.task_id))
                    .bind("now", s(timestamp(task.created_at)))
                    .bind("one", n(1))
                    .bind("listed", s(listed(earlier.workspace_id, Status::Dismissed)))
                    .bind("expires", n(task.expires)),
            );
        }
        Ok(writes)
    }

    /// Approves a task, and holds its price in the same transaction. From then on the task needs a queue message.
    pub async fn approve(&self, before: &Task, decision: Decision, price: u32) -> Result<Decided, StoreError> {
        let now = self.clock.now();
        let operation = before.plan.action().filter(|_| price > 0).map(|action| {
            let expires = (now + HELD).timestamp_millis();
            Operation::new(self.random.uuid(), before.id.workspace_id, action, price, expires, now)
        });
        let hold = operation.as_ref().map(|operation| self.ledger.hold(operation)).transpose()?;
        let assignment = Assignment::waiting(Worker::Task, before.id.task_id, now);
        let after = Task { status: Status::Approved, operation, assignment, ..self.next(before) };
        self.decide(before, after, decision, hold.into_iter().flatten()).await
    }

    /// Dismisses a task. That costs nothing.
    pub async fn dismiss(
        &self,
        before: &Task,
        decision: Decision,
        reason: Option<String>,
    ) -> Result<Decided, StoreError> {
        let after = Task { status: Status::Dismissed, reason, ..self.next(before) };
        self.decide(before, after, decision, None).await
    }

    async fn decide(
        &self,
        before: &Task,
        after: Task,
        decision: Decision,
        hold: impl IntoIterator<Item = Write>,
    ) -> Result<Decided, StoreError> {
        if before.status != Status::Pending {
            return Ok(decided_already(before.clone(), decision));
        }
        let after = Task {
            decided_at: Some(self.clock.now()),
            decided_by: Some(decision.key_id),
            decided_in: Some(decision.request),
            ..after
        };
        let mut writes = vec![self.put(&after)?.when_version(before.version)];
        writes.extend(hold);
        match self.table.transact(writes).await? {
            Transacted::Applied => Ok(Decided::Done(Box::new(after))),
            Transacted::Refused(refused) => match refused.first().cloned().flatten() {
                Some(stored) => Ok(decided_already(from_item(stored)?, decision)),
                None => short(refused.last().cloned().flatten()),
            },
        }
    }
}

fn decided_already(stored: Task, decision: Decision) -> Decided {
    if stored.decided_in == Some(decision.request) {
        Decided::Done(Box::new(stored))
    } else {
        Decided::NotPending(stored.status)
    }
}

fn short(balance: Option<Item>) -> Result<Decided, StoreError> {
    let balance: Option<Balance> = balance.filter(|item| !item.is_empty()).map(from_item).transpose()?;
    Ok(Decided::Short(balance.unwrap_or_default().available))
}
