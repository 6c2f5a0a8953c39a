//! What a campaign is to say, as a task proposes it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crm::lists::Target;

/// What a campaign is to say, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The campaign's identifier, known before it is started.
    pub campaign_id: Uuid,
    /// What people call it.
    pub name: String,
    /// To whom.
    pub list: Target,
    /// What about, in the words of whoever asked for it.
    pub about: String,
    /// The e-mail that each draft follows in tone and content, as it was agreed on; it names nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Example>,
}

/// An e-mail that a campaign's drafts follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "ExampleMessage")]
pub struct Example {
    /// Subject line.
    pub title: String,
    /// The text.
    pub message: String,
}
