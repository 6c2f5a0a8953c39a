//! Every minute, sends the leads with quiet conversations and unscored messages to `lead-scorer`.
//!
//! The rows of a lead that was sent leave the list for [`AGAIN`], longer than a message can stay in its
//! queue, so that a model that is down does not gather messages. Sending twice is harmless.

use std::collections::HashSet;

use chrono::TimeDelta;
use shared::api::lambda::{Definition, Scheduled};
use shared::base::clock::Clock;
use shared::base::context::FromContext;
use shared::base::queue::Queue;
use shared::base::store::StoreError;
use shared::crm::conversations::Conversations;
use shared::crm::conversations::scoring::buckets;

/// When a lead that is still not scored is sent again: five deliveries of a message take half an hour.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// How many rows are processed together: their leads are sent, and then the rows leave the list.
const TOGETHER: usize = 10;

/// The maximum number of rows in a run, so that it ends in time. The next run continues.
const MOST: usize = 5_000;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::schedule::<ScoreDue>("score-due");

#[derive(Clone, Debug, FromContext)]
pub struct ScoreDue {
    clock: Clock,
    conversations: Conversations,
    #[context(Queue::new(context, "SCORING_QUEUE_URL")?)]
    queue: Queue,
}

impl Scheduled for ScoreDue {
    async fn run(&self) -> Result<(), StoreError> {
        self.send().await.map(drop)
    }
}

impl ScoreDue {
    /// Sends what is due, and returns the number of rows.
    pub async fn send(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let mut sent = 0;
        'all: for bucket in buckets() {
            // All rows of a lead are in one bucket, and whoever scores it looks at all of them.
            let mut told = HashSet::new();
            let due = self.conversations.due(bucket, now).await?;
            for rows in due.chunks(TOGETHER) {
                let leads: Vec<_> = rows.iter().map(|row| &row.lead).filter(|lead| told.insert(*lead)).collect();
                self.queue.send(&leads).await?;
                self.conversations.postpone(rows, now + AGAIN).await?;
                sent += rows.len();
                if sent >= MOST {
                    break 'all;
                }
            }
        }
        tracing::info!(sent, "sent to be scored");
        Ok(sent)
    }
}
