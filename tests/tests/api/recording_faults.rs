//! Whatever call fails while a conversation or a contact is recorded, and in whatever way: once the
//! client has sent its request again, everything is there once, and no line of the log tells who it is.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::faults::{Way, in_every_way};
use tests::{Answer, Api, FaultProxy, Setup, scan, send};

const USER: &str = "u-1";
const NAME: &str = "Zebedee Quill";
const WORDS: &str = "violet elephants";

/// A request of one round: method, path and body.
type Step = (&'static str, String, Value);

/// The digits of a round's lead.
fn phone(round: usize) -> String {
    format!("44794600{round:04}")
}

/// What is recorded of a round's lead, in this order.
fn steps(round: usize) -> Vec<Step> {
    let phone = phone(round);
    let message = |number: usize, sender: &str| {
        json!({
            "message_id": format!("wamid.{phone}.{number}"), "customer_phone": phone, "platform": "whatsapp",
            "sender": sender, "text": format!("{WORDS} {number}"), "timestamp": format!("2026-01-01T00:00:0{number}Z"),
        })
    };
    let messages = || format!("/users/{USER}/messages");
    let template = json!({
        "template_send_id": format!("t-{phone}"), "customer_phone": phone, "sent_at": "2026-01-01T00:00:09Z",
    });
    let scores = json!({
        "intent_score": 3, "urgency_score": 2, "budget_score": 1, "fit_score": 2, "engagement_score": 3, "name": NAME,
    });
    let contact = json!({
        "external_ref": format!("R-{round}"), "full_name": NAME, "phone": format!("+{phone}"),
        "email": format!("quill{round}@zebedee.example"),
    });
    vec![
        ("POST", messages(), message(1, "user")),
        ("POST", messages(), message(2, "agent")),
        ("POST", format!("/users/{USER}/template-sends"), template),
        ("PUT", format!("/users/{USER}/leads/{phone}/extraction"), scores),
        ("POST", "/v1/contacts".to_owned(), contact),
    ]
}

/// A request that has a call fail; its client sends it again until it ends well, and then once more. Gives
/// the answer, and how many calls there were the first time.
async fn sent(api: &Api, proxy: &FaultProxy, way: Way, round: usize, index: usize, step: &Step) -> (Answer, usize) {
    let (method, path, body) = step;
    let key = format!("{:?}-{}-{round}-{index}", way.fault, way.more);
    let request = async || send(api.authorized(method, path).header("Idempotency-Key", &key).json(body)).await;
    way.fail(proxy, round);
    let mut answer = request().await;
    let calls = proxy.heal().len();
    let mut sent_again = 0;
    while answer.status != 200 {
        match answer.status {
            503 => assert_eq!(answer.header("retry-after"), "5", "{key}"),
            // What was claimed could not be given back; its lease ends.
            409 => api.clock.advance(TimeDelta::seconds(40)),
            _ => panic!("{key}: {}", answer.text),
        }
        sent_again += 1;
        // One failure is the SDK's to hide, unless a busy machine lets its next attempt time out too.
        assert!(sent_again < 9, "{key}: {}", answer.text);
        answer = request().await;
    }
    assert_eq!(request().await.status, 200, "{key}");
    (answer, calls)
}

/// Round after round, each with a lead of its own, another call of every request fails.
async fn everything_is_recorded_once(way: Way) {
    let (api, proxy) = Api::behind_a_proxy(Setup::without_scoring()).await;
    let (mut rounds, mut any_failed) = (0, true);
    while any_failed {
        any_failed = false;
        let mut contact_id = Value::Null;
        for (index, step) in steps(rounds).iter().enumerate() {
            let (answer, calls) = sent(&api, &proxy, way, rounds, index, step).await;
            any_failed |= calls > way.call(rounds);
            contact_id = answer.json()["data"]["contact_id"].clone();
        }
        let note = json!({"contact_id": contact_id, "type": "note", "body": WORDS});
        let note = ("POST", "/v1/activities".to_owned(), note);
        any_failed |= sent(&api, &proxy, way, rounds, 5, &note).await.1 > way.call(rounds);
        rounds += 1;
    }
    assert!(way.call(rounds) > 3, "{rounds}");
    is_there_once(&api, rounds, way).await;
}

async fn is_there_once(api: &Api, rounds: usize, way: Way) {
    for round in 0..rounds {
        let lead = api.get(&format!("/users/{USER}/leads/{}", phone(round))).await.json()["data"].clone();
        for (field, value) in [("total_messages", 2), ("template_sends_count", 1), ("total_score", 11)] {
            assert_eq!(lead[field], value, "{way:?} {round}: {lead}");
        }
        let said = api.get(&format!("/users/{USER}/leads/{}/messages", phone(round))).await.json();
        let numbers = said["data"]["messages"].as_array().unwrap().iter().map(|message| &message["sequence_no"]);
        assert_eq!(numbers.collect::<Vec<_>>(), [1, 2], "{way:?} {round}");
    }
    // Besides the leads, the harness's own items: the example contact with its activities.
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for item in scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await {
        let kind = item["sk"]["S"].as_str().unwrap().split('#').next().unwrap().to_owned();
        *kinds.entry(kind).or_default() += 1;
    }
    let expected = [
        ("message", 2 * rounds),
        ("template", rounds),
        ("extraction", rounds),
        ("row", 2 * rounds),
        ("lead", rounds + 1),
        ("identity", 3 * rounds + 2),
        ("activity", rounds + 4),
        ("seen", rounds),
    ];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)).into(), "{way:?}");
}

#[tokio::test]
async fn whatever_call_fails_a_client_that_tries_again_records_everything_once() {
    let log = in_every_way(everything_is_recorded_once).await;
    assert!(log.contains("refused") && log.contains("answered"), "{log}");
    for personal in [NAME, "Zebedee", "zebedee", WORDS, "elephants", "447946"] {
        assert!(!log.contains(personal), "the log holds {personal}");
    }
}
