//! A recommendation and its status.

use super::draft::drafted;
use super::{Approval, Attempt, Draft, KEPT, Origin, RecommendationId};
use crate::base::channel::{Channel, Recommended};
use crate::base::time::timestamp;
use crate::outreach::gate::Disclosure;
use crate::outreach::policy::{ChannelScore, Contribution, Outcome};
use crate::outreach::writing::ChannelMessage;
use crate::workflow::lease::Assignment;
use crate::workflow::notifications::{self, Notification};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

/// The status of a recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schemars(rename = "RecommendationStatus")]
pub enum Status {
    /// It waits for a reviewer's decision.
    PendingReview,
    /// A reviewer approved it; it will be sent.
    Approved,
    /// A worker is sending it, or it was sent and the result is not known yet.
    Delivering,
    /// It was delivered.
    Delivered,
    /// It was not delivered on any channel, and that is certain.
    DeliveryFailed,
    /// A reviewer rejected it.
    Rejected,
    /// It will be written again, as another recommendation.
    Requeued,
    /// Its text contains personal data of another person and is not shown.
    BlockedPii,
    /// The model was unavailable: a person writes the message or returns it to the model.
    Manual,
    /// A person has handled it without the model.
    Resolved,
}

impl Status {
    /// Its name in requests, responses and stored items.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The result of the priority and channel model. It can be reproduced from its inputs and version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The priority, from 0 to 100.
    pub priority_score: u8,
    /// The recommended action, such as `follow_up`.
    pub recommended_action: String,
    /// The confidence in the choice of the channel, from 0 to 1.
    pub confidence: f64,
    /// Each channel's probability with its interval.
    pub channel_scores: Vec<ChannelScore>,
    /// The contributions to the priority.
    pub factors: Vec<Contribution>,
    /// The version of the model.
    pub policy_version: String,
    /// The events that it rests on, the newest first.
    #[serde(default)]
    pub events: Vec<UsedEvent>,
}

/// An event that the channel model counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsedEvent {
    /// Its channel.
    #[schemars(with = "Recommended")]
    pub channel: Channel,
    /// What came of it, as the model reads it.
    pub outcome: Outcome,
    /// Its source.
    pub source: EventSource,
    /// Its age in days. Null if the event has no date; then it counts as 30 days old.
    pub age_days: Option<f64>,
    /// Its weight, from 0 to 1: half for every 180 days of its age.
    pub weight: f64,
}

/// The source of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventSource {
    /// The workspace's records.
    Stored,
    /// The request.
    Request,
}

/// A proposed message to a lead, and the decisions about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Its identifier.
    #[serde(flatten)]
    pub id: RecommendationId,
    /// Increases by one with every change.
    pub version: u64,
    /// Its status.
    pub status: Status,
    /// The lead.
    pub lead_id: Uuid,
    /// Its origin.
    pub origin: Origin,
    /// The draft; null if there is none, or if it is blocked.
    pub draft: Option<Draft>,
    /// The reason for it, or the strategy of its text.
    pub reasoning: String,
    /// The result of the priority and channel model; null without an analysis.
    pub assessment: Option<Assessment>,
    /// The model and the prompt version that wrote it; null if no model did.
    pub written_by: Option<WrittenBy>,
    /// The code of the model's failure, for an item of the manual queue; null if the model did not fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_with: Option<String>,
    /// The end of the snooze; null if it is not snoozed.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// The reviewer's reason for rejecting it; null if it is not rejected.
    pub rejection_reason: Option<String>,
    /// The recommendation that replaces it; null without one.
    pub followed_by: Option<Uuid>,
    /// The approval; null before.
    pub approval: Option<Approval>,
    /// The delivery attempts, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    #[serde(flatten)]
    pub(super) assignment: Assignment,
    /// The time at which it was created.
    pub created_at: DateTime<Utc>,
    /// The time of its last change.
    pub updated_at: DateTime<Utc>,
    /// The epoch second from which it is deleted.
    pub(super) expires: i64,
}

