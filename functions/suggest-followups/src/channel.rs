//! The channels of a follow-up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::crm::leads::Lead;

/// How a follow-up happens: the `type` of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// An e-mail.
    Email,
    /// A phone call.
    Call,
    /// A meeting.
    Meeting,
    /// A message on LinkedIn.
    Linkedin,
    /// A message on WhatsApp.
    Whatsapp,
}

impl Channel {
    /// Every channel, in the document's order.
    pub const ALL: [Self; 5] = [Self::Email, Self::Call, Self::Meeting, Self::Linkedin, Self::Whatsapp];

    /// The channel of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// Its name in requests and responses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Call => "call",
            Self::Meeting => "meeting",
            Self::Linkedin => "linkedin",
            Self::Whatsapp => "whatsapp",
        }
    }

    /// Whether a follow-up of this kind starts with a text that can be drafted.
    pub fn has_draft(self) -> bool {
        !matches!(self, Self::Call | Self::Meeting)
    }

    /// Whether the lead's contact details suffice for it. A meeting needs some way to invite.
    pub fn reaches(self, lead: &Lead) -> bool {
        match self {
            Self::Email => lead.email.is_some(),
            Self::Call | Self::Whatsapp => lead.phone.is_some(),
            Self::Linkedin => lead.linkedin.is_some(),
            Self::Meeting => lead.email.is_some() || lead.phone.is_some(),
        }
    }
}
