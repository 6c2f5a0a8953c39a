//! The ways to and from a lead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a lead writes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// WhatsApp; the lead's identifier is a phone number without `+`.
    Whatsapp,
    /// Instagram; the identifier is Instagram-scoped.
    Instagram,
    /// Webchat; the identifier is a session.
    Webchat,
}

impl Platform {
    /// Every platform, in the document's order.
    pub const ALL: [Self; 3] = [Self::Whatsapp, Self::Instagram, Self::Webchat];

    /// The platform of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.name() == name)
    }

    /// Its name in requests and responses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Instagram => "instagram",
            Self::Webchat => "webchat",
        }
    }
}

/// Where something is to reach a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OutreachChannel")]
pub enum Channel {
    /// An e-mail.
    Email,
    /// A WhatsApp message.
    Whatsapp,
    /// A text message.
    Sms,
    /// A call by the representative.
    PhoneCall,
    /// A meeting with the representative.
    Meeting,
    /// A line within the product.
    Notification,
    /// A banner or popup on the site.
    Web,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 7] =
        [Self::Email, Self::Whatsapp, Self::Sms, Self::PhoneCall, Self::Meeting, Self::Notification, Self::Web];

    /// Its name in requests and responses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Whatsapp => "whatsapp",
            Self::Sms => "sms",
            Self::PhoneCall => "phone_call",
            Self::Meeting => "meeting",
            Self::Notification => "notification",
            Self::Web => "web",
        }
    }

    /// The channel of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// Whether something is sent there; the others are shown, or done by the representative.
    pub fn is_sent(self) -> bool {
        matches!(self, Self::Email | Self::Whatsapp | Self::Sms)
    }

    /// The form that a text has there.
    pub fn form(self) -> Medium {
        match self {
            Self::Email | Self::PhoneCall | Self::Meeting => Medium::Email,
            Self::Whatsapp | Self::Sms => Medium::Whatsapp,
            Self::Notification => Medium::Notification,
            Self::Web => Medium::Web,
        }
    }
}

impl From<Medium> for Channel {
    fn from(medium: Medium) -> Self {
        match medium {
            Medium::Email => Self::Email,
            Medium::Whatsapp => Self::Whatsapp,
            Medium::Notification => Self::Notification,
            Medium::Web => Self::Web,
        }
    }
}

/// Where a message appears (seeds/lead-follow-up.md, "Available Channels").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Medium {
    /// An e-mail: a subject line and a body.
    Email,
    /// A WhatsApp message: one short paragraph.
    Whatsapp,
    /// A line within the product.
    Notification,
    /// A banner or popup on the site.
    Web,
}

impl Medium {
    /// Every medium, in the document's order.
    pub const ALL: [Self; 4] = [Self::Email, Self::Whatsapp, Self::Notification, Self::Web];

    /// Its name in requests and responses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Whatsapp => "whatsapp",
            Self::Notification => "notification",
            Self::Web => "web",
        }
    }

    /// Most characters of a title and of a message.
    pub(crate) fn limits(self) -> (usize, usize) {
        match self {
            Self::Email => (150, 5_000),
            Self::Whatsapp => (100, 700),
            Self::Notification => (100, 240),
            Self::Web => (100, 400),
        }
    }
}
