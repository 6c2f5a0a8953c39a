//! Delivery after approval: an approved message is sent once, a proven failure goes once by another channel, and the
//! provider settles an unknown result (docs/behaviour.md, "Delivery").

use shared::base::context::FromContext;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use chrono::TimeDelta;
use data_encoding::BASE64;
use functions::delivery::DeliveryWorker;
use lambda_http::LambdaEvent;
use serde_json::{Value, json};
use shared::api::lambda::Function;
use shared::base::channel::Channel;
use shared::base::queue::Consumer;
use shared::outreach::policy::Tier;
use shared::outreach::rates::Rates;
use shared::workflow::due::Place;
use shared::workflow::recommendations::{Actor, Delivery, RecommendationId, Recommendations};
use shared::workspace::accounts::{Role, Webhook};
use tests::faults::{Way, in_every_way};
use tests::meta::{value, whatsapp};
use tests::{Answer, Api, CONTACT, FOLLOW_UP, FaultProxy, Setup, project, send};
use uuid::Uuid;

const RECOMMENDATION: &str = "/api/v1/ai/followup/recommendation";
const RECOMMENDATIONS: &str = "/api/v1/ai/followup/recommendations";

/// A stack with a site that sends e-mail, WhatsApp and SMS.
async fn start() -> Api {
    let api = Api::without_scoring().await;
    api.staff((true, true), &[Role::Sales]).await;
    api
}

