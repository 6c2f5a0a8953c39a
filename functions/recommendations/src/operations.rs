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
            "List recommendations",
        )
        .description("The most urgent first."),
        Operation::of::<GetRecommendation>(
            "GET /api/v1/ai/followup/recommendations/{id}",
            "getRecommendation",
            "Get a recommendation",
        )
        .refuses(&[Code::RecommendationNotFound]),
        Operation::of::<GetAudit>(
            "GET /api/v1/ai/followup/recommendations/{id}/audit",
            "getRecommendationAudit",
            "Get a recommendation's audit log",
        )
        .description("The log is append-only, oldest first, and holds no personal data.")
        .refuses(&[Code::RecommendationNotFound]),
        Operation::of::<ListNotifications>(
            "GET /api/v1/ai/followup/notifications",
            "listNotifications",
            "List notifications",
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
        "Approve a recommendation",
    );
    let reject = Operation::of::<Reject>(
        "POST /api/v1/ai/followup/recommendations/{id}/reject",
        "rejectRecommendation",
        "Reject a recommendation",
    );
    let snooze = Operation::of::<Snooze>(
        "POST /api/v1/ai/followup/recommendations/{id}/snooze",
        "snoozeRecommendation",
        "Snooze a recommendation",
    );
    let resolve = Operation::of::<LeaveManualQueue>(
        "POST /api/v1/ai/followup/recommendations/{id}/resolve",
        "resolveRecommendation",
        "Resolve an item of the manual queue",
    );
    let requeue = Operation::of::<LeaveManualQueue>(
        "POST /api/v1/ai/followup/recommendations/{id}/requeue",
        "requeueRecommendation",
        "Requeue an item of the manual queue",
    );
    vec![
        decision(approve)
            .description(
                "Sends the draft as it is, or with your channel, title or text. The text must not hold other people's personal data.",
            )
            .refuses(&[Code::LeadNotFound, Code::PiiBlocked, Code::ChannelNotEligible]),
        decision(reject)
            .description("The lead is analysed again with your reason, unless the draft came from a follow-up or a campaign."),
        decision(snooze),
        decision(resolve),
        decision(requeue),
    ]
}
