//! Webhooks in the form and with the signature of Meta, and waiting for their messages.

use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::base::channel::Channel;
use shared::workspace::accounts::ChannelAccount;
use uuid::Uuid;

use crate::{Answer, Api, scan, send};

pub const WEBHOOK: &str = "/webhooks/meta";

/// The business's phone number id.
pub const PHONE: &str = "106540352242922";

/// The business's Instagram account.
pub const INSTAGRAM: &str = "17841400000000000";

/// The user whose leads write.
pub const USER: &str = "me";

/// `X-Hub-Signature-256` of a body.
pub fn signature(body: &[u8]) -> String {
    let mut digest = Hmac::<Sha256>::new_from_slice(local::META_APP_SECRET.as_bytes()).expect("a key of any length");
    digest.update(body);
    format!("sha256={}", HEXLOWER.encode(&digest.finalize().into_bytes()))
}

/// A delivery of WhatsApp with one change for each value.
pub fn whatsapp(values: &[Value]) -> Value {
    let changes: Vec<_> = values.iter().map(|value| json!({"value": value, "field": "messages"})).collect();
    json!({"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": changes}]})
}

/// The value of a change through a phone number.
pub fn value(phone_number_id: &str, content: Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": phone_number_id},
    });
    for (name, content) in content.as_object().expect("an object") {
        value[name] = content.clone();
    }
    value
}

/// The value of a change with one text message.
pub fn text(id: &str, from: &str, name: &str, text: &str) -> Value {
    let message = json!({"from": from, "id": id, "timestamp": "1760000000", "text": {"body": text}, "type": "text"});
    value(PHONE, json!({"contacts": [{"profile": {"name": name}, "wa_id": from}], "messages": [message]}))
}

/// The value of a change with one status.
pub fn status(id: &str, to: &str, status: &str) -> Value {
    let conversation = json!({"id": "c1", "origin": {"type": "service"}});
    let status = json!({
        "id": id, "status": status, "timestamp": "1760000100", "recipient_id": to, "conversation": conversation,
    });
    value(PHONE, json!({ "statuses": [status] }))
}

impl Api {
    /// Adds a channel of a workspace.
    pub async fn channel(&self, workspace_id: Uuid, platform: Channel, channel_id: &str) {
        let channel = ChannelAccount {
            platform,
            channel_id: channel_id.to_owned(),
            workspace_id,
            user_id: USER.to_owned(),
            agent_id: Some("agent-1".to_owned()),
            agent_name: Some("Ava".to_owned()),
            created_at: self.clock.now(),
        };
        self.accounts().put_channel(&channel).await.expect("accounts").expect("a free channel");
    }

    /// Delivers a body with the signature of Meta.
    pub async fn deliver(&self, payload: &Value) -> Answer {
        self.deliver_bytes(payload.to_string().into_bytes()).await
    }

    /// As [`Api::deliver`], for any bytes.
    pub async fn deliver_bytes(&self, body: Vec<u8>) -> Answer {
        let request = self.request("POST", WEBHOOK).header("X-Hub-Signature-256", signature(&body));
        send(request.header("content-type", "application/json").body(body)).await
    }

    /// The number of items in the inbox.
    pub async fn waiting(&self) -> usize {
        let table = &self.stack.ready.environment["LEADS_TABLE"];
        let items = scan(&self.stack.ready.dynamodb, table).await;
        items.iter().filter(|item| item["sk"]["S"] == "inbox").count()
    }

    /// Waits until the inbox is empty.
    pub async fn all_recorded(&self) {
        let started = Instant::now();
        while self.waiting().await > 0 {
            assert!(started.elapsed() < Duration::from_secs(60), "items are left in the inbox");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The messages of a lead through the API, once the inbox is empty.
    pub async fn messages_of(&self, lead: &str) -> Vec<Value> {
        self.all_recorded().await;
        let answer = self.get(&format!("/users/{USER}/leads/{lead}/messages?limit=200")).await;
        answer.json()["data"]["messages"].as_array().cloned().unwrap_or_default()
    }
}
