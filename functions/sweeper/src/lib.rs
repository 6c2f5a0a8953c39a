//! The sweeper: on a schedule, voids expired holds that a dead process left, and resends queue messages of due work
//! that were lost or never sent.

use futures_util::future::try_join_all;
use shared::api::lambda::{Definition, Scheduled};
use shared::base::clock::Clock;
use shared::base::context::FromContext;
use shared::base::queue::Queue;
use shared::base::store::StoreError;
use shared::workflow::commands::CommandId;
use shared::workflow::due::{DueIndex, Overdue, Worker};
use shared::workflow::recommendations::RecommendationId;
use shared::workflow::tasks::TaskId;
use shared::workspace::credits::Ledger;

/// How many items are sent and then postponed together: as many as one SQS call takes.
const AT_ONCE: usize = 10;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::schedule::<Sweeper>("sweeper");

#[derive(Clone, Debug, FromContext)]
pub struct Sweeper {
    clock: Clock,
    ledger: Ledger,
    due: DueIndex,
    #[context(Queue::new(context, "COPYWRITER_QUEUE_URL")?)]
    copywriter: Queue,
    #[context(Queue::new(context, "ANALYSIS_QUEUE_URL")?)]
    analysis: Queue,
    #[context(Queue::new(context, "DELIVERY_QUEUE_URL")?)]
    delivery: Queue,
    #[context(Queue::new(context, "NOTIFICATIONS_QUEUE_URL")?)]
    notifications: Queue,
    #[context(Queue::new(context, "TASKS_QUEUE_URL")?)]
    tasks: Queue,
}

fn command(overdue: &Overdue) -> Option<CommandId> {
    Some(CommandId { workspace_id: overdue.workspace_id, command_id: overdue.command_id? })
}

fn recommendation(overdue: &Overdue) -> Option<RecommendationId> {
    Some(RecommendationId { workspace_id: overdue.workspace_id, recommendation_id: overdue.recommendation_id? })
}

fn task(overdue: &Overdue) -> Option<TaskId> {
    Some(TaskId { workspace_id: overdue.workspace_id, task_id: overdue.task_id? })
}

impl Scheduled for Sweeper {
    async fn run(&self) -> Result<(), StoreError> {
        self.sweep().await.map(drop)
    }
}

impl Sweeper {
    /// Voids all expired holds and returns their number, and sends all overdue items. If one fails, the other still
    /// runs.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let (voided, sent) = tokio::join!(self.ledger.void_expired(self.clock.now()), self.send_overdue());
        let (voided, sent) = (voided?, sent?);
        tracing::info!(voided, sent, "swept");
        Ok(voided)
    }

    /// An item is postponed only after it was sent: a duplicate message does no harm.
    async fn send_overdue(&self) -> Result<usize, StoreError> {
        let overdue = self.due.overdue().await?;
        for some in overdue.chunks(AT_ONCE) {
            let ids = |worker: Worker| some.iter().filter(move |one| one.worker == worker);
            let commands: Vec<_> = ids(Worker::Copywriter).filter_map(command).collect();
            self.copywriter.send(&commands).await?;
            for (worker, queue) in [(Worker::Analysis, &self.analysis), (Worker::Delivery, &self.delivery)] {
                queue.send(&ids(worker).filter_map(recommendation).collect::<Vec<_>>()).await?;
            }
            self.notifications.send(&ids(Worker::Notification).map(|one| &one.place).collect::<Vec<_>>()).await?;
            self.tasks.send(&ids(Worker::Task).filter_map(task).collect::<Vec<_>>()).await?;
            try_join_all(some.iter().map(|one| self.due.postpone(one))).await?;
        }
        Ok(overdue.len())
    }
}
