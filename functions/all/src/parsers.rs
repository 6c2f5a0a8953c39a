//! The invariants of every parser of outside input. Each function takes bytes, passes them to the parsers of one kind,
//! and panics if an invariant is broken. The fuzz targets under `fuzz/` call them with bytes that libFuzzer looks for,
//! `tests/properties.rs` with bytes that proptest makes up, in every test run.

#![expect(clippy::expect_used, reason = "a check fails by panicking")]

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::DateTime;
use serde_json::{Value, json};
use shared::api::http::Input;
use shared::api::lambda::Function;
use shared::base::clock::{Clock, Random};
use shared::base::context::Context;
use shared::base::environment::Environment;
use shared::clients::llm;
use shared::clients::providers::{email, sms, whatsapp};
use shared::crm::identifiers::{CustomerPhone, User};
use shared::outreach::gate::{Basis, Part};
use shared::pii::addresses;
use shared::pii::{self, Allowed};
use shared::workflow::recommendations::DeliveryId;
use shared::workspace::auth::ApiKey;
use shared::workspace::idempotency::{Claimed, IdempotencyKey};
use uuid::Uuid;

use crate::ALL;

/// A context with unreachable endpoints: a parser must not call them.
static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
    const NOWHERE: &str = "http://127.0.0.1:9";
    let variables = [
        "ACCOUNTS_TABLE",
        "LEADS_TABLE",
        "CREDITS_TABLE",
        "IDEMPOTENCY_TABLE",
        "WORK_TABLE",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_ENDPOINT_URL_SQS",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "LLM_BASE_URL",
        "LLM_MODEL",
        "SCORING_QUEUE_URL",
        "COPYWRITER_QUEUE_URL",
        "ANALYSIS_QUEUE_URL",
        "DELIVERY_QUEUE_URL",
        "NOTIFICATIONS_QUEUE_URL",
        "TASKS_QUEUE_URL",
        "MESSAGES_QUEUE",
    ];
    let variables = variables.map(|name| (name.to_owned(), NOWHERE.to_owned()));
    Context::new(Environment::from_iter(variables), Clock::default(), Random::seeded(1)).expect("a context")
});

/// Every function that answers requests.
static FUNCTIONS: LazyLock<Vec<Function>> = LazyLock::new(|| {
    let built = ALL.iter().map(|entry| (entry.build)(&CONTEXT).expect(entry.name));
    built.filter(|function| matches!(function, Function::Http(_))).collect()
});

/// Requests: the first line is the query, the second the variable part of the path, the third `Prefer`, and the rest
/// the body. No endpoint panics, and the body has one canonical form however its fields are ordered.
pub fn requests(bytes: &[u8]) {
    let mut parts = bytes.splitn(4, |byte| *byte == b'\n');
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (query, path, prefer, body) = (text(), text(), text(), text());
    let names = ["id", "user_id", "customer_phone", "contact_id", "list_id", "task_id", "conversation_id"];
    let body = serde_json::from_str::<Value>(&body).unwrap_or_default();
    let input = Input {
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        path: names.into_iter().map(|name| (name.to_owned(), path.clone())).collect::<HashMap<_, _>>(),
        prefer: prefer.split(',').map(|value| value.trim().to_owned()).collect(),
        body,
    };
    for function in FUNCTIONS.iter() {
        function.parse(&input);
    }
    let key = IdempotencyKey::parse(b"k").expect("a key");
    let claimed = |body: &Value| Claimed::new(Uuid::nil(), "POST /", &key, "POST", "/", body);
    let again: Value = serde_json::from_str(&input.body.to_string()).expect("what was written reads");
    assert_eq!(claimed(&input.body), claimed(&again));
}

/// Keys and identifiers: an accepted value has the form in which it is stored.
pub fn identifiers(bytes: &[u8]) {
    if let Ok(key) = IdempotencyKey::parse(bytes) {
        let quoted = format!("{key:?}");
        assert!(quoted.is_ascii(), "a key is visible ASCII");
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(key) = text.parse::<ApiKey>() {
        assert_eq!(key.reveal(), text);
        assert_eq!(key.digest().len(), 64);
        assert!(!format!("{key:?}").contains(text));
    }
    if let Ok(phone) = CustomerPhone::parse(text) {
        assert!(phone.as_str().len() <= 128 && !phone.as_str().contains('#'));
        assert_eq!(CustomerPhone::parse(phone.as_str()), Ok(phone));
    }
    if let Ok(user) = User::new(Uuid::nil(), text) {
        assert!(!user.user_id.contains('#'));
    }
    if let Some(delivery) = DeliveryId::parse(text) {
        assert_eq!(DeliveryId::parse(&delivery.text()), Some(delivery));
    }
}

/// E-mail addresses and phone numbers: normalising the normal form changes nothing.
pub fn contact_data(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(email) = addresses::email(&text) {
        assert_eq!(addresses::email(&email).as_deref(), Ok(email.as_str()));
    }
    for country_code in [None, Some(1), Some(44), Some(999)] {
        if let Ok(phone) = addresses::phone(&text, country_code) {
            let digits = phone.strip_prefix('+').expect("a plus");
            assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()), "{phone}");
            assert_eq!(addresses::phone(&phone, None).as_deref(), Ok(phone.as_str()));
        }
    }
}

