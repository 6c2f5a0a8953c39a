//! seeds/leads.md and section 6 of the contract: the four reads over what ingestion recorded.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use shared::auth::Permission;
use shared::context::{Clock, Random};
use shared::conversations::{Conversations, CustomerPhone, User};
use tests::{Answer, Api, send};

/// The user and lead of the document.
const USER: &str = "789895c8-4bd6-43e9-bfea-a4171ec47197";
const LEAD: &str = "918979556941";

fn message(id: &str, lead: &str, at: DateTime<Utc>) -> Value {
    json!({
        "message_id": id, "customer_phone": lead, "platform": "whatsapp", "sender": "user", "text": format!("text of {id}"),
        "timestamp": at.to_rfc3339(), "conversation_id": format!("conversation of {lead}"), "agent_id": "test-agent-001",
        "agent_name": "Test AI Agent", "phone_number_id": "test-phone-001",
    })
}

async fn post(api: &Api, path: &str, body: &Value) -> Answer {
    send(api.authorized("POST", &format!("/users/{USER}/{path}")).json(body)).await
}

async fn ingest(api: &Api, body: &Value) {
    let answer = post(api, "messages", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn extract(api: &Api, lead: &str, scores: [u8; 5], identity: Value) -> Answer {
    let mut body = identity;
    for (name, score) in
        ["intent_score", "urgency_score", "budget_score", "fit_score", "engagement_score"].iter().zip(scores)
    {
        body[*name] = json!(score);
    }
    send(api.authorized("PUT", &format!("/users/{USER}/leads/{lead}/extraction")).json(&body)).await
}

async fn list(api: &Api, query: &str) -> Value {
    let answer = api.get(&format!("/users/{USER}/leads?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

async fn listed(api: &Api, query: &str) -> Vec<String> {
    let body = list(api, query).await;
    body["data"].as_array().unwrap().iter().map(|lead| lead["customer_phone"].as_str().unwrap().to_owned()).collect()
}

/// The document's lead: 37 messages, the last by the agent.
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
        // The document says Cold and 7 for scores that sum to 8; the contract calls that a slip.
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
    extract(&api, "3", [1, 1, 1, 1, 1], json!({})).await;
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
        ("search=percent%20%25", vec!["2"]),
        ("search=%25", vec!["2"]),
        ("search=x.example", vec!["1"]),
        ("search=", vec!["1", "4", "2", "3"]),
        ("customer_phone=4", vec!["4"]),
        ("platform=whatsapp&lead_status=Hot", vec!["1"]),
        ("platform=webchat&days=7", vec!["4"]),
        ("color=blue", vec!["1", "4", "2", "3"]),
    ] {
        assert_eq!(listed(&api, query).await, expected, "{query}");
    }
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
        let at = |seconds: i64| shared::http::timestamp(start + TimeDelta::seconds(seconds));
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

/// Leads that differ in everything that is sorted or filtered by.
async fn many_leads(api: &Api, count: i64) {
    let conversations = Conversations::new(&api.stack.context).unwrap();
    let user = User::new(api.workspace, USER).unwrap();
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    for index in 0..count {
        let lead = CustomerPhone::parse(&format!("{index:03}")).unwrap();
        let at = start + TimeDelta::hours(index * 7 % 50);
        conversations
            .record_template_send(&user, &lead, "t", shared::conversations::row::Platform::ALL[index as usize % 3], at)
            .await
            .unwrap();
        if index % 3 > 0 {
            extract(
                api,
                lead.as_str(),
                [(index % 3) as u8, 1 + (index % 2) as u8, 2, 1, 3],
                json!({"name": (index % 4 > 0).then(|| format!("Name {}", index % 9))}),
            )
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_every_order_put_together_are_the_whole_list_also_while_leads_are_written() {
    let api = Api::without_scoring().await;
    many_leads(&api, 40).await;
    let writing = async {
        for round in 0..30 {
            // New messages of leads behind all others in every order that the pages go through.
            let old =
                message(&format!("w{round}"), &format!("zz{}", round % 5), "2020-01-01T00:00:00Z".parse().unwrap());
            ingest(&api, &old).await;
        }
    };
    let reading = async {
        for by in ["last_message_at", "first_contact_at", "total_score"] {
            let mut seen = Vec::new();
            for offset in (0..40).step_by(7) {
                seen.extend(listed(&api, &format!("sort_by={by}&limit=7&offset={offset}")).await);
            }
            let known: Vec<_> = seen.iter().filter(|lead| !lead.starts_with("zz")).take(40).collect();
            let distinct: BTreeSet<_> = known.iter().collect();
            assert_eq!(known.len(), distinct.len(), "{by}");
        }
    };
    tokio::join!(writing, reading);
    for by in ["last_message_at", "first_contact_at", "total_messages", "total_score", "name"] {
        for order in ["asc", "desc"] {
            let whole = listed(&api, &format!("sort_by={by}&sort_order={order}&limit=100")).await;
            assert_eq!(whole.len(), 45);
            let mut pages = Vec::new();
            for offset in (0..45).step_by(4) {
                pages.extend(listed(&api, &format!("sort_by={by}&sort_order={order}&limit=4&offset={offset}")).await);
            }
            assert_eq!(pages, whole, "{by} {order}");
        }
    }
}

#[test]
fn every_answer_agrees_with_a_naive_filter_over_all_rows() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let api = runtime.block_on(Api::without_scoring());
    runtime.block_on(many_leads(&api, 30));
    let all = runtime.block_on(list(&api, "limit=100"))["data"].as_array().unwrap().clone();
    let platform = prop::option::of(prop::sample::select(vec!["whatsapp", "instagram", "webchat"]));
    let status = prop::option::of(prop::sample::select(vec!["Hot", "Warm", "Cold"]));
    let strategy = (
        platform,
        status,
        prop::option::of(any::<bool>()),
        prop::option::of(5..=15_i64),
        prop::option::of("[0-9a-z ]{1,3}"),
        0..35_usize,
        1..20_usize,
    );
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&strategy, |(platform, status, extracted, score, search, offset, limit)| {
        let mut query = format!("sort_by=first_contact_at&sort_order=asc&limit={limit}&offset={offset}");
        let mut naive = all.clone();
        if let Some(platform) = platform {
            query += &format!("&platform={platform}");
            naive.retain(|lead| lead["platforms"].as_array().unwrap().contains(&json!(platform)));
        }
        if let Some(status) = status {
            query += &format!("&lead_status={status}");
            naive.retain(|lead| lead["lead_status"] == status);
        }
        if let Some(extracted) = extracted {
            query += &format!("&has_extraction={extracted}");
            naive.retain(|lead| lead["has_extraction"] == extracted);
        }
        if let Some(score) = score {
            query += &format!("&min_total_score={score}");
            naive.retain(|lead| lead["total_score"].as_i64().is_some_and(|total| total >= score));
        }
        if let Some(search) = search {
            query += &format!("&search={}", search.replace(' ', "%20"));
            let holds = |value: &Value| value.as_str().is_some_and(|text| text.to_lowercase().contains(&search));
            naive.retain(|lead| ["name", "email", "company", "customer_phone"].iter().any(|name| holds(&lead[*name])));
        }
        naive.sort_by_key(|lead| {
            (lead["first_contact_at"].as_str().unwrap().to_owned(), lead["customer_phone"].as_str().unwrap().to_owned())
        });
        let body = runtime.block_on(list(&api, &query));
        let expected: Vec<Value> = naive.iter().skip(offset).take(limit).cloned().collect();
        prop_assert_eq!(&body["pagination"]["total"], &json!(naive.len()), "{}", query);
        prop_assert_eq!(body["data"].as_array().unwrap(), &expected, "{}", query);
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_conversation_is_active_for_a_day_after_its_last_message() {
    let api = Api::without_scoring().await;
    ingest(&api, &message("1", "1", Clock::default().now())).await;
    assert_eq!(list(&api, "").await["data"][0]["conversations"][0]["is_active"], true);
    api.clock.advance(TimeDelta::hours(25));
    assert_eq!(list(&api, "").await["data"][0]["conversations"][0]["is_active"], false);
}
