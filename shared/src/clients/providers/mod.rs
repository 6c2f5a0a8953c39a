//! What carries a message to a lead: e-mail by Amazon SES, WhatsApp by Meta, SMS by Twilio.
//!
//! None of the three has a token that would make a send idempotent. So a send is one attempt, and [`Sent`]
//! says what is proven of it: a message may go out again, or another way, only where it is proven that it
//! did not go out. Each provider is told the `delivery_id`, and says it again in what it reports
//! ([`Callback`]), so that a send whose answer was lost is settled as well.
//!
//! Errors are codes. What a provider says in words quotes addresses and numbers, and is not even read; the
//! identifiers of WhatsApp's messages hold the lead's number, so no `Debug` shows an identifier either.

mod callback;
#[cfg(test)]
mod callback_tests;
pub mod email;
pub mod sms;
pub mod whatsapp;

use std::fmt;
use std::time::Duration;

use reqwest::header::{CONNECTION, HeaderMap};
use reqwest::{RequestBuilder, Url};
use serde_json::Value;

pub use self::callback::{Callback, Kind};
use self::email::Ses;
use self::sms::Twilio;
use self::whatsapp::Meta;
use crate::base::channel::Channel;
use crate::base::context::FromContext;
use crate::base::environment::{ConfigError, Environment};
use crate::base::observe::traces::{Of, Subsegment};
use crate::clients::answer;
use crate::clients::http_client::http_client;

/// How long a send may take, connecting included. All three answer within a second as a rule.
const WITHIN: Duration = Duration::from_secs(12);

/// The longest answer that is read: providers answer with a few hundred bytes. A longer one counts by its status.
const MOST_BYTES: usize = 256 * 1024;

/// One message to one lead. Its `Debug` shows the delivery and the channel alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What the provider's reports will say it is: letters, digits, `-` and `_`, at most 256 of them.
    pub delivery_id: String,
    /// The lead's e-mail address, or its phone number: with `+` for SMS, either way for WhatsApp.
    pub to: String,
    /// An e-mail address, with or without a name; WhatsApp's `phone_number_id`; a phone number or the
    /// identifier (`MG…`) of a messaging service of Twilio.
    pub from: String,
    /// What is said.
    pub content: Content,
}

/// What is said, and on which channel.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// An e-mail.
    Email {
        /// The subject line.
        subject: String,
        /// The body, as plain text.
        text: String,
        /// Where answers go, if not to the sender.
        reply_to: Option<String>,
    },
    /// A WhatsApp message. Free text is carried within 24 hours of the lead's last message alone.
    Whatsapp {
        /// The body, at most 4,096 characters.
        text: String,
    },
    /// An SMS.
    Sms {
        /// The body, at most 1,600 characters.
        text: String,
    },
}

impl Outgoing {
    /// The channel that it takes.
    pub fn channel(&self) -> Channel {
        match self.content {
            Content::Email { .. } => Channel::Email,
            Content::Whatsapp { .. } => Channel::Whatsapp,
            Content::Sms { .. } => Channel::Sms,
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Outgoing");
        shown.field("delivery_id", &self.delivery_id).field("channel", &self.channel()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Content(..)")
    }
}

/// What is proven of a send. Codes are the provider's, or ours in small letters.
#[derive(Clone, PartialEq, Eq)]
pub enum Sent {
    /// The provider has taken it, and will report.
    Accepted {
        /// What the provider calls the message.
        provider_message_id: String,
    },
    /// It was not sent and will not be, however often it is tried: 4xx, but for what is named below.
    Refused {
        /// Why.
        code: String,
    },
    /// It was not sent, and may be tried again: no connection was made, 429, or a code that says as much.
    Later {
        /// How long the provider wants to be left alone, if it says so.
        retry_after: Option<Duration>,
    },
    /// It may have been sent: the answer did not come, broke off, does not read, or is 408, 409, 425, 3xx
    /// or 5xx. Only a report of the provider settles it.
    Unknown {
        /// Why.
        code: String,
    },
}

impl fmt::Debug for Sent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { .. } => formatter.write_str("Accepted"),
            Self::Refused { code } => write!(formatter, "Refused({code})"),
            Self::Later { retry_after } => write!(formatter, "Later({retry_after:?})"),
            Self::Unknown { code } => write!(formatter, "Unknown({code})"),
        }
    }
}

/// Whether a code of a refusal or a failure says that the lead wants nothing more on this channel.
pub fn has_opted_out(code: &str) -> bool {
    matches!(code, sms::UNSUBSCRIBED | whatsapp::UNSUBSCRIBED)
}

/// The providers that a deployment has.
#[derive(Clone, FromContext)]
pub struct Providers {
    #[context(http_client()?)]
    http: reqwest::Client,
    #[context(Ses::new(context)?)]
    email: Option<Ses>,
    #[context(Meta::new(context)?)]
    whatsapp: Option<Meta>,
    #[context(Twilio::new(context)?)]
    sms: Option<Twilio>,
    #[context(WITHIN)]
    within: Duration,
}

