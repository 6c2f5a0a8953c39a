//! The description of the endpoints.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use shared::api::openapi::{Operation, Pages};
use shared::base::channel::Recommended;
use shared::base::problem::{Code, Problem};
use shared::workflow::notifications::{Kind, Role};
use shared::workflow::recommendations::{RecommendationShown, Status};
use uuid::Uuid;

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
        Operation::raw::<ListRecommendations, RecommendationList>(
            "GET /api/v1/ai/followup/recommendations",
            "listRecommendations",
            "Lists recommendations",
        )
        .description("The most urgent first.")
        .query::<RecommendationsQuery>()
        .answers(
            "One recommendation",
            json!({"recommendations": [RecommendationShown::example()], "page": 1, "per_page": 20, "has_more": false}),
        ),
        Operation::raw::<GetRecommendation, RecommendationShown>(
            "GET /api/v1/ai/followup/recommendations/{id}",
            "getRecommendation",
            "Shows a recommendation",
        )
        .uuid("id", "The recommendation.")
        .answers("A text message", RecommendationShown::example())
        .refuses(&[Code::RecommendationNotFound]),
        Operation::raw::<GetAudit, Audit>(
            "GET /api/v1/ai/followup/recommendations/{id}/audit",
            "getRecommendationAudit",
            "Shows what was done with a recommendation",
        )
        .description("Append-only, oldest first; without personal data.")
        .uuid("id", "The recommendation.")
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
        Operation::raw::<ListNotifications, NotificationList>(
            "GET /api/v1/ai/followup/notifications",
            "listNotifications",
            "Lists what somebody is to know",
        )
        .description("Newest first.")
        .query::<NotificationsQuery>()
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
            .uuid("id", "The recommendation.")
            .idempotent()
            .refuses(&[Code::RecommendationNotFound])
            .refuses_with(conflict.detail("status", json!("approved")))
    };
    let changed = |status: &str| {
        let mut shown = RecommendationShown::example();
        shown["status"] = json!(status);
        shown["version"] = json!(2);
        shown
    };
    let approve = Operation::raw::<Approve, RecommendationShown>(
        "POST /api/v1/ai/followup/recommendations/{id}/approve",
        "approveRecommendation",
        "Has a recommendation sent",
    );
    let reject = Operation::raw::<Reject, RecommendationShown>(
        "POST /api/v1/ai/followup/recommendations/{id}/reject",
        "rejectRecommendation",
        "Rejects a recommendation",
    );
    let snooze = Operation::raw::<Snooze, RecommendationShown>(
        "POST /api/v1/ai/followup/recommendations/{id}/snooze",
        "snoozeRecommendation",
        "Leaves a recommendation out of the list until later",
    );
    let resolve = Operation::raw::<LeaveManualQueue, RecommendationShown>(
        "POST /api/v1/ai/followup/recommendations/{id}/resolve",
        "resolveRecommendation",
        "Closes an item of the manual queue",
    );
    let requeue = Operation::raw::<LeaveManualQueue, RecommendationShown>(
        "POST /api/v1/ai/followup/recommendations/{id}/requeue",
        "requeueRecommendation",
        "Hands an item of the manual queue back to the AI model",
    );
    vec![
        decision(approve)
            .description(
                "As it is, or with another channel, title or text. The text is checked for personal data of others.",
            )
            .takes::<ApproveRequest>()
            .for_example("As it is", json!({}))
            .for_example(
                "With another text",
                json!({"draft_message": "Hi Sarah, shall we talk on Thursday?", "version": 1}),
            )
            .answers("It is approved", changed("approved"))
            .refuses(&[Code::LeadNotFound, Code::PiiBlocked, Code::ChannelNotEligible]),
        decision(reject)
            .description("What was recommended is analysed again, and the new recommendation sees the reason; what a follow-up or a campaign wrote is not.")
            .takes::<RejectRequest>()
            .for_example("With the reason", json!({"reason": "Too soon after the demo."}))
            .answers("It is written anew", changed("rejected")),
        decision(snooze)
            .takes::<SnoozeRequest>()
            .for_example("Until Monday", json!({"until": "2026-11-23T08:00:00Z"}))
            .answers("It waits", changed("pending_review")),
        decision(resolve)
            .takes::<DecisionRequest>()
            .for_example("Whatever its version", json!({}))
            .answers("It is closed", changed("resolved")),
        decision(requeue)
            .takes::<DecisionRequest>()
            .for_example("Whatever its version", json!({}))
            .answers("It is handed back", changed("requeued")),
    ]
}

