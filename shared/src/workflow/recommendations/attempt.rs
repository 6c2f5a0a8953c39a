//! An attempt at delivering what was approved, and how far it has come.

use super::{Draft, RecommendationId};
use crate::outreach::policy::Outcome;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// A worker has it; nothing was sent.
    Taken,
    /// It is being sent, or was.
    Sending,
    /// The provider took it.
    Accepted,
    /// Nobody knows whether the provider took it.
    Unknown,
    /// It arrived.
    Delivered,
    /// It was proven not to arrive.
    Failed,
}

/// One attempt at delivering what was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Where, and what: the approved text in the form of its channel.
    pub draft: Draft,
    /// SHA-256 of it.
    pub text_sha256: String,
    /// Where it stands.
    pub state: AttemptState,
    /// How often the provider was asked.
    pub tries: u32,
    /// The provider's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    /// Why it failed, or is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the lead did with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When it changed last.
    pub at: DateTime<Utc>,
}

impl Attempt {
    pub(super) fn new(draft: Draft, at: DateTime<Utc>) -> Self {
        let text_sha256 = draft.sha256();
        let state = AttemptState::Taken;
        Self { draft, text_sha256, state, tries: 0, provider_message_id: None, code: None, outcome: None, at }
    }
}

/// Which attempt: what a provider is told, and says again in its callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryId {
    /// The recommendation.
    pub id: RecommendationId,
    /// Which of its attempts.
    pub attempt: usize,
}

impl DeliveryId {
    /// Reads what [`DeliveryId::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut uuid = || parts.next().filter(|part| part.len() == 32).and_then(|part| Uuid::parse_str(part).ok());
        let id = RecommendationId { workspace_id: uuid()?, recommendation_id: uuid()? };
        let attempt = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self { id, attempt })
    }

    /// As a text of letters, digits and hyphens.
    pub fn text(&self) -> String {
        format!("{}-{}-{}", self.id.workspace_id.simple(), self.id.recommendation_id.simple(), self.attempt)
    }
}

/// A provider's answer or callback about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryReport {
    /// The provider took it.
    Accepted {
        /// The provider's identifier.
        provider_message_id: String,
    },
    /// The provider may have taken it or not.
    Unknown {
        /// Why.
        code: String,
    },
    /// It could not be taken, and may be tried again.
    Later {
        /// Why.
        code: String,
    },
    /// It arrived.
    Delivered,
    /// It was proven not to arrive.
    Failed {
        /// Why.
        code: String,
    },
}
