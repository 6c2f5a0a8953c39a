//! What the stand-in does with a send, as told by whoever tests or shows something.

use serde::{Deserialize, Serialize};

use super::protocol::{Channel, Given};

/// What to do with the next sends that fit, as JSON: `{"channel": "sms", "answer": {"refuse": "21610"}}`, or
/// `{"reports": [{"event": "delivered", "after_ms": 50, "times": 2}, {"event": "sent", "after_ms": 200}]}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Only sends on this channel.
    pub channel: Option<Channel>,
    /// Only sends to this address or number.
    pub to: Option<String>,
    /// How many sends.
    pub times: u32,
    /// How long the answer takes.
    pub delay_ms: u64,
    /// The answer.
    pub answer: Answer,
    /// What is reported of the message, if it is taken, in whichever order.
    pub reports: Vec<Report>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Takes the message.
    Accept,
    /// Refuses it with a code of the provider: status 400.
    Refuse(String),
    /// Wants to be asked again in a second: status 429.
    Busy,
    /// Breaks: status 500.
    Fail,
    /// Takes the message, and does not answer.
    Hang,
    /// Takes the message, and ends the connection.
    Drop,
}

/// A report of a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What is reported.
    pub event: Event,
    /// How long after the message was taken.
    #[serde(default = "soon")]
    pub after_ms: u64,
    /// How often.
    #[serde(default = "once")]
    pub times: u32,
}

/// What is reported. Where a provider has no such report, it is its nearest one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It is on its way.
    Sent,
    /// It arrived.
    Delivered,
    /// It was read.
    Opened,
    /// There is no such address or number.
    Bounced,
    /// The lead calls it spam, or has unsubscribed.
    Complained,
    /// It failed, with a code.
    Failed(String),
    /// The lead answers, on WhatsApp or by SMS.
    Replied(String),
}

impl Default for Behaviour {
    fn default() -> Self {
        let reports = vec![Report { event: Event::Delivered, after_ms: soon(), times: 1 }];
        Self { channel: None, to: None, times: 1, delay_ms: 0, answer: Answer::Accept, reports }
    }
}

/// In milliseconds.
fn soon() -> u64 {
    100
}

fn once() -> u32 {
    1
}

/// What was told and not used yet, in its order.
#[derive(Debug, Default)]
pub struct Script(Vec<Behaviour>);

impl Script {
    /// Tells one more.
    pub fn add(&mut self, behaviour: Behaviour) {
        self.0.push(behaviour);
    }

    /// What to do with this send.
    pub fn next(&mut self, given: &Given) -> Behaviour {
        self.0.retain(|behaviour| behaviour.times > 0);
        let fits = |behaviour: &&mut Behaviour| {
            behaviour.channel.is_none_or(|channel| channel == given.channel)
                && behaviour.to.as_ref().is_none_or(|to| *to == given.to)
        };
        let Some(next) = self.0.iter_mut().find(fits) else { return Behaviour::default() };
        next.times -= 1;
        next.clone()
    }
}
