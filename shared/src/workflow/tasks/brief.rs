//! The brief of a campaign, as a task proposes it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crm::lists::Target;

/// The brief of a campaign: its list and its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The campaign's identifier, known before it is started.
    pub campaign_id: Uuid,
    /// The campaign's name.
    pub name: String,
    /// The list whose contacts get a draft.
    pub list: Target,
    /// The topic, in the user's words.
    pub about: String,
    /// An agreed e-mail whose tone and content each draft follows; it names no contact. Null without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Example>,
}

/// An e-mail that a campaign's drafts follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "ExampleMessage")]
pub struct Example {
    /// The subject line.
    pub title: String,
    /// The text.
    pub message: String,
}
