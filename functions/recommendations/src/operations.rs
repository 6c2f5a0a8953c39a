//! The description of the endpoints.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::{
    Approve, GetAudit, GetRecommendation, LeaveManualQueue, ListNotifications, ListRecommendations, Reject, Snooze,
};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let mut operations = reads();
    operations.extend(decisions());
    operations
}

fn reads() -> Vec<Operation> {
    vec![
        Operation::of::<ListRecommendations>(
            "GET /api/v1/ai/followup/recommendations",
            "listRecommendations",
            "Lists recommendations",
        )
        .description("The most urgent first."),
        Operation::of::<GetRecommendation>(
            "GET /api/v1/ai/followup/recommendations/{id}",
            "getRecommendation",
            "Shows a recommendation",
        )
        .refuses(&[Code::RecommendationNotFound]),
        Operation::of::<GetAudit>(
            "GET /api/v1/ai/followup/recommendations/{id}/audit",
            "getRecommendationAudit",
            "Shows what was done with a recommendation",
        )
        .description("Append-only, oldest first; without personal data.")
        .refuses(&[Code::RecommendationNotFound]),
        Operation::of::<ListNotifications>(
            "GET /api/v1/ai/followup/notifications",
            "listNotifications",
            "Lists what somebody is to know",
        )
        .description("Newest first."),
    ]
}

fn decisions() -> Vec<Operation> {
    let decision = |operation: Operation| {
        let conflict =
            Problem::new(Code::Conflict, "the recommendation is approved; this can no longer be decided on it");
        operation
            .idempotent()
            .refuses(&[Code::RecommendationNotFound])
            .refuses_with(conflict.detail("status", json!("approved")))
    };
    let approve = Operation::of::<Approve>(
        "POST /api/v1/ai/followup/recommendations/{id}/approve",
        "approveRecommendation",
        "Has a recommendation sent",
    );
    let reject = Operation::of::<Reject>(
        "POST /api/v1/ai/followup/recommendations/{id}/reject",
        "rejectRecommendation",
        "Rejects a recommendation",
    );
    let snooze = Operation::of::<Snooze>(
        "POST /api/v1/ai/followup/recommendations/{id}/snooze",
        "snoozeRecommendation",
        "Leaves a recommendation out of the list until later",
    );
    let resolve = Operation::of::<LeaveManualQueue>(
        "POST /api/v1/ai/followup/recommendations/{id}/resolve",
        "resolveRecommendation",
        "Closes an item of the manual queue",
    );
    let requeue = Operation::of::<LeaveManualQueue>(
        "POST /api/v1/ai/followup/recommendations/{id}/requeue",
        "requeueRecommendation",
        "Hands an item of the manual queue back to the AI model",
    );
    vec![
        decision(approve)
            .description(
                "As it is, or with another channel, title or text. The text is checked for personal data of others.",
            )
            .refuses(&[Code::LeadNotFound, Code::PiiBlocked, Code::ChannelNotEligible]),
        decision(reject)
            .description("What was recommended is analysed again, and the new recommendation sees the reason; what a follow-up or a campaign wrote is not."),
        decision(snooze),
        decision(resolve),
        decision(requeue),
    ]
}
