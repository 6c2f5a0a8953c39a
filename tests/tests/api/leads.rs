//! The four reads of the leads API, over what ingestion recorded (docs/behaviour.md, "The lead list").

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shared::base::clock::Clock;
use shared::workspace::auth::Permission;
use tests::leads_api::{LEAD, USER, extract, ingest, list, listed, message, post};
use tests::{Api, send};

/// Records the example lead: 37 messages, the last by the agent.
async fn document_lead(api: &Api) {
    let first: DateTime<Utc> = "2025-10-05T06:21:34.662Z".parse().unwrap();
    let last: DateTime<Utc> = "2025-12-12T09:07:38.656Z".parse().unwrap();
    let mut messages: Vec<Value> =
        (0..36).map(|index| message(&format!("m{index}"), LEAD, first + TimeDelta::hours(index))).collect();
    let mut closing = message("out-1", LEAD, last);
    closing["sender"] = json!("agent");
    closing["text"] = json!(
        "No problem, Siddhant. If you'd like, I can share a quick feature overview or pricing details. Which would you prefer?"
    );
    messages.push(closing);
    for message in &mut messages {
        message["conversation_id"] = json!("b1a93252-f8c6-448f-a765-195eea996d9a");
    }
    ingest(api, &json!({ "messages": messages })).await;
    let scored =
        extract(api, LEAD, [1, 1, 2, 2, 2], json!({"name": "Siddhant", "email": "Sddhantjaiii@gmail.com"})).await;
    assert_eq!((scored.status, &scored.json()["data"]["total_score"]), (200, &json!(8)), "{}", scored.text);
}

