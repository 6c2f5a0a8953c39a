//! Events as requests and import files give them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::default_conversation;
use super::row::{Message, MessageStatus, Sender};
use crate::api::http::request;
use crate::base::channel::{Channel, Platform};
use crate::base::problem::{Code, Problem};
use crate::crm::identifiers::CustomerPhone;
use crate::parsed_text;

/// A time, to the millisecond, as everything is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub DateTime<Utc>);

parsed_text!(Moment, |text| moment(text).map(Moment), "must be a time such as 2025-10-05T06:21:35.197Z", {
    "type": "string",
    "format": "date-time",
});

/// Reads a time, to the millisecond.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    DateTime::from_timestamp_millis(at.timestamp_millis())
}

/// An event's identifier at its platform: at most 512 bytes, because it becomes part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventId(pub String);

parsed_text!(EventId, try |text: &str| match text.len() {
    ..=512 => Ok(EventId(text.to_owned())),
    _ => Err("must have at most 512 bytes in UTF-8"),
}, {"type": "string", "maxLength": 512, "pattern": r"\S"});

/// A message to record.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MessageGiven")]
pub struct NewMessage {
    /// The platform's identifier.
    pub message_id: EventId,
    /// The lead's identifier on its platform.
    pub customer_phone: CustomerPhone,
    /// Where it was written.
    #[schemars(with = "Platform", extend("x-complaint" = "must be whatsapp, instagram or webchat"))]
    pub platform: Channel,
    /// Who sent it.
    pub sender: Sender,
    /// What it says.
    #[schemars(length(max = 16_384), regex(pattern = r"\S"))]
    pub text: String,
    /// When it was sent.
    pub timestamp: Moment,
    /// Whether it was sent; by default it was.
    #[schemars(extend("x-complaint" = "must be sent, pending or failed"))]
    pub status: Option<MessageStatus>,
    /// The conversation; by default one for the lead.
    #[schemars(length(max = 128))]
    pub conversation_id: Option<String>,
    /// The agent that handles the conversation.
    #[schemars(length(max = 128))]
    pub agent_id: Option<String>,
    /// The agent's name.
    #[schemars(length(max = 200))]
    pub agent_name: Option<String>,
    /// The phone number or account that it came through.
    #[schemars(length(max = 128))]
    pub phone_number_id: Option<String>,
}

impl From<NewMessage> for (CustomerPhone, Message) {
    /// The message, and the lead that it was exchanged with.
    fn from(new: NewMessage) -> Self {
        let conversation_id = new
            .conversation_id
            .unwrap_or_else(|| default_conversation(new.platform, new.phone_number_id.as_deref(), &new.customer_phone));
        let message = Message {
            message_id: new.message_id.0,
            conversation_id,
            agent_id: new.agent_id,
            agent_name: new.agent_name,
            platform: new.platform,
            phone_number_id: new.phone_number_id,
            sender: new.sender,
            text: new.text,
            timestamp: new.timestamp.0,
            status: new.status.unwrap_or(MessageStatus::Sent),
            sequence_no: 0,
            is_delivered: false,
        };
        (new.customer_phone, message)
    }
}

/// A message and the lead that it was exchanged with.
///
/// # Errors
/// Everything that is wrong with it, by field; without fields if it is no object.
pub fn message(given: &Value) -> Result<(CustomerPhone, Message), Problem> {
    let Value::Object(given) = given else { return Err(Problem::new(Code::Validation, "must be an object")) };
    request::read::<NewMessage>(given.clone()).map(NewMessage::into).map_err(Problem::fields)
}
