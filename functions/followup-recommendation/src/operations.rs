//! The description of the endpoint.

use shared::api::openapi::Operation;
use shared::base::problem::{Code, MISSING, Problem};

use crate::FollowupRecommendation;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<FollowupRecommendation>(
        "POST /api/v1/ai/followup/recommendation",
        "recommendFollowUp",
        "Recommend a follow-up for a lead",
    )
    .description(
        "Our own model computes priority and channel, the same for the same data. The AI model writes the reason and the \
         draft. Nothing is sent before a person approves it. If the AI model fails, the lead waits in the manual \
         queue, and the error's `details` name that item.",
    )
    .followed_by(
        &[
            "getRecommendation",
            "getRecommendationAudit",
            "approveRecommendation",
            "rejectRecommendation",
            "snoozeRecommendation",
            "resolveRecommendation",
            "requeueRecommendation",
        ],
        "id",
        "/recommendation_id",
    )
    .idempotent()
    .refuses_with(Problem {
        message: "Required field lead_id is missing.".to_owned(),
        ..Problem::field("lead_id", MISSING)
    })
    .refuses_with(Problem::new(Code::LeadNotFound, "No lead record exists for the provided lead_id."))
    .refuses_with(shared::workflow::analysis::insufficient_engagement(0))
    .refuses(&[Code::InsufficientCredits, Code::AiUnavailable, Code::AiCircuitOpen]);
    vec![operation]
}
