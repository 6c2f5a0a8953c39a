//! Messages that are ingested: checked field by field, and counted once in any order.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::base::clock::Random;
use tests::leads_api::{USER, extract, ingest, list, message, post};
use tests::{Api, send};

#[tokio::test]
async fn a_message_is_checked_field_by_field_and_a_batch_is_all_or_nothing() {
    let api = Api::without_scoring().await;
    let answer = post(&api, "messages", &json!({})).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["error"]), (400, &json!("Bad Request")));
    for name in ["message_id", "customer_phone", "platform", "sender", "text", "timestamp"] {
        assert!(body["message"].as_str().unwrap().contains(&format!("{name} is required")), "{body}");
    }
    let good = message("1", "1", api.clock.now());
    for (name, wrong) in [
        ("platform", json!("fax")),
        ("sender", json!("bot")),
        ("timestamp", json!("now")),
        ("customer_phone", json!("a#b")),
        ("text", json!(" ")),
        ("status", json!("read")),
        ("message_id", json!(5)),
        // A key of DynamoDB has its length in bytes.
        ("message_id", json!("ü".repeat(300))),
    ] {
        let mut bad = good.clone();
        bad[name] = wrong;
        let answer = post(&api, "messages", &json!({"messages": [good, bad]})).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer.json()["message"].as_str().unwrap().starts_with(&format!("messages[1].{name}")),
            "{}",
            answer.text
        );
    }
    for wrong in [
        json!({"messages": []}),
        json!({"messages": vec![good.clone(); 101]}),
        json!({"messages": "x"}),
        json!({"messages": [1]}),
    ] {
        assert_eq!(post(&api, "messages", &wrong).await.status, 400);
    }
    assert_eq!(list(&api, "").await["pagination"]["total"], 0);
    for wrong in [json!({}), json!({"intent_score": 4})] {
        assert_eq!(
            send(api.authorized("PUT", &format!("/users/{USER}/leads/1/extraction")).json(&wrong)).await.status,
            400
        );
    }
    assert_eq!(extract(&api, "1", [1; 5], json!({"email": "no address"})).await.status, 400);
}

#[tokio::test]
async fn messages_come_by_time_and_numbers_follow_even_if_one_arrives_late() {
    let api = Api::without_scoring().await;
    let at = api.clock.now();
    let status = |number: usize| ["pending", "failed", "sent"][number % 3];
    // Identifiers that sort the other way, and more than nine, so that 10 would come before 2 as a text.
    for number in 0..12 {
        let mut message = message(&format!("m{}", 99 - number), "1", at);
        message["status"] = json!(status(number));
        ingest(&api, &message).await;
    }
    ingest(&api, &message("earlier", "1", at - TimeDelta::seconds(1))).await;
    let path = format!("/users/{USER}/leads/1/messages");
    let messages = api.get(&path).await.json()["data"]["messages"].as_array().unwrap().clone();
    let told = |message: &Value| {
        ["message_id", "sequence_no", "status"].map(|name| message[name].to_string().replace('"', ""))
    };
    let mut expected = vec![["earlier".to_owned(), "1".to_owned(), "sent".to_owned()]];
    expected.extend(
        (0..12).map(|number| [format!("m{}", 99 - number), (number + 2).to_string(), status(number).to_owned()]),
    );
    assert_eq!(messages.iter().map(told).collect::<Vec<_>>(), expected);
    // And the list shows the last of them as the last.
    let row = api.get(&format!("/users/{USER}/leads/1")).await.json()["data"].clone();
    assert_eq!(row["last_message_text"], messages.last().unwrap()["text"], "{row}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_messages_each_three_times_and_shuffled_is_counted_exactly() {
    let api = Api::without_scoring().await;
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    // 2,000 messages of 50 leads, each delivered three times, by 8 clients.
    let mut deliveries: Vec<Value> = (0..2_000_i64)
        .flat_map(|index| {
            vec![message(&format!("m{index}"), &format!("lead{}", index % 50), start + TimeDelta::seconds(index)); 3]
        })
        .collect();
    let random = Random::seeded(7);
    for index in (1..deliveries.len()).rev() {
        deliveries.swap(index, u64::from_le_bytes(random.bytes()) as usize % (index + 1));
    }
    let clients = deliveries.chunks(deliveries.len().div_ceil(8)).map(|share| async {
        for batch in share.chunks(50) {
            ingest(&api, &json!({ "messages": batch })).await;
        }
    });
    join_all(clients).await;

    let body = list(&api, "limit=100&sort_by=first_contact_at&sort_order=asc").await;
    assert_eq!(body["pagination"]["total"], 50);
    for (index, lead) in (0_i64..).zip(body["data"].as_array().unwrap()) {
        let at = |seconds: i64| shared::base::time::timestamp(start + TimeDelta::seconds(seconds));
        assert_eq!((&lead["customer_phone"], &lead["total_messages"]), (&json!(format!("lead{index}")), &json!(40)));
        assert_eq!(
            (&lead["first_contact_at"], &lead["last_message_at"]),
            (&json!(at(index)), &json!(at(1_950 + index)))
        );
        assert_eq!(lead["last_message_text"], format!("text of m{}", 1_950 + index));
        let path = format!("/users/{USER}/leads/lead{index}/messages?limit=200");
        let messages = api.get(&path).await.json()["data"]["messages"].as_array().unwrap().clone();
        let numbers: BTreeSet<u64> = messages.iter().map(|message| message["sequence_no"].as_u64().unwrap()).collect();
        assert_eq!((messages.len(), numbers), (40, (1..=40).collect()));
        assert!(messages.is_sorted_by_key(|message| message["timestamp"].as_str().unwrap().to_owned()));
    }
}