impl fmt::Debug for Providers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let configured: Vec<_> = Channel::SENT.into_iter().filter(|channel| self.configured(*channel)).collect();
        formatter.debug_struct("Providers").field("configured", &configured).finish_non_exhaustive()
    }
}

impl Providers {
    /// Whether there is a provider for this channel.
    pub fn configured(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.email.is_some(),
            Channel::Whatsapp => self.whatsapp.is_some(),
            Channel::Sms => self.sms.is_some(),
            _ => false,
        }
    }

    /// Sends one message: one attempt, at most 12 seconds. Without a provider for its channel it is refused
    /// as `not_configured`.
    pub async fn send(&self, outgoing: &Outgoing) -> Sent {
        let http = &self.http;
        let (provider, request, sent): (_, _, fn(&Answer) -> Sent) = match (&outgoing.content, self) {
            (Content::Email { .. }, Self { email: Some(ses), .. }) => {
                (("SES", Of::Aws), Ok(ses.request(http, outgoing)), email::sent)
            }
            (Content::Whatsapp { .. }, Self { whatsapp: Some(meta), .. }) => {
                (("WhatsApp", Of::Remote), meta.request(http, outgoing).await, whatsapp::sent)
            }
            (Content::Sms { .. }, Self { sms: Some(twilio), .. }) => {
                (("Twilio", Of::Remote), twilio.request(http, outgoing).await, sms::sent)
            }
            _ => return refused("not_configured"),
        };
        match request {
            Ok(Some(request)) => self.exchange(provider, request, sent).await,
            Ok(None) => refused("no_request"),
            // Nothing was sent, because the provider's token cannot be read for now.
            Err(error) => {
                tracing::warn!(cause = %error, "a provider's token cannot be read");
                Sent::Later { retry_after: None }
            }
        }
    }

    async fn exchange(&self, (provider, of): (&str, Of), request: RequestBuilder, sent: fn(&Answer) -> Sent) -> Sent {
        let mut call = Subsegment::begin(provider, of);
        if of == Of::Aws {
            call.aws("operation", "SendEmail");
        }
        // A connection may die while a function is frozen. A message that is written to a dead one is unknown; a
        // new one costs a handshake.
        match request.header(CONNECTION, "close").timeout(self.within).send().await {
            Ok(response) => {
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                // A status is an answer even if what follows it breaks off.
                let body = answer::body(response, MOST_BYTES).await.unwrap_or_default();
                call.answered(status);
                sent(&Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
            }
            Err(error) => match () {
                () if error.is_builder() => refused("no_request"),
                () if error.is_connect() => Sent::Later { retry_after: None },
                () if error.is_timeout() => Sent::Unknown { code: "timeout".to_owned() },
                () => Sent::Unknown { code: "broken_off".to_owned() },
            },
        }
    }
}

fn refused(code: &str) -> Sent {
    Sent::Refused { code: code.to_owned() }
}

/// What a provider answered; the body is null if it did not read.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// What the answer proves, by what the provider calls the message, its code if it is an error, and the
    /// codes with which it wants to be asked again.
    fn proves(&self, message_id: &Value, error_code: Option<&str>, busy: &[&str]) -> Sent {
        let code = || error_code.and_then(clean_code).unwrap_or_else(|| format!("status_{}", self.status));
        let later = || Sent::Later { retry_after: answer::retry_after(&self.headers) };
        match self.status {
            200..300 => match message_id.as_str() {
                Some(id) if (1..=512).contains(&id.len()) => Sent::Accepted { provider_message_id: id.to_owned() },
                _ => Sent::Unknown { code: "unreadable".to_owned() },
            },
            429 => later(),
            408 | 409 | 425 => Sent::Unknown { code: code() },
            400..500 if error_code.is_some_and(|code| busy.contains(&code)) => later(),
            400..500 => Sent::Refused { code: code() },
            _ => Sent::Unknown { code: code() },
        }
    }
}

/// A code, if it is one: nothing in it can be an address or a sentence.
fn clean_code(code: &str) -> Option<String> {
    let is_code = (1..=128).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    is_code.then(|| code.to_owned())
}

/// The address in a variable, or its default, with more path behind it.
fn address(environment: &Environment, name: &'static str, default: &str, path: &[&str]) -> Result<Url, ConfigError> {
    let invalid = |reason: String| ConfigError::Invalid { name, reason };
    let base = environment.optional(name).unwrap_or(default);
    let mut url: Url = base.parse().map_err(|error| invalid(format!("{error}")))?;
    url.path_segments_mut().map_err(|()| invalid("it has no path".to_owned()))?.pop_if_empty().extend(path);
    Ok(url)
}

#[cfg(test)]
mod tests;