async fn recommended(api: &Api) -> String {
    let answer = send(api.authorized("POST", RECOMMENDATION).json(&json!({"lead_id": CONTACT}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["recommendation_id"].as_str().unwrap().to_owned()
}

async fn decide(api: &Api, id: &str, decision: &str, body: &Value) -> Answer {
    send(api.authorized("POST", &format!("{RECOMMENDATIONS}/{id}/{decision}")).json(body)).await
}

async fn approve(api: &Api, id: &str, body: &Value) {
    let approved = decide(api, id, "approve", body).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
}

async fn read(api: &Api, id: &str) -> Value {
    let answer = api.get(&format!("{RECOMMENDATIONS}/{id}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn until(api: &Api, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut shown = Value::Null;
    for _ in 0..200 {
        shown = read(api, id).await;
        if holds(&shown) {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it stays so: {shown}");
}

async fn until_status(api: &Api, id: &str, status: &str) -> Value {
    until(api, id, |shown| shown["status"] == status).await
}

fn states(shown: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    shown["deliveries"].as_array().unwrap().iter().map(|one| (text(&one["channel"]), text(&one["state"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
}

async fn notified(api: &Api, role: &str) -> Vec<Value> {
    let answer = api.get(&format!("/api/v1/ai/followup/notifications?role={role}")).await;
    answer.json()["notifications"].as_array().unwrap().clone()
}

async fn learned(api: &Api, channel: Channel) -> (u64, u64) {
    let count = Rates::new(&api.stack.context).unwrap().learned(api.workspace).await.unwrap();
    let count = count.count(Tier::Unknown, channel);
    (count.successes, count.trials)
}

fn sms(text: &str) -> Value {
    json!({"channel": "sms", "draft_message": text})
}

/// Meta delivers a WhatsApp message that the lead has just written.
async fn write_on_whatsapp(api: &Api) {
    let message = json!({
        "from": "12025550142", "id": "wamid.1", "timestamp": api.clock.now().timestamp().to_string(),
        "type": "text", "text": {"body": "What does it cost?"},
    });
    let contact = json!({"profile": {"name": "Jane"}, "wa_id": "12025550142"});
    let delivery = whatsapp(&[value("1", json!({"contacts": [contact], "messages": [message]}))]);
    assert_eq!(api.deliver(&delivery).await.status, 200);
    api.all_recorded().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_message_that_a_provider_delivered_opens_whatsapps_window() {
    let api = start().await;
    api.channel(api.workspace, Channel::Whatsapp, "1").await;
    let now = api.clock.now();
    let activity = json!({
        "contact_id": CONTACT, "type": "whatsapp", "direction": "inbound", "title": "Asked for the price",
        "occurred_at": now,
    });
    assert_eq!(send(api.authorized("POST", "/v1/activities").json(&activity)).await.status, 200);
    let message = json!({
        "message_id": "1", "customer_phone": "12025550142", "platform": "whatsapp", "sender": "user",
        "text": "What does it cost?", "timestamp": now, "phone_number_id": "1",
    });
    assert_eq!(send(api.authorized("POST", "/users/me/messages").json(&message)).await.status, 200);
    let id = recommended(&api).await;
    let edit = json!({"channel": "whatsapp", "draft_message": "Hi Jane! A call?"});
    let refused = decide(&api, &id, "approve", &edit).await;
    assert_eq!(refused.code(), (422, "CHANNEL_NOT_ELIGIBLE".to_owned()), "{}", refused.text);
    write_on_whatsapp(&api).await;
    approve(&api, &id, &edit).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follow_up_is_in_the_conversation_once_it_is_sent_with_its_real_state() {
    let api = Api::without_scoring().await;
    let staff = api.staff((true, true), &[Role::Sales]).await;
    api.channel(api.workspace, Channel::Whatsapp, "1").await;
    write_on_whatsapp(&api).await;
    let body = json!({"siteId": staff.site, "leadId": CONTACT, "userId": Uuid::from_u128(7)});
    let written = send(api.authorized("POST", FOLLOW_UP).json(&body)).await.json()["data"].clone();
    assert_eq!(api.messages_of("12025550142").await.len(), 1);
    let id = written["recommendation_ids"]["whatsapp"].as_str().unwrap();
    api.providers_do(&json!({"channel": "whatsapp", "reports": []})).await;
    approve(&api, id, &json!({})).await;
    let done = until(&api, id, |shown| !shown["deliveries"][0]["provider_message_id"].is_null()).await;
    let message_id = done["deliveries"][0]["provider_message_id"].as_str().unwrap();
    let mut messages = Vec::new();
    for _ in 0..100 {
        messages = api.messages_of("12025550142").await;
        if messages.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let [theirs, ours] = &messages[..] else { panic!("two messages: {messages:?}") };
    for (field, expected) in [
        ("status", &json!("sent")),
        ("sender", &json!("agent")),
        ("agent_id", &json!(staff.sales)),
        ("text", &written["messages"]["whatsapp"]["message"]),
        ("conversation_id", &theirs["conversation_id"]),
        ("message_id", &json!(message_id)),
    ] {
        assert_eq!(&ours[field], expected, "{field}");
    }
    let lead = api.get("/users/me/leads/12025550142").await.json()["data"].clone();
    assert_eq!((&lead["total_messages"], &lead["last_message_text"]), (&json!(2), &ours["text"]));
    // The provider's report changes the message's state.
    let failed = json!({
        "id": message_id, "status": "failed", "timestamp": api.clock.now().timestamp().to_string(),
        "recipient_id": "12025550142", "errors": [{"code": 131_026, "title": "undeliverable"}],
    });
    assert_eq!(api.deliver(&whatsapp(&[value("1", json!({"statuses": [failed]}))])).await.status, 200);
    api.all_recorded().await;
    assert_eq!(api.messages_of("12025550142").await[1]["status"], "failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_approved_is_what_is_sent_on_each_channel() {
    let api = start().await;
    api.channel(api.workspace, Channel::Whatsapp, "1").await;
    write_on_whatsapp(&api).await;
    for (edit, to, from) in [
        (sms("Hi Jane, shall we talk?"), "+12025550142", "+12025550100"),
        (
            json!({"channel": "email", "draft_title": "Your question", "draft_message": "Hi Jane,\n\nshall we talk?"}),
            "jane@acme.example",
            "sales@acme.example",
        ),
        (json!({"channel": "whatsapp", "draft_message": "Hi Jane! A call?"}), "12025550142", "1"),
    ] {
        let id = recommended(&api).await;
        approve(&api, &id, &edit).await;
        let done = until_status(&api, &id, "delivered").await;
        let channel = edit["channel"].as_str().unwrap();
        assert_eq!(states(&done), pairs(&[(channel, "delivered")]));
        let sent = api.outbox().await.remove(0);
        assert_eq!((&sent["channel"], &sent["from"]), (&json!(channel), &json!(from)), "{sent}");
        assert!(sent["to"].as_str().unwrap().trim_start_matches('+') == to.trim_start_matches('+'), "{sent}");
        assert_eq!(sent["text"], edit["draft_message"], "{sent}");
        assert_eq!(done["deliveries"][0]["text_sha256"], done["approval"]["text_sha256"]);
        assert!(done["deliveries"][0]["provider_message_id"].is_string(), "{done}");
        assert_eq!(done["approval"]["draft_message"], edit["draft_message"]);
    }
    assert_eq!(api.outbox().await.len(), 3);
    assert_eq!(learned(&api, Channel::Sms).await, (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_and_meetings_become_the_representatives() {
    let api = start().await;
    for (channel, kind) in [("phone_call", "call_the_lead"), ("meeting", "meet_the_lead")] {
        let id = recommended(&api).await;
        approve(&api, &id, &json!({"channel": channel, "draft_title": "Prices", "draft_message": "Ask about it."}))
            .await;
        until_status(&api, &id, "delivered").await;
        let told = notified(&api, "representative").await;
        assert_eq!((&told[0]["kind"], &told[0]["recommendation_id"]), (&json!(kind), &json!(id)));
    }
    assert_eq!(api.outbox().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reviewers_whole_day() {
    let api = start().await;
    // Recommended, edited, approved.
    let id = recommended(&api).await;
    api.providers_do(&json!({"channel": "sms", "answer": {"refuse": "21211"}})).await;
    approve(&api, &id, &sms("Hi Jane, shall we talk about your question?")).await;
    // The provider refuses, so it goes by the next channel, and the representative is told.
    let done = until_status(&api, &id, "delivered").await;
    assert_eq!(states(&done), pairs(&[("sms", "failed"), ("email", "delivered")]), "{done}");
    assert_eq!(done["deliveries"][0]["code"], "21211");
    // What was proposed stays beside what was approved.
    assert_eq!(done["approval"]["edited"], true);
    assert_ne!(done["draft_message"], done["approval"]["draft_message"]);
    let sent = api.outbox().await.remove(0);
    assert_eq!(
        (&sent["channel"], &sent["text"]),
        (&json!("email"), &json!("Hi Jane, shall we talk about your question?"))
    );
    assert_eq!(sent["subject"], "Hi Jane, shall we talk about your question");
    let told = notified(&api, "representative").await;
    assert_eq!((&told[0]["kind"], &told[0]["details"]["next_channel"]), (&json!("delivery_failed"), &json!("email")));
    // She answers, and that is what is learned.
    let answered = json!({"contact_id": CONTACT, "type": "email", "direction": "inbound", "body": "Yes, please call."});
    assert_eq!(send(api.authorized("POST", "/v1/activities").json(&answered)).await.status, 200);
    let counted = until(&api, &id, |shown| shown["deliveries"][1]["outcome"] == "replied").await;
    assert_eq!(counted["status"], "delivered");
    assert_eq!((learned(&api, Channel::Email).await, learned(&api, Channel::Sms).await), ((1, 1), (0, 0)));
    // Everything can be explained, and nothing personal is in it.
    let audit = api.get(&format!("{RECOMMENDATIONS}/{id}/audit")).await;
    let told: Vec<_> = audit.json()["events"].as_array().unwrap().iter().map(|event| event["action"].clone()).collect();
    for action in ["proposed", "approved", "taken", "sending", "settled", "went_on", "outcome"] {
        assert!(told.contains(&json!(action)), "{action}: {told:?}");
    }
    for personal in ["Jane", "jane@", "2025550142", "question"] {
        assert!(!audit.text.contains(personal), "{personal}: {}", audit.text);
    }
    // The next recommendation knows of it: e-mail has become likelier, and less so once she falls silent.
    let score = async |of: &str| {
        let scores = read(&api, of).await["channel_scores"].as_array().unwrap().clone();
        scores.iter().find(|score| score["channel"] == "email").unwrap()["probability"].as_f64().unwrap()
    };
    let before = score(&id).await;
    let answered = score(&recommended(&api).await).await;
    assert!(answered > before, "{answered} {before}");
    let again = recommended(&api).await;
    let edit = json!({"channel": "email", "draft_title": "Prices", "draft_message": "Hi Jane,\n\nand now?"});
    approve(&api, &again, &edit).await;
    until_status(&api, &again, "delivered").await;
    api.clock.advance(TimeDelta::days(20));
    let silent = score(&recommended(&api).await).await;
    assert!(silent < answered, "{silent} {answered}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_unsubscribed_with_the_provider_is_not_written_to_on_another_channel() {
    let api = start().await;
    for (answer, reports) in [
        (json!({"refuse": "21610"}), json!([])),
        (json!("accept"), json!([{"event": {"failed": "21610"}, "after_ms": 20}])),
    ] {
        let rival = Uuid::from_u128(if reports == json!([]) { 31 } else { 32 });
        let phone = format!("+1202555{:04}", rival.as_u128());
        let email = Some(format!("{}@example.org", rival.as_u128()));
        let lead = shared::crm::leads::Lead { lead_id: rival, phone: Some(phone), email, ..Default::default() };
        assert!(api.leads().put(api.workspace, &lead).await.unwrap());
        let events = json!([{"type": "sms", "outcome": "replied"}, {"type": "email", "outcome": "opened"}]);
        let body = json!({"lead_id": rival, "engagement_history": events});
        let shown = send(api.authorized("POST", RECOMMENDATION).json(&body)).await.json();
        let id = shown["recommendation_id"].as_str().unwrap();
        api.providers_do(&json!({"channel": "sms", "answer": answer, "reports": reports})).await;
        approve(&api, id, &sms("Hello, shall we talk?")).await;
        let failed = until_status(&api, id, "delivery_failed").await;
        assert_eq!(states(&failed), pairs(&[("sms", "failed")]));
        assert!(api.leads().is_suppressed(api.workspace, rival).await.unwrap());
    }
    assert!(api.outbox().await.iter().all(|sent| sent["channel"] == "sms"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_counts_from_when_it_was_written_and_proves_that_something_arrived() {
    let api = start().await;
    // Nobody reports anything.
    api.providers_do(&json!({"channel": "email", "reports": [], "times": 9})).await;
    let id = recommended(&api).await;
    let edit = json!({"channel": "email", "draft_title": "Prices", "draft_message": "Hi Jane,\n\nshall we talk?"});
    approve(&api, &id, &edit).await;
    until(&api, &id, |shown| shown["deliveries"][0]["state"] == "accepted").await;
    let answer = async |at: chrono::DateTime<chrono::Utc>| {
        let body = json!({"contact_id": CONTACT, "type": "email", "direction": "inbound", "occurred_at": at});
        assert_eq!(send(api.authorized("POST", "/v1/activities").json(&body)).await.status, 200);
    };
    // What she wrote last week answers nothing of today.
    answer(api.clock.now() - TimeDelta::days(7)).await;
    assert_eq!(read(&api, &id).await["deliveries"][0]["outcome"], Value::Null);
    api.clock.advance(TimeDelta::hours(1));
    answer(api.clock.now()).await;
    let done = read(&api, &id).await;
    assert_eq!((&done["status"], &done["deliveries"][0]["outcome"]), (&json!("delivered"), &json!("replied")));
    assert_eq!(learned(&api, Channel::Email).await, (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_send_is_not_approved() {
    let api = Api::start().await;
    api.staff((true, false), &[Role::Sales]).await;
    let id = recommended(&api).await;
    for channel in ["sms", "web"] {
        let refused = decide(&api, &id, "approve", &json!({"channel": channel, "draft_message": "Hi Jane"})).await;
        assert_eq!(refused.code(), (422, "CHANNEL_NOT_ELIGIBLE".to_owned()), "{}", refused.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_on_every_channel_has_failed_once_on_two() {
    let api = start().await;
    api.providers_do(&json!({"answer": {"refuse": "21211"}, "times": 9})).await;
    let id = recommended(&api).await;
    approve(&api, &id, &sms("Hi Jane, shall we talk?")).await;
    let failed = until_status(&api, &id, "delivery_failed").await;
    assert_eq!(states(&failed).iter().map(|(_, state)| state.as_str()).collect::<Vec<_>>(), ["failed", "failed"]);
    let told = notified(&api, "representative").await;
    assert_eq!(told.iter().filter(|told| told["kind"] == "delivery_failed").count(), 2);
    assert_eq!(told[0]["details"]["next_channel"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_become_somebody_elses_number_since_it_was_approved_goes_no_other_way() {
    let api = start().await;
    let failed = json!({"event": {"failed": "30003"}, "after_ms": 1_500});
    api.providers_do(&json!({"channel": "sms", "reports": [failed]})).await;
    let id = recommended(&api).await;
    approve(&api, &id, &sms("Hi Jane, shall I call you on +12025550142?")).await;
    until(&api, &id, |shown| states(shown) == pairs(&[("sms", "accepted")])).await;
    // Her number changes, and so the old one is not hers.
    let moved = json!({"email": "jane@acme.example", "phone": "+12025550199"});
    let moved = send(api.authorized("POST", "/v1/contacts").json(&moved)).await;
    assert_eq!((moved.status, &moved.json()["data"]["contact_id"]), (200, &json!(CONTACT)), "{}", moved.text);
    let failed = until_status(&api, &id, "delivery_failed").await;
    assert_eq!(states(&failed), pairs(&[("sms", "failed")]), "{failed}");
    assert_eq!(api.outbox().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bounce_that_is_reported_later_goes_another_way() {
    let api = start().await;
    let bounced = json!({"event": "bounced", "times": 3});
    api.providers_do(&json!({"channel": "email", "reports": [bounced, {"event": "sent", "after_ms": 300}]})).await;
    let id = recommended(&api).await;
    let edit = json!({"channel": "email", "draft_title": "Prices", "draft_message": "Hi Jane,\n\nshall we talk?"});
    approve(&api, &id, &edit).await;
    let done = until_status(&api, &id, "delivered").await;
    assert_eq!(states(&done), pairs(&[("email", "failed"), ("sms", "delivered")]), "{done}");
    assert_eq!(api.outbox().await[0]["text"], "Hi Jane, shall we talk?");
    assert_eq!(api.outbox().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_sent_is_settled_by_its_provider_and_never_sent_again() {
    let api = start().await;
    // It is taken, nobody hears of that, and the report comes late.
    let late = json!([{"event": "delivered", "after_ms": 1_500}]);
    api.providers_do(&json!({"channel": "sms", "answer": "drop", "reports": late})).await;
    let id = recommended(&api).await;
    approve(&api, &id, &sms("Hi Jane, shall we talk?")).await;
    let unknown = until(&api, &id, |shown| shown["deliveries"][0]["state"] == "unknown").await;
    assert_eq!(unknown["status"], "delivering");
    assert_eq!(notified(&api, "representative").await[0]["kind"], "delivery_unknown");
    let worker = DeliveryWorker::new(&api.stack.context).unwrap();
    let key = RecommendationId { workspace_id: api.workspace, recommendation_id: id.parse().unwrap() };
    for _ in 0..3 {
        worker.try_one(key).await.unwrap();
    }
    let done = until_status(&api, &id, "delivered").await;
    assert_eq!(states(&done), pairs(&[("sms", "delivered")]));
    assert_eq!(api.outbox().await.len(), 1);
    assert_eq!(decide(&api, &id, "resolve", &json!({})).await.code(), (409, "CONFLICT".to_owned()));
    // Of what no provider ever settles, a person says that it is settled.
    api.providers_do(&json!({"channel": "sms", "answer": "drop", "reports": []})).await;
    let id = recommended(&api).await;
    approve(&api, &id, &sms("Hi Jane, shall we talk now?")).await;
    until(&api, &id, |shown| shown["deliveries"][0]["state"] == "unknown").await;
    let resolved = decide(&api, &id, "resolve", &json!({})).await;
    assert_eq!((resolved.status, &resolved.json()["status"]), (200, &json!("resolved")), "{}", resolved.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_took_and_says_nothing_of_for_a_day_is_a_persons_to_settle() {
    let api = start().await;
    api.providers_do(&json!({"channel": "sms", "reports": []})).await;
    let id = recommended(&api).await;
    approve(&api, &id, &sms("Hi Jane, shall we talk?")).await;
    until(&api, &id, |shown| shown["deliveries"][0]["state"] == "accepted").await;
    // Its report may still come.
    assert_eq!(decide(&api, &id, "resolve", &json!({})).await.code(), (409, "CONFLICT".to_owned()));
    api.clock.advance(TimeDelta::hours(25));
    let key = RecommendationId { workspace_id: api.workspace, recommendation_id: id.parse().unwrap() };
    DeliveryWorker::new(&api.stack.context).unwrap().try_one(key).await.unwrap();
    assert_eq!(notified(&api, "representative").await[0]["kind"], "delivery_unknown");
    let resolved = decide(&api, &id, "resolve", &json!({})).await;
    assert_eq!((resolved.status, &resolved.json()["status"]), (200, &json!("resolved")), "{}", resolved.text);
    assert_eq!(api.outbox().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_busy_is_asked_again_and_given_up_in_the_end() {
    let api = start().await;
    api.providers_do(&json!({"channel": "sms", "answer": "busy", "times": 5})).await;
    let id = recommended(&api).await;
    let key = RecommendationId { workspace_id: api.workspace, recommendation_id: id.parse().unwrap() };
    approve(&api, &id, &sms("Hi Jane, shall we talk?")).await;
    until(&api, &id, |shown| shown["deliveries"][0]["code"] == "provider_busy").await;
    let worker = DeliveryWorker::new(&api.stack.context).unwrap();
    for _ in 0..4 {
        drop(worker.try_one(key).await);
    }
    let done = until_status(&api, &id, "delivered").await;
    assert_eq!(states(&done), pairs(&[("sms", "failed"), ("email", "delivered")]), "{done}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complaint_or_a_stop_closes_every_channel() {
    let api = start().await;
    api.providers_do(&json!({"channel": "email", "reports": [{"event": "complained"}]})).await;
    let id = recommended(&api).await;
    let edit = json!({"channel": "email", "draft_title": "Prices", "draft_message": "Hi Jane,\n\nshall we talk?"});
    let second = recommended(&api).await;
    approve(&api, &id, &edit).await;
    until_status(&api, &id, "delivered").await;
    let mut refused = decide(&api, &second, "approve", &json!({"version": 99})).await;
    for _ in 0..100 {
        if api.leads().is_suppressed(api.workspace, CONTACT).await.unwrap() {
            refused = decide(&api, &second, "approve", &sms("Hi Jane")).await;
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(refused.code(), (422, "CHANNEL_NOT_ELIGIBLE".to_owned()), "{}", refused.text);
    let told = notified(&api, "representative").await;
    assert_eq!((&told[0]["kind"], &told[0]["recommendation_id"]), (&json!("lead_suppressed"), &json!(id)));
}

/// A message of the queue of SES's events: an envelope of SNS.
fn of_ses(message: &str) -> String {
    json!({"Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": message}).to_string()
}

/// An event of SES about a delivery.
fn bounce(delivery_id: &str) -> String {
    let mail = json!({"messageId": "0100018a", "timestamp": "2026-11-20T09:30:00.000Z",
        "destination": ["jane@acme.example"], "tags": {"delivery_id": [delivery_id]}});
    let bounce = json!({"bounceType": "Permanent", "timestamp": "2026-11-20T09:30:01.000Z",
        "bouncedRecipients": [{"emailAddress": "jane@acme.example"}]});
    json!({"eventType": "Bounce", "mail": mail, "bounce": bounce}).to_string()
}

/// Hands messages to the function of SES's events, and returns the indexes of those that failed.
async fn take(api: &Api, bodies: &[String]) -> Vec<usize> {
    let context = api.context(&[("AWS_ACCESS_KEY_ID", "email-events")]);
    let Some(Function::Queue(work)) = functions::build("email-events", &context).unwrap() else { panic!("no worker") };
    let records = bodies.iter().enumerate().map(|(index, body)| json!({"messageId": index.to_string(), "body": body}));
    let event = json!({ "Records": records.collect::<Vec<_>>() });
    let response = work(LambdaEvent::new(event, Default::default())).await.unwrap();
    let failures = response["batchItemFailures"].as_array().unwrap().iter();
    failures.map(|failure| failure["itemIdentifier"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_ses_counts_once_however_often_and_wherever_in_a_batch_it_comes() {
    let api = start().await;
    api.providers_do(&json!({"channel": "email", "reports": []})).await;
    let id = recommended(&api).await;
    let edit = json!({"channel": "email", "draft_title": "Prices", "draft_message": "Hi Jane,\n\nshall we talk?"});
    approve(&api, &id, &edit).await;
    until(&api, &id, |shown| shown["deliveries"][0]["state"] == "accepted").await;
    let delivery = api.outbox().await[0]["delivery_id"].as_str().unwrap().to_owned();
    let event = of_ses(&bounce(&delivery));
    assert_eq!(take(&api, &[event.clone(), "{".to_owned(), event.clone()]).await, [1]);
    let done = until_status(&api, &id, "delivered").await;
    assert_eq!(done["deliveries"][0]["state"], "failed");
    assert_eq!(done["deliveries"][0]["code"], "bounced");
    let notified_once = notified(&api, "representative").await;
    let outbox = api.outbox().await.len();
    assert_eq!(take(&api, &[event.clone(), event]).await, [0_usize; 0]);
    assert_eq!(read(&api, &id).await["deliveries"], done["deliveries"]);
    assert_eq!((notified(&api, "representative").await, api.outbox().await.len()), (notified_once, outbox));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ses_says_of_nothing_of_ours_is_ignored_and_what_does_not_read_fails_alone() {
    let api = start().await;
    let id = recommended(&api).await;
    approve(&api, &id, &sms("Hi Jane, shall we talk?")).await;
    let before = until_status(&api, &id, "delivered").await;
    let foreign = api.outbox().await[0]["delivery_id"].as_str().unwrap().to_owned();
    let sample = std::fs::read_to_string(project().join("events/email-events.json")).unwrap();
    let sample: Value = serde_json::from_str(&sample).unwrap();
    let ignored = [
        // What SES publishes to test a new topic.
        of_ses("Successfully validated SNS topic for Amazon SES event publishing."),
        of_ses("{}"),
        of_ses(&json!({"eventType": "Bounce"}).to_string()),
        of_ses(&bounce("")),
        of_ses(&bounce("somebody-elses")),
        // Of a text message, which SES knows nothing of.
        of_ses(&bounce(&foreign)),
        sample["Records"][0]["body"].as_str().unwrap().to_owned(),
    ];
    assert_eq!(take(&api, &ignored).await, [0_usize; 0]);
    let unreadable = ["", "{", "[]", "\"jane@acme.example\"", "{\"Type\": \"Notification\"}", "{\"Message\": {}}"];
    let mut bodies = unreadable.map(str::to_owned).to_vec();
    bodies.push(ignored[0].clone());
    assert_eq!(take(&api, &bodies).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(read(&api, &id).await["deliveries"], before["deliveries"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_proves_is_not_taken() {
    let api = start().await;
    for path in ["/webhooks/twilio/status", "/webhooks/twilio/messages"] {
        let answer = send(api.request("POST", path).body("MessageStatus=delivered")).await;
        assert_eq!(answer.code(), (401, "invalid_key".to_owned()), "{path}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_follow_up_proposes_is_approved_and_sent_or_shown() {
    let api = Api::without_scoring().await;
    let staff = api.staff((true, true), &[Role::Sales]).await;
    let body = json!({"siteId": staff.site, "leadId": CONTACT});
    let data = send(api.authorized("POST", FOLLOW_UP).json(&body)).await.json()["data"].clone();
    for medium in ["email", "web"] {
        let id = data["recommendation_ids"][medium].as_str().unwrap();
        let shown = read(&api, id).await;
        assert_eq!(
            (&shown["recommended_channel"], &shown["draft_message"]),
            (&json!(medium), &data["messages"][medium]["message"])
        );
        assert_eq!(shown["follow_up"]["command_id"], data["command_ids"]["sales"]);
        approve(&api, id, &json!({})).await;
        until_status(&api, id, "delivered").await;
    }
    let sent = api.outbox().await;
    assert_eq!((sent.len(), &sent[0]["text"]), (1, &data["messages"]["email"]["message"]));
}

/// A request of Twilio's, signed as Twilio signs.
async fn of_twilio(api: &Api, path: &str, form: &[(&str, &str)]) -> Answer {
    let url = format!("{}{path}", api.url());
    let mut sorted = form.to_vec();
    sorted.sort_unstable();
    let signed = sorted.iter().fold(url, |text, (name, value)| text + name + value);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"local-twilio-token");
    let signature = BASE64.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = api.request("POST", path).header("content-type", "application/x-www-form-urlencoded");
    send(request.header("x-twilio-signature", signature).body(body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_by_text_message_is_a_success_and_a_stop_is_the_end() {
    let api = start().await;
    let id = recommended(&api).await;
    approve(&api, &id, &sms("Hi Jane, shall we talk?")).await;
    until_status(&api, &id, "delivered").await;
    let from = [("From", "+12025550142"), ("To", "+12025550100")];
    let path = "/webhooks/twilio/messages";
    for _ in 0..2 {
        let yes = of_twilio(&api, path, &[from[0], from[1], ("MessageSid", "SM1"), ("Body", "Yes, call me")]).await;
        assert_eq!(yes.status, 200, "{}", yes.text);
    }
    assert_eq!(read(&api, &id).await["deliveries"][0]["outcome"], "replied");
    assert_eq!(learned(&api, Channel::Sms).await, (1, 1));
    let suggested = api.suggest(&json!({"contact_id": CONTACT})).await.json();
    assert!(suggested["data"]["activity_summary"].as_str().unwrap().contains("SMS"), "{suggested}");
    assert!(!api.leads().is_suppressed(api.workspace, CONTACT).await.unwrap());
    for _ in 0..2 {
        let stop = of_twilio(&api, path, &[from[0], from[1], ("MessageSid", "SM2"), ("Body", "Stop.")]).await;
        assert_eq!(stop.status, 200, "{}", stop.text);
    }
    assert!(api.leads().is_suppressed(api.workspace, CONTACT).await.unwrap());
    let told = notified(&api, "representative").await;
    assert_eq!(told.iter().filter(|told| told["kind"] == "lead_suppressed").count(), 1);
    // Of a number that nobody sends from, nothing is known.
    let stray = [("From", "+12025550142"), ("To", "+12025550199"), ("MessageSid", "SM3"), ("Body", "hi")];
    assert_eq!(of_twilio(&api, path, &stray).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_opened_counts_little_and_a_report_of_another_workspaces_delivery_changes_only_that() {
    let api = start().await;
    api.providers_do(&json!({"channel": "email", "reports": [{"event": "opened"}, {"event": "delivered"}]})).await;
    let id = recommended(&api).await;
    let edit = json!({"channel": "email", "draft_title": "Prices", "draft_message": "Hi Jane,\n\nshall we talk?"});
    approve(&api, &id, &edit).await;
    let opened = until(&api, &id, |shown| shown["deliveries"][0]["outcome"] == "opened").await;
    assert_eq!(opened["status"], "delivered");
    assert_eq!(learned(&api, Channel::Email).await, (0, 1));
    // A report whose delivery is none is taken and changes nothing.
    for stray in ["x", &format!("{}-{}-0", Uuid::from_u128(1).simple(), Uuid::from_u128(2).simple())] {
        let path = format!("/webhooks/twilio/status?delivery={stray}");
        let taken = of_twilio(&api, &path, &[("MessageSid", "SM1"), ("MessageStatus", "delivered")]).await;
        assert_eq!(taken.status, 200, "{}", taken.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_of_the_queue_twice_at_once_sends_once() {
    // Nobody takes the queue but the test.
    let template = tests::template()
        .replace("DELIVERY_QUEUE_URL: !Ref DeliveryQueue", "DELIVERY_QUEUE_URL: !Ref DeliveryDeadLetters");
    let api = Api::with(Setup { template: Some(template), ..Setup::default() }).await;
    api.staff((true, true), &[Role::Sales]).await;
    let id = recommended(&api).await;
    approve(&api, &id, &sms("Hi Jane, shall we talk?")).await;
    let worker = DeliveryWorker::new(&api.stack.context).unwrap();
    let key = RecommendationId { workspace_id: api.workspace, recommendation_id: id.parse().unwrap() };
    let (one, other, third) = tokio::join!(worker.try_one(key), worker.try_one(key), worker.try_one(key));
    assert!(one.is_ok() && other.is_ok() && third.is_ok());
    until_status(&api, &id, "delivered").await;
    assert_eq!(api.outbox().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_before_sending_is_taken_over_and_one_that_dies_after_it_is_not() {
    let template = tests::template()
        .replace("DELIVERY_QUEUE_URL: !Ref DeliveryQueue", "DELIVERY_QUEUE_URL: !Ref DeliveryDeadLetters");
    let api = Api::with(Setup { template: Some(template), ..Setup::default() }).await;
    api.staff((true, true), &[Role::Sales]).await;
    let all = Recommendations::new(&api.stack.context).unwrap();
    let worker = DeliveryWorker::new(&api.stack.context).unwrap();
    for has_marked in [false, true] {
        let id = recommended(&api).await;
        approve(&api, &id, &sms("Hi Jane, shall we talk?")).await;
        let key = RecommendationId { workspace_id: api.workspace, recommendation_id: id.parse().unwrap() };
        let Delivery::Send(taken) = all.take(key, Actor::Function("delivery")).await.unwrap() else { panic!("taken") };
        if has_marked {
            assert!(all.sending(&taken, Actor::Function("delivery")).await.unwrap().is_some());
        }
        // As long as its lease lasts, nobody else does anything.
        worker.try_one(key).await.unwrap();
        assert_eq!(read(&api, &id).await["status"], "delivering");
        api.clock.advance(TimeDelta::seconds(71));
        worker.try_one(key).await.unwrap();
        if has_marked {
            assert_eq!(states(&read(&api, &id).await), pairs(&[("sms", "unknown")]));
        } else {
            until_status(&api, &id, "delivered").await;
        }
        assert_eq!(api.outbox().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_sent_to_the_queue_the_sweeper_sends() {
    let nowhere = [("DELIVERY_QUEUE_URL".to_owned(), "http://127.0.0.1:9/nowhere".to_owned())].into();
    let api = Api::with(Setup { environment: nowhere, ..Setup::default() }).await;
    api.staff((true, true), &[Role::Sales]).await;
    let id = recommended(&api).await;
    approve(&api, &id, &sms("Hi Jane, shall we talk?")).await;
    assert_eq!(read(&api, &id).await["status"], "approved");
    let queue = api.stack.variables["NOTIFICATIONS_QUEUE_URL"].replace("NotificationsQueue", "DeliveryQueue");
    let context = api.context(&[("DELIVERY_QUEUE_URL", &queue)]);
    api.clock.advance(TimeDelta::minutes(8));
    functions::sweeper::Sweeper::new(&context).unwrap().sweep().await.unwrap();
    until_status(&api, &id, "delivered").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_reach_the_workspaces_webhook_signed_and_again_until_they_are_taken() {
    let api = start().await;
    let taken: Arc<Mutex<Vec<(http::HeaderMap, String)>>> = Arc::default();
    let seen = Arc::clone(&taken);
    let hook = axum::Router::new().fallback(move |headers: http::HeaderMap, body: String| async move {
        let mut seen = seen.lock().unwrap();
        seen.push((headers, body));
        if seen.len() == 1 { http::StatusCode::INTERNAL_SERVER_ERROR } else { http::StatusCode::OK }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, hook).await });
    let mut workspace = api.accounts().workspace(api.workspace).await.unwrap().unwrap();
    workspace.webhook =
        Some(Webhook { url, secret: format!("whsec_{}", BASE64.encode(b"a secret of 32 bytes, in plain..")) });
    api.accounts().put_workspace(&workspace).await.unwrap();
    let id = recommended(&api).await;
    approve(&api, &id, &json!({"channel": "phone_call", "draft_title": "Prices", "draft_message": "Ask."})).await;
    until_status(&api, &id, "delivered").await;
    let places: Vec<_> = tests::scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["WORK_TABLE"])
        .await
        .into_iter()
        .filter(|item| item["due_for"]["S"] == "notification")
        .map(|item| Place {
            pk: item["pk"]["S"].as_str().unwrap().to_owned(),
            sk: item["sk"]["S"].as_str().unwrap().to_owned(),
        })
        .collect();
    let notifier = functions::notifier::Notifier::new(&api.stack.context).unwrap();
    assert!(notifier.try_one(places[0].clone()).await.is_err());
    notifier.try_one(places[0].clone()).await.unwrap();
    notifier.try_one(places[0].clone()).await.unwrap();
    let taken = taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].0["webhook-id"], taken[1].0["webhook-id"]);
    let (headers, body) = &taken[1];
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let signed = [header("webhook-id"), header("webhook-timestamp"), body.clone()].join(".");
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of 32 bytes, in plain..");
    let signature = BASE64.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
    assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), notified(&api, "representative").await[0]);
}

async fn sent_once(way: Way) {
    // Nobody takes the queue but the test.
    let template = tests::template()
        .replace("DELIVERY_QUEUE_URL: !Ref DeliveryQueue", "DELIVERY_QUEUE_URL: !Ref DeliveryDeadLetters");
    let api = Api::with(Setup { template: Some(template), ..Setup::default() }).await;
    api.staff((true, true), &[Role::Sales]).await;
    let proxy = FaultProxy::start().await;
    proxy.set_upstream(&api.stack.ready.dynamodb).await;
    let context = api.context(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]);
    let worker = DeliveryWorker::new(&context).unwrap();
    let (mut round, mut any_failed) = (0, true);
    while any_failed {
        let id = recommended(&api).await;
        let edit = sms(&format!("Hi Jane, number {round}"));
        approve(&api, &id, &edit).await;
        let key = RecommendationId { workspace_id: api.workspace, recommendation_id: id.parse().unwrap() };
        way.fail(&proxy, round);
        for _ in 0..6 {
            if worker.try_one(key).await.is_ok() {
                let shown = read(&api, &id).await;
                if shown["status"] == "delivered" || shown["deliveries"][0]["state"] == "accepted" {
                    break;
                }
            }
            api.clock.advance(TimeDelta::seconds(71));
        }
        any_failed = proxy.heal().len() > way.call(round);
        round += 1;
        let done = until_status(&api, &id, "delivered").await;
        assert_eq!(states(&done), pairs(&[("sms", "delivered")]), "{way:?} {round}");
        assert_eq!(api.outbox().await.len(), round, "{way:?} {round}");
    }
    // Taking, looking at the lead and the site, marking, settling.
    assert!(way.call(round) > 6, "{way:?}: {round}");
}

#[tokio::test]
async fn whatever_call_fails_what_was_approved_is_sent_once() {
    let log = in_every_way(sent_once).await;
    for personal in ["Jane", "2025550142", "jane@acme"] {
        assert!(!log.contains(personal), "the log holds {personal}");
    }
}