/// Which recommendations.
#[derive(JsonSchema)]
pub struct RecommendationsQuery {
    /// Only those of this status.
    pub status: Option<Status>,
    /// Only those of this lead.
    pub lead_id: Option<Uuid>,
    /// Also those that were snoozed; by default only where a lead is named.
    pub include_snoozed: Option<bool>,
    /// Which page.
    #[schemars(flatten)]
    pub pages: Pages,
}

/// Whose notifications.
#[derive(JsonSchema)]
pub struct NotificationsQuery {
    /// Whom they are for.
    pub role: Role,
    /// Which page.
    #[schemars(flatten)]
    pub pages: Pages,
}

/// A page of recommendations.
#[derive(JsonSchema)]
pub struct RecommendationList {
    /// The recommendations, the most urgent first.
    pub recommendations: Vec<RecommendationShown>,
    /// The page's number.
    pub page: u32,
    /// How many a page has.
    pub per_page: u32,
    /// Whether there are more.
    pub has_more: bool,
}

/// A page of notifications.
#[derive(JsonSchema)]
pub struct NotificationList {
    /// The notifications, newest first.
    pub notifications: Vec<NotificationShown>,
    /// The page's number.
    pub page: u32,
    /// How many a page has.
    pub per_page: u32,
    /// Whether there are more.
    pub has_more: bool,
}

/// What somebody is to know.
#[derive(JsonSchema)]
#[schemars(rename = "Notification")]
pub struct NotificationShown {
    /// Its identifier.
    pub notification_id: Uuid,
    /// Whom it is for.
    pub role: Role,
    /// What it tells.
    pub kind: Kind,
    /// The lead.
    pub lead_id: Uuid,
    /// The recommendation, if it is about one.
    pub recommendation_id: Option<Uuid>,
    /// What explains it, by its kind; without personal data.
    pub details: Map<String, Value>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What was done with a recommendation.
#[derive(JsonSchema)]
pub struct Audit {
    /// The recommendation.
    pub recommendation_id: Uuid,
    /// Every change, oldest first.
    pub events: Vec<AuditEventShown>,
}

/// A change of a recommendation.
#[derive(JsonSchema)]
#[schemars(rename = "AuditEvent")]
pub struct AuditEventShown {
    /// The version that the recommendation has since.
    pub version: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: `key:` and the key's identifier, or `function:` and its name.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// The status since then.
    pub status: Status,
    /// What explains it: identifiers, versions, categories and counts.
    pub details: Map<String, Value>,
}

/// What is sent in place of what is proposed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ApproveRequest {
    /// The version that you have seen; another is a conflict.
    #[schemars(range(min = 1))]
    pub version: Option<u32>,
    /// Another channel.
    pub channel: Option<Recommended>,
    /// Another subject line or headline.
    #[schemars(length(max = 150), regex(pattern = r"\S"))]
    pub draft_title: Option<String>,
    /// Another text.
    #[schemars(length(max = 5_000), regex(pattern = r"\S"))]
    pub draft_message: Option<String>,
}

/// Why a recommendation is not wanted.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RejectRequest {
    /// The version that you have seen; another is a conflict.
    #[schemars(range(min = 1))]
    pub version: Option<u32>,
    /// Why.
    #[schemars(length(max = 1_000), regex(pattern = r"\S"))]
    pub reason: String,
}

/// Until when a recommendation is left out of the list.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SnoozeRequest {
    /// The version that you have seen; another is a conflict.
    #[schemars(range(min = 1))]
    pub version: Option<u32>,
    /// Until when, from now until 90 days from now.
    pub until: DateTime<Utc>,
}

/// A decision without anything to say.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DecisionRequest {
    /// The version that you have seen; another is a conflict.
    #[schemars(range(min = 1))]
    pub version: Option<u32>,
}
