//! What a person approved.

use super::Draft;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a person approved: the text that is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What is sent, and where.
    pub draft: Draft,
    /// SHA-256 of the text, in hexadecimal digits.
    pub text_sha256: String,
    /// Whether the person changed what was proposed.
    pub edited: bool,
    /// Who.
    pub by: String,
    /// When it was approved.
    pub at: DateTime<Utc>,
}
