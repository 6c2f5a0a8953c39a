//! What the ledger is made of: actions and their prices, balances, operations and entries, and whether
//! they add up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Something that costs credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    /// One call of suggest-followups.
    SuggestFollowups,
    /// One call of leadFollowUp.
    LeadFollowUp,
    /// One recommendation.
    Recommendation,
    /// One message to Lexi.
    LexiMessage,
    /// One search for prospects.
    ProspectSearch,
}

impl Action {
    /// The name that the ledger, the price list and the logs use.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The price in credits, unless the workspace has its own.
    fn list_price(self) -> u32 {
        match self {
            Self::SuggestFollowups => 2,
            Self::LexiMessage => 1,
            Self::ProspectSearch => 5,
            Self::LeadFollowUp | Self::Recommendation => 0,
        }
    }

    /// Its price for a workspace with these prices of its own.
    pub fn price(self, own: &BTreeMap<String, u32>) -> u32 {
        own.get(self.name()).copied().unwrap_or_else(|| self.list_price())
    }
}

/// A workspace's credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What can be held.
    pub available: u64,
    /// What is held for work that is under way.
    pub held: u64,
    /// What was posted.
    pub spent: u64,
    /// What was ever granted.
    pub granted: u64,
    /// How many entries there are.
    pub entries: u64,
    /// Rises with every change, so that a reader of several items can tell that none came between.
    pub version: u64,
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its credits are set aside.
    Held,
    /// Its credits are spent.
    Posted,
    /// Its credits went back.
    Voided,
}

/// One charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its identifier.
    pub operation_id: Uuid,
    /// Whose credits.
    pub workspace_id: Uuid,
    /// What for.
    pub action: String,
    /// How many credits.
    pub amount: u32,
    /// Where it stands.
    pub state: State,
    /// Epoch milliseconds from which the sweeper may void it.
    pub hold_expires: i64,
    /// The partition of the index `held`; absent once resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_bucket: Option<String>,
    /// When it was held.
    pub created_at: DateTime<Utc>,
}

impl Operation {
    /// An operation that is about to be held.
    pub fn new(
        operation_id: Uuid,
        workspace_id: Uuid,
        action: Action,
        amount: u32,
        hold_expires: i64,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            operation_id,
            workspace_id,
            action: action.name().to_owned(),
            amount,
            state: State::Held,
            hold_expires,
            held_bucket: operation_id.simple().to_string().get(..1).map(str::to_owned),
            created_at,
        }
    }
}

/// What an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// Credits came in.
    Grant,
    /// A charge was posted.
    Charge,
    /// A hold was voided.
    Void,
}

/// One line of the ledger; immutable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its identifier: the operation's, or the grant's.
    pub entry_id: Uuid,
    /// What happened.
    pub kind: EntryKind,
    /// How many credits.
    pub amount: u32,
    /// What for: the action, or the reason of a grant.
    pub action: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A difference between a balance and what its entries and operations add up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// The field of the balance.
    pub field: &'static str,
    /// What the balance says.
    pub balance: u64,
    /// What the entries and held operations add up to.
    pub recomputed: u64,
}

/// Where a balance is not what its entries and held operations add up to.
pub(super) fn discrepancies(balance: &Balance, entries: &[Entry], held: &[Operation]) -> Vec<Discrepancy> {
    let sum =
        |kind| entries.iter().filter(|entry| entry.kind == kind).map(|entry| u64::from(entry.amount)).sum::<u64>();
    let (granted, spent) = (sum(EntryKind::Grant), sum(EntryKind::Charge));
    let held = held.iter().map(|operation| u64::from(operation.amount)).sum::<u64>();
    [
        ("granted", balance.granted, granted),
        ("spent", balance.spent, spent),
        ("held", balance.held, held),
        ("available", balance.available, granted.saturating_sub(spent).saturating_sub(held)),
        ("entries", balance.entries, entries.len() as u64),
    ]
    .into_iter()
    .filter(|(_, balance, recomputed)| balance != recomputed)
    .map(|(field, balance, recomputed)| Discrepancy { field, balance, recomputed })
    .collect()
}
