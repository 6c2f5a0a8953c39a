//! What the stand-in reports of a message, in the form and with the signature of its provider ("Contents of
//! event data that Amazon SES publishes to Amazon SNS"; "Fanout to Amazon SQS queues", Amazon SNS Developer Guide;
//! "messages webhook reference", WhatsApp Cloud API; "Track outbound message status", Twilio).
//!
//! The route for Meta is named here, as the operator enters it with Meta.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use chrono::SecondsFormat;
use data_encoding::{BASE64, HEXLOWER};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::behaviour::{Event, Report};
use super::protocol::Channel;
use super::{Message, Providers, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN};
use crate::stack::META_APP_SECRET;

impl Providers {
    /// Sends the reports of a message in the background, each when it is due.
    pub(super) fn report(self: Arc<Self>, message: &Message, reports: Vec<Report>) {
        for report in reports {
            let (providers, message) = (Arc::clone(&self), message.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(report.after_ms)).await;
                for _ in 0..report.times {
                    providers.report_once(&message, &report.event).await;
                }
            });
        }
    }

    async fn report_once(&self, message: &Message, event: &Event) {
        if message.given.channel == Channel::Email {
            return self.publish(message, event).await;
        }
        let Some(request) = self.request(message, event) else { return };
        match request.send().await {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => tracing::debug!(status = answer.status().as_u16(), "a report was not taken"),
            Err(error) => tracing::debug!(error = %error.without_url(), "a report did not arrive"),
        }
    }

    /// The request for a report of Meta or Twilio; `None` if there is no gateway, or the provider has no such report.
    fn request(&self, message: &Message, event: &Event) -> Option<RequestBuilder> {
        let at = |path: &str| self.gateway.as_ref().map(|gateway| format!("{gateway}{path}"));
        match (message.given.channel, event) {
            (Channel::Email, _) => None,
            (Channel::Whatsapp, _) => Some(self.of_meta(&at("/webhooks/meta")?, message, event)),
            (Channel::Sms, Event::Replied(text)) => {
                let id = message.given.channel.message_id(self.random.uuid());
                let reply = vec![
                    ("Body", text.as_str()),
                    ("From", &message.given.to),
                    ("MessageSid", &id),
                    ("NumMedia", "0"),
                    ("To", &message.given.from),
                ];
                Some(self.of_twilio(&at("/webhooks/twilio/messages")?, reply))
            }
            (Channel::Sms, _) => {
                Some(self.of_twilio(message.given.status_url.as_ref()?, twilio_status(message, event)?))
            }
        }
    }

    /// Sends an event of SES to the queue that subscribes to its topic, in the envelope of SNS. The
    /// function does not read the signature, so it is empty.
    async fn publish(&self, message: &Message, event: &Event) {
        let now = self.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let (Some(to), Some(event)) = (&self.email_events, ses_event(message, event, &now)) else { return };
        let notification = json!({
            "Type": "Notification",
            "MessageId": self.random.uuid(),
            "TopicArn": to.topic_arn,
            "Subject": "Amazon SES Email Event Notification",
            "Message": event.to_string(),
            "Timestamp": now,
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem",
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        });
        let sent = to.sqs.send_message().queue_url(&to.queue_url).message_body(notification.to_string()).send().await;
        if sent.is_err() {
            tracing::debug!("an event of SES did not arrive");
        }
    }

    fn of_meta(&self, url: &str, message: &Message, event: &Event) -> RequestBuilder {
        let given = &message.given;
        let metadata = json!({"display_phone_number": "15550000000", "phone_number_id": given.from});
        let mut value = json!({"messaging_product": "whatsapp", "metadata": metadata});
        let (lead, now) = (given.to.trim_start_matches('+'), self.clock.now().timestamp().to_string());
        if let Event::Replied(text) = event {
            let id = given.channel.message_id(self.random.uuid());
            value["contacts"] = json!([{"wa_id": lead}]);
            value["messages"] =
                json!([{"from": lead, "id": id, "timestamp": now, "type": "text", "text": {"body": text}}]);
        } else {
            value["statuses"] = whatsapp_status(message, event, lead, &now).into_iter().collect();
        }
        let change = json!({"field": "messages", "value": value});
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "0", "changes": [change]}]});
        let body = body.to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, META_APP_SECRET.as_bytes());
        let signature = HEXLOWER.encode(hmac::sign(&key, body.as_bytes()).as_ref());
        let request = self.http.post(url).header("content-type", "application/json");
        request.header("x-hub-signature-256", format!("sha256={signature}")).body(body)
    }

    fn of_twilio(&self, url: &str, mut form: Vec<(&str, &str)>) -> RequestBuilder {
        form.extend([("AccountSid", TWILIO_ACCOUNT_SID), ("ApiVersion", "2010-04-01")]);
        form.sort_unstable();
        let signed = form.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, TWILIO_AUTH_TOKEN.as_bytes());
        let signature = BASE64.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        request.header("x-twilio-signature", signature).body(body)
    }
}

