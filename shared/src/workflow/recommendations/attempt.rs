//! An attempt to deliver an approved text, and its state.

use super::{Draft, RecommendationId};
use crate::outreach::policy::Outcome;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The state of a delivery attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// A worker has taken it. Nothing was sent.
    Taken,
    /// The worker is sending it, or has stopped while sending it.
    Sending,
    /// The provider accepted it.
    Accepted,
    /// It is unknown whether the provider accepted it.
    Unknown,
    /// It was delivered.
    Delivered,
    /// It was not delivered, and that is certain.
    Failed,
}

/// An attempt to deliver an approved text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The channel, and the approved text in the channel's format.
    pub draft: Draft,
    /// SHA-256 of the text, in hexadecimal digits.
    pub text_sha256: String,
    /// Its state.
    pub state: AttemptState,
    /// The number of requests to the provider.
    pub tries: u32,
    /// The provider's identifier of the message; null before the provider accepted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    /// The code of the reason if it failed or its result is unknown; otherwise null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The lead's reaction; null if none is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The time of the last change.
    pub at: DateTime<Utc>,
}

impl Attempt {
    pub(super) fn new(draft: Draft, at: DateTime<Utc>) -> Self {
        let text_sha256 = draft.sha256();
        let state = AttemptState::Taken;
        Self { draft, text_sha256, state, tries: 0, provider_message_id: None, code: None, outcome: None, at }
    }
}

/// Identifies an attempt. The provider receives it and returns it in callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryId {
    /// The recommendation.
    pub id: RecommendationId,
    /// The index of the attempt.
    pub attempt: usize,
}

impl DeliveryId {
    /// Parses the result of [`DeliveryId::text`].
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut uuid = || parts.next().filter(|part| part.len() == 32).and_then(|part| Uuid::parse_str(part).ok());
        let id = RecommendationId { workspace_id: uuid()?, recommendation_id: uuid()? };
        let attempt = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self { id, attempt })
    }

    /// The identifier as a text of letters, digits and hyphens.
    pub fn text(&self) -> String {
        format!("{}-{}-{}", self.id.workspace_id.simple(), self.id.recommendation_id.simple(), self.attempt)
    }
}

/// A provider's answer or callback about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryReport {
    /// The provider accepted it.
    Accepted {
        /// The provider's identifier.
        provider_message_id: String,
    },
    /// The provider may or may not have accepted it.
    Unknown {
        /// The code of the reason.
        code: String,
    },
    /// The provider did not accept it, but may accept another attempt.
    Later {
        /// The code of the reason.
        code: String,
    },
    /// It was delivered.
    Delivered,
    /// It was not delivered, and that is certain.
    Failed {
        /// The code of the reason.
        code: String,
    },
}
