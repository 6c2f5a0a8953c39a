//! Splits a delivery into single messages and statuses, each with its channel and identifier.

use serde_json::Value;
use shared::base::channel::Channel;
use shared::crm::inbox::Delivered;

/// One thing that was delivered.
#[derive(Debug)]
pub struct Item {
    /// The provider.
    pub platform: Channel,
    /// The phone number or account that it came through.
    pub channel_id: String,
    /// The provider's identifier. A message gets several statuses, so a status is identified by the message and the
    /// state.
    pub id: Vec<String>,
    /// The item itself.
    pub delivered: Delivered,
}

/// The items of a delivery, in order. Unknown items are left out.
pub fn items(payload: Value) -> Vec<Item> {
    let object = payload["object"].as_str().unwrap_or_default().to_owned();
    let mut items = Vec::new();
    for entry in list(payload, "entry") {
        match object.as_str() {
            "whatsapp_business_account" => {
                for mut change in list(entry, "changes") {
                    match change["field"].as_str() {
                        Some("messages") => whatsapp(change["value"].take(), &mut items),
                        Some("smb_message_echoes") => whatsapp_echoes(change["value"].take(), &mut items),
                        _ => {}
                    }
                }
            }
            "instagram" => {
                let account = entry["id"].as_str().unwrap_or_default().to_owned();
                // The app's dashboard sends its test deliveries as changes.
                let mut entry = entry;
                let changes = list(entry["changes"].take(), "").into_iter();
                let tested =
                    changes.filter(|change| change["field"] == "messages").map(|mut change| change["value"].take());
                let messaging = list(entry, "messaging").into_iter().chain(tested);
                items.extend(messaging.filter_map(|one| instagram(&account, one)));
            }
            _ => {}
        }
    }
    items.retain_mut(|item| fits(&mut item.delivered) && (1..=128).contains(&item.channel_id.len()));
    items
}

fn whatsapp(mut value: Value, items: &mut Vec<Item>) {
    let Some(channel_id) = text(&value["metadata"], "phone_number_id") else { return };
    let mut item = |id: Vec<String>, delivered| {
        items.push(Item { platform: Channel::Whatsapp, channel_id: channel_id.clone(), id, delivered });
    };
    let contacts = list(value["contacts"].take(), "");
    let messages = list(value["messages"].take(), "");
    let is_one_of_each = messages.len() == 1 && contacts.len() == 1;
    for message in messages {
        if let Some(id) = text(&message, "id") {
            let contact = contacts.iter().find(|contact| is_from(&message, contact));
            // A contact without identifiers in common can only be meant where there is nobody else.
            let contact = contact.or(contacts.first().filter(|_| is_one_of_each)).cloned();
            item(vec!["message".to_owned(), id], Delivered::WhatsappMessage { message, contact });
        }
    }
    for status in list(value["statuses"].take(), "") {
        if let (Some(id), Some(state)) = (text(&status, "id"), text(&status, "status")) {
            item(vec!["status".to_owned(), id, state], Delivered::WhatsappStatus { status });
        }
    }
}

/// Messages that the business sent from the WhatsApp Business app. A deletion or an edit is not a message.
fn whatsapp_echoes(mut value: Value, items: &mut Vec<Item>) {
    let Some(channel_id) = text(&value["metadata"], "phone_number_id") else { return };
    let echoes = list(value["message_echoes"].take(), "").into_iter();
    for echo in echoes.filter(|echo| echo["type"] != "revoke" && echo["type"] != "edit") {
        if let Some(id) = text(&echo, "id") {
            let (id, delivered) = (vec!["message".to_owned(), id], Delivered::WhatsappEcho { echo });
            items.push(Item { platform: Channel::Whatsapp, channel_id: channel_id.clone(), id, delivered });
        }
    }
}

/// Whether a message is from a contact: they share the phone number or the business-scoped user id.
fn is_from(message: &Value, contact: &Value) -> bool {
    let shared = |of_message: &str, of_contact: &str| {
        message[of_message].is_string() && message[of_message] == contact[of_contact]
    };
    shared("from", "wa_id") || shared("from_user_id", "user_id") || shared("user_id", "user_id")
}