#[tokio::test]
async fn the_documents_lead_is_shown_as_in_the_document() {
    let api = Api::without_scoring().await;
    document_lead(&api).await;
    let body = list(&api, "").await;
    assert_eq!(
        body.as_object().unwrap().keys().collect::<BTreeSet<_>>(),
        ["success", "data", "pagination", "timestamp", "correlationId"].map(str::to_owned).iter().collect()
    );
    assert_eq!(body["pagination"], json!({"total": 1, "limit": 50, "offset": 0, "hasMore": false}));
    let lead = &body["data"][0];
    let expected = json!({
        "customer_phone": "918979556941", "name": "Siddhant", "email": "sddhantjaiii@gmail.com", "company": null,
        // The scores sum to 8, which is Warm.
        "lead_status": "Warm", "total_score": 8, "intent_score": 1, "urgency_score": 1, "budget_score": 2, "fit_score": 2, "engagement_score": 2,
        "platforms": ["whatsapp"], "conversation_count": 1, "total_messages": 37, "template_sends_count": 0,
        "last_message_at": "2025-12-12T09:07:38.656Z",
        "last_message_text": "No problem, Siddhant. If you'd like, I can share a quick feature overview or pricing details. Which would you prefer?",
        "last_message_sender": "agent", "first_contact_at": "2025-10-05T06:21:34.662Z", "has_extraction": true,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&lead[name], value, "{name}");
    }
    assert!(lead["extraction_id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    assert!(lead["lead_id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    let conversation = json!([{
        "conversation_id": "b1a93252-f8c6-448f-a765-195eea996d9a", "agent_id": "test-agent-001", "agent_name": "Test AI Agent",
        "platform": "whatsapp", "phone_number_id": "test-phone-001", "message_count": 37, "is_active": false,
        "created_at": "2025-10-05T06:21:34.662Z", "last_message_at": "2025-12-12T09:07:38.656Z",
    }]);
    assert_eq!(lead["conversations"], conversation);

    let one = api.get(&format!("/users/{USER}/leads/{LEAD}")).await.json();
    assert_eq!(&one["data"], lead);
    for spelling in ["+918979556941", "%2B918979556941"] {
        assert_eq!(&api.get(&format!("/users/{USER}/leads/{spelling}")).await.json()["data"], lead, "{spelling}");
        assert_eq!(listed(&api, &format!("customer_phone={spelling}")).await, [LEAD], "{spelling}");
    }
}

#[tokio::test]
async fn the_documents_messages_are_shown_oldest_first() {
    let api = Api::without_scoring().await;
    document_lead(&api).await;
    let path = format!("/users/{USER}/leads/{LEAD}/messages");
    let data = api.get(&format!("{path}?limit=5")).await.json()["data"].clone();
    assert_eq!(data.as_object().unwrap().len(), 4);
    assert_eq!(
        (&data["customer_phone"], &data["pagination"]),
        (&json!(LEAD), &json!({"total": 37, "limit": 5, "offset": 0, "hasMore": true}))
    );
    assert_eq!(
        data["lead_info"],
        json!({"name": "Siddhant", "email": "sddhantjaiii@gmail.com", "company": null, "lead_status": "Warm", "total_score": 8})
    );
    assert_eq!(
        data["messages"][0],
        json!({
            "message_id": "m0", "conversation_id": "b1a93252-f8c6-448f-a765-195eea996d9a", "agent_id": "test-agent-001",
            "agent_name": "Test AI Agent", "platform": "whatsapp", "phone_number_id": "test-phone-001", "sender": "user",
            "text": "text of m0", "timestamp": "2025-10-05T06:21:34.662Z", "status": "sent", "sequence_no": 1,
        })
    );
    for (query, total) in [
        ("sender=agent", 1),
        ("sender=user", 36),
        ("platform=whatsapp", 37),
        ("platform=instagram,webchat", 0),
        ("from_date=2025-12-12", 1),
        ("to_date=2025-10-05", 18),
        ("from_date=2025-10-06&to_date=2025-10-06", 18),
        ("conversation_id=b1a93252-f8c6-448f-a765-195eea996d9a", 37),
        ("conversation_id=other", 0),
    ] {
        assert_eq!(api.get(&format!("{path}?{query}")).await.json()["data"]["pagination"]["total"], total, "{query}");
    }
    let mut seen = Vec::new();
    for offset in (0..37).step_by(10) {
        let page = api.get(&format!("{path}?limit=10&offset={offset}")).await.json()["data"].clone();
        seen.extend(
            page["messages"].as_array().unwrap().iter().map(|message| message["sequence_no"].as_u64().unwrap()),
        );
    }
    assert_eq!(seen, (1..=37).collect::<Vec<_>>());
    assert_eq!(api.get(&format!("{path}?limit=999")).await.json()["data"]["pagination"]["limit"], 200);
    assert_eq!(api.get(&format!("{path}?limit=4294967296")).await.json()["data"]["pagination"]["limit"], 200);
    assert_eq!(api.get(&format!("{path}?offset=4294967296")).await.json()["data"]["messages"], json!([]));
    for query in [
        "sender=bot",
        "limit=0",
        "offset=-1",
        "platform=sms",
        "from_date=soon",
        "from_date=2025-02-01&to_date=2025-01-01",
    ] {
        assert_eq!(api.get(&format!("{path}?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn an_unknown_lead_is_the_documents_404() {
    let api = Api::without_scoring().await;
    for path in [
        format!("/users/{USER}/leads/1"),
        format!("/users/{USER}/leads/1/messages"),
        format!("/users/{USER}/leads/a%23b"),
    ] {
        let answer = api.get(&path).await;
        let body = answer.json();
        assert_eq!(
            (answer.status, &body["error"], &body["message"]),
            (404, &json!("Not Found"), &json!("Lead not found")),
            "{path}"
        );
        assert_eq!(body.as_object().unwrap().len(), 4);
    }
    assert_eq!(extract(&api, "1", [1; 5], json!({})).await.status, 404);
}

#[tokio::test]
async fn every_filter_of_the_document_shows_what_it_says() {
    let api = Api::without_scoring().await;
    let now = api.clock.now();
    let on = |id: &str, lead: &str, platform: &str, days: i64| {
        let mut message = message(id, lead, now - TimeDelta::days(days) - TimeDelta::seconds(1));
        message["platform"] = json!(platform);
        message
    };
    let messages = [
        on("1", "1", "whatsapp", 1),
        on("2", "2", "instagram", 10),
        on("3", "3", "webchat", 40),
        on("4", "4", "whatsapp", 3),
        on("5", "4", "webchat", 2),
    ];
    ingest(&api, &json!({ "messages": messages })).await;
    extract(&api, "1", [3, 3, 3, 3, 3], json!({"name": "Ann Ärger", "email": "ann@x.example"})).await;
    extract(&api, "2", [2, 2, 2, 2, 2], json!({"name": "Bob", "company": "Percent % Ltd"})).await;
    extract(&api, "3", [1, 1, 1, 1, 1], json!({"name": "José López", "company": "İpek Tekstil"})).await;
    for (query, expected) in [
        ("platform=whatsapp", vec!["1", "4"]),
        ("platform=instagram,webchat", vec!["4", "2", "3"]),
        ("lead_status=Hot", vec!["1"]),
        ("lead_status=Hot,Warm", vec!["1", "2"]),
        ("lead_status=Cold", vec!["3"]),
        ("has_extraction=true", vec!["1", "2", "3"]),
        ("has_extraction=false", vec!["4"]),
        ("has_email=true", vec!["1"]),
        ("has_email=false", vec!["4", "2", "3"]),
        ("min_total_score=10", vec!["1", "2"]),
        ("max_total_score=10", vec!["2", "3"]),
        ("min_total_score=10&max_total_score=14", vec!["2"]),
        ("days=7", vec!["1", "4"]),
        ("days=30", vec!["1", "4", "2"]),
        ("search=ANN", vec!["1"]),
        ("search=%C3%A4rger", vec!["1"]),
        ("search=%20ARGER%20", vec!["1"]),
        ("search=lopez", vec!["3"]),
        ("search=ipek", vec!["3"]),
        ("search=%CC%81", vec![]),
        ("search=percent%20%25", vec!["2"]),
        ("search=%25", vec!["2"]),
        ("search=x.example", vec!["1"]),
        ("search=", vec!["1", "4", "2", "3"]),
        ("search=%20", vec!["1", "4", "2", "3"]),
        ("customer_phone=4", vec!["4"]),
        ("platform=whatsapp&lead_status=Hot", vec!["1"]),
        ("platform=webchat&days=7", vec!["4"]),
    ] {
        assert_eq!(listed(&api, query).await, expected, "{query}");
    }
    // A filter that is misspelt does not answer with every lead.
    let misspelt = api.get(&format!("/users/{USER}/leads?lead_staus=Hot")).await;
    assert!(misspelt.status == 400 && misspelt.text.contains("lead_staus is not a parameter"), "{}", misspelt.text);
    let day = |days: i64| (now - TimeDelta::days(days) - TimeDelta::seconds(1)).format("%Y-%m-%d").to_string();
    assert_eq!(listed(&api, &format!("from_date={0}&to_date={0}", day(10))).await, ["2"]);
    assert_eq!(listed(&api, &format!("to_date={}", day(11))).await, ["3"]);

    let stats = api.get(&format!("/users/{USER}/leads/stats")).await.json();
    assert_eq!(
        stats["data"],
        json!({
            "total_leads": 4, "leads_with_extraction": 3, "hot_leads": 1, "warm_leads": 1, "cold_leads": 1,
            "by_platform": {"whatsapp": 2, "instagram": 1, "webchat": 2}, "leads_last_7_days": 2, "leads_last_30_days": 3,
        })
    );
}

#[tokio::test]
async fn every_order_puts_nulls_last_and_limits_are_clamped() {
    let api = Api::without_scoring().await;
    let now = api.clock.now();
    let messages: Vec<Value> = [("a", 1, 3), ("b", 2, 1), ("c", 3, 2)]
        .iter()
        .flat_map(|(lead, days, count)| {
            (0..*count).map(move |index| {
                message(&format!("{lead}{index}"), lead, now - TimeDelta::days(*days) - TimeDelta::hours(index))
            })
        })
        .collect();
    ingest(&api, &json!({ "messages": messages })).await;
    extract(&api, "b", [3; 5], json!({"name": "zoe"})).await;
    extract(&api, "c", [1; 5], json!({"name": "Adam"})).await;
    for (query, expected) in [
        ("", ["a", "b", "c"]),
        ("sort_order=asc", ["c", "b", "a"]),
        ("sort_by=first_contact_at", ["a", "b", "c"]),
        ("sort_by=total_messages", ["a", "c", "b"]),
        ("sort_by=total_score", ["b", "c", "a"]),
        ("sort_by=total_score&sort_order=asc", ["c", "b", "a"]),
        ("sort_by=name&sort_order=asc", ["c", "b", "a"]),
        ("sort_by=name", ["b", "c", "a"]),
    ] {
        assert_eq!(listed(&api, query).await, expected, "{query}");
    }
    assert_eq!(list(&api, "limit=1000").await["pagination"]["limit"], 100);
    assert_eq!(
        list(&api, "limit=1&offset=1").await["pagination"],
        json!({"total": 3, "limit": 1, "offset": 1, "hasMore": true})
    );
    assert_eq!(list(&api, "offset=9").await["data"], json!([]));
    // A whole number of any length is one.
    for huge in ["4294967296", "99999999999999999999999"] {
        assert_eq!(list(&api, &format!("limit={huge}")).await["pagination"]["limit"], 100);
        assert_eq!(list(&api, &format!("offset={huge}")).await["data"], json!([]));
        assert_eq!(list(&api, &format!("days={huge}")).await["pagination"]["total"], 3);
    }
}

#[tokio::test]
async fn a_wrong_parameter_is_400_and_named() {
    let api = Api::without_scoring().await;
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.5", "limit"),
        ("limit=4294967296x", "limit"),
        ("min_total_score=4294967296", "min_total_score"),
        ("offset=-1", "offset"),
        ("offset=x", "offset"),
        ("platform=sms", "platform"),
        ("platform=whatsapp,", "platform"),
        ("lead_status=hot", "lead_status"),
        ("has_extraction=yes", "has_extraction"),
        ("has_email=1", "has_email"),
        ("min_total_score=4", "min_total_score"),
        ("max_total_score=16", "max_total_score"),
        ("days=0", "days"),
        ("days=x", "days"),
        ("from_date=yesterday", "from_date"),
        ("to_date=2025-13-01", "to_date"),
        ("from_date=2025-02-01&to_date=2025-01-31", "from_date"),
        ("sort_by=email", "sort_by"),
        ("sort_order=up", "sort_order"),
    ] {
        let answer = api.get(&format!("/users/{USER}/leads?{query}")).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["error"]), (400, &json!("Bad Request")), "{query}");
        assert!(body["message"].as_str().unwrap().starts_with(name), "{query}: {body}");
    }
    assert_eq!(listed(&api, "from_date=2025-01-31&to_date=2025-01-31").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_lead_known_from_templates_alone_has_no_messages() {
    let api = Api::without_scoring().await;
    let send_at =
        |id: &str, at: &str| json!({"template_send_id": id, "customer_phone": "+491701234567", "sent_at": at});
    for (id, at, duplicate) in [
        ("t2", "2025-03-02T00:00:00Z", false),
        ("t1", "2025-03-01T00:00:00Z", false),
        ("t2", "2025-03-02T00:00:00Z", true),
    ] {
        let answer = post(&api, "template-sends", &send_at(id, at)).await;
        assert_eq!((answer.status, &answer.json()["data"]["duplicate"]), (200, &json!(duplicate)), "{}", answer.text);
    }
    let lead = list(&api, "").await["data"][0].clone();
    for (name, value) in [
        ("customer_phone", json!("491701234567")),
        ("template_sends_count", json!(2)),
        ("conversation_count", json!(0)),
        ("total_messages", json!(0)),
        ("last_message_at", json!("2025-03-02T00:00:00.000Z")),
        ("first_contact_at", json!("2025-03-01T00:00:00.000Z")),
        ("last_message_text", Value::Null),
        ("last_message_sender", Value::Null),
        ("lead_status", Value::Null),
        ("total_score", Value::Null),
        ("has_extraction", json!(false)),
        ("extraction_id", Value::Null),
        ("conversations", json!([])),
        ("platforms", json!(["whatsapp"])),
    ] {
        assert_eq!(lead[name], value, "{name}");
    }
    assert_eq!(
        api.get(&format!("/users/{USER}/leads/491701234567/messages")).await.json()["data"]["messages"],
        json!([])
    );
}

#[tokio::test]
async fn another_workspaces_key_sees_nothing_of_the_same_user() {
    let api = Api::without_scoring().await;
    document_lead(&api).await;
    let rival = api.new_workspace(0).await;
    let key = api.new_key(rival, &Permission::ALL, |_| {}).await;
    let get = |path: String| send(api.request("GET", &path).bearer_auth(&key));
    assert_eq!(get(format!("/users/{USER}/leads")).await.json()["pagination"]["total"], 0);
    assert_eq!(get(format!("/users/{USER}/leads/stats")).await.json()["data"]["total_leads"], 0);
    assert_eq!(get(format!("/users/{USER}/leads/{LEAD}")).await.status, 404);
    assert_eq!(get(format!("/users/{USER}/leads/{LEAD}/messages")).await.status, 404);
    // Nor does another user of the same workspace.
    assert_eq!(api.get("/users/other/leads").await.json()["pagination"]["total"], 0);
}

#[tokio::test]
async fn the_leads_api_asks_for_a_key_and_its_permission() {
    let api = Api::without_scoring().await;
    let path = format!("/users/{USER}/leads");
    let without = send(api.request("GET", &path)).await;
    assert_eq!((without.status, &without.json()["error"]), (401, &json!("Unauthorized")));
    let key = api.new_key(api.workspace, &[Permission::ReadAi], |_| {}).await;
    let forbidden = send(api.request("GET", &path).bearer_auth(&key)).await;
    assert_eq!((forbidden.status, &forbidden.json()["error"]), (403, &json!("Forbidden")));
    let reader = api.new_key(api.workspace, &[Permission::ReadLeads], |_| {}).await;
    assert_eq!(
        send(api.request("POST", &format!("/users/{USER}/messages")).bearer_auth(&reader).json(&json!({})))
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn a_conversation_is_active_for_a_day_after_its_last_message() {
    let api = Api::without_scoring().await;
    ingest(&api, &message("1", "1", Clock::default().now())).await;
    assert_eq!(list(&api, "").await["data"][0]["conversations"][0]["is_active"], true);
    api.clock.advance(TimeDelta::hours(25));
    assert_eq!(list(&api, "").await["data"][0]["conversations"][0]["is_active"], false);
}
