//! A worker's part of an approved task: takes it, stores its progress, and finishes it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decide::HELD;
use super::{Failure, Progress, Status, Task, TaskId, Tasks, pk};
use crate::base::store::{StoreError, Transacted, Try, Write, key, keyed, n, retrying};
use crate::crm::prospects::{Prospect, SearchResult};
use crate::workflow::due::Worker;
use crate::workflow::lease::{ATTEMPTS, Assignment, Lease, Leased, Take};
use crate::workspace::credits::count_resolved;
use crate::workspace::credits::{Operation, State};

/// The number of prospects in one item of a selection. Even with all their fields, they stay far below the size limit
/// of an item.
const SELECTED_TOGETHER: usize = 25;

/// A part of the prospects that a search has found.
#[derive(Serialize, Deserialize)]
struct Selection {
    prospects: Vec<Prospect>,
}

impl Tasks {
    /// Takes an approved task, or a running one whose lease has expired, and extends the hold of its price. After the
    /// last attempt, or without its hold, the task fails instead.
    pub async fn take(&self, id: TaskId) -> Result<Take<Task>, StoreError> {
        let owner = self.random.uuid();
        retrying("a task", (), |()| async move {
            let now = self.clock.now();
            let lease = Lease::new(owner, now);
            let Some(before) = self.get(id).await? else { return Ok(Try::Done(Take::Unknown)) };
            if !matches!(before.status, Status::Approved | Status::Running) {
                return Ok(Try::Done(Take::Finished));
            }
            // An attempt of this call that seemed to be refused was applied.
            if let Some(own) = before.assignment.lease().filter(|stored| stored.is_of(owner)) {
                return Ok(Try::Done(Take::Leased(Leased::new(before, own))));
            }
            if !before.assignment.is_free(now) {
                return Ok(Try::Done(Take::Busy));
            }
            let is_last = before.attempts >= ATTEMPTS;
            let hold_expires = (now + HELD).timestamp_millis();
            let operation = before.operation.clone().map(|operation| Operation { hold_expires, ..operation });
            let after = Task {
                status: Status::Running,
                started_at: before.started_at.or(Some(now)),
                operation,
                attempts: before.attempts + 1,
                assignment: Assignment::leased(Worker::Task, id.task_id, lease),
                ..self.next(&before)
            };
            let mut writes = vec![self.put(&after)?.when_version(before.version)];
            if let Some(operation) = &after.operation {
                writes.push(self.ledger.extend(operation));
            }
            let refused = match self.table.transact(writes).await? {
                Transacted::Applied => {
                    let leased = Leased::new(after, lease);
                    if is_last {
                        // The worker of the last attempt has died.
                        self.fail(&leased, interrupted()).await?;
                        return Ok(Try::Done(Take::Finished));
                    }
                    return Ok(Try::Done(Take::Leased(leased)));
                }
                Transacted::Refused(refused) => refused,
            };
            if refused.first().is_some_and(Option::is_some) {
                return Ok(Try::Again(()));
            }
            // Its hold was voided.
            let failed = unpaid(self.next(&before), self.clock.now());
            self.table.write(self.put(&failed)?.when_version(before.version)).await?;
            Ok(Try::Done(Take::Finished))
        })
        .await
    }

    /// Stores a task's progress. `None` if the caller has lost the lease.
    pub async fn progress(
        &self,
        leased: &Leased<Task>,
        progress: Progress,
    ) -> Result<Option<Leased<Task>>, StoreError> {
        let next = Task { progress, attempts: attempts(leased, progress), ..self.next(leased) };
        Ok(self.change(leased, &next, Vec::new()).await?.then(|| leased.with(next)))
    }

    /// Stores the prospects that a search has found, once. A worker that takes over the task continues with them.
    /// `None` if the caller lost the lease.
    pub async fn select(
        &self,
        leased: &Leased<Task>,
        found: &SearchResult,
    ) -> Result<Option<Leased<Task>>, StoreError> {
        let SearchResult { prospects, passed_over } = found;
        let progress = Progress { done: 0, total: u32::try_from(prospects.len()).ok() };
        let next = Task { progress, passed_over: *passed_over, ..self.next(leased) };
        let mut also = Vec::new();
        for (number, some) in prospects.chunks(SELECTED_TOGETHER).enumerate() {
            let selection = Selection { prospects: some.to_vec() };
            let mut item = keyed(&selection, key(pk(leased.id), format!("selection#{number:03}")))?;
            item.insert("expires".to_owned(), n((self.clock.now() + HELD * 7).timestamp()));
            also.push(self.table.put(item));
        }
        Ok(self.change(leased, &next, also).await?.then(|| leased.with(next)))
    }

