//! Receives queue messages that name an approved task, and does exactly what its plan says (docs/behaviour.md,
//! "Assistant").
//!
//! A task runs under a lease, and each step can run twice, so repeated or concurrent messages and dying workers do not
//! change the result. A task with a temporary failure is queued again. After five attempts without progress it has
//! failed, and its hold is voided. A task that cannot be done fails at once.

mod changes;
mod search;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use shared::api::lambda::Definition;
use shared::base::clock::Clock;
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::queue::{Consumer, Queue};
use shared::base::store::StoreError;
use shared::crm::leads::Leads;
use shared::crm::lists::Lists;
use shared::crm::prospects::Prospects;
use shared::workflow::campaigns::{Advance, Drafting};
use shared::workflow::lease::{Leased, Take};
use shared::workflow::tasks::{Failure, Plan, Progress, Task, TaskId, Tasks};

/// How long one message may take. The function's timeout is above it, and a lease above that.
const TIME: TimeDelta = TimeDelta::seconds(50);

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::queue::<LexiWorker>("lexi-worker");

#[derive(Clone, Debug, FromContext)]
pub struct LexiWorker {
    clock: Clock,
    tasks: Tasks,
    leads: Leads,
    lists: Lists,
    prospects: Prospects,
    drafting: Drafting,
    #[context(Queue::new(context, "TASKS_QUEUE_URL")?)]
    queue: Queue,
}

/// What came of working on a task.
enum Outcome {
    /// It is done.
    Done {
        /// What came of it.
        result: Value,
        /// Whether there is something to be charged for.
        charged: bool,
    },
    /// It has come this far, and wants more time than one message has.
    Paused(Progress),
    /// Its lease has ended.
    Lost,
}

impl Outcome {
    fn done(result: Value) -> Self {
        Self::Done { result, charged: true }
    }
}

/// Why a task is not done.
enum Trouble {
    /// It may be done later; if that does not help, the task has failed so. The cause is for the log.
    Passing(Failure, String),
    /// It cannot be done.
    Lasting(Failure),
}

impl Trouble {
    fn lasting(code: &str, message: &str) -> Self {
        Self::Lasting(Failure::new(code, message))
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Problem::from(error).into()
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        let (code, part) = match problem.code {
            Code::AiUnavailable | Code::AiCircuitOpen => ("ai_unavailable", "the AI model"),
            _ => ("service_unavailable", "a part of the service"),
        };
        let message = format!("{part} did not answer, again and again; ask for it again later");
        Self::Passing(Failure::new(code, message), problem.cause.unwrap_or(problem.message))
    }
}

impl LexiWorker {
    /// Does what a task's plan says. The task is kept as it was last written.
    async fn work_on(&self, task: &mut Leased<Task>, until: DateTime<Utc>) -> Result<Outcome, Trouble> {
        let workspace_id = task.id.workspace_id;
        match task.plan.clone() {
            Plan::ProspectSearch { query, list } => self.search(task, (&query, &list), until).await,
            Plan::CampaignStart(brief) => {
                let Advance { progress, finished, result } = self.drafting.advance(task.id, &brief, until).await?;
                if !finished {
                    return Ok(Outcome::Paused(progress));
                }
                task.progress = progress;
                Ok(Outcome::done(result))
            }
            Plan::ContactUpdate { lead_id, changes, .. } => self.update(workspace_id, lead_id, changes).await,
            Plan::ListOperation { list, operation, .. } => self.operate(workspace_id, &list, operation).await,
        }
    }
}

impl Consumer for LexiWorker {
    type Message = TaskId;

    async fn try_one(&self, id: TaskId) -> Result<(), StoreError> {
        let until = self.clock.now() + TIME;
        let mut task = match self.tasks.take(id).await? {
            Take::Leased(task) => task,
            // Whoever works on it finishes it, or the sweeper sends it again.
            Take::Busy | Take::Finished => return Ok(()),
            Take::Unknown => {
                tracing::warn!(workspace_id = %id.workspace_id, task_id = %id.task_id, "no such task");
                return Ok(());
            }
        };
        let kind = task.plan.kind();
        match self.work_on(&mut task, until).await {
            Ok(Outcome::Done { result, charged }) => {
                let is_ours = self.tasks.complete(&task, result, charged).await?;
                tracing::info!(task_id = %id.task_id, kind, is_ours, charged, "done");
                Ok(())
            }
            Ok(Outcome::Paused(progress)) => {
                if self.tasks.pause(&task, progress).await? {
                    self.queue.send(&[id]).await?;
                }
                tracing::info!(task_id = %id.task_id, kind, done = progress.done, "to be continued");
                Ok(())
            }
            Ok(Outcome::Lost) => {
                tracing::warn!(task_id = %id.task_id, kind, "the lease has ended");
                Ok(())
            }
            Err(Trouble::Lasting(failure)) => {
                tracing::info!(task_id = %id.task_id, kind, code = failure.code, "cannot be done");
                self.tasks.fail(&task, failure).await.map(drop)
            }
            Err(Trouble::Passing(failure, cause)) => {
                let is_tried_again = self.tasks.give_back(&task, failure).await?;
                let last = if is_tried_again { "" } else { ", for the last time" };
                Err(StoreError::Unavailable(format!("a task was not done{last}: {cause}")))
            }
        }
    }
}