/// Meta webhooks: for every body, its items have a channel, and no foreign signature matches.
pub fn meta(bytes: &[u8]) {
    let (header, body) = bytes.split_at(bytes.len().min(71));
    assert!(!meta_webhook::signature::is_valid("secret", body, header), "a signature was guessed");
    if let Ok(payload) = serde_json::from_slice::<Value>(bytes) {
        for item in meta_webhook::payload::items(payload.clone()) {
            assert!((1..=128).contains(&item.channel_id.len()));
        }
        let at = DateTime::UNIX_EPOCH;
        if let Some(callback) = whatsapp::status(&payload, at) {
            assert!(!format!("{callback:?}").contains("provider_message_id"));
        }
    }
}

/// Notifications of SNS, and the events of SES in them.
pub fn ses(bytes: &[u8]) {
    if let Ok(notification) = serde_json::from_slice::<email_events::Notification>(bytes) {
        drop(notification.callback());
    }
    if let Ok(event) = serde_json::from_slice::<Value>(bytes) {
        drop(email::event(&event));
    }
}

/// Forms of Twilio.
pub fn twilio(bytes: &[u8]) {
    let form = sms::form(bytes);
    let signature = String::from_utf8_lossy(bytes);
    assert!(!sms::is_signed("token", "https://example.com/", &form, &signature), "a signature was guessed");
    let at = DateTime::UNIX_EPOCH;
    drop(sms::status(None, &form, at));
    drop(sms::inbound(&form, at));
    let _ = sms::is_stop(&signature);
}

/// Answers of a model, whole and streamed: a stream has the same content wherever it is split.
pub fn model(bytes: &[u8]) {
    drop(llm::answered(bytes));
    let whole = llm::streamed([bytes]);
    for size in [1, 2, 7] {
        assert_eq!(llm::streamed(bytes.chunks(size)), whole);
    }
}

/// Texts before the gate: findings lie within the text, in order.
pub fn gate(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let length = text.chars().count();
    let mut end = 0;
    for finding in pii::findings(&text, &Allowed::default()) {
        assert!(end <= finding.start && finding.start < finding.end && finding.end <= length, "{finding:?}");
        end = finding.end;
    }
    for identifier in pii::identifiers(&text, Some(44)) {
        assert!(identifier.start < identifier.end && identifier.end <= length, "{identifier:?}");
        let form = match identifier.kind {
            "email" => addresses::email(&identifier.value),
            _ => addresses::phone(&identifier.value, None),
        };
        assert_eq!(form.as_deref(), Ok(identifier.value.as_str()));
    }
    drop(pii::mentions(&text, &["Jane Smith", &text]));
    drop(shared::crm::leads::folded(&text));
    let basis = Basis::default().knowing(&text);
    for part in [Part::Title, Part::Message, Part::Reason, Part::Label, Part::Answer, Part::Report] {
        drop(basis.fault(part, &text));
    }
}

/// A check of some parsers; it panics if they break their invariant.
pub type Check = fn(&[u8]);

/// Every check by its name, which is its fuzz target's.
pub const CHECKS: [(&str, Check); 8] = [
    ("contact_data", contact_data),
    ("gate", gate),
    ("identifiers", identifiers),
    ("meta", meta),
    ("model", model),
    ("requests", requests),
    ("ses", ses),
    ("twilio", twilio),
];

/// Start inputs of every kind, for which the parsers are made.
pub fn samples() -> Vec<Vec<u8>> {
    let message = json!({
        "object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": {
            "metadata": {"phone_number_id": "1"}, "contacts": [{"wa_id": "16505551234", "profile": {"name": "Kerry"}}],
            "messages": [{"id": "w", "from": "16505551234", "timestamp": "1760000000", "type": "text", "text": {"body": "hi"}}],
            "statuses": [{"id": "w", "status": "read", "timestamp": "1760000000", "recipient_id": "16505551234"}],
        }}]}],
    });
    let chunk = json!({"model": "m", "choices": [{"delta": {"content": "Hi", "tool_calls": [{"index": 0, "id": "c",
        "function": {"name": "n", "arguments": "{}"}}]}, "finish_reason": "stop"}]});
    let bounce = json!({"eventType": "Bounce", "bounce": {"bounceType": "Permanent"}, "mail": {"tags": {"d": ["x"]}}});
    let notification = json!({
        "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:123456789012:t",
        "Message": bounce.to_string(), "Timestamp": "2026-11-20T00:00:00.000Z",
    });
    let body = json!({
        "contact_id": "123e4567-e89b-12d3-a456-426614174000", "siteId": "123e4567-e89b-12d3-a456-426614174000",
        "leadId": "123e4567-e89b-12d3-a456-426614174000", "lead_id": "LD-2048", "count": 3, "channels": ["email"],
        "message": "Find me 20 CEOs", "context": {"list_id": null}, "phone_number": "+44 20 7946 0000",
        "engagement_history": [{"type": "email", "outcome": "opened", "date": "2026-11-20"}],
    });
    vec![
        notification.to_string().into_bytes(),
        message.to_string().into_bytes(),
        format!("data: {chunk}\r\n\r\ndata: [DONE]\n\n").into_bytes(),
        chunk.to_string().into_bytes(),
        bounce.to_string().into_bytes(),
        format!("limit=5&days=3&search=%2B44&from_date=2026-11-20\n+447700900123\nwait=5, respond-async\n{body}")
            .into_bytes(),
        b"MessageSid=SM1&MessageStatus=delivered&From=%2B447700900123&Body=STOP".to_vec(),
        b"Hi Jane, call +44 20 7946 0000 or write to jane@acme.example; card 4111 1111 1111 1111.".to_vec(),
        b"\"a\\\"b\"".to_vec(),
        b"wbk_demoaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec(),
        b"00441234567890".to_vec(),
    ]
}
