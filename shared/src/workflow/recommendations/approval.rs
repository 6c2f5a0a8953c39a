//! What a person approved.

use super::Draft;
use crate::base::time::timestamp;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
    /// When.
    pub at: DateTime<Utc>,
}

impl Approval {
    pub(super) fn shown(&self) -> Value {
        json!({
            "channel": self.draft.channel,
            "draft_title": self.draft.title,
            "draft_message": self.draft.message,
            "text_sha256": self.text_sha256,
            "edited": self.edited,
            "by": self.by,
            "at": timestamp(self.at),
        })
    }
}
