//! Leads that do not want to be contacted any more, on any channel.

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Lead, Leads, lead_pk};
use crate::base::store::{Item, StoreError, Write, WriteOutcome, key, keyed};

pub(crate) const SUPPRESSED: &str = "suppressed";

/// What is left of somebody who asked not to be contacted, and was then erased: a keyed hash of each address, so
/// that nobody writes to them again who imports them anew. The key is the workspace's identifier, which makes the
/// records of two workspaces incomparable; it is no secret, so whoever reads the table can still try an address.
fn erased_key(workspace_id: Uuid, address: &str) -> Item {
    let by_workspace = hmac::Key::new(hmac::HMAC_SHA256, workspace_id.as_bytes());
    let digest = HEXLOWER.encode(hmac::sign(&by_workspace, address.as_bytes()).as_ref());
    key(format!("W#{workspace_id}#X#{digest}"), SUPPRESSED)
}

/// The addresses that a lead is written to.
fn addresses(lead: &Lead) -> impl Iterator<Item = &str> {
    [&lead.email, &lead.phone].into_iter().flatten().map(String::as_str)
}

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
        self.table.has(key(lead_pk(workspace_id, lead_id), SUPPRESSED)).await
    }

    /// Whether somebody who was erased did not want to be contacted at one of a lead's addresses.
    pub async fn was_suppressed(&self, workspace_id: Uuid, lead: &Lead) -> Result<bool, StoreError> {
        let found =
            try_join_all(addresses(lead).map(|address| self.table.has(erased_key(workspace_id, address)))).await?;
        Ok(found.contains(&true))
    }

    /// The writes that keep a lead from being contacted once it is erased; `item` says why.
    pub(crate) fn keep_suppressed(&self, workspace_id: Uuid, lead: &Lead, item: &Item) -> Vec<Write> {
        let put = |address: &str| {
            let mut item = item.clone();
            item.extend(erased_key(workspace_id, address));
            self.table.put(item)
        };
        addresses(lead).map(put).collect()
    }

    /// Refuses the transaction that it is in, if the lead does not want to be contacted.
    pub(crate) fn unless_suppressed(&self, workspace_id: Uuid, lead_id: Uuid) -> Write {
        self.table.check(key(lead_pk(workspace_id, lead_id), SUPPRESSED)).when("attribute_not_exists(pk)")
    }

    /// Records that a lead does not want to be contacted. `false` if that was known.
    pub async fn suppress(&self, workspace_id: Uuid, lead_id: Uuid, reason: SuppressedBy) -> Result<bool, StoreError> {
        let suppression = Suppression { reason, at: self.clock.now() };
        let item = keyed(&suppression, key(lead_pk(workspace_id, lead_id), SUPPRESSED))?;
        Ok(matches!(self.table.write(self.table.put_new(item)).await?, WriteOutcome::Applied(_)))
    }
}
