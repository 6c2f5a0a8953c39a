//! What a workspace has learned of its channels, in the `work` table.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | counter | `W#<workspace>#rates` | `<tier>#<channel>` |
//!
//! A counter is raised in the transaction of the change that it counts, so that nothing counts twice.

use serde::Deserialize;
use uuid::Uuid;

use crate::base::channel::Channel;
use crate::base::context::FromContext;
use crate::base::store::{StoreError, Table, Write, key, n};
use crate::outreach::policy::{Count, SegmentRates, Tier};

/// The counters in the `work` table.
#[derive(Clone, Debug, FromContext)]
pub struct Rates {
    #[context(Table::named(context, "WORK_TABLE")?)]
    table: Table,
}

#[derive(Deserialize)]
struct Counter {
    sk: String,
    #[serde(flatten)]
    count: Count,
}

fn pk(workspace_id: Uuid) -> String {
    format!("W#{workspace_id}#rates")
}

impl Rates {
    /// What a workspace has learned.
    pub async fn learned(&self, workspace_id: Uuid) -> Result<SegmentRates, StoreError> {
        let counters: Vec<Counter> = self.table.partition(pk(workspace_id)).all().await?;
        let mut rates = SegmentRates::default();
        for Counter { sk, count } in counters {
            if let Some((tier, channel)) = sk.split_once('#')
                && let Some(channel) = Channel::one_of(&Channel::SCORED, channel)
            {
                rates.add(Tier::named(tier), channel, count);
            }
        }
        Ok(rates)
    }
}

/// The write that adds to a counter.
pub(crate) fn add(table: &Table, workspace_id: Uuid, (tier, channel): (Tier, Channel), count: Count) -> Write {
    let key = key(pk(workspace_id), format!("{}#{}", tier.name(), channel.name()));
    let update = table.update(key, "ADD successes :successes, trials :trials");
    update.bind("successes", n(count.successes)).bind("trials", n(count.trials))
}
