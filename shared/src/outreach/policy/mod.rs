//! The channel and the priority of a recommendation.
//!
//! Everything here is arithmetic on what it is given. There is no clock, no store and no model, so
//! that a recommendation that is disputed later can be computed again from its inputs and
//! [`POLICY_VERSION`]. docs/priority-and-channel.md works through an example and says how well it does.
//!
//! - [`rates`]: how often a channel succeeds with leads of an account tier, learned from outcomes.
//! - [`channel`]: how likely it is to succeed with this lead.
//! - [`priority`]: the score from 0 to 100, what it is made of, and what to do.
//! - [`beta`]: the distribution behind the intervals.

pub mod beta;
pub mod channel;
mod intent;
pub mod priority;
pub mod rates;

use serde::{Deserialize, Serialize};

use crate::base::channel::Channel;

pub use channel::{ChannelScore, is_closed, score};
pub use priority::{Action, Contribution, Priority, Signals, prioritise};
pub use rates::{Count, SegmentRates, Tier};

/// The version of every published constant and word list in this module, for the audit. It changes
/// with any of them.
pub const POLICY_VERSION: &str = "outreach-2";

/// The channel that an event's type names, in any case and with any separators. A `note` or
/// `linkedin` names none.
pub fn channel_named(word: &str) -> Option<Channel> {
    match bare(word).as_str() {
        "email" | "mail" => Some(Channel::Email),
        "sms" | "text" | "textmessage" => Some(Channel::Sms),
        "whatsapp" => Some(Channel::Whatsapp),
        "phonecall" | "phone" | "call" | "voice" => Some(Channel::PhoneCall),
        "meeting" | "videocall" | "demo" | "visit" => Some(Channel::Meeting),
        _ => None,
    }
}

/// What came of reaching out once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OutreachOutcome")]
pub enum Outcome {
    /// The lead answered, or took the call.
    Replied,
    /// A meeting was agreed on or held.
    MeetingBooked,
    /// The lead followed a link.
    Clicked,
    /// The lead opened or read it.
    Opened,
    /// Nothing came back.
    NoResponse,
    /// The lead said no.
    Declined,
    /// It arrived; nothing more is known yet.
    Delivered,
    /// It did not arrive, for good.
    Bounced,
    /// The lead does not want to be reached this way.
    OptedOut,
    /// Anything else, which says nothing about success.
    Other,
}

impl Outcome {
    /// The outcome that a word means, in any case and with any separators.
    pub fn named(word: &str) -> Self {
        match bare(word).as_str() {
            "replied" | "reply" | "responded" | "answered" | "connected" | "interested" => Self::Replied,
            "meetingbooked" | "meetingscheduled" | "booked" | "scheduled" | "attended" | "held" | "completed" => {
                Self::MeetingBooked
            }
            "clicked" | "click" => Self::Clicked,
            "opened" | "open" | "read" | "seen" => Self::Opened,
            "noresponse" | "noreply" | "noanswer" | "unanswered" | "ignored" | "voicemail" | "leftvoicemail"
            | "busy" | "noshow" => Self::NoResponse,
            "declined" | "notinterested" | "rejected" => Self::Declined,
            "delivered" => Self::Delivered,
            "bounced" | "bounce" | "hardbounce" | "undelivered" | "failed" | "wrongnumber" | "invalidnumber" => {
                Self::Bounced
            }
            "optedout" | "optout" | "unsubscribed" | "complained" | "complaint" | "donotcontact" => Self::OptedOut,
            _ => Self::Other,
        }
    }

    /// How much of a success it is, from 0 to 1. `None` if it does not tell: it is still open, it never
    /// reached the lead, or its word is not known. An opened message is worth less than most segment rates,
    /// so that a lead who only ever opens becomes less likely to reply, but less so than one who does not.
    pub fn success(self) -> Option<f64> {
        match self {
            Self::Replied | Self::MeetingBooked => Some(1.0),
            Self::Clicked => Some(0.25),
            Self::Opened => Some(0.1),
            Self::NoResponse | Self::Declined => Some(0.0),
            Self::Delivered | Self::Bounced | Self::OptedOut | Self::Other => None,
        }
    }

    /// Whether it shows that the channel reaches the lead.
    fn arrived(self) -> bool {
        matches!(self, Self::Replied | Self::MeetingBooked | Self::Clicked | Self::Opened | Self::Delivered)
    }
}

/// One time that a lead was reached out to, or reached out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// How.
    pub channel: Channel,
    /// What came of it.
    pub outcome: Outcome,
    /// Days ago. `None` where no date is given, as with the events of a request; such a touch counts as
    /// [`Touch::REFERENCE_AGE_DAYS`] old.
    pub age_days: Option<f64>,
}

impl Touch {
    /// How old a touch without a date is taken to be, in days.
    pub const REFERENCE_AGE_DAYS: f64 = 30.0;

    /// Its age in days, never negative; the reference age if there is none, or none that is a number.
    pub fn age(&self) -> f64 {
        self.age_days.filter(|age| age.is_finite()).unwrap_or(Self::REFERENCE_AGE_DAYS).max(0.0)
    }
}

/// Whether the newest touch of one kind is no older than the newest of another; `false` without the first.
/// What happened at the same time is read as the first kind, so that the order of touches does not matter.
fn last_said(touches: &[Touch], first: impl Fn(Outcome) -> bool, other: impl Fn(Outcome) -> bool) -> bool {
    let newest = |kind: &dyn Fn(Outcome) -> bool| {
        touches.iter().filter(|touch| kind(touch.outcome)).map(Touch::age).min_by(f64::total_cmp)
    };
    match (newest(&first), newest(&other)) {
        (Some(first), Some(other)) => first <= other,
        (first, _) => first.is_some(),
    }
}

/// A word without its case and separators: `Mid-Market` and `mid_market` are the same.
fn bare(word: &str) -> String {
    word.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_document_are_known_in_any_case() {
        for (word, channel) in [
            ("email", Channel::Email),
            ("E-Mail", Channel::Email),
            ("phone_call", Channel::PhoneCall),
            ("CALL", Channel::PhoneCall),
            ("Phone Call", Channel::PhoneCall),
            ("sms", Channel::Sms),
            ("WhatsApp", Channel::Whatsapp),
            ("meeting", Channel::Meeting),
        ] {
            assert_eq!(channel_named(word), Some(channel), "{word:?}");
        }
        assert!(channel_named("note").is_none() && channel_named("").is_none());
        for (word, outcome) in [
            ("replied", Outcome::Replied),
            ("Opened", Outcome::Opened),
            ("no_response", Outcome::NoResponse),
            ("No Response", Outcome::NoResponse),
            ("meeting-booked", Outcome::MeetingBooked),
            ("unsubscribed", Outcome::OptedOut),
            ("sent", Outcome::Other),
            ("", Outcome::Other),
        ] {
            assert_eq!(Outcome::named(word), outcome, "{word:?}");
        }
    }
}