    /// The prospects that the search of a task has found, in order.
    pub async fn selected(&self, task: &Task) -> Result<Vec<Prospect>, StoreError> {
        let selections: Vec<Selection> = self.table.under(pk(task.id), "selection#").all().await?;
        // What lies behind is of a selection that nobody knew to be stored.
        let total = task.progress.total.map_or(0, |total| total as usize);
        Ok(selections.into_iter().flat_map(|selection| selection.prospects).take(total).collect())
    }

    /// Completes a task. Posts its price, or voids it if `charged` is false. `false` if the caller has lost the task.
    pub async fn complete(&self, leased: &Leased<Task>, result: Value, charged: bool) -> Result<bool, StoreError> {
        let done = Task { status: Status::Completed, result: Some(result), failure: None, ..self.next(leased) };
        self.finish(leased, done, if charged { State::Posted } else { State::Voided }).await
    }

    /// Fails a task for good, and voids its price. `false` if the caller has lost the task.
    pub async fn fail(&self, leased: &Leased<Task>, failure: Failure) -> Result<bool, StoreError> {
        let failed = Task { status: Status::Failed, failure: Some(failure), ..self.next(leased) };
        self.finish(leased, failed, State::Voided).await
    }

    /// Releases a task that could not be done. It is queued again, or marked as failed after the last attempt. Returns
    /// whether it will be tried again.
    pub async fn give_back(&self, leased: &Leased<Task>, failure: Failure) -> Result<bool, StoreError> {
        if leased.attempts >= ATTEMPTS {
            return self.fail(leased, failure).await.map(|_| false);
        }
        self.change(leased, &self.released(leased), Vec::new()).await.map(|_| true)
    }

    /// Releases an unfinished task. If it made progress, it gets all its attempts again. `false` if the caller has lost
    /// the task; then it needs no message.
    pub async fn pause(&self, leased: &Leased<Task>, progress: Progress) -> Result<bool, StoreError> {
        let attempts = attempts(leased, progress);
        if attempts >= ATTEMPTS {
            return self.fail(leased, interrupted()).await.map(|_| false);
        }
        self.change(leased, &Task { progress, attempts, ..self.released(leased) }, Vec::new()).await
    }

    /// The task without its lease, so that a worker can take it at once.
    fn released(&self, leased: &Leased<Task>) -> Task {
        let assignment = Assignment::waiting(Worker::Task, leased.id.task_id, self.clock.now());
        Task { assignment, ..self.next(leased) }
    }

    /// Writes the next version of a task, with `also`. `false` if the caller has lost the task.
    async fn change(&self, leased: &Leased<Task>, next: &Task, also: Vec<Write>) -> Result<bool, StoreError> {
        let own = leased.guard(self.put(next)?, self.clock.now());
        Ok(matches!(self.table.transact(std::iter::once(own).chain(also)).await?, Transacted::Applied))
    }

    /// Ends a task and settles its hold. A task whose hold was voided meanwhile cannot be completed.
    async fn finish(&self, leased: &Leased<Task>, next: Task, state: State) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let operation = next.operation.clone().map(|operation| Operation { state, ..operation });
        let ended = Task { operation, finished_at: Some(now), assignment: Assignment::default(), ..next };
        let mut writes = vec![leased.guard(self.put(&ended)?, now)];
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
                self.change(leased, &failed, Vec::new()).await
            }
        }
    }
}

/// The number of attempts since a task last made progress.
fn attempts(task: &Task, progress: Progress) -> u32 {
    if progress.done > task.progress.done { 0 } else { task.attempts }
}

fn interrupted() -> Failure {
    Failure::new("interrupted", "the work was interrupted too often; ask for it again")
}

/// The task, marked as failed because its hold is gone.
fn unpaid(task: Task, now: DateTime<Utc>) -> Task {
    let failure =
        Failure::new("hold_expired", "the task waited so long that its credits were given back; ask for it again");
    Task {
        status: Status::Failed,
        operation: task.operation.map(|operation| Operation { state: State::Voided, ..operation }),
        result: None,
        failure: Some(failure),
        finished_at: Some(now),
        assignment: Assignment::default(),
        ..task
    }
}