/// The status that Meta or Twilio reports, and the code of a failure; `None` for a reply.
fn status(channel: Channel, event: &Event) -> Option<(&'static str, Option<&str>)> {
    match (event, channel) {
        (Event::Sent, _) => Some(("sent", None)),
        (Event::Delivered, _) => Some(("delivered", None)),
        (Event::Opened, _) => Some(("read", None)),
        (Event::Bounced, Channel::Sms) => Some(("undelivered", Some("30003"))),
        (Event::Bounced, _) => Some(("failed", Some("131026"))),
        (Event::Complained, Channel::Sms) => Some(("failed", Some("21610"))),
        (Event::Complained, _) => Some(("failed", Some("131050"))),
        (Event::Failed(code), _) => Some(("failed", Some(code))),
        (Event::Replied(_), _) => None,
    }
}

/// An element of `statuses`; `None` for a reply.
fn whatsapp_status(message: &Message, event: &Event, lead: &str, now: &str) -> Option<Value> {
    let (status, code) = status(Channel::Whatsapp, event)?;
    let mut status = json!({
        "id": message.message_id,
        "status": status,
        "timestamp": now,
        "recipient_id": lead,
        "biz_opaque_callback_data": message.given.delivery_id,
    });
    if let Some(code) = code.and_then(|code| code.parse::<i64>().ok()) {
        status["errors"] = json!([{"code": code, "title": "reported by the stand-in"}]);
    }
    Some(status)
}

/// The form of a status callback; `None` for a reply.
fn twilio_status<'a>(message: &'a Message, event: &'a Event) -> Option<Vec<(&'a str, &'a str)>> {
    let (status, code) = status(Channel::Sms, event)?;
    let (id, given) = (message.message_id.as_str(), &message.given);
    let mut form = vec![
        ("From", given.from.as_str()),
        ("MessageSid", id),
        ("MessageStatus", status),
        ("SmsSid", id),
        ("SmsStatus", status),
        ("To", &given.to),
    ];
    form.extend(code.map(|code| ("ErrorCode", code)));
    Some(form)
}

/// An event; nothing for an answer, which would come as an e-mail.
fn ses_event(message: &Message, event: &Event, now: &str) -> Option<Value> {
    let given = &message.given;
    let to = json!([{"emailAddress": given.to}]);
    let sent_at = message.at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let (kind, detail_name, detail) = match event {
        Event::Sent => ("Send", "send", json!({})),
        Event::Delivered => ("Delivery", "delivery", json!({"timestamp": now, "recipients": [given.to]})),
        Event::Opened => ("Open", "open", json!({"timestamp": now})),
        Event::Bounced => (
            "Bounce",
            "bounce",
            json!({"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": to, "timestamp": now}),
        ),
        Event::Complained => ("Complaint", "complaint", json!({"complainedRecipients": to, "timestamp": now})),
        Event::Failed(code) => ("Reject", "reject", json!({ "reason": code })),
        Event::Replied(_) => return None,
    };
    Some(json!({
        "eventType": kind,
        "mail": {
            "timestamp": sent_at,
            "messageId": message.message_id,
            "source": given.from,
            "destination": [given.to],
            "tags": {"delivery_id": given.delivery_id.iter().collect::<Vec<_>>()},
        },
        detail_name: detail,
    }))
}
