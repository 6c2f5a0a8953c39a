//! The description of the endpoint.

use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::SuggestFollowups;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<SuggestFollowups>(
        "POST /v1/ai/suggest-followups",
        "suggestFollowups",
        "Suggest follow-up actions for a contact",
    )
    .description(
        "The suggestions rest on the contact's recent activity; the most useful comes first. A suggestion with \
         a placeholder, an invented fact or somebody else's personal data is left out. A call costs 2 credits, and \
         nothing if the AI model writes nothing usable.",
    )
    .idempotent()
    .refuses_with(Problem::field("contact_id", "must be a UUID"))
    .refuses_with(Problem::lead_not_found("contact_id"))
    .refuses_with(Problem::short_of_credits(2, 1))
    .refuses(&[Code::AiUnavailable]);
    vec![operation]
}
