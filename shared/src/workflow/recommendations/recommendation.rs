//! A recommendation, and where it stands.

use super::draft::drafted;
use super::{Approval, Attempt, Draft, KEPT, Origin, RecommendationId};
use crate::base::channel::Channel;
use crate::base::time::timestamp;
use crate::outreach::gate::Disclosure;
use crate::outreach::policy::{ChannelScore, Contribution};
use crate::outreach::writing::ChannelMessage;
use crate::workflow::lease::Assignment;
use crate::workflow::notifications::{self, Notification};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

/// Where a recommendation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schemars(rename = "RecommendationStatus")]
pub enum Status {
    /// It waits for a person's decision.
    PendingReview,
    /// A person wants it sent as it stands.
    Approved,
    /// It is being sent, or was and nobody knows yet whether it arrived.
    Delivering,
    /// It has arrived.
    Delivered,
    /// It was proven not to arrive, on every channel that there is.
    DeliveryFailed,
    /// A person does not want it.
    Rejected,
    /// It is to be written anew; another recommendation follows.
    Requeued,
    /// Its text holds somebody's personal data; nobody sees the text.
    BlockedPii,
    /// The model was down: a person writes, or hands it back.
    Manual,
    /// A person has taken care of it without the model.
    Resolved,
}

impl Status {
    /// Its name in requests, responses and stored items.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What the priority and channel model found, as it is shown: reproducible from its inputs and version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// 0 to 100.
    pub priority_score: u8,
    /// Such as `follow_up`.
    pub recommended_action: String,
    /// The confidence in the choice of the channel, from 0 to 1.
    pub confidence: f64,
    /// Each channel's probability with its interval.
    pub channel_scores: Vec<ChannelScore>,
    /// The contributions to the priority.
    pub factors: Vec<Contribution>,
    /// The version of the model.
    pub policy_version: String,
}

/// Something that is proposed to be sent to a lead, and waits for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Which one.
    #[serde(flatten)]
    pub id: RecommendationId,
    /// Rises by one with every change.
    pub version: u64,
    /// Where it stands.
    pub status: Status,
    /// The lead.
    pub lead_id: Uuid,
    /// What it comes from.
    pub origin: Origin,
    /// What is to be sent; none while there is none, or nobody may see it.
    pub draft: Option<Draft>,
    /// Why, or the strategy that the text follows.
    pub reasoning: String,
    /// What the priority and channel model found.
    pub assessment: Option<Assessment>,
    /// The model that wrote it, with the version of its instructions.
    pub written_by: Option<WrittenBy>,
    /// Until when nobody wants to be asked.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Why it was rejected.
    pub rejection_reason: Option<String>,
    /// The recommendation that was made in its place.
    pub followed_by: Option<Uuid>,
    /// What was approved.
    pub approval: Option<Approval>,
    /// What was sent, or tried to be, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    #[serde(flatten)]
    pub(super) assignment: Assignment,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Epoch seconds from which it is deleted.
    pub(super) expires: i64,
}

/// A model and its instructions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenBy {
    /// The model.
    pub model: String,
    /// The version of the instructions.
    pub prompt_version: String,
}

impl Recommendation {
    /// The alert to compliance about what its draft disclosed.
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

    /// Takes what a model wrote, and why. What discloses personal data is shown to nobody: then there is an alert instead.
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

    /// A recommendation that nobody has changed yet.
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

    /// What a follow-up proposes for one medium.
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

    /// The service that made it: model, instructions and priority model, for the audit.
    pub fn ai_service_version(&self) -> String {
        let written_by = self.written_by.as_ref().map(|by| format!("{}/{}", by.model, by.prompt_version));
        let policy = self.assessment.as_ref().map(|assessment| assessment.policy_version.clone());
        [written_by, policy].into_iter().flatten().collect::<Vec<_>>().join("/")
    }

    /// What lists are in the order of: the most urgent first, then the oldest.
    pub(super) fn listed_by(&self) -> String {
        let priority = self.assessment.as_ref().map_or(0, |assessment| assessment.priority_score.min(100));
        format!("{:03}#{}#{}", 100 - priority, timestamp(self.created_at), self.id.recommendation_id)
    }

    /// Whether a queue's message is wanted for it.
    pub fn is_queued(&self) -> bool {
        self.assignment.is_queued()
    }

    /// Whether its reviewers wait until later.
    pub(super) fn is_snoozed(&self, now: DateTime<Utc>) -> bool {
        self.snoozed_until.is_some_and(|until| until > now)
    }
}
