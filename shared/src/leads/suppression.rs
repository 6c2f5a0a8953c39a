//! Leads that do not want to be contacted any more, on any channel.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Leads, key, lead_pk};
use crate::store::{StoreError, Transacted, to_item, transact};

const SUPPRESSED: &str = "suppressed";

/// Why a lead is not contacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressedBy {
    /// It complained about a message.
    Complaint,
    /// It asked to be left alone.
    Stop,
}

#[derive(Serialize)]
struct Suppression {
    reason: SuppressedBy,
    at: DateTime<Utc>,
}

impl Leads {
    /// Whether a lead does not want to be contacted.
    pub async fn is_suppressed(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<bool, StoreError> {
        self.get(key(lead_pk(workspace_id, lead_id), SUPPRESSED)).await.map(|item| item.is_some())
    }

    /// Records that a lead does not want to be contacted. `false` if that was known.
    pub async fn suppress(&self, workspace_id: Uuid, lead_id: Uuid, reason: SuppressedBy) -> Result<bool, StoreError> {
        let mut item = to_item(&Suppression { reason, at: self.clock.now() })?;
        item.extend(key(lead_pk(workspace_id, lead_id), SUPPRESSED));
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").build()?;
        let writes = vec![TransactWriteItem::builder().put(put).build()];
        Ok(matches!(transact(&self.client, &self.random, writes).await?, Transacted::Applied))
    }
}
