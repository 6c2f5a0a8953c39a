//! The description of the endpoint.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde_json::json;
use shared::api::openapi::{Operation, PageMeta};
use shared::workspace::credits::EntryKind;
use uuid::Uuid;

use crate::Credits;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::raw::<Credits, Balance>("GET /v1/credits", "getCredits", "The balance and its entries")
        .description(
            "At every moment `granted` = `balance` + `held` + `spent`. A credit is held before the AI model is \
             asked, and charged only where that succeeds. Entries come newest first.",
        )
        .query::<Query>()
        .meta::<PageMeta>()
        .answers_page(
            "After one call of suggest-followups",
            json!({
                "balance": 4861,
                "held": 0,
                "spent": 2,
                "granted": 4863,
                "entries": [
                    {"id": "0198b0f6-3c5e-4b1a-9a57-6f2f3c1de0a1", "kind": "charge", "amount": 2, "action": "suggest_followups", "created_at": "2026-11-20T09:30:00.000Z"},
                    {"id": "5eed0000-0000-4000-8000-000000000001", "kind": "grant", "amount": 4863, "action": "demo", "created_at": "2026-11-20T09:00:00.000Z"},
                ],
            }),
            json!({"page": 1, "per_page": 20, "total": 2}),
        );
    vec![operation]
}

/// The parameters.
#[derive(JsonSchema)]
pub struct Query {
    /// The page's number.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 1))]
    pub page: Option<u32>,
    /// How many entries a page has.
    #[schemars(range(min = 1, max = 100), extend("default" = 20))]
    pub per_page: Option<u32>,
}

/// A workspace's credits.
#[derive(JsonSchema)]
pub struct Balance {
    /// How many can be spent.
    pub balance: u64,
    /// How many are set aside for work under way.
    pub held: u64,
    /// How many were charged.
    pub spent: u64,
    /// How many came in.
    pub granted: u64,
    /// The ledger, newest first.
    pub entries: Vec<CreditEntry>,
}

/// One line of the ledger; it never changes.
#[derive(JsonSchema)]
pub struct CreditEntry {
    /// The operation's identifier, or the grant's.
    pub id: Uuid,
    /// What happened.
    pub kind: EntryKind,
    /// How many credits.
    pub amount: u32,
    /// What for: the action, or the reason of a grant.
    pub action: String,
    /// When.
    pub created_at: DateTime<Utc>,
}
