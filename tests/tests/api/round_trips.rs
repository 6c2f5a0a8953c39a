//! How many DynamoDB round trips one request waits for, and what they consume.

use std::collections::HashMap;
use std::time::Duration;

use functions::delivery::DeliveryWorker;
use serde_json::json;
use shared::base::channel::Channel;
use shared::base::context::FromContext;
use shared::base::queue::Consumer;
use shared::clients::providers::{Callback, Kind};
use shared::workflow::outcomes::Outcomes;
use shared::workflow::recommendations::{DeliveryId, RecommendationId};
use shared::workspace::accounts::Role;
use tests::fault_proxy::ProxyCall;
use tests::{Api, CONTACT, FaultProxy, Setup, send};
use uuid::Uuid;

/// The longest run of calls of which each came after the one before was answered.
fn sequential(calls: &[ProxyCall]) -> usize {
    let mut calls = calls.to_vec();
    calls.sort_by_key(|call| call.until);
    let (mut count, mut free_from) = (0, None);
    for call in &calls {
        if free_from.is_none_or(|free_from| call.from >= free_from) {
            count += 1;
            free_from = Some(call.until);
        }
    }
    count
}

/// A stack whose calls are seen, and whose key is known to the instance: one that has not seen the key
/// yet makes one call more to learn its windows.
async fn behind_a_proxy() -> (Api, FaultProxy) {
    let proxy = FaultProxy::start().await;
    let environment = HashMap::from([("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), proxy.url().to_owned())]);
    let api = Api::with(Setup { environment, ..Setup::default() }).await;
    proxy.set_upstream(&api.stack.ready.dynamodb).await;
    assert_eq!(api.suggest(&json!({"contact_id": CONTACT})).await.status, 200);
    (api, proxy)
}

/// Fails unless the calls of one suggestion wait for each other four times at most.
fn check(name: &str, calls: &[ProxyCall]) {
    let in_order: Vec<_> = calls.iter().map(|call| format!("{} ({})", call.operation, call.capacity)).collect();
    let capacity: f64 = calls.iter().map(|call| call.capacity).sum();
    println!(
        "suggest-followups {name}: {} calls, {} in sequence, {capacity} capacity units: {}",
        calls.len(),
        sequential(calls),
        in_order.join(", ")
    );
    // The balance is read while the model writes; nothing waits for it but a model that is faster.
    let is_balance = |call: &&ProxyCall| call.operation == "GetItem" && call.table.ends_with("-credits");
    assert_eq!(calls.iter().filter(is_balance).count(), 1);
    let waited_for: Vec<_> = calls.iter().filter(|call| !is_balance(call)).cloned().collect();
    assert!(sequential(&waited_for) <= 4, "{in_order:?}");
    assert!(capacity > 0.0);
}

fn queries_of_leads(calls: &[ProxyCall]) -> usize {
    calls.iter().filter(|call| call.operation == "Query" && call.table.ends_with("-leads")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suggest_followups_waits_for_at_most_four_round_trips() {
    let (api, proxy) = behind_a_proxy().await;
    for name in ["without an idempotency key", "with one"] {
        proxy.slow_down(Duration::from_millis(50));
        let answer = match name {
            "with one" => api.suggest_once("a").await,
            _ => api.suggest(&json!({"contact_id": CONTACT})).await,
        };
        assert_eq!(answer.status, 200);
        let calls = proxy.heal();
        check(name, &calls);
        // Who has no conversations is asked about none.
        assert_eq!(queries_of_leads(&calls), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_several_conversations_cost_no_round_trip_more() {
    let (api, proxy) = behind_a_proxy().await;
    let at = api.clock.now().to_rfc3339();
    for user in ["me", "you"] {
        let message = json!({
            "message_id": "m", "customer_phone": "12025550142", "platform": "whatsapp", "sender": "user",
            "text": "Hello", "timestamp": at,
        });
        assert_eq!(send(api.authorized("POST", &format!("/users/{user}/messages")).json(&message)).await.status, 200);
    }
    for name in ["with messages", "with messages and an idempotency key"] {
        proxy.slow_down(Duration::from_millis(50));
        let answer = match name {
            "with messages" => api.suggest(&json!({"contact_id": CONTACT})).await,
            _ => api.suggest_once("a").await,
        };
        assert!(answer.text.contains("2 WhatsApp messages"), "{}", answer.text);
        let calls = proxy.heal();
        check(name, &calls);
        assert_eq!(queries_of_leads(&calls), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_of_leads_wait_for_at_most_two_round_trips_and_read_only_what_changed() {
    let proxy = FaultProxy::start().await;
    let mut setup = Setup::without_scoring();
    setup.environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), proxy.url().to_owned());
    let api = Api::with(setup).await;
    proxy.set_upstream(&api.stack.ready.dynamodb).await;
    let messages: Vec<_> = (0..100)
        .map(|number| {
            json!({
                "message_id": format!("m{number}"), "customer_phone": format!("4930123{number:04}"),
                "platform": "whatsapp", "sender": "user", "text": "x".repeat(400), "timestamp": api.clock.now(),
            })
        })
        .collect();
    let sent = tests::send(api.authorized("POST", "/users/me/messages").json(&json!({"messages": messages}))).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    // Nothing changes any more: no later change is needed for that to be noticed.
    api.clock.advance(chrono::TimeDelta::minutes(1));
    for path in ["", "/stats", "/49301230007", "/49301230007/messages"].map(|path| format!("/users/me/leads{path}")) {
        // The first request of an instance reads everything, the second what came meanwhile.
        for _ in 0..2 {
            assert_eq!(api.get(&path).await.status, 200);
        }
        proxy.slow_down(Duration::from_millis(50));
        assert_eq!(api.get(&path).await.status, 200);
        let calls = proxy.heal();
        let in_order: Vec<_> = calls.iter().map(|call| format!("{} ({})", call.operation, call.capacity)).collect();
        assert!(sequential(&calls) <= 2, "{path}: {in_order:?}");
        assert!(calls.iter().all(|call| call.capacity <= 1.0), "{path}: {in_order:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_to_lexi_waits_for_at_most_five_round_trips() {
    let (api, proxy) = behind_a_proxy().await;
    let list =
        send(api.authorized("POST", "/v1/lists").json(&json!({"name": "Q1 Leads"}))).await.json()["data"]["list_id"]
            .clone();
    let mut context = json!({"list_id": list});
    for (name, message) in [
        ("that begins", "Find CEOs at law firms"),
        ("that goes on", "Hello"),
        ("that narrows the search", "Filter to only New York"),
    ] {
        proxy.slow_down(Duration::from_millis(50));
        let request = api.authorized("POST", "/v1/lexi/chat").header("Idempotency-Key", message.replace(' ', "-"));
        let answer = send(request.json(&json!({"message": message, "context": context}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        context = json!({"conversation_id": answer.json()["data"]["conversation_id"]});
        let calls = proxy.heal();
        let in_order: Vec<_> = calls.iter().map(|call| format!("{} ({})", call.operation, call.capacity)).collect();
        println!("a message {name}: {} in sequence: {}", sequential(&calls), in_order.join(", "));
        let is_balance = |call: &&ProxyCall| call.operation == "GetItem" && call.table.ends_with("-credits");
        let waited_for: Vec<_> = calls.iter().filter(|call| !is_balance(call)).cloned().collect();
        // Whether the task that it takes the place of still waits is a tool's question, beside the five.
        let tools = usize::from(name == "that narrows the search");
        assert!(sequential(&waited_for) <= 5 + tools, "{name}: {in_order:?}");
    }
}

/// The reads among calls, of items and of queries, in a table whose name ends so.
fn reads(calls: &[ProxyCall], table: &str) -> (usize, usize) {
    let count =
        |operation| calls.iter().filter(|call| call.operation == operation && call.table.ends_with(table)).count();
    (count("GetItem"), count("Query"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_a_delivery_and_its_report_read_nothing_twice() {
    // The test alone takes the queue.
    let template = tests::template()
        .replace("DELIVERY_QUEUE_URL: !Ref DeliveryQueue", "DELIVERY_QUEUE_URL: !Ref DeliveryDeadLetters");
    let (api, proxy) = Api::behind_a_proxy(Setup { template: Some(template), ..Setup::default() }).await;
    api.staff((true, true), &[Role::Sales]).await;
    api.providers_do(&json!({"channel": "sms", "reports": []})).await;
    let path = "/api/v1/ai/followup/recommendation";
    let proposed = send(api.authorized("POST", path).json(&json!({"lead_id": CONTACT}))).await;
    let id: Uuid = proposed.json()["recommendation_id"].as_str().unwrap().parse().unwrap();

    proxy.slow_down(Duration::ZERO);
    let edit = json!({"channel": "sms", "draft_message": "Hi Jane, shall we talk?"});
    let approved = send(api.authorized("POST", &format!("{path}s/{id}/approve")).json(&edit)).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
    let calls = proxy.heal();
    // The sites, which are needed for the sender and for what the text may hold.
    assert_eq!(reads(&calls, "-accounts"), (0, 1), "{calls:?}");
    assert_eq!(reads(&calls, "-work"), (1, 0), "{calls:?}");

    let id = RecommendationId { workspace_id: api.workspace, recommendation_id: id };
    proxy.slow_down(Duration::ZERO);
    let context = api.context(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]);
    DeliveryWorker::new(&context).unwrap().try_one(id).await.unwrap();
    let calls = proxy.heal();
    assert_eq!(reads(&calls, "-work"), (1, 0), "{calls:?}");
    assert_eq!(reads(&calls, "-accounts"), (0, 1), "{calls:?}");
    assert_eq!(api.outbox().await.len(), 1);

    let outcomes = Outcomes::new(&context, "delivery-events").unwrap();
    let delivery_id = Some(DeliveryId { id, attempt: 0 }.text());
    let provider_message_id = Some("SM1".to_owned());
    let opened = Callback { delivery_id, provider_message_id, kind: Kind::Opened, at: api.clock.now() };
    proxy.slow_down(Duration::ZERO);
    outcomes.report(&opened, Channel::Sms, None).await.unwrap();
    let calls = proxy.heal();
    assert_eq!(reads(&calls, "-work"), (1, 0), "{calls:?}");
    // It has arrived, and was seen: the attempt and its outcome are written for each, and nothing is read again.
    assert_eq!(calls.iter().filter(|call| call.operation == "TransactWriteItems").count(), 4, "{calls:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leads_message_reads_its_row_once() {
    let (api, proxy) = behind_a_proxy().await;
    let mut read = Vec::new();
    for number in 0..2 {
        proxy.slow_down(Duration::ZERO);
        let message = json!({
            "message_id": format!("m{number}"), "customer_phone": "12025550142", "platform": "whatsapp",
            "sender": "user", "text": "Hello", "timestamp": api.clock.now(),
        });
        assert_eq!(send(api.authorized("POST", "/users/me/messages").json(&message)).await.status, 200);
        let calls = proxy.heal();
        let in_order: Vec<_> = calls.iter().map(|call| (&*call.operation, &*call.table)).collect();
        println!("message {number}: {in_order:?}");
        read.push(reads(&calls, "-leads").0);
    }
    // The row, and of a new one also its alias and the owner of the number.
    assert_eq!(read[1], 1, "{read:?}");
}
