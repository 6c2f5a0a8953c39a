//! Section 7 of the contract, from approval on: what a person approved is sent once, what is proven not to
//! arrive goes another way once, and what is not known is settled by its provider.

use std::time::Duration;

use chrono::TimeDelta;
use delivery::DeliveryWorker;
use serde_json::{Value, json};
use shared::accounts::Role;
use shared::conversations::row::Platform;
use shared::outreach::{Channel, Tier};
use shared::queue::Consumer;
use shared::rates::Rates;
use shared::recommendations::RecommendationId;
use tests::faults::{Way, in_every_way};
use tests::{Answer, Api, CONTACT, FOLLOW_UP, FaultProxy, send};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_approved_is_what_is_sent_on_each_channel() {
    let api = start().await;
    api.channel(api.workspace, Platform::Whatsapp, "1").await;
    // She has just written on WhatsApp.
    let said = json!({
        "message_id": "1", "customer_phone": "12025550142", "platform": "whatsapp", "sender": "user",
        "text": "What does it cost?", "timestamp": api.clock.now(), "phone_number_id": "1",
    });
    assert_eq!(send(api.authorized("POST", "/users/me/messages").json(&said)).await.status, 200);
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
    // The next recommendation knows of it.
    let next = read(&api, &recommended(&api).await).await;
    assert_ne!(next["recommendation_id"], json!(id));
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
    assert_eq!(notified(&api, "representative").await[0]["kind"], "lead_suppressed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_proves_is_not_taken() {
    let api = start().await;
    for path in ["/webhooks/ses", "/webhooks/twilio/status", "/webhooks/twilio/messages"] {
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

async fn sent_once(way: Way) {
    let api = start().await;
    let proxy = FaultProxy::start().await;
    proxy.set_upstream(&api.stack.ready.dynamodb).await;
    let variables = api.stack.variables.clone().into_iter();
    let environment = variables.chain([("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), proxy.url().to_owned())]).collect();
    let context =
        shared::context::Context::new(environment, api.clock.clone(), api.stack.context.random.clone()).unwrap();
    let worker = DeliveryWorker::new(&context).unwrap();
    let (mut round, mut any_failed) = (0, true);
    while any_failed {
        let id = recommended(&api).await;
        let edit = sms(&format!("Hi Jane, number {round}"));
        approve(&api, &id, &edit).await;
        let key = RecommendationId { workspace_id: api.workspace, recommendation_id: id.parse().unwrap() };
        way.fail(&proxy, round, round);
        for _ in 0..6 {
            if worker.try_one(key).await.is_ok() {
                let shown = read(&api, &id).await;
                if shown["status"] == "delivered" || shown["deliveries"][0]["state"] == "accepted" {
                    break;
                }
            }
            api.clock.advance(TimeDelta::seconds(71));
        }
        any_failed = proxy.heal().len() > round;
        round += 1;
        let done = until_status(&api, &id, "delivered").await;
        assert_eq!(states(&done), pairs(&[("sms", "delivered")]), "{way:?} {round}");
        assert_eq!(api.outbox().await.len(), round, "{way:?} {round}");
    }
}

#[tokio::test]
async fn whatever_call_fails_what_was_approved_is_sent_once() {
    let log = in_every_way(sent_once).await;
    for personal in ["Jane", "2025550142", "jane@acme"] {
        assert!(!log.contains(personal), "the log holds {personal}");
    }
}
