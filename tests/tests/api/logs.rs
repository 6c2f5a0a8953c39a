//! No log line holds personal data: a whole run of the real program is captured, at the finest
//! level, and searched for everything personal that the demo data has.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::binaries::local;
use tests::{CONTACT, SUGGEST, scan, send};

#[tokio::test]
async fn no_line_of_a_failing_model_holds_any_either() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", silent.local_addr().unwrap());
    drop(silent);
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("LOG_LEVEL", "trace"),
        ("LLM_BASE_URL", base_url.as_str()),
        ("LLM_MODEL", "m"),
        ("LLM_API_KEY", "secret-of-the-model"),
    ];
    let (mut program, ready) = local(folder.path(), &[], &variables).await;
    let personal = personal_data(&ready).await;
    let client = reqwest::Client::new();
    let request = client.post(format!("{}{SUGGEST}", ready.gateway.as_deref().unwrap())).bearer_auth(demo::key("demo"));
    assert_eq!(send(request.json(&json!({"contact_id": CONTACT}))).await.status, 502);
    assert!(program.interrupt().await);
    let log = program.output();
    assert!(log.contains("model call failed") && log.contains("ai_unavailable"), "{log}");
    assert!(personal.iter().all(|value| !log.contains(value)) && !log.contains("secret-of-the-model"), "{log}");
}

#[tokio::test]
async fn no_line_of_a_whole_run_holds_a_name_address_number_or_text() {
    let folder = tempfile::tempdir().unwrap();
    let (mut program, ready) = local(folder.path(), &[], &[("LOG_LEVEL", "trace"), ("RUST_LOG", "trace")]).await;
    let gateway = ready.gateway.clone().unwrap();
    let client = reqwest::Client::new();
    let personal = personal_data(&ready).await;
    assert!(personal.len() > 900, "{}", personal.len());

    let post =
        |word: &str, body: Value| client.post(format!("{gateway}{SUGGEST}")).bearer_auth(demo::key(word)).json(&body);
    let jane = "jane@acme.example";
    let leads = format!("{gateway}/users/{}/leads", demo::USER);
    let record =
        |what: &str| client.post(format!("{gateway}/users/{}/{what}", demo::USER)).bearer_auth(demo::key("demo"));
    let written = json!({
        "message_id": "m", "customer_phone": "918979556941", "platform": "whatsapp", "sender": "user",
        "text": "hi my name is siddhant", "timestamp": "2026-01-01T00:00:00Z",
    });
    let mut statuses = BTreeSet::new();
    let requests = [
        post("demo", json!({"contact_id": CONTACT, "count": 10})),
        post("demo", json!({"contact_id": CONTACT})).header("Idempotency-Key", jane),
        post("demo", json!({"contact_id": CONTACT})).header("Idempotency-Key", jane),
        post("demo", json!({"contact_id": CONTACT, "count": 1})).header("Idempotency-Key", jane),
        post("poor", json!({"contact_id": CONTACT})),
        post("past", json!({"contact_id": CONTACT})),
        post("read", json!({"contact_id": CONTACT})),
        post("rival", json!({"contact_id": CONTACT})),
        post("demo", json!({"contact_id": jane})),
        post("demo", json!({"contact_id": CONTACT, jane: 1})),
        post("demo", json!({"contact_id": CONTACT, "channels": [jane]})),
        client.post(format!("{gateway}{SUGGEST}")).bearer_auth(demo::key("demo")).body(format!("{{\"{jane}")),
        client
            .post(format!("{gateway}{SUGGEST}"))
            .bearer_auth(demo::key("demo"))
            .header("Content-Type", jane)
            .body("{}"),
        client.get(format!("{gateway}/users/u/leads/+12025550142?search={jane}")),
        client.get(format!("{gateway}/v1/credits?page={jane}")).bearer_auth(demo::key("demo")),
        client.get(format!("{leads}?search=siddhant")).bearer_auth(demo::key("demo")),
        client.get(format!("{leads}?days={jane}")).bearer_auth(demo::key("demo")),
        client.get(format!("{leads}/stats")).bearer_auth(demo::key("demo")),
        client.get(format!("{leads}/918979556941")).bearer_auth(demo::key("demo")),
        client.get(format!("{leads}/918979556941/messages")).bearer_auth(demo::key("demo")),
        record("messages").json(&written),
        record("messages").json(&json!({"messages": [written, {"message_id": 1, "text": "hi my name is siddhant"}]})),
        record("template-sends").json(&json!({
            "template_send_id": "t", "customer_phone": "918979556941", "sent_at": "2026-01-01T00:00:00Z"
        })),
        client.put(format!("{leads}/918979556941/extraction")).bearer_auth(demo::key("demo")).json(&json!({
            "intent_score": 1, "urgency_score": 1, "budget_score": 1, "fit_score": 1, "engagement_score": 1,
            "name": "Siddhant", "email": jane,
        })),
    ];
    for request in requests {
        statuses.insert(send(request).await.status);
    }
    assert_eq!(statuses, BTreeSet::from([200, 400, 401, 402, 403, 404, 415, 422]));
    assert!(program.interrupt().await);

    let log = program.output().to_lowercase();
    assert!(log.matches("answered").count() >= 3 && log.matches("refused").count() >= 10, "{log}");
    for value in &personal {
        assert!(!log.contains(&value.to_lowercase()), "the log holds {value}");
    }
    for word in ["read", "poor", "past", "rival"] {
        assert!(!log.contains(&demo::key(word)), "the log holds a key");
    }
}

/// Names, addresses, numbers and texts of every lead and conversation, as they are stored.
async fn personal_data(ready: &local::Ready) -> BTreeSet<String> {
    let items = scan(&ready.dynamodb, &ready.environment["LEADS_TABLE"]).await;
    let names = [
        "/full_name",
        "/email",
        "/phone",
        "/linkedin",
        "/body",
        "/customer_phone",
        "/contact_name",
        "/contact_email",
        "/name",
        "/text",
    ];
    // A row of the lead list is one text.
    let in_row = ["/extraction/name", "/extraction/email", "/last_message/text"];
    let texts = |item: &Value| {
        let row: Value =
            item["row"]["S"].as_str().map(|row| serde_json::from_str(row).expect("a row")).unwrap_or_default();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let beside = names.map(|name| text(item.pointer(&format!("{name}/S"))));
        let inside = in_row.map(|name| text(row.pointer(name)));
        beside.into_iter().chain(inside)
    };
    items.iter().flat_map(texts).flatten().collect()
}
