//! A recommendation in API answers.

use crate::base::channel::{Channel, Recommended};
use crate::base::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::attempt::{Attempt, AttemptState};
use super::recommendation::UsedEvent;
use super::{Approval, Event, Origin, Recommendation, Status};
use crate::outreach::policy::{ChannelScore, Contribution, Outcome};

/// A proposed message to a lead, with its review and its delivery.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Recommendation")]
pub struct RecommendationView {
    /// Its identifier.
    pub recommendation_id: Uuid,
    /// The status.
    pub status: Status,
    /// Increases by one with every change. A decision can name the version that it is about.
    pub version: u64,
    /// The lead.
    pub lead_id: Uuid,
    /// How urgent the follow-up is, from 0 to 100. Null without an analysis.
    #[schemars(range(max = 100))]
    pub priority_score: Option<u8>,
    /// The recommended action, such as `follow_up`. Null without an analysis.
    pub recommended_action: Option<String>,
    /// The channel of the draft, or of the message that a person has to write. Null if the draft is blocked.
    #[schemars(with = "Option<Recommended>")]
    pub recommended_channel: Option<Channel>,
    /// Why this follow-up is recommended.
    pub reasoning_summary: Option<String>,
    /// The draft's subject line or headline. Null if the channel has none.
    pub draft_title: Option<String>,
    /// The text of the draft. Null or empty if there is none, or if it is blocked.
    pub draft_message: Option<String>,
    /// Always true: nothing is sent before a person has approved it.
    #[schemars(extend("const" = true))]
    pub requires_human_approval: bool,
    /// The confidence in the choice of the channel, from 0 to 1. Null without an analysis.
    pub confidence: Option<f64>,
    /// The probability of success of each channel with its interval, the highest first. Null without an analysis.
    pub channel_scores: Option<Vec<ChannelScore>>,
    /// The factors of the priority; their points sum to the score. Null without an analysis.
    pub factors: Option<Vec<Contribution>>,
    /// The account's tier, as the request gave it. Null without one.
    pub account_tier: Option<String>,
    /// The summary of the recent activity, as the request gave it. Null without one, or if the text is blocked.
    pub recent_activity_summary: Option<String>,
    /// The events that the request gave. Null if no request asked for the recommendation.
    pub engagement_history: Option<Vec<Event>>,
    /// The events that the channel model counted, stored ones and those of the request. Null without an analysis.
    pub events_used: Option<Vec<UsedEvent>>,
    /// Why the model wrote nothing. Null unless the item is or was in the manual queue.
    pub failure: Option<ModelFailure>,
    /// The versions of the channel model, the language model and the prompt.
    pub ai_service_version: String,
    /// The follow-up that it belongs to. Null without one.
    pub follow_up: Option<RecommendationFollowUp>,
    /// The campaign that it belongs to. Null without one.
    pub campaign_id: Option<Uuid>,
    /// The rejected recommendation that this one replaces. Null without one.
    pub follows: Option<Uuid>,
    /// The recommendation that replaces this one. Null without one.
    pub followed_by: Option<Uuid>,
    /// The end of the snooze. Null if it is not snoozed.
    pub snoozed_until: Option<Timestamp>,
    /// The reviewer's reason for rejecting it. Null if it is not rejected.
    pub rejection_reason: Option<String>,
    /// The approval. Null before.
    pub approval: Option<ApprovalView>,
    /// The delivery attempts, oldest first.
    pub deliveries: Vec<DeliveryView>,
    /// The time at which it was created.
    pub created_at: Timestamp,
    /// The time of its last change.
    pub updated_at: Timestamp,
}

/// The follow-up that a recommendation belongs to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecommendationFollowUp {
    /// The command that wrote it.
    pub command_id: Uuid,
    /// The site of the lead.
    pub site_id: Uuid,
    /// The agent in whose name it is written.
    pub agent_id: Uuid,
    /// The lead's visitor identifier on the site. Null if unknown.
    pub visitor_id: Option<Uuid>,
}

/// The failure of the language model.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ModelFailure {
    /// The error code, such as `AI_SERVICE_UNAVAILABLE`.
    pub code: String,
    /// The time of the failure.
    pub at: Timestamp,
}

/// A reviewer's approval.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Approval")]
pub struct ApprovalView {
    /// The channel.
    #[schemars(with = "Recommended")]
    pub channel: Channel,
    /// The subject line or headline. Null if the channel has none.
    pub draft_title: Option<String>,
    /// The approved text.
    pub draft_message: String,
    /// SHA-256 of the approved text, in hexadecimal digits.
    pub text_sha256: String,
    /// Whether the reviewer changed the proposed text or channel.
    pub edited: bool,
    /// The reviewer: `key:` and the identifier of the API key.
    pub by: String,
    /// The time of the approval.
    pub at: Timestamp,
}

/// A delivery attempt.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub struct DeliveryView {
    /// The channel.
    #[schemars(with = "Recommended")]
    pub channel: Channel,
    /// The state of the attempt.
    pub state: AttemptState,
    /// SHA-256 of the text, in hexadecimal digits.
    pub text_sha256: String,
    /// The provider's identifier of the message. Null before the provider accepted it.
    pub provider_message_id: Option<String>,
    /// The code of the reason if it failed or its result is unknown. Otherwise null.
    pub code: Option<String>,
    /// The lead's reaction. Null if none is known.
    pub outcome: Option<Outcome>,
    /// The time of the last change.
    pub at: Timestamp,
}

impl From<Recommendation> for RecommendationView {
    fn from(recommendation: Recommendation) -> Self {
        let ai_service_version = recommendation.ai_service_version();
        let Recommendation { id, version, status, lead_id, origin, draft, .. } = recommendation;
        let (asked, follow_up, campaign_id) = match origin {
            Origin::Engagement(asked) => (Some(asked), None, None),
            Origin::Campaign { campaign_id, .. } => (None, None, Some(campaign_id)),
            Origin::FollowUp { command_id, site_id, agent_id, visitor_id, begun_at: _ } => {
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
            // A person who writes the message is told what the channel model found.
            recommended_channel: draft.as_ref().map(|draft| draft.channel).or_else(|| {
                let best = assessment.as_ref().filter(|_| status == Status::Manual)?.channel_scores.first()?;
                Some(best.channel)
            }),
            account_tier: asked.as_ref().and_then(|asked| asked.account_tier.clone()),
            // A blocked text may have its personal data from there.
            recent_activity_summary: asked
                .as_ref()
                .filter(|_| status != Status::BlockedPii)
                .and_then(|asked| asked.recent_activity_summary.clone()),
            engagement_history: asked.as_ref().map(|asked| asked.engagement_history.clone()),
            events_used: assessment.as_ref().map(|assessment| assessment.events.clone()),
            failure: recommendation.failed_with.map(|code| ModelFailure { code, at: recommendation.created_at.into() }),
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
