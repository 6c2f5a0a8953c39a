//! A text to send, with its channel.

use crate::base::channel::Channel;
use crate::outreach::writing::{ChannelMessage, placeholder};
use serde::{Deserialize, Serialize};

/// A text to send, with its channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The channel.
    pub channel: Channel,
    /// The subject line or headline; null if the channel has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    pub message: String,
}

impl Draft {
    /// Its texts, each with its field of a request.
    pub fn parts(&self) -> [(&'static str, &str); 2] {
        [("draft_title", self.title.as_deref().unwrap_or_default()), ("draft_message", &self.message)]
    }

    /// The fault in its format: the field of a request, and the rule. Only the format is checked, because a reviewer
    /// may name facts that are not stored.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        let title = self.title.as_deref().unwrap_or_default();
        let most = match self.channel {
            Channel::Email | Channel::PhoneCall | Channel::Meeting => 5_000,
            Channel::Whatsapp | Channel::Linkedin | Channel::Instagram | Channel::Webchat => 4_096,
            Channel::Sms => 480,
            Channel::Notification => 240,
            Channel::Web => 400,
        };
        if self.message.trim().is_empty() || self.message.chars().count() > most {
            return Some(("draft_message", format!("must have 1 to {most} characters for {}", self.channel.name())));
        }
        if self.channel == Channel::Email && (title.trim().is_empty() || title.contains(['\n', '\r'])) {
            return Some(("draft_title", "is needed for email: a subject line of one line".to_owned()));
        }
        let field = if placeholder(title).is_some() { "draft_title" } else { "draft_message" };
        let left = placeholder(title).or_else(|| placeholder(&self.message))?;
        Some((field, format!("holds the placeholder {left}; write what it stands for")))
    }

    /// The fault of a draft that a model wrote: in the format of its channel, or because it or its reason names
    /// something unknown.
    pub fn fault_of_model(&self, reasoning: &str, known: &str) -> Option<String> {
        let written = ChannelMessage {
            title: self.title.clone().unwrap_or_else(|| "-".to_owned()),
            message: self.message.clone(),
            strategy: reasoning.to_owned(),
        };
        let fault = written.fault(self.channel, known);
        fault.or_else(|| self.fault().map(|(field, complaint)| format!("{field} {complaint}")))
    }
}

pub(super) fn drafted(medium: Channel, written: &ChannelMessage) -> Draft {
    Draft { channel: medium, title: Some(written.title.clone()), message: written.message.clone() }
}
