//! The description of the endpoint.

use serde_json::json;
use shared::api::openapi::Operation;

use crate::Credits;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<Credits>("GET /v1/credits", "getCredits", "The balance and its entries")
        .description(
            "At every moment `granted` = `balance` + `held` + `spent`. A credit is held before the AI model is \
             asked, and charged only where that succeeds. Entries come newest first.",
        )
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
