//! A recommendation as answers show it.

use crate::base::channel::{Channel, Recommended};
use crate::base::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::attempt::{Attempt, AttemptState};
use super::{Approval, Origin, Recommendation, Status};
use crate::outreach::policy::{ChannelScore, Contribution, Outcome};

/// What is proposed to be sent to a lead, and what became of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Recommendation")]
pub struct RecommendationView {
    /// Its identifier.
    pub recommendation_id: Uuid,
    /// Where it stands.
    pub status: Status,
    /// Increases by one with every change. A decision can name the version that it is about.
    pub version: u64,
    /// The lead.
    pub lead_id: Uuid,
    /// How soon the lead is worth following up: 0–100. Null where nothing was analysed.
    #[schemars(range(max = 100))]
    pub priority_score: Option<u8>,
    /// Such as `follow_up`.
    pub recommended_action: Option<String>,
    /// The channel that most likely succeeds.
    #[schemars(with = "Option<Recommended>")]
    pub recommended_channel: Option<Channel>,
    /// Why this follow-up is recommended.
    pub reasoning_summary: Option<String>,
    /// The draft's subject line or headline, where its channel has one.
    pub draft_title: Option<String>,
    /// The draft; null or empty while there is none, or nobody may see it.
    pub draft_message: Option<String>,
    /// Nothing is sent before a person has approved it.
    #[schemars(extend("const" = true))]
    pub requires_human_approval: bool,
    /// The confidence in the choice of the channel, from 0 to 1.
    pub confidence: Option<f64>,
    /// Each channel's probability with its interval, the likeliest first.
    pub channel_scores: Option<Vec<ChannelScore>>,
    /// The factors of the priority; their points sum to the score.
    pub factors: Option<Vec<Contribution>>,
    /// The versions of the channel model, the language model and the prompt.
    pub ai_service_version: String,
    /// The follow-up that it is a message of, if it is one.
    pub follow_up: Option<RecommendationFollowUp>,
    /// The campaign that it is a draft of, if it is one.
    pub campaign_id: Option<Uuid>,
    /// The rejected recommendation that this one replaces.
    pub follows: Option<Uuid>,
    /// The recommendation that replaces this one.
    pub followed_by: Option<Uuid>,
    /// Until when it is snoozed.
    pub snoozed_until: Option<Timestamp>,
    /// The reviewer's reason for rejecting it.
    pub rejection_reason: Option<String>,
    /// What the reviewer approved.
    pub approval: Option<ApprovalView>,
    /// The delivery attempts, oldest first.
    pub deliveries: Vec<DeliveryView>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The follow-up that a recommendation is a message of.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecommendationFollowUp {
    /// The command that wrote it.
    pub command_id: Uuid,
    /// The site.
    pub site_id: Uuid,
    /// The agent in whose name it is written.
    pub agent_id: Uuid,
    /// The visitor as whom the lead was seen.
    pub visitor_id: Option<Uuid>,
}

/// What the reviewer approved.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Approval")]
pub struct ApprovalView {
    /// The channel.
    #[schemars(with = "Recommended")]
    pub channel: Channel,
    /// The subject line or headline.
    pub draft_title: Option<String>,
    /// The approved text.
    pub draft_message: String,
    /// SHA-256 of what is sent, in hexadecimal digits.
    pub text_sha256: String,
    /// Whether the person changed what was proposed.
    pub edited: bool,
    /// The key that it was approved with.
    pub by: String,
    /// When it was approved.
    pub at: Timestamp,
}

/// An attempt to deliver.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub struct DeliveryView {
    /// The channel.
    #[schemars(with = "Recommended")]
    pub channel: Channel,
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
    pub at: Timestamp,
}

impl From<Recommendation> for RecommendationView {
    fn from(recommendation: Recommendation) -> Self {
        let ai_service_version = recommendation.ai_service_version();
        let Recommendation { id, version, status, lead_id, origin, draft, .. } = recommendation;
        let (asked, follow_up, campaign_id) = match origin {
            Origin::Engagement(asked) => (Some(asked), None, None),
            Origin::Campaign { campaign_id, .. } => (None, None, Some(campaign_id)),
            Origin::FollowUp { command_id, site_id, agent_id, visitor_id } => {
                (None, Some(RecommendationFollowUp { command_id, site_id, agent_id, visitor_id }), None)
            }
        };
        let assessment = recommendation.assessment;
        Self {
            recommendation_id: id.recommendation_id,
            status,
            version,
            lead_id,
            priority_score: assessment.as_ref().map(|assessment| assessment.priority_score),
            recommended_action: assessment.as_ref().map(|assessment| assessment.recommended_action.clone()),
            recommended_channel: draft.as_ref().map(|draft| draft.channel),
            reasoning_summary: Some(recommendation.reasoning),
            draft_title: draft.as_ref().and_then(|draft| draft.title.clone()),
            draft_message: draft.map(|draft| draft.message),
            requires_human_approval: true,
            confidence: assessment.as_ref().map(|assessment| assessment.confidence),
            channel_scores: assessment.as_ref().map(|assessment| assessment.channel_scores.clone()),
            factors: assessment.map(|assessment| assessment.factors),
            ai_service_version,
            follow_up,
            campaign_id,
            follows: asked.and_then(|asked| asked.follows).map(|follows| follows.recommendation_id),
            followed_by: recommendation.followed_by,
            snoozed_until: recommendation.snoozed_until.map(Timestamp),
            rejection_reason: recommendation.rejection_reason,
            approval: recommendation.approval.map(ApprovalView::from),
            deliveries: recommendation.attempts.into_iter().map(DeliveryView::from).collect(),
            created_at: recommendation.created_at.into(),
            updated_at: recommendation.updated_at.into(),
        }
    }
}

impl From<Approval> for ApprovalView {
    fn from(approval: Approval) -> Self {
        Self {
            channel: approval.draft.channel,
            draft_title: approval.draft.title,
            draft_message: approval.draft.message,
            text_sha256: approval.text_sha256,
            edited: approval.edited,
            by: approval.by,
            at: approval.at.into(),
        }
    }
}

impl From<Attempt> for DeliveryView {
    fn from(attempt: Attempt) -> Self {
        Self {
            channel: attempt.draft.channel,
            state: attempt.state,
            text_sha256: attempt.text_sha256,
            provider_message_id: attempt.provider_message_id,
            code: attempt.code,
            outcome: attempt.outcome,
            at: attempt.at.into(),
        }
    }
}
