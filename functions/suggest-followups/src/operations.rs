//! The description of the endpoint.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::SuggestFollowups;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<SuggestFollowups>(
        "POST /v1/ai/suggest-followups",
        "suggestFollowups",
        "Suggests follow-up actions for a contact",
    )
    .description(
        "Made from the contact's recent activity, the most useful first. Costs 2 credits; nothing is charged where \
         the AI model fails.",
    )
    .for_example("Up to three suggestions", json!({"contact_id": "123e4567-e89b-12d3-a456-426614174000", "count": 3}))
    .for_example(
        "By e-mail or a call, from the last 30 days",
        json!({
            "contact_id": "123e4567-e89b-12d3-a456-426614174000",
            "count": 2,
            "lookback_days": 30,
            "channels": ["email", "call"],
        }),
    )
    .answers(
        "Two suggestions",
        json!({
            "suggestions": [
                {
                    "type": "email",
                    "title": "Share fee proposal",
                    "reason": "Jane asked for pricing on the last call and hasn't received the proposal yet.",
                    "suggested_when": "Today",
                    "draft_body": "Hi Jane, following up on our call on Tuesday - please find our flat-fee proposal attached...",
                    "confidence": 0.9,
                },
                {
                    "type": "meeting",
                    "title": "Schedule legal review session",
                    "reason": "Next step in the sales cycle per prior conversation notes.",
                    "suggested_when": "Next week",
                    "draft_body": null,
                    "confidence": 0.78,
                },
            ],
            "activity_summary": "3 emails and 1 meeting with Jane in the last 14 days; last touch was a discovery call on 2026-11-18.",
            "credits_remaining": 4861,
        }),
    )
    .idempotent()
    .refuses_with(Problem::field("contact_id", "must be a UUID"))
    .refuses_with(Problem::lead_not_found("contact_id"))
    .refuses_with(Problem::short_of_credits(2, 1))
    .refuses(&[Code::AiUnavailable]);
    vec![operation]
}
