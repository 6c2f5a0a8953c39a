//! A recommendation as answers show it, for the description of the API.

use crate::base::channel::Recommended;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Status;
use super::attempt::AttemptState;
use crate::outreach::policy::{ChannelScore, Contribution, Outcome};

/// What is proposed to be sent to a lead, and what became of it.
#[derive(JsonSchema)]
#[schemars(rename = "Recommendation")]
pub struct RecommendationShown {
    /// Its identifier.
    pub recommendation_id: Uuid,
    /// Where it stands.
    pub status: Status,
    /// Rises by one with every change; a decision may name the one that it is about.
    pub version: u64,
    /// The lead.
    pub lead_id: Uuid,
    /// How soon the lead is worth following up: 0–100. Null where nothing was analysed.
    #[schemars(range(max = 100))]
    pub priority_score: Option<u8>,
    /// Such as `follow_up`.
    pub recommended_action: Option<String>,
    /// The channel that most likely succeeds.
    pub recommended_channel: Option<Recommended>,
    /// Why.
    pub reasoning_summary: Option<String>,
    /// The draft's subject line or headline, where its channel has one.
    pub draft_title: Option<String>,
    /// The draft; null or empty while there is none, or nobody may see it.
    pub draft_message: Option<String>,
    /// Nothing is sent before a person has approved it.
    #[schemars(extend("const" = true))]
    pub requires_human_approval: bool,
    /// How sure the choice of the channel is, from 0 to 1.
    pub confidence: Option<f64>,
    /// Each channel's probability with its interval, the likeliest first.
    pub channel_scores: Option<Vec<ChannelScore>>,
    /// What the priority is made of; the points sum to the score.
    pub factors: Option<Vec<Contribution>>,
    /// The versions of the channel model, the language model and the prompt.
    pub ai_service_version: String,
    /// The follow-up that it is a message of, if it is one.
    pub follow_up: Option<FollowUpShown>,
    /// The campaign that it is a draft of, if it is one.
    pub campaign_id: Option<Uuid>,
    /// The recommendation that it was written anew after.
    pub follows: Option<Uuid>,
    /// The recommendation that was written anew after it.
    pub followed_by: Option<Uuid>,
    /// Until when it is left out of the list.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Why a person did not want it.
    pub rejection_reason: Option<String>,
    /// What a person approved.
    pub approval: Option<ApprovalShown>,
    /// The attempts to deliver it, in their order.
    pub deliveries: Vec<DeliveryShown>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The follow-up that a recommendation is a message of.
#[derive(JsonSchema)]
#[schemars(rename = "RecommendationFollowUp")]
pub struct FollowUpShown {
    /// The command that wrote it.
    pub command_id: Uuid,
    /// The site.
    pub site_id: Uuid,
    /// The agent in whose name it is written.
    pub agent_id: Uuid,
    /// The visitor as whom the lead was seen.
    pub visitor_id: Option<Uuid>,
}

/// What a person approved.
#[derive(JsonSchema)]
#[schemars(rename = "Approval")]
pub struct ApprovalShown {
    /// The channel.
    pub channel: Recommended,
    /// The subject line or headline.
    pub draft_title: Option<String>,
    /// The text.
    pub draft_message: String,
    /// SHA-256 of what is sent, in hexadecimal digits.
    pub text_sha256: String,
    /// Whether the person changed what was proposed.
    pub edited: bool,
    /// The key that it was approved with.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An attempt to deliver.
#[derive(JsonSchema)]
#[schemars(rename = "Delivery")]
pub struct DeliveryShown {
    /// The channel.
    pub channel: Recommended,
    /// Where it stands.
    pub state: AttemptState,
    /// SHA-256 of what is sent, in hexadecimal digits.
    pub text_sha256: String,
    /// The provider's identifier.
    pub provider_message_id: Option<String>,
    /// Why it failed, or is not known.
    pub code: Option<String>,
    /// What the lead did with it.
    pub outcome: Option<Outcome>,
    /// When it last changed.
    pub at: DateTime<Utc>,
}

impl RecommendationShown {
    /// The recommendation of the examples.
    pub fn example() -> Value {
        json!({
            "recommendation_id": "5eed0000-0000-4000-8000-000000000801",
            "status": "pending_review",
            "version": 1,
            "lead_id": "123e4567-e89b-12d3-a456-426614174000",
            "priority_score": 92,
            "recommended_action": "follow_up",
            "recommended_channel": "sms",
            "reasoning_summary": "Lead responded most consistently to SMS communication and recently requested pricing details.",
            "draft_title": null,
            "draft_message": "Hi Sarah, I wanted to follow up on your pricing questions from the demo. Let me know if you'd like a customized quote.",
            "requires_human_approval": true,
            "confidence": 0.71,
            "channel_scores": [
                {"channel": "sms", "probability": 0.38, "interval": [0.24, 0.53], "touches": 1.0, "segment_rate": 0.3},
                {"channel": "email", "probability": 0.21, "interval": [0.1, 0.35], "touches": 1.0, "segment_rate": 0.22},
            ],
            "factors": [
                {"name": "base", "value": 1.0, "points": 100},
                {"name": "progress", "value": 0.92, "points": -8},
            ],
            "ai_service_version": "composer/9f86d081884c/outreach-1",
            "follow_up": null,
            "campaign_id": null,
            "follows": null,
            "followed_by": null,
            "snoozed_until": null,
            "rejection_reason": null,
            "approval": null,
            "deliveries": [],
            "created_at": "2026-11-20T09:30:00.000Z",
            "updated_at": "2026-11-20T09:30:00.000Z",
        })
    }
}
