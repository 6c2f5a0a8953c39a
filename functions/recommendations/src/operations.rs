//! The description of the endpoints.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};
use shared::workflow::recommendations::RecommendationView;

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
        .description("The most urgent first.")
        .answers(
            "One recommendation",
            json!({"recommendations": [RecommendationView::example()], "page": 1, "per_page": 20, "has_more": false}),
        ),
        Operation::of::<GetRecommendation>(
            "GET /api/v1/ai/followup/recommendations/{id}",
            "getRecommendation",
            "Shows a recommendation",
        )
        .answers("A text message", RecommendationView::example())
        .refuses(&[Code::RecommendationNotFound]),
        Operation::of::<GetAudit>(
            "GET /api/v1/ai/followup/recommendations/{id}/audit",
            "getRecommendationAudit",
            "Shows what was done with a recommendation",
        )
        .description("Append-only, oldest first; without personal data.")
        .answers(
            "It was made",
            json!({
                "recommendation_id": "5eed0000-0000-4000-8000-000000000801",
                "events": [{
                    "version": 1,
                    "at": "2026-11-20T09:30:00.000Z",
                    "actor": "key:5eed0000-0000-4000-8000-000000000101",
                    "action": "created",
                    "status": "pending_review",
                    "details": {"ai_service_version": "composer/9f86d081884c/outreach-1"},
                }],
            }),
        )
        .refuses(&[Code::RecommendationNotFound]),
        Operation::of::<ListNotifications>(
            "GET /api/v1/ai/followup/notifications",
            "listNotifications",
            "Lists what somebody is to know",
        )
        .description("Newest first.")
        .answers(
            "Lead data to be completed",
            json!({
                "notifications": [{
                    "notification_id": "5eed0000-0000-4000-8000-000000000a01",
                    "role": "representative",
                    "kind": "complete_lead_data",
                    "lead_id": "123e4567-e89b-12d3-a456-426614174000",
                    "recommendation_id": null,
                    "details": {"minimum_events_required": 2, "events_found": 0},
                    "created_at": "2026-11-20T09:30:00.000Z",
                }],
                "page": 1,
                "per_page": 20,
                "has_more": false,
            }),
        ),
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
    let changed = |status: &str| {
        let mut shown = RecommendationView::example();
        shown["status"] = json!(status);
        shown["version"] = json!(2);
        shown
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
            .for_example("As it is", json!({}))
            .for_example(
                "With another text",
                json!({"draft_message": "Hi Sarah, shall we talk on Thursday?", "version": 1}),
            )
            .answers("It is approved", changed("approved"))
            .refuses(&[Code::LeadNotFound, Code::PiiBlocked, Code::ChannelNotEligible]),
        decision(reject)
            .description("What was recommended is analysed again, and the new recommendation sees the reason; what a follow-up or a campaign wrote is not.")
            .for_example("With the reason", json!({"reason": "Too soon after the demo."}))
            .answers("It is written anew", changed("rejected")),
        decision(snooze)
            .for_example("Until Monday", json!({"until": "2026-11-23T08:00:00Z"}))
            .answers("It waits", changed("pending_review")),
        decision(resolve)
            .for_example("Whatever its version", json!({}))
            .answers("It is closed", changed("resolved")),
        decision(requeue)
            .for_example("Whatever its version", json!({}))
            .answers("It is handed back", changed("requeued")),
    ]
}
