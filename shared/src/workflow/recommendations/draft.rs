//! What is to be sent.

use crate::base::channel::Channel;
use crate::outreach::writing::{ChannelMessage, placeholder};
use serde::{Deserialize, Serialize};

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Where.
    pub channel: Channel,
    /// Subject line or headline, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    pub message: String,
}

impl Draft {
    /// What it says, by the fields of a request.
    pub fn parts(&self) -> [(&'static str, &str); 2] {
        [("draft_title", self.title.as_deref().unwrap_or_default()), ("draft_message", &self.message)]
    }

    /// What is wrong with its form: the field of a request, and what it has to be. What a person writes may
    /// name whatever they know.
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

    /// What is wrong with it as a model wrote it for some reason: by the form of its channel, and by what it may name.
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
