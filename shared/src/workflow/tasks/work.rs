//! What a worker does with an approved task: takes it, tells how far it is, and finishes it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decide::HELD;
use super::{Failure, Progress, Status, Task, TaskId, Tasks, pk};
use crate::base::store::{StoreError, Transacted, Write, key, keyed, n, s};
use crate::crm::prospects::Prospect;
use crate::workflow::due::LEASE;
use crate::workflow::due::{Due, Wanted};
use crate::workspace::credits::count_resolved;
use crate::workspace::credits::{Operation, State};

/// How often a task is tried without coming on before it has failed: as often as its queue delivers a message.
pub const ATTEMPTS: u32 = crate::base::queue::DELIVERIES;

/// How many prospects one item of a selection holds: with all that is known of them, far less than an item may.
const SELECTED_TOGETHER: usize = 25;

/// How often taking is tried against others.
const TRIES: u32 = 8;

/// What became of trying to take a task.
#[derive(Debug)]
pub enum Taken {
    /// It is the caller's until its lease ends.
    Leased(Box<Task>),
    /// Somebody else works on it.
    Busy,
    /// Nobody wants it done, or it is finished.
    Settled,
    /// There is none.
    Unknown,
}

/// Some of whom a search has found.
#[derive(Serialize, Deserialize)]
struct Selection {
    prospects: Vec<Prospect>,
}

impl Task {
    /// Whether nobody may go on with it.
    fn is_leased(&self, now: i64) -> bool {
        self.lease_until.is_some_and(|until| until >= now)
    }
}

impl Tasks {
    /// Takes an approved task, or a running one whose lease has ended, and keeps its price held. What was tried
    /// too often, or whose hold is gone, fails instead.
    pub async fn take(&self, id: TaskId) -> Result<Taken, StoreError> {
        let lease = self.random.uuid();
        for _ in 0..TRIES {
            let now = self.clock.now();
            let Some(before) = self.get(id).await? else { return Ok(Taken::Unknown) };
            if !matches!(before.status, Status::Approved | Status::Running) {
                return Ok(Taken::Settled);
            }
            // An attempt of this call that seemed to be refused was applied.
            if before.lease == Some(lease) {
                return Ok(Taken::Leased(Box::new(before)));
            }
            if before.is_leased(now.timestamp_millis()) {
                return Ok(Taken::Busy);
            }
            let is_last = before.attempts >= ATTEMPTS;
            let hold_expires = (now + HELD).timestamp_millis();
            let operation = before.operation.clone().map(|operation| Operation { hold_expires, ..operation });
            let after = Task {
                status: Status::Running,
                started_at: before.started_at.or(Some(now)),
                operation,
                attempts: before.attempts + 1,
                lease: Some(lease),
                lease_until: Some((now + LEASE).timestamp_millis()),
                due: Some(Due::new(Wanted::Task, id.task_id, now + LEASE)),
                ..self.next(&before)
            };
            let mut writes = vec![self.put(&after)?.when_version(before.version)];
            if let Some(operation) = &after.operation {
                writes.push(self.ledger.extend(operation));
            }
            match self.table.transact(writes).await? {
                // Whoever had the last attempt died of it.
                Transacted::Applied if is_last => {
                    self.fail(&after, interrupted()).await?;
                    return Ok(Taken::Settled);
                }
                Transacted::Applied => return Ok(Taken::Leased(Box::new(after))),
                Transacted::Refused(refused) if refused.first().is_some_and(Option::is_none) => {
                    return self.fail_unpaid(&before).await;
                }
                Transacted::Refused(_) => {}
            }
        }
        Err(StoreError::Unavailable("a task kept changing".to_owned()))
    }

    /// Fails a task that nobody works on, and whose hold was voided.
    async fn fail_unpaid(&self, before: &Task) -> Result<Taken, StoreError> {
        let failed = unpaid(self.next(before), self.clock.now());
        self.table.write(self.put(&failed)?.when_version(before.version)).await?;
        Ok(Taken::Settled)
    }

    /// Tells how far a taken task is. `None` if it is no longer the caller's.
    pub async fn progress(&self, taken: &Task, progress: Progress) -> Result<Option<Task>, StoreError> {
        self.go_on(taken, Task { progress, attempts: attempts(taken, progress), ..self.next(taken) }, Vec::new()).await
    }

    /// Stores whom a search has found, once: whoever takes the task over goes on with them. `None` if it is no
    /// longer the caller's.
    pub async fn select(&self, taken: &Task, prospects: &[Prospect]) -> Result<Option<Task>, StoreError> {
        let total = u32::try_from(prospects.len()).ok();
        let next = Task { progress: Progress { done: 0, total }, ..self.next(taken) };
        let mut also = Vec::new();
        for (number, some) in prospects.chunks(SELECTED_TOGETHER).enumerate() {
            let selection = Selection { prospects: some.to_vec() };
            let mut item = keyed(&selection, key(pk(taken.id), format!("selection#{number:03}")))?;
            item.insert("expires".to_owned(), n((self.clock.now() + HELD * 7).timestamp()));
            also.push(self.table.put(item));
        }
        self.go_on(taken, next, also).await
    }

