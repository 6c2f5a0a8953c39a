//! The approval of a recommendation.

use super::Draft;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A reviewer's approval, with the text to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The approved text and its channel.
    pub draft: Draft,
    /// SHA-256 of the text, in hexadecimal digits.
    pub text_sha256: String,
    /// Whether the reviewer changed the proposed text or channel.
    pub edited: bool,
    /// The reviewer: `key:` and the identifier of the API key.
    pub by: String,
    /// The time of the approval.
    pub at: DateTime<Utc>,
}
