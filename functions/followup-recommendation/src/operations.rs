//! The description of the endpoint.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};
use shared::workflow::recommendations::RecommendationView;

use crate::FollowupRecommendation;
use crate::request::Request;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let missing = Request::parse(&json!({})).err();
    let operation = Operation::raw::<FollowupRecommendation, RecommendationView>(
        "POST /api/v1/ai/followup/recommendation",
        "recommendFollowUp",
        "Recommends a follow-up for a lead",
    )
    .description(
        "Priority and channel are computed and reproducible; the AI model writes the reasoning and the draft. A \
         person decides on it before anything is sent. Where the AI model gives nothing, the lead waits in the \
         manual queue, and the error's `details` name the recommendation.",
    )
    .takes::<RecommendationRequest>()
    .for_example(
        "A lead with three events",
        json!({
            "lead_id": "LD-2048",
            "account_tier": "mid-market",
            "last_engagement_date": "2026-11-20",
            "engagement_history": [
                {"type": "email", "outcome": "opened"},
                {"type": "phone_call", "outcome": "no_response"},
                {"type": "sms", "outcome": "replied"},
            ],
            "recent_activity_summary": "Requested pricing information during product demo.",
        }),
    )
    .answers("A text message", RecommendationView::example())
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
    .refuses_with(Problem::new(Code::LeadNotFound, "No lead record exists for the provided lead_id."))
    .refuses_with(shared::workflow::analysis::insufficient_engagement(0))
    .refuses(&[Code::InsufficientCredits, Code::AiUnavailable, Code::AiLeftAlone]);
    vec![match missing {
        Some(missing) => operation.refuses_with(missing),
        None => operation,
    }]
}

/// What is known of a lead.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RecommendationRequest {
    /// The lead: its UUID, or the reference that you know it by, such as `LD-2048`.
    #[schemars(length(max = 128), regex(pattern = r"\S"))]
    pub lead_id: String,
    /// Such as `enterprise`, `mid-market` or `smb`.
    #[schemars(length(max = 64))]
    pub account_tier: Option<String>,
    /// When something last happened with the lead; what is stored wins over it.
    pub last_engagement_date: Option<EngagementDate>,
    /// What happened with the lead, besides what is stored.
    #[schemars(length(max = 200))]
    pub engagement_history: Option<Vec<EngagementEvent>>,
    /// What happened lately, in words.
    #[schemars(length(max = 5_000))]
    pub recent_activity_summary: Option<String>,
}

/// Something that happened with a lead.
#[derive(JsonSchema)]
pub struct EngagementEvent {
    /// What, such as `email`, `sms`, `phone_call` or `meeting`.
    #[schemars(rename = "type", length(max = 64), regex(pattern = r"\S"))]
    pub kind: String,
    /// What came of it, such as `opened`, `replied` or `no_response`.
    #[schemars(length(max = 64), regex(pattern = r"\S"))]
    pub outcome: String,
    /// When.
    pub date: Option<EngagementDate>,
}

/// A day such as 2026-11-20, or a time such as 2026-11-20T09:30:00Z.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum EngagementDate {
    /// A day.
    Day(NaiveDate),
    /// A time.
    Moment(DateTime<Utc>),
}