/// A direct message. Read receipts, reactions and the like have no message and are left out.
fn instagram(entry_account: &str, messaging: Value) -> Option<Item> {
    let content =
        ["message", "postback"].into_iter().map(|name| &messaging[name]).find(|content| content.is_object())?;
    let id = text(content, "mid")?;
    // The business is the sender of an echo and the recipient of everything else.
    let business = if content["is_echo"] == true { "sender" } else { "recipient" };
    let channel_id = text(&messaging[business], "id").unwrap_or_else(|| entry_account.to_owned());
    let id = vec!["message".to_owned(), id];
    Some(Item { platform: Channel::Instagram, channel_id, id, delivered: Delivered::InstagramMessage { messaging } })
}

/// The elements of a list, or of the list that a field holds.
fn list(mut value: Value, name: &str) -> Vec<Value> {
    let value = if name.is_empty() { value } else { value.get_mut(name).map(Value::take).unwrap_or_default() };
    if let Value::Array(elements) = value { elements } else { Vec::new() }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The largest item that is stored: DynamoDB takes 400 KB.
const MOST_BYTES: usize = 240 * 1024;

/// Makes an item fit. Texts are cut to 16,384 characters, the maximum of a recorded message (a WhatsApp message has at
/// most 4,096). If that is not enough, they are cut much shorter. An item that is still too large does not come from
/// Meta and is left out.
fn fits(delivered: &mut Delivered) -> bool {
    for most in [16_384, 512] {
        let parts = match delivered {
            Delivered::WhatsappMessage { message, contact } => [Some(message), contact.as_mut()],
            Delivered::WhatsappStatus { status } => [Some(status), None],
            Delivered::WhatsappEcho { echo } => [Some(echo), None],
            Delivered::InstagramMessage { messaging } => [Some(messaging), None],
        };
        parts.into_iter().flatten().for_each(|part| cut(part, most));
        if serde_json::to_vec(delivered).is_ok_and(|json| json.len() <= MOST_BYTES) {
            return true;
        }
    }
    tracing::warn!("an item is too large to be kept");
    false
}

fn cut(value: &mut Value, most: usize) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(most) {
                text.truncate(end);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| cut(element, most)),
        Value::Object(fields) => fields.values_mut().for_each(|field| cut(field, most)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_understood_is_left_out() {
        for payload in [
            json!(null),
            json!([]),
            json!({"object": "page", "entry": [{"messaging": [{"message": {"mid": "m"}}]}]}),
            json!({"object": "whatsapp_business_account", "entry": 3}),
            json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "account_update", "value": {}}]}]}),
            json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": 3}]}]}),
            json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "smb_message_echoes", "value": {
                "metadata": {"phone_number_id": "1"},
                "message_echoes": [{"id": "m", "type": "revoke"}, {"id": "m", "type": "edit"}, {"type": "text"}, 3],
            }}]}]}),
            json!({"object": "instagram", "entry": [{"messaging": [{"read": {"mid": "m"}}, 3, null]}]}),
            json!({"object": "instagram", "entry": [{"changes": [{"field": "comments", "value": {"message": {"mid": "m"}}}]}]}),
            json!({"object": "instagram", "entry": [{"changes": [{"field": "messages", "value": 3}, {"field": "messages"}]}]}),
        ] {
            assert!(items(payload.clone()).is_empty(), "{payload}");
        }
    }

    #[test]
    fn an_item_that_is_too_large_is_cut_in_its_text() {
        let message = json!({"id": "m", "text": {"body": "ü".repeat(300_000)}});
        let mut delivered = Delivered::WhatsappMessage { message, contact: None };
        assert!(fits(&mut delivered));
        let Delivered::WhatsappMessage { message, .. } = delivered else { panic!() };
        assert_eq!((&message["id"], message["text"]["body"].as_str().unwrap().chars().count()), (&json!("m"), 16_384));
        assert!(!fits(&mut Delivered::WhatsappStatus { status: json!({"errors": vec![0; 200_000]}) }));
    }
}
