//! Behaviours: how the stand-in answers and reports the next sends, set by a test or a demonstration.

use serde::{Deserialize, Serialize};

use super::protocol::{Channel, SendRequest};

/// The behaviour for the next sends that match, as JSON: `{"channel": "sms", "answer": {"refuse": "21610"}}`, or
/// `{"reports": [{"event": "delivered", "after_ms": 50, "times": 2}, {"event": "sent", "after_ms": 200}]}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    pub channel: Option<Channel>,
    /// An address or a number.
    pub to: Option<String>,
    /// The number of sends.
    pub times: u32,
    pub delay_ms: u64,
    pub answer: Answer,
    /// The reports of an accepted message, in any order.
    pub reports: Vec<Report>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Accept,
    /// Status 400 with a code of the provider.
    Refuse(String),
    /// Status 429, to be retried in a second.
    Busy,
    /// Status 500.
    Fail,
    /// Accepts the message without an answer.
    Hang,
    /// Accepts the message and closes the connection without an answer.
    Drop,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    pub event: Event,
    /// Counted from the send.
    #[serde(default = "soon")]
    pub after_ms: u64,
    #[serde(default = "once")]
    pub times: u32,
}

/// An event of a message. A provider without such a report sends its nearest one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Sent,
    Delivered,
    /// The lead opened or read the message.
    Opened,
    /// The address or number does not exist.
    Bounced,
    /// The lead marked the message as spam, or unsubscribed.
    Complained,
    /// A failure with a code of the provider.
    Failed(String),
    /// The lead's reply on WhatsApp or by SMS.
    Replied(String),
}

impl Default for Behaviour {
    fn default() -> Self {
        let reports = vec![Report { event: Event::Delivered, after_ms: soon(), times: 1 }];
        Self { channel: None, to: None, times: 1, delay_ms: 0, answer: Answer::Accept, reports }
    }
}

/// The default delay in milliseconds.
fn soon() -> u64 {
    100
}

fn once() -> u32 {
    1
}

/// The behaviours that are left, in order.
#[derive(Debug, Default)]
pub struct Script(Vec<Behaviour>);

impl Script {
    pub fn add(&mut self, behaviour: Behaviour) {
        self.0.push(behaviour);
    }

    /// Takes the behaviour for a send; the default if none matches.
    pub fn next(&mut self, given: &SendRequest) -> Behaviour {
        self.0.retain(|behaviour| behaviour.times > 0);
        let matches = |behaviour: &&mut Behaviour| {
            behaviour.channel.is_none_or(|channel| channel == given.channel)
                && behaviour.to.as_ref().is_none_or(|to| *to == given.to)
        };
        let Some(next) = self.0.iter_mut().find(matches) else { return Behaviour::default() };
        next.times -= 1;
        next.clone()
    }
}
