//! What a workspace has learned of its channels, in the `work` table.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | counter | `W#<workspace>#rates` | `<tier>#<channel>` |
//!
//! A counter is raised in the transaction of the change that it counts, so that nothing counts twice.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::Update;
use serde::Deserialize;
use uuid::Uuid;

use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::store::{StoreError, TransactWriteItem, n, query_all, s};
use crate::outreach::policy::{Channel, Count, SegmentRates, Tier};

/// The counters in the `work` table.
#[derive(Clone, Debug)]
pub struct Rates {
    client: Client,
    table: String,
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
    /// The table named by `WORK_TABLE`.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self { client: context.dynamodb.clone(), table: context.environment.required("WORK_TABLE")?.to_owned() })
    }

    /// What a workspace has learned.
    pub async fn learned(&self, workspace_id: Uuid) -> Result<SegmentRates, StoreError> {
        let query = self.client.query().table_name(&self.table).key_condition_expression("pk = :pk");
        let counters: Vec<Counter> = query_all(query.expression_attribute_values(":pk", s(pk(workspace_id)))).await?;
        let mut rates = SegmentRates::default();
        for Counter { sk, count } in counters {
            if let Some((tier, channel)) = sk.split_once('#')
                && let Some(channel) = Channel::named(channel)
            {
                rates.add(Tier::named(tier), channel, count);
            }
        }
        Ok(rates)
    }
}

/// The write that adds to a counter.
pub(crate) fn add(
    table: &str,
    workspace_id: Uuid,
    (tier, channel): (Tier, Channel),
    count: Count,
) -> Result<TransactWriteItem, StoreError> {
    let update = Update::builder()
        .table_name(table)
        .key("pk", s(pk(workspace_id)))
        .key("sk", s(format!("{}#{}", tier.name(), channel.name())))
        .update_expression("ADD successes :successes, trials :trials")
        .expression_attribute_values(":successes", n(count.successes))
        .expression_attribute_values(":trials", n(count.trials))
        .build()?;
    Ok(TransactWriteItem::builder().update(update).build())
}
