//! Events as they are given: by requests, and by files that hold the same objects.

use crate::base::channel::Channel;
use crate::crm::conversations::MessageStatus;
use crate::crm::identifiers::CustomerPhone;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::default_conversation;
use super::row::{Message, Sender};
use crate::api::http::Fields;
use crate::base::problem::{Code, Problem};

/// What a time has to be.
pub const A_MOMENT: &str = "must be a time such as 2025-10-05T06:21:35.197Z";
/// What a lead's identifier has to be.
pub const AN_IDENTIFIER: &str = "must be 1 to 128 visible ASCII characters without #";
/// What a platform has to be.
pub const A_PLATFORM: &str = "must be whatsapp, instagram or webchat";

/// A lead's identifier.
pub fn identifier(text: &str) -> Option<CustomerPhone> {
    CustomerPhone::parse(text).ok()
}

/// A moment, to the millisecond, as everything is stored.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    DateTime::from_timestamp_millis(at.timestamp_millis())
}

/// A message and the lead that it was exchanged with.
///
/// # Errors
/// Everything that is wrong with it, by field; without fields if it is no object.
pub fn message(given: &Value) -> Result<(CustomerPhone, Message), Problem> {
    let mut fields = Fields::of(given)?;
    let message_id = fields.required_id("message_id", 512);
    let lead = fields.required("customer_phone", AN_IDENTIFIER, identifier);
    let platform = fields.required("platform", A_PLATFORM, |name| Channel::one_of(&Channel::PLATFORMS, name));
    let sender = fields.required("sender", "must be user or agent", |name| name.parse::<Sender>().ok());
    let text = fields.required_text("text", 16_384);
    let timestamp = fields.required("timestamp", A_MOMENT, moment);
    let status =
        fields.parsed("status", "must be sent, pending or failed", |status| status.parse::<MessageStatus>().ok());
    let conversation_id = fields.optional_text("conversation_id", 128);
    let agent_id = fields.optional_text("agent_id", 128);
    let agent_name = fields.optional_text("agent_name", 200);
    let phone_number_id = fields.optional_text("phone_number_id", 128);
    fields.finish()?;
    let (Some(lead), Some(platform), Some(sender), Some(timestamp)) = (lead, platform, sender, timestamp) else {
        return Err(Problem::new(Code::Internal, "a checked message lacks a field"));
    };
    let conversation_id =
        conversation_id.unwrap_or_else(|| default_conversation(platform, phone_number_id.as_deref(), &lead));
    let message = Message {
        message_id,
        conversation_id,
        agent_id,
        agent_name,
        platform,
        phone_number_id,
        sender,
        text,
        timestamp,
        status: status.unwrap_or(MessageStatus::Sent),
        sequence_no: 0,
        is_delivered: false,
    };
    Ok((lead, message))
}
