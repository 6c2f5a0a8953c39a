//! SMS: Twilio's `Messages`, its status callbacks, inbound messages, and the check of its signature ("Message
//! resource", "Track outbound message status", "Twilio's request to your webhook URL" and "Webhooks security", Twilio
//! documentation).

use std::fmt;

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use reqwest::{RequestBuilder, Url};

use super::{Answer, Callback, Content, Kind, Outgoing, Sent, address, clean_code};
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::store::StoreError;
use crate::clients::secrets::Secret;

/// "Attempt to send to unsubscribed recipient" ("Error and warning dictionary", Twilio).
pub(super) const UNSUBSCRIBED: &str = "21610";

/// The path below `PUBLIC_URL` that Twilio reports to. Each send has to name it.
const STATUS_PATH: [&str; 3] = ["webhooks", "twilio", "status"];

/// The query parameter of that path that names the delivery.
pub const DELIVERY_PARAMETER: &str = "delivery";

/// A Twilio account, and the address for its reports, if there is one.
#[derive(Clone)]
pub(super) struct Twilio {
    url: Url,
    account: String,
    token: Secret,
    status_url: Option<Url>,
}

impl Twilio {
    pub(super) fn new(context: &Context) -> Result<Option<Self>, ConfigError> {
        let environment = &context.environment;
        let Some(account) = environment.optional("TWILIO_ACCOUNT_SID") else { return Ok(None) };
        let path = ["2010-04-01", "Accounts", account, "Messages.json"];
        let status_url =
            environment.optional("PUBLIC_URL").map(|_| address(environment, "PUBLIC_URL", "", &STATUS_PATH));
        Ok(Some(Self {
            url: address(environment, "TWILIO_URL", "https://api.twilio.com", &path)?,
            account: account.to_owned(),
            token: Secret::required(context, "TWILIO_AUTH_TOKEN_SECRET")?,
            status_url: status_url.transpose()?,
        }))
    }

    /// The request for an SMS; `None` for other content.
    pub(super) async fn request(
        &self,
        http: &reqwest::Client,
        outgoing: &Outgoing,
    ) -> Result<Option<RequestBuilder>, StoreError> {
        let Content::Sms { text } = &outgoing.content else { return Ok(None) };
        let token = self.token.value().await?;
        let sender = if outgoing.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("To", &outgoing.to).append_pair(sender, &outgoing.from).append_pair("Body", text);
        if let Some(mut status_url) = self.status_url.clone() {
            status_url.query_pairs_mut().append_pair(DELIVERY_PARAMETER, &outgoing.delivery_id);
            form.append_pair("StatusCallback", status_url.as_str());
        }
        let request = http.post(self.url.clone()).basic_auth(&self.account, Some(token));
        Ok(Some(request.header("content-type", "application/x-www-form-urlencoded").body(form.finish())))
    }
}

/// Interprets Twilio's answer.
pub(super) fn sent(answer: &Answer) -> Sent {
    // The sender's queue is full, or there are too many requests.
    const BUSY: [&str; 2] = ["21611", "20429"];
    let code = answer.body["code"].as_i64().map(|code| code.to_string());
    answer.proves(&answer.body["sid"], code.as_deref(), &BUSY)
}

/// Whether `signature` (the header `X-Twilio-Signature`) is valid for a request with this form to `url`, as Twilio
/// knows it. Compares in constant time.
pub fn is_signed(auth_token: &str, url: &str, form: &[(String, String)], signature: &str) -> bool {
    let Ok(signature) = BASE64.decode(signature.as_bytes()) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes());
    hmac::verify(&key, signed_text(url, form).as_bytes(), &signature).is_ok()
}

/// The signed text: the address, followed by each distinct parameter in order.
fn signed_text(url: &str, form: &[(String, String)]) -> String {
    let mut parameters: Vec<_> = form.iter().collect();
    parameters.sort();
    parameters.dedup();
    parameters.iter().fold(url.to_owned(), |text, (name, value)| text + name + value)
}

/// The parameters of a form or a query.
pub fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

fn parameter<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(given, value)| given == name && !value.is_empty()).map(|(_, value)| value.as_str())
}

/// Reads a status callback; `None` if the status is unknown. The delivery comes from the query parameter `delivery` and
/// the time from the receiver, because Twilio's form has neither.
pub fn status(delivery_id: Option<&str>, form: &[(String, String)], received_at: DateTime<Utc>) -> Option<Callback> {
    let kind = match parameter(form, "MessageStatus")? {
        "accepted" | "scheduled" | "queued" | "sending" => Kind::Accepted,
        "sent" => Kind::Sent,
        "delivered" => Kind::Delivered,
        "read" => Kind::Opened,
        failed @ ("undelivered" | "failed" | "canceled") => {
            let code = parameter(form, "ErrorCode").and_then(clean_code);
            Kind::Failed { code: code.unwrap_or_else(|| failed.to_owned()) }
        }
        _ => return None,
    };
    Some(Callback {
        delivery_id: delivery_id.and_then(clean_code),
        provider_message_id: message_id(form),
        kind,
        at: received_at,
    })
}

/// A lead's message. Its callback is [`Kind::Stopped`] or [`Kind::Replied`], with the message's own identifier. `Debug`
/// shows only the callback.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The callback about the lead.
    pub callback: Callback,
    /// The lead's phone number.
    pub from: String,
    /// The workspace's phone number.
    pub to: String,
    /// The messaging service of that number; null without one.
    pub service: Option<String>,
    /// The text of the message.
    pub text: String,
}

impl fmt::Debug for Inbound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Inbound").field("callback", &self.callback).finish_non_exhaustive()
    }
}

/// Reads an inbound message; `None` without sender, receiver and identifier.
pub fn inbound(form: &[(String, String)], received_at: DateTime<Utc>) -> Option<Inbound> {
    let text = parameter(form, "Body").unwrap_or_default();
    // A message that Twilio recognised as a STOP counts as well, in any language.
    let stops = parameter(form, "OptOutType") == Some("STOP") || is_stop(text);
    let kind = if stops { Kind::Stopped } else { Kind::Replied };
    let provider_message_id = Some(message_id(form)?);
    Some(Inbound {
        callback: Callback { delivery_id: None, provider_message_id, kind, at: received_at },
        from: parameter(form, "From")?.to_owned(),
        to: parameter(form, "To")?.to_owned(),
        service: parameter(form, "MessagingServiceSid").map(str::to_owned),
        text: text.to_owned(),
    })
}

/// Whether a message consists only of an opt-out keyword that Twilio knows ("Twilio support for opt-out keywords (SMS
/// STOP filtering)").
pub fn is_stop(text: &str) -> bool {
    const KEYWORDS: [&str; 8] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
    let word = text.trim_matches(|end: char| !end.is_alphanumeric());
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

fn message_id(form: &[(String, String)]) -> Option<String> {
    parameter(form, "MessageSid").filter(|id| id.len() <= 512).map(str::to_owned)
}