/// A language model and a version of its prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenBy {
    /// The model.
    pub model: String,
    /// The version of the prompt.
    pub prompt_version: String,
    /// SHA-256 of the model's input, in hexadecimal digits; null where it is not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_sha256: Option<String>,
    /// SHA-256 of the model's output, in hexadecimal digits; null where it is not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_sha256: Option<String>,
}

impl WrittenBy {
    /// A model and a prompt, without hashes.
    pub fn new(model: &str, prompt_version: &str) -> Self {
        Self {
            model: model.to_owned(),
            prompt_version: prompt_version.to_owned(),
            input_sha256: None,
            output_sha256: None,
        }
    }
}

impl Recommendation {
    /// The notification to compliance about personal data in its draft.
    pub fn pii_alert(&self, disclosures: &[Disclosure], notification_id: Uuid, at: DateTime<Utc>) -> Notification {
        Notification {
            notification_id,
            workspace_id: self.id.workspace_id,
            role: notifications::Role::Compliance,
            kind: notifications::Kind::PiiBlocked,
            lead_id: self.lead_id,
            recommendation_id: Some(self.id.recommendation_id),
            details: json!({ "findings": disclosures }),
            created_at: at,
        }
    }

    /// Sets a model's draft and reason. If they contain personal data of another person, sets neither and returns the
    /// notification to compliance.
    pub fn take_draft(
        &mut self,
        draft: Draft,
        reasoning: String,
        disclosures: &[Disclosure],
        notification_id: Uuid,
    ) -> Option<Notification> {
        if !disclosures.is_empty() {
            return Some(self.pii_alert(disclosures, notification_id, self.created_at));
        }
        (self.draft, self.reasoning) = (Some(draft), reasoning);
        None
    }

    /// A new recommendation.
    pub fn new(id: RecommendationId, lead_id: Uuid, origin: Origin, status: Status, now: DateTime<Utc>) -> Self {
        Self {
            id,
            version: 1,
            status,
            lead_id,
            origin,
            draft: None,
            reasoning: String::new(),
            assessment: None,
            written_by: None,
            failed_with: None,
            snoozed_until: None,
            rejection_reason: None,
            followed_by: None,
            approval: None,
            attempts: Vec::new(),
            assignment: Assignment::default(),
            created_at: now,
            updated_at: now,
            expires: (now + KEPT).timestamp(),
        }
    }

    /// The recommendation for one medium of a follow-up.
    pub fn of_follow_up(
        id: RecommendationId,
        lead_id: Uuid,
        origin: Origin,
        (medium, written): (Channel, &ChannelMessage),
        written_by: WrittenBy,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            draft: Some(drafted(medium, written)),
            reasoning: written.strategy.clone(),
            written_by: Some(written_by),
            ..Self::new(id, lead_id, origin, Status::PendingReview, now)
        }
    }

    /// The versions of the language model, the prompt and the priority model, for the audit.
    pub fn ai_service_version(&self) -> String {
        let written_by = self.written_by.as_ref().map(|by| format!("{}/{}", by.model, by.prompt_version));
        let policy = self.assessment.as_ref().map(|assessment| assessment.policy_version.clone());
        [written_by, policy].into_iter().flatten().collect::<Vec<_>>().join("/")
    }

    /// The sort key of lists: the most urgent first, then the oldest.
    pub(super) fn listed_by(&self) -> String {
        let priority = self.assessment.as_ref().map_or(0, |assessment| assessment.priority_score.min(100));
        format!("{:03}#{}#{}", 100 - priority, timestamp(self.created_at), self.id.recommendation_id)
    }

    /// Whether it needs a queue message.
    pub fn is_queued(&self) -> bool {
        self.assignment.is_queued()
    }

    /// Whether it is snoozed at a time.
    pub(super) fn is_snoozed(&self, now: DateTime<Utc>) -> bool {
        self.snoozed_until.is_some_and(|until| until > now)
    }
}
