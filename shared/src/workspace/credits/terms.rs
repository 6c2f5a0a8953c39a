//! The terms of the ledger: actions and their prices, balances, operations and entries, and the check that they add up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An action with a price in credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    /// A call of suggest-followups.
    SuggestFollowups,
    /// A call of leadFollowUp.
    LeadFollowUp,
    /// A recommendation.
    Recommendation,
    /// A message to Lexi.
    LexiMessage,
    /// A prospect search.
    ProspectSearch,
}

impl Action {
    /// The name in the ledger, the price list and the logs.
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

    /// The price in credits for a workspace with its own prices.
    pub fn price(self, own: &BTreeMap<String, u32>) -> u32 {
        own.get(self.name()).copied().unwrap_or_else(|| self.list_price())
    }
}

/// A workspace's credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Credits that can be held.
    pub available: u64,
    /// Credits held for running work.
    pub held: u64,
    /// Posted credits.
    pub spent: u64,
    /// All credits that were ever granted.
    pub granted: u64,
    /// The number of entries.
    pub entries: u64,
    /// Increases with every change, so that a reader of several items notices a change in between.
    pub version: u64,
}

/// The state of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The credits are held.
    Held,
    /// The credits are spent.
    Posted,
    /// The credits are available again.
    Voided,
}

/// One charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The operation's UUID, made when it is held.
    pub operation_id: Uuid,
    /// The workspace that pays.
    pub workspace_id: Uuid,
    /// The name of the [`Action`].
    pub action: String,
    /// The number of credits.
    pub amount: u32,
    /// The current state.
    pub state: State,
    /// The time from which the sweeper may void the hold, in epoch milliseconds.
    pub hold_expires: i64,
    /// The partition in the index `held`; null once the operation is resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_bucket: Option<String>,
    /// The time of the hold.
    pub created_at: DateTime<Utc>,
}

impl Operation {
    /// A new operation that is to be held.
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

/// One line of the ledger. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The id of the operation or the grant.
    pub entry_id: Uuid,
    /// Whether it is a grant, a charge or a void.
    pub kind: EntryKind,
    /// The number of credits.
    pub amount: u32,
    /// The action's name, or the reason for a grant.
    pub action: String,
    /// The time of the entry.
    pub created_at: DateTime<Utc>,
}

/// A difference between a balance and the sum of its entries and held operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// The name of the balance's field.
    pub field: &'static str,
    /// The value in the balance.
    pub balance: u64,
    /// The value computed from the entries and held operations.
    pub recomputed: u64,
}

/// The differences between a balance and the sum of its entries and held operations.
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