    /// Whom the search of a task has found, in their order.
    pub async fn selected(&self, task: &Task) -> Result<Vec<Prospect>, StoreError> {
        let selections: Vec<Selection> = self.table.under(pk(task.id), "selection#").all().await?;
        // What lies behind is of a selection that nobody knew to be stored.
        let total = task.progress.total.map_or(0, |total| total as usize);
        Ok(selections.into_iter().flat_map(|selection| selection.prospects).take(total).collect())
    }

    /// Completes a taken task, and posts its price, or voids it if there is nothing to be `charged` for. `false` if
    /// it is no longer the caller's.
    pub async fn complete(&self, taken: &Task, result: Value, charged: bool) -> Result<bool, StoreError> {
        let done = Task { status: Status::Completed, result: Some(result), failure: None, ..self.next(taken) };
        self.finish(taken, done, if charged { State::Posted } else { State::Voided }).await
    }

    /// Fails a taken task for good, and voids its price. `false` if it is no longer the caller's.
    pub async fn fail(&self, taken: &Task, failure: Failure) -> Result<bool, StoreError> {
        let failed = Task { status: Status::Failed, failure: Some(failure), ..self.next(taken) };
        self.finish(taken, failed, State::Voided).await
    }

    /// Gives a task back that the caller has taken and could not do: to be tried again, or, after the last attempt,
    /// as failed. Gives whether it is tried again.
    pub async fn give_back(&self, taken: &Task, failure: Failure) -> Result<bool, StoreError> {
        if taken.attempts >= ATTEMPTS {
            return self.fail(taken, failure).await.map(|_| false);
        }
        self.go_on(taken, self.released(taken), Vec::new()).await.map(|_| true)
    }

    /// Gives a task back that has come on and is not done. Whoever takes it next has all attempts again. `false` if
    /// it is no longer the caller's, and no message is wanted.
    pub async fn pause(&self, taken: &Task, progress: Progress) -> Result<bool, StoreError> {
        let attempts = attempts(taken, progress);
        if attempts >= ATTEMPTS {
            return self.fail(taken, interrupted()).await.map(|_| false);
        }
        let next = Task { progress, attempts, ..self.released(taken) };
        self.go_on(taken, next, Vec::new()).await.map(|next| next.is_some())
    }

    /// A taken task without its lease, to be taken again at once.
    fn released(&self, taken: &Task) -> Task {
        let due = Some(Due::new(Wanted::Task, taken.id.task_id, self.clock.now()));
        Task { lease: None, lease_until: None, due, ..self.next(taken) }
    }

    /// Writes what a taken task has become, with what belongs to that. `None` if it is no longer the caller's.
    async fn go_on(&self, taken: &Task, becomes: Task, also: Vec<Write>) -> Result<Option<Task>, StoreError> {
        let Some(own) = self.as_leased(taken, &becomes)? else { return Ok(None) };
        let writes = std::iter::once(own).chain(also);
        let applied = matches!(self.table.transact(writes).await?, Transacted::Applied);
        Ok(applied.then_some(becomes))
    }

    /// Ends a taken task, and resolves what is held for it. What was voided meanwhile cannot be completed.
    async fn finish(&self, taken: &Task, becomes: Task, state: State) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let operation = becomes.operation.clone().map(|operation| Operation { state, ..operation });
        let ended = Task { operation, finished_at: Some(now), lease: None, lease_until: None, due: None, ..becomes };
        let Some(own) = self.as_leased(taken, &ended)? else { return Ok(false) };
        let mut writes = vec![own];
        if let Some(operation) = &ended.operation {
            writes.extend(match state {
                State::Posted => self.ledger.post(operation, now)?,
                State::Held | State::Voided => self.ledger.void(operation, now)?,
            });
        }
        match self.table.transact(writes).await? {
            Transacted::Applied => {
                ended.operation.iter().for_each(count_resolved);
                Ok(true)
            }
            Transacted::Refused(refused) if refused.first().is_some_and(Option::is_some) => Ok(false),
            Transacted::Refused(_) => {
                let failed = match ended.status {
                    Status::Completed => unpaid(ended, now),
                    _ => ended,
                };
                self.go_on(taken, failed, Vec::new()).await.map(|ended| ended.is_some())
            }
        }
    }

    /// The write of what a taken task has become, as long as its lease is the caller's.
    fn as_leased(&self, taken: &Task, becomes: &Task) -> Result<Option<Write>, StoreError> {
        let Some(lease) = taken.lease else { return Ok(None) };
        let own = self.put(becomes)?.when("lease = :lease AND lease_until >= :now");
        Ok(Some(own.bind("lease", s(lease)).bind("now", n(self.clock.now().timestamp_millis()))))
    }
}

/// How often a task was taken since it last came on.
fn attempts(taken: &Task, progress: Progress) -> u32 {
    if progress.done > taken.progress.done { 0 } else { taken.attempts }
}

fn interrupted() -> Failure {
    Failure::new("interrupted", "the work was interrupted too often; ask for it again")
}

/// A task that is not done for free.
fn unpaid(task: Task, now: DateTime<Utc>) -> Task {
    let failure =
        Failure::new("hold_expired", "the task waited so long that its credits were given back; ask for it again");
    Task {
        status: Status::Failed,
        operation: task.operation.map(|operation| Operation { state: State::Voided, ..operation }),
        result: None,
        failure: Some(failure),
        finished_at: Some(now),
        lease: None,
        lease_until: None,
        due: None,
        ..task
    }
}
