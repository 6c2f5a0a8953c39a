//! Receives queue messages that name a notification, and sends it to the workspace's webhook, if there is one. It is
//! signed as "Standard Webhooks" (specification 1.0) describes, so that whoever takes it can use any library for it.
//!
//! A notification may be sent twice; its `webhook-id` says that it is the same. If the answer is not 2xx, it is sent
//! again. After five attempts its message becomes a dead letter.

use std::time::Duration;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shared::api::lambda::Definition;
use shared::base::clock::Clock;
use shared::base::context::FromContext;
use shared::base::observe::traces::{Of, Subsegment};
use shared::base::queue::Consumer;
use shared::base::store::StoreError;
use shared::clients::http_client::http_client;
use shared::workflow::due::Place;
use shared::workflow::lease::ATTEMPTS;
use shared::workflow::notifications::{Notification, NotificationView, Notifications};
use shared::workspace::accounts::{Accounts, Webhook};

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(10);

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::queue::<Notifier>("notifier");

#[derive(Clone, Debug, FromContext)]
pub struct Notifier {
    clock: Clock,
    accounts: Accounts,
    notifications: Notifications,
    #[context(http_client()?)]
    http: reqwest::Client,
}

impl Notifier {
    /// Sends one; the error says what was wrong, without the address.
    async fn send(&self, webhook: &Webhook, notification: &Notification) -> Result<(), String> {
        let id = notification.notification_id.to_string();
        let timestamp = self.clock.now().timestamp().to_string();
        let body =
            serde_json::to_string(&NotificationView::from(notification.clone())).map_err(|error| error.to_string())?;
        let signature = signature(&webhook.secret, &[&id, &timestamp, &body].map(String::as_str).join("."))?;
        let request = self.http.post(&webhook.url).header("content-type", "application/json");
        let request = request.header("webhook-id", id).header("webhook-timestamp", timestamp);
        let mut call = Subsegment::begin("webhook", Of::Remote);
        let sent = request.header("webhook-signature", signature).timeout(WITHIN).body(body).send().await;
        if let Ok(answer) = &sent {
            call.answered(answer.status().as_u16());
        }
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("status {}", answer.status().as_u16())),
            Err(error) => Err(if error.is_timeout() { "no answer in time" } else { "no answer" }.to_owned()),
        }
    }
}

/// `v1,` and the HMAC-SHA256 in base64.
fn signature(secret: &str, signed: &str) -> Result<String, String> {
    let key = secret.strip_prefix("whsec_").and_then(|key| BASE64.decode(key.as_bytes()).ok());
    let mac = key.and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok());
    let mac = mac.ok_or("the workspace's secret does not read")?.chain_update(signed);
    Ok(format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes())))
}

impl Consumer for Notifier {
    type Message = Place;

    async fn try_one(&self, place: Place) -> Result<(), StoreError> {
        let Some((notification, tries)) = self.notifications.take(&place).await? else { return Ok(()) };
        let workspace = self.accounts.workspace(notification.workspace_id).await?;
        let Some(webhook) = workspace.and_then(|workspace| workspace.webhook) else {
            return self.notifications.done(&place).await;
        };
        let sent = self.send(&webhook, &notification).await;
        if sent.is_ok() || tries >= ATTEMPTS {
            self.notifications.done(&place).await?;
        }
        sent.map_err(|cause| StoreError::Unavailable(format!("a webhook did not take a notification: {cause}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let signature = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", signed);
        assert_eq!(signature.as_deref(), Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }
}
