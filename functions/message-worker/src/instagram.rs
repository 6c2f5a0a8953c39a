//! Instagram's direct messages ("Webhooks", Instagram Messaging).

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;
use shared::crm::conversations::row::Sender;
use shared::crm::identifiers::CustomerPhone;
use shared::crm::inbox::Received;

use crate::{Event, ProviderMessage, on_channel, placeholder};

/// A lead's message, or an echo of one that the business has sent.
pub fn message(received: &Received, messaging: &Value) -> Option<Event> {
    let content =
        ["message", "postback"].into_iter().map(|name| &messaging[name]).find(|content| content.is_object())?;
    if content["is_deleted"] == true {
        return None;
    }
    let (sender, lead) = match content["is_echo"] == true {
        true => (Sender::Agent, "recipient"),
        false => (Sender::User, "sender"),
    };
    let lead = CustomerPhone::parse(messaging[lead]["id"].as_str()?).ok()?;
    let said = ProviderMessage {
        message_id: content["mid"].as_str()?.to_owned(),
        sender,
        text: text(content),
        at: moment(&messaging["timestamp"]),
    };
    let message = on_channel(received, &lead, said)?;
    Some(Event::Message { lead, also: Vec::new(), message, contact_name: None })
}

/// Epoch milliseconds; a test delivery has seconds, as text.
fn moment(value: &Value) -> Option<DateTime<Utc>> {
    let given = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    // As milliseconds, this would be a day in 1973.
    let is_seconds = given < 100_000_000_000;
    let at = if is_seconds { DateTime::from_timestamp(given, 0) } else { DateTime::from_timestamp_millis(given) };
    at.filter(|at| (1970..10_000).contains(&at.year()))
}

/// The text; for other messages the kinds of the attachments.
fn text(content: &Value) -> String {
    let words = [&content["text"], &content["title"]].into_iter().find_map(Value::as_str).unwrap_or_default();
    let attachments = content["attachments"].as_array().into_iter().flatten();
    let mut parts: Vec<String> =
        attachments.map(|attachment| placeholder(attachment["type"].as_str().unwrap_or_default())).collect();
    if !words.trim().is_empty() {
        parts.push(words.to_owned());
    }
    if parts.is_empty() { placeholder("") } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_moment_is_milliseconds_or_seconds_as_text() {
        let at = |value: Value| moment(&value).map(|at| at.timestamp_millis());
        assert_eq!(at(json!(1_760_000_000_123_i64)), Some(1_760_000_000_123));
        assert_eq!(at(json!("1527459824")), Some(1_527_459_824_000));
        for wrong in [json!(null), json!("soon"), json!(i64::MAX), json!(-1_i64), json!({})] {
            assert_eq!(at(wrong.clone()), None, "{wrong}");
        }
    }

    #[test]
    fn every_kind_of_message_has_a_text() {
        for (content, expected) in [
            (json!({"mid": "m", "text": "olá"}), "olá"),
            (json!({"mid": "m", "attachments": [{"type": "image"}, {"type": "image"}]}), "[image] [image]"),
            (json!({"mid": "m", "text": "look", "attachments": [{"type": "share"}]}), "[share] look"),
            (json!({"mid": "m", "title": "Get started", "payload": "p"}), "Get started"),
            (json!({"mid": "m", "is_unsupported": true}), "[unsupported]"),
        ] {
            assert_eq!(text(&content), expected, "{content}");
        }
    }
}
