//! WhatsApp's messages and statuses ("Webhooks", WhatsApp Cloud API).

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::crm::conversations::row::Sender;
use shared::crm::identifiers::CustomerPhone;
use shared::crm::inbox::Received;

use crate::{Event, ProviderMessage, on_channel, placeholder};

/// A lead's message.
pub fn message(received: &Received, message: &Value, contact: Option<&Value>) -> Option<Event> {
    let no_contact = Value::Null;
    let contact = contact.unwrap_or(&no_contact);
    let told =
        [&message["from"], &contact["wa_id"], &message["from_user_id"], &message["user_id"], &contact["user_id"]];
    let mut told = identifiers(told).into_iter();
    let (lead, also) = (told.next()?, told.collect());
    let said = ProviderMessage {
        message_id: message["id"].as_str()?.to_owned(),
        sender: Sender::User,
        text: text(message),
        at: moment(&message["timestamp"]),
    };
    let message = on_channel(received, &lead, said)?;
    let contact_name = contact["profile"]["name"].as_str().map(str::to_owned);
    Some(Event::Message { lead, also, message, contact_name })
}

/// A message of the business, from its own app or a linked device ("smb_message_echoes webhook reference",
/// WhatsApp Business Channel).
pub fn echo(received: &Received, echo: &Value) -> Option<Event> {
    let mut told = identifiers([&echo["to"], &echo["to_user_id"]]).into_iter();
    let (lead, also) = (told.next()?, told.collect());
    let said = ProviderMessage {
        message_id: echo["id"].as_str()?.to_owned(),
        sender: Sender::Agent,
        text: text(echo),
        at: moment(&echo["timestamp"]),
    };
    let message = on_channel(received, &lead, said)?;
    Some(Event::Message { lead, also, message, contact_name: None })
}

/// A delivery report of an agent's message. Unknown states are ignored.
pub fn status(status: &Value, received_at: DateTime<Utc>) -> Option<Event> {
    Some(Event::Status {
        leads: identifiers(["recipient_id", "recipient_user_id", "user_id"].map(|name| &status[name])),
        message_id: status["id"].as_str().filter(|id| id.len() <= 512)?.to_owned(),
        delivery: status["status"].as_str()?.parse().ok()?,
        report: shared::clients::providers::whatsapp::status(status, received_at),
    })
}

/// The identifiers of a person, each once: the phone number first, if there is one, then the business-scoped id. People
/// with a username may have only that id.
fn identifiers<const N: usize>(told: [&Value; N]) -> Vec<CustomerPhone> {
    let mut each: Vec<CustomerPhone> = Vec::new();
    for one in told.into_iter().filter_map(|value| CustomerPhone::parse(value.as_str()?).ok()) {
        if !each.contains(&one) {
            each.push(one);
        }
    }
    each.sort_by_key(|one| one.phone_number().is_none());
    each
}

/// Epoch seconds, as text.
fn moment(value: &Value) -> Option<DateTime<Utc>> {
    let seconds = value.as_str().and_then(|text| text.parse().ok()).or_else(|| value.as_i64())?;
    DateTime::from_timestamp(seconds, 0).filter(|at| (1970..10_000).contains(&chrono::Datelike::year(at)))
}

/// The text of a message; for other messages the kind and the caption.
fn text(message: &Value) -> String {
    let kind = message["type"].as_str().unwrap_or_default();
    let content = &message[kind];
    let words = match kind {
        "text" => &content["body"],
        "button" => &content["text"],
        "interactive" => &content[content["type"].as_str().unwrap_or_default()]["title"],
        _ => &content["caption"],
    };
    let words = words.as_str().filter(|words| !words.trim().is_empty());
    match (kind, words) {
        ("text" | "button" | "interactive", Some(words)) => words.to_owned(),
        (_, Some(caption)) => format!("{} {caption}", placeholder(kind)),
        (_, None) => placeholder(kind),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_message_has_a_text() {
        for (message, expected) in [
            (json!({"type": "text", "text": {"body": "grüße 👋"}}), "grüße 👋"),
            (json!({"type": "text", "text": {"body": " "}}), "[text]"),
            (json!({"type": "image", "image": {"id": "1", "caption": "our shop"}}), "[image] our shop"),
            (json!({"type": "audio", "audio": {"id": "1", "voice": true}}), "[audio]"),
            (json!({"type": "location", "location": {"latitude": 1.5}}), "[location]"),
            (json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "Jo"}}]}), "[contacts]"),
            (json!({"type": "reaction", "reaction": {"emoji": "👍"}}), "[reaction]"),
            (json!({"type": "button", "button": {"payload": "p", "text": "Yes"}}), "Yes"),
            (
                json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "Monday"}}}),
                "Monday",
            ),
            (json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {}}}), "[interactive]"),
            (json!({"type": "a b\n"}), "[unsupported]"),
            (json!({}), "[unsupported]"),
        ] {
            assert_eq!(text(&message), expected, "{message}");
        }
    }

    #[test]
    fn a_moment_is_epoch_seconds_as_text() {
        assert_eq!(moment(&json!("1760000000")).map(|at| at.timestamp()), Some(1_760_000_000));
        for wrong in [json!(""), json!("soon"), json!("99999999999999999"), json!("9999999999999"), json!(null)] {
            assert_eq!(moment(&wrong), None, "{wrong}");
        }
    }
}
