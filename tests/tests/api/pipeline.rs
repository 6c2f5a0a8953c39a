//! Envelopes, headers, and the order of checks.

use serde_json::{Value, json};
use shared::workspace::auth::Permission;
use tests::{Answer, Api, CONTACT, SUGGEST, send};
use uuid::Uuid;

#[tokio::test]
async fn every_response_carries_a_request_id_of_its_own() {
    let api = Api::start().await;
    let answers = [
        api.suggest(&json!({"contact_id": CONTACT})).await,
        api.suggest(&json!({})).await,
        send(api.request("GET", "/health")).await,
        send(api.request("GET", "/nowhere")).await,
        send(api.request("POST", SUGGEST)).await,
    ];
    let mut ids: Vec<&str> = answers.iter().map(|answer| answer.header("x-request-id")).collect();
    assert!(ids.iter().all(|id| id.parse::<Uuid>().is_ok()), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
}

#[tokio::test]
async fn rate_headers_come_once_a_key_was_recognised_and_not_before() {
    const NAMES: [&str; 5] =
        ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-policy", "ratelimit"];
    let api = Api::start().await;
    let read_only = api.new_key(api.workspace, &[Permission::ReadAi], |_| {}).await;
    let with_a_key = [
        api.suggest(&json!({"contact_id": CONTACT})).await,
        api.suggest(&json!({})).await,
        api.suggest(&json!({"contact_id": Uuid::nil()})).await,
        send(api.request("POST", SUGGEST).bearer_auth(&read_only).json(&json!({}))).await,
        api.get("/v1/credits").await,
    ];
    for answer in with_a_key {
        assert!(NAMES.iter().all(|name| !answer.header(name).is_empty()), "{answer:?}");
        let reset: i64 = answer.header("x-ratelimit-reset").parse().unwrap();
        let ahead = reset - api.clock.now().timestamp();
        assert!((0..=60).contains(&ahead), "{ahead}");
    }
    for answer in
        [send(api.request("POST", SUGGEST).bearer_auth("wbk_nobody").json(&json!({}))).await, api.get("/nowhere").await]
    {
        assert!(NAMES.iter().all(|name| answer.header(name).is_empty()), "{answer:?}");
    }
}

#[tokio::test]
async fn an_unknown_route_is_404_in_the_dialect_of_its_prefix() {
    let api = Api::start().await;
    assert_eq!(
        api.get("/v1/nothing").await.json(),
        json!({"error": {"code": "not_found", "message": "no such route"}})
    );
    assert_eq!(
        api.get("/api/agents/nothing").await.json(),
        json!({"success": false, "error": {"code": "NOT_FOUND", "message": "no such route"}})
    );
    assert_eq!(
        api.get("/api/v1/ai/followup/nothing").await.json(),
        json!({"error": {"code": "NOT_FOUND", "message": "no such route"}})
    );
    let leads = api.get("/users/u/nothing").await;
    let body = leads.json();
    assert_eq!((leads.status, &body["error"], &body["message"]), (404, &json!("Not Found"), &json!("no such route")));
    let timestamp = body["timestamp"].as_str().unwrap();
    assert!(timestamp.len() == 24 && timestamp.ends_with('Z'), "{timestamp}");
    assert_eq!(body["correlationId"], leads.header("x-correlation-id"));
}

#[tokio::test]
async fn a_usable_correlation_id_is_echoed_in_header_and_body() {
    let api = Api::start().await;
    let echoed = async |id: &str| {
        let answer = send(api.request("GET", "/users/u/nothing").header("X-Correlation-ID", id)).await;
        assert_eq!(answer.json()["correlationId"], answer.header("x-correlation-id"));
        answer.header("x-correlation-id") == id
    };
    assert!(echoed("1765572930366-lpk7lz5tm").await);
    assert!(echoed(&"x".repeat(128)).await);
    assert!(!echoed(&"x".repeat(129)).await);
    assert!(!echoed("two words").await);
}

#[tokio::test]
async fn a_wrong_method_is_405_and_says_which_are_allowed() {
    let api = Api::start().await;
    for (method, path, allow) in [
        ("GET", SUGGEST, "POST"),
        ("DELETE", "/functions/v1/api-gateway/v1/ai/suggest-followups", "POST"),
        ("POST", "/v1/credits", "GET"),
        ("PUT", "/health", "GET"),
    ] {
        let answer = send(api.request(method, path)).await;
        assert_eq!(answer.code(), (405, "method_not_allowed".to_owned()), "{method} {path}");
        assert_eq!(answer.header("allow"), allow);
    }
    // In the dialect of the prefix.
    for (path, allow) in [("/api/agents/sales/leadFollowUp", "POST"), ("/api/v1/ai/followup/recommendation", "POST")] {
        let answer = send(api.request("DELETE", path)).await;
        assert_eq!(answer.code(), (405, "METHOD_NOT_ALLOWED".to_owned()), "{path}");
        assert_eq!(answer.header("allow"), allow);
        assert_eq!(answer.json().get("success"), path.starts_with("/api/agents").then_some(&json!(false)));
    }
    let answer = send(api.request("DELETE", "/users/u/leads")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET"));
    assert_eq!(answer.json()["error"], "Method Not Allowed");
}

#[tokio::test]
async fn a_body_of_256_kib_is_taken_and_a_larger_one_is_413() {
    let api = Api::start().await;
    let padded = |length: usize| {
        let body = json!({"contact_id": CONTACT}).to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    let post =
        |body: String| send(api.authorized("POST", SUGGEST).header("Content-Type", "application/json").body(body));
    assert_eq!(post(padded(256 * 1024)).await.status, 200);
    assert_eq!(post(padded(256 * 1024 + 1)).await.code(), (413, "payload_too_large".to_owned()));
}

#[tokio::test]
async fn what_comes_in_from_elsewhere_has_up_to_five_megabytes() {
    let api = Api::start().await;
    for (method, path) in [
        ("POST", "/v1/contacts"),
        ("POST", "/v1/contacts/bulk"),
        ("POST", "/v1/activities"),
        ("POST", "/users/me/messages"),
        ("POST", "/users/me/template-sends"),
        ("PUT", "/users/me/leads/1/extraction"),
        ("POST", "/webhooks/twilio/status"),
    ] {
        let sent = async |length: usize| {
            let request = api.authorized(method, path).header("Content-Type", "application/json");
            send(request.body(" ".repeat(length))).await.status
        };
        // Of so many spaces it is their meaning that is refused.
        assert_ne!(sent(5_000_000).await, 413, "{method} {path}");
        assert_eq!(sent(5_000_001).await, 413, "{method} {path}");
    }
}

#[tokio::test]
async fn only_json_in_utf_8_is_taken() {
    let api = Api::start().await;
    let body = json!({"contact_id": CONTACT}).to_string();
    for (content_type, status) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=\"UTF-8\"", 200),
        ("application/vnd.leads+json", 200),
        ("application/json; charset=latin1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ] {
        let answer =
            send(api.authorized("POST", SUGGEST).header("Content-Type", content_type).body(body.clone())).await;
        assert_eq!(answer.status, status, "{content_type}: {}", answer.text);
    }
    let undeclared = send(api.authorized("POST", SUGGEST).body(body)).await;
    assert_eq!(undeclared.status, 200, "{}", undeclared.text);
}

#[tokio::test]
async fn checks_are_made_in_the_contracts_order() {
    let api = Api::start().await;
    let reused = api.suggest_once("used").await;
    assert_eq!(reused.status, 200);
    let spent = api.new_workspace(0).await;
    let poor = api.new_key(spent, &Permission::ALL, |_| {}).await;
    let read_only = api.new_key(api.workspace, &[Permission::ReadAi], |record| record.quota.per_minute = 0).await;
    let exhausted = api.new_key(api.workspace, &Permission::ALL, |record| record.quota.per_minute = 0).await;
    let unknown = json!({"contact_id": Uuid::nil()});
    let cases: Vec<(&str, String, &str, Value, u16)> = vec![
        // Each request is also wrong in everything that comes later.
        ("size before key", "wbk_nobody".to_owned(), "text/plain", json!("x".repeat(300 * 1024)), 413),
        ("content type before key", "wbk_nobody".to_owned(), "text/plain", json!({}), 415),
        ("key before permission", "wbk_nobody".to_owned(), "application/json", json!({}), 401),
        ("permission before rate limit", read_only, "application/json", json!({}), 403),
        ("rate limit before body", exhausted, "application/json", json!({}), 429),
        ("body before idempotency", api.key.clone(), "application/json", json!({"contact_id": "x"}), 400),
        ("idempotency before existence", api.key.clone(), "application/json", unknown.clone(), 422),
        // In order: the 404 is kept under the key, the 402 before it is not.
        ("credits before work", poor.clone(), "application/json", json!({"contact_id": CONTACT}), 402),
        ("existence before credits", poor, "application/json", unknown, 404),
    ];
    for (name, key, content_type, body, status) in cases {
        let request = api.request("POST", SUGGEST).bearer_auth(key).header("Content-Type", content_type);
        let answer: Answer = send(request.header("Idempotency-Key", "used").body(body.to_string())).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
    }
}

#[tokio::test]
async fn an_error_holds_no_null_fields_and_success_no_error() {
    let api = Api::start().await;
    let refused = api.suggest(&json!({"contact_id": Uuid::nil()})).await.json();
    assert_eq!(refused["error"].as_object().unwrap().keys().collect::<Vec<_>>(), ["code", "message"]);
    let done = api.suggest(&json!({"contact_id": CONTACT})).await.json();
    assert_eq!(done.as_object().unwrap().keys().collect::<Vec<_>>(), ["data"]);
}

#[tokio::test]
async fn health_answers_without_a_key() {
    let api = Api::start().await;
    let answer = send(api.request("GET", "/health")).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": "ok"})));
}

mod arbitrary_input {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    use super::*;

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(|number| json!(number)),
            ".{0,40}".prop_map(Value::from),
            Just(json!(CONTACT)),
            Just(json!("email")),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            let name = prop_oneof![
                Just("contact_id".to_owned()),
                Just("count".to_owned()),
                Just("lookback_days".to_owned()),
                Just("channels".to_owned()),
                ".{0,12}",
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn no_json_body_is_answered_with_500() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let api = runtime.block_on(Api::start());
        let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&json_value(), |body| {
            let answer = runtime.block_on(api.suggest(&body));
            prop_assert!(answer.status < 500, "{body}: {}", answer.text);
            prop_assert!(matches!(answer.status, 200 | 400 | 402 | 404), "{body}: {}", answer.text);
            Ok(())
        });
        outcome.unwrap();
        runtime.block_on(api.verified_balance());
    }

    #[test]
    fn no_bytes_or_headers_are_answered_with_500() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let api = runtime.block_on(Api::start());
        let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
        let input = (prop::collection::vec(any::<u8>(), 0..200), "[ -~]{0,60}", "[ -~]{0,80}", "[ -~]{0,20}");
        let outcome = runner.run(&input, |(body, idempotency_key, bearer, query)| {
            let query: String = query
                .chars()
                .filter(|character| character.is_ascii_alphanumeric() || "=&%+".contains(*character))
                .collect();
            let requests = [
                api.authorized("POST", SUGGEST).header("Content-Type", "application/json").body(body.clone()),
                api.authorized("POST", SUGGEST)
                    .header("Idempotency-Key", &idempotency_key)
                    .json(&json!({"contact_id": CONTACT})),
                api.request("POST", SUGGEST).header("Authorization", &bearer).json(&json!({})),
                api.authorized("GET", &format!("/v1/credits?page={query}")),
                api.authorized("GET", &format!("/{query}")),
            ];
            for request in requests {
                let answer = runtime.block_on(send(request));
                prop_assert!(answer.status < 500, "{}", answer.text);
            }
            Ok(())
        });
        outcome.unwrap();
    }
}
