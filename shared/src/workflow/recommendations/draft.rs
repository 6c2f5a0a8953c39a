//! A text to send, with its channel.

use crate::base::channel::Channel;
use crate::clients::llm::Checked;
use crate::outreach::gate::{Basis, Fault, Part};
use crate::outreach::writing::ChannelMessage;
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

    /// The fault in its format, or a placeholder: the field of a request, and the rule. A reviewer may name facts that
    /// are not stored.
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
        self.parts().into_iter().find_map(|(field, text)| {
            let left = Basis::placeholder(text)?;
            Some((field, format!("holds the placeholder {left}; write what it stands for")))
        })
    }

    /// Checks what a model replied: the draft, and the reason for it. A reply with personal data stays usable, because
    /// the caller blocks it and alerts compliance.
    pub fn checked<T>(&self, reply: T, reasoning: &str, basis: &Basis) -> Checked<T> {
        match self.fault_of_model(reasoning, basis) {
            None => Checked::Fine(reply),
            Some(fault @ Fault::Form(_)) => Checked::Wrong { complaint: fault.to_string(), usable: None },
            Some(fault) => Checked::Withheld {
                complaint: fault.to_string(),
                usable: matches!(fault, Fault::Disclosure(_)).then_some(reply),
            },
        }
    }

    /// The fault of a model's draft or of its reason; personal data first.
    fn fault_of_model(&self, reasoning: &str, basis: &Basis) -> Option<Fault> {
        let [(_, title), (_, message)] = self.parts();
        let parts = [(Part::Title, title), (Part::Message, message), (Part::Reason, reasoning)];
        let mut faults: Vec<_> = parts.into_iter().filter_map(|(part, text)| basis.fault(part, text)).collect();
        faults.sort_by_key(|fault| !matches!(fault, Fault::Disclosure(_)));
        let written = ChannelMessage {
            title: self.title.clone().unwrap_or_else(|| "-".to_owned()),
            message: self.message.clone(),
            strategy: reasoning.to_owned(),
        };
        let form =
            || written.fault(self.channel).or_else(|| self.fault().map(|(field, rule)| format!("{field} {rule}")));
        faults.into_iter().next().or_else(|| form().map(Fault::Form))
    }
}

pub(super) fn drafted(medium: Channel, written: &ChannelMessage) -> Draft {
    Draft { channel: medium, title: Some(written.title.clone()), message: written.message.clone() }
}
