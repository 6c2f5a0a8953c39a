//! The providers that carry messages to leads: Amazon SES for e-mail, Meta for WhatsApp, Twilio for SMS.
//!
//! None of them has a token that makes a send idempotent. So a send is one attempt, and [`Sent`] says what its result
//! proves. A message may be sent again, or by another channel, only if it provably was not sent. Each provider gets the
//! `delivery_id` and returns it in its reports ([`Callback`]), so that a report settles a send whose answer was lost.
//!
//! Errors are codes. A provider's texts quote addresses and numbers, so they are never read. WhatsApp's message
//! identifiers contain the lead's number, so no `Debug` shows an identifier.

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

/// The maximum time of a send, including the connection. All three providers usually answer within a second.
const WITHIN: Duration = Duration::from_secs(12);

/// The longest answer that is read; providers answer with a few hundred bytes. A longer answer counts by its status
/// alone.
const MOST_BYTES: usize = 256 * 1024;

/// One message to one lead. `Debug` shows only the delivery and the channel.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The identifier that the provider's reports return: letters, digits, `-` and `_`, at most 256 characters.
    pub delivery_id: String,
    /// The lead's e-mail address or phone number: with `+` for SMS, with or without it for WhatsApp.
    pub to: String,
    /// The sender: an e-mail address, with or without a name; WhatsApp's `phone_number_id`; a phone number, or the
    /// identifier (`MG…`) of a Twilio messaging service.
    pub from: String,
    /// The content, which determines the channel.
    pub content: Content,
}

/// The content of a message, for its channel.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// An e-mail.
    Email {
        /// The subject line.
        subject: String,
        /// The body, as plain text.
        text: String,
        /// The address for replies; null means the sender's.
        reply_to: Option<String>,
    },
    /// A WhatsApp message. Meta accepts free text only within 24 hours of the lead's last message.
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
    /// The channel of this content.
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

/// What the result of a send proves. Codes are the provider's, or ours in lower case.
#[derive(Clone, PartialEq, Eq)]
pub enum Sent {
    /// The provider accepted the message and will report on it.
    Accepted {
        /// The provider's identifier of the message.
        provider_message_id: String,
    },
    /// The message was not sent, and a retry would fail too: 4xx, except for the cases below.
    Refused {
        /// The reason.
        code: String,
    },
    /// The message was not sent and may be retried: no connection was made, 429, or a code that says so.
    Later {
        /// How long to wait before a retry, if the provider says so.
        retry_after: Option<Duration>,
    },
    /// The message may have been sent: there was no answer, it broke off, it is unreadable, or it is 408, 409, 425, 3xx
    /// or 5xx. Only a report of the provider settles it.
    Unknown {
        /// The reason.
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

/// Whether the code of a refusal or failure means that the lead opted out of this channel.
pub fn has_opted_out(code: &str) -> bool {
    matches!(code, sms::UNSUBSCRIBED | whatsapp::UNSUBSCRIBED)
}

/// The configured providers of a deployment.
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
    /// Whether a provider for this channel is configured.
    pub fn configured(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.email.is_some(),
            Channel::Whatsapp => self.whatsapp.is_some(),
            Channel::Sms => self.sms.is_some(),
            _ => false,
        }
    }

    /// Sends one message, in one attempt of at most 12 seconds. Without a provider for its channel, the message is
    /// refused as `not_configured`.
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
            // The provider's token is unreadable for now, so nothing was sent.
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
        // A connection may die while a function is frozen, and the result of a message written to it is unknown. A new
        // connection costs only a handshake.
        match request.header(CONNECTION, "close").timeout(self.within).send().await {
            Ok(response) => {
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                // The status counts even if the body breaks off.
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

/// A provider's answer. The body is null if it is unreadable.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// What the answer proves, from the provider's identifier of the message, the error code if there is one, and the
    /// codes that ask for a retry.
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

/// A code, if it is well-formed, so that it cannot contain an address or a sentence.
fn clean_code(code: &str) -> Option<String> {
    let is_code = (1..=128).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    is_code.then(|| code.to_owned())
}

/// The base address from an environment variable, or its default, followed by a path.
fn address(environment: &Environment, name: &'static str, default: &str, path: &[&str]) -> Result<Url, ConfigError> {
    let invalid = |reason: String| ConfigError::Invalid { name, reason };
    let base = environment.optional(name).unwrap_or(default);
    let mut url: Url = base.parse().map_err(|error| invalid(format!("{error}")))?;
    url.path_segments_mut().map_err(|()| invalid("it has no path".to_owned()))?.pop_if_empty().extend(path);
    Ok(url)
}

#[cfg(test)]
mod tests;
