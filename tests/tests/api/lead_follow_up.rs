//! Both phases of leadFollowUp, through the real queue (docs/behaviour.md, "Follow-up").

use shared::base::context::FromContext;
use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use functions::copywriter::Copywriter;
use serde_json::{Value, json};
use shared::base::clock::Random;
use shared::base::queue::Consumer;
use shared::outreach::writing::Messages;
use shared::workflow::commands::{Command, CommandId, Commands, Completed, Order, Outcome};
use shared::workflow::lease::Take;
use shared::workflow::recommendations::{RecommendationId, Recommendations, Status};
use shared::workspace::accounts::{Agent, Role};
use shared::workspace::auth::Permission;
use tests::sites::Staff;
use tests::{Answer, Api, CONTACT, FOLLOW_UP, Fault, ModelReply, ScriptedModel, Setup, send};
use uuid::Uuid;

const BOTH: &[Role] = &[Role::Sales, Role::Copywriter];

async fn follow_up(api: &Api, body: &Value) -> Answer {
    send(api.authorized("POST", FOLLOW_UP).json(body)).await
}

fn body(staff: &Staff) -> Value {
    json!({"siteId": staff.site, "leadId": CONTACT})
}

/// The example request.
fn document(staff: &Staff) -> Value {
    json!({
        "siteId": staff.site,
        "leadId": CONTACT,
        "userId": Uuid::from_u128(1),
        "agent_id": staff.sales,
        "followUpType": "email",
        "leadStage": "qualified",
        "previousInteractions": [
            {"date": "2024-04-15", "type": "email", "summary": "Initial contact with product information"},
            {"date": "2024-04-20", "type": "call", "summary": "Discussed specific product features and pricing"},
        ],
        "leadData": {
            "name": "Jane Smith", "company": "Acme Inc.", "email": "jane@acme.com", "phone": "+1234567890",
            "position": "Marketing Director",
            "pain_points": ["time-consuming content creation", "measuring ROI"],
            "budget_range": "$5000-$10000",
        },
        "productInterest": ["content automation", "analytics dashboard"],
        "followUpInterval": "3 days",
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documents_example_gives_the_documented_shape_refined_within_the_wait() {
    let api = Api::start().await;
    let staff = api.staff((true, true), BOTH).await;
    let answer = follow_up(&api, &document(&staff)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["success"], true);
    let data = &body["data"];
    let media: Vec<_> = data["messages"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(media, ["email", "whatsapp", "notification", "web"]);
    for (medium, message) in data["messages"].as_object().unwrap() {
        assert_eq!(message.as_object().unwrap().len(), 3, "{medium}");
        for field in ["title", "message", "strategy"] {
            assert!(!message[field].as_str().unwrap().trim().is_empty(), "{medium} {field}");
        }
        assert_eq!(shared::outreach::writing::placeholder(message["message"].as_str().unwrap()), None);
    }
    assert!(data["messages"]["email"]["message"].as_str().unwrap().starts_with("Hi Jane,"));
    assert_eq!(
        data["lead"],
        json!({
            "name": "Jane Smith", "company": "Acme Inc.", "email": "jane@acme.com", "phone": "+1234567890",
            "position": "Marketing Director", "pain_points": ["time-consuming content creation", "measuring ROI"],
            "budget_range": "$5000-$10000", "lead_stage": "qualified",
            "sites": {"name": "Acme Website", "url": "https://acme.com"},
            "interaction_history": document(&staff)["previousInteractions"],
            "preferences": {
                "product_interest": ["content automation", "analytics dashboard"],
                "follow_up_type": "email",
                "follow_up_interval": "3 days",
                "phone_number": null,
            },
        })
    );
    // The last exchange is the last by its date.
    assert!(data["messages"]["whatsapp"]["message"].as_str().unwrap().contains("our call of 2024-04-20"), "{data}");
    assert_eq!(data["not_written"], json!([]));
    let [sales, copywriter] =
        ["sales", "copywriter"].map(|role| data["command_ids"][role].as_str().unwrap().to_owned());
    assert_eq!(
        data["refinement"],
        json!({"status": "completed", "command_id": copywriter, "url": format!("/api/agents/commands/{copywriter}")})
    );
    // Both commands can be looked at; the copywriter's messages are those of the answer.
    let [first, second] = [command(&api, &sales).await, command(&api, &copywriter).await];
    assert_eq!((&first["role"], &first["status"]), (&json!("sales"), &json!("completed")));
    assert_eq!(
        (&second["role"], &second["status"], &second["attempts"]),
        (&json!("copywriter"), &json!("completed"), &json!(1))
    );
    assert_eq!(second["messages"], data["messages"]);
    assert_ne!(first["messages"], second["messages"]);
    for medium in media {
        assert_eq!(first["messages"][&medium]["strategy"], second["messages"][&medium]["strategy"]);
    }
    for field in ["created_at", "started_at", "finished_at", "model", "prompt_version"] {
        assert!(second[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
    }
    // It costs nothing.
    assert_eq!(api.verified_balance().await.available, 1_000);
}

async fn command(api: &Api, id: &str) -> Value {
    let answer = api.get(&format!("/api/agents/commands/{id}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

async fn finished(api: &Api, id: &str) -> Value {
    for _ in 0..100 {
        let command = command(api, id).await;
        if ["completed", "failed"].contains(&command["status"].as_str().unwrap()) {
            return command;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the command does not finish");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn respond_async_gives_the_sales_messages_and_the_refined_ones_come_later() {
    let api = Api::start().await;
    let staff = api.staff((true, true), BOTH).await;
    let answer = send(api.authorized("POST", FOLLOW_UP).header("Prefer", "respond-async").json(&body(&staff))).await;
    assert_eq!((answer.status, answer.header("preference-applied")), (200, "respond-async"));
    let data = answer.json()["data"].clone();
    assert_eq!(data["refinement"]["status"], "pending");
    let sales = command(&api, data["command_ids"]["sales"].as_str().unwrap()).await;
    assert_eq!(sales["messages"], data["messages"]);
    let meanwhile = command(&api, data["command_ids"]["copywriter"].as_str().unwrap()).await;
    assert!(meanwhile["status"] == "completed" || meanwhile["messages"] == data["messages"], "{meanwhile}");
    let refined = finished(&api, data["command_ids"]["copywriter"].as_str().unwrap()).await;
    assert_eq!(refined["status"], "completed");
    assert_ne!(refined["messages"], data["messages"]);
    let waited = send(api.authorized("POST", FOLLOW_UP).header("Prefer", "wait=30").json(&body(&staff))).await;
    assert_eq!(waited.header("preference-applied"), "wait=20");
    let plain = follow_up(&api, &body(&staff)).await;
    assert_eq!(plain.headers.get("preference-applied"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_copywriter_the_first_phase_stands() {
    let api = Api::start().await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    let data = follow_up(&api, &body(&staff)).await.json()["data"].clone();
    assert_eq!((&data["command_ids"]["copywriter"], &data["refinement"]), (&Value::Null, &Value::Null));
    let media: Vec<_> = data["messages"].as_object().unwrap().keys().cloned().collect();
    // WhatsApp is not configured; the lead's number does not help.
    assert_eq!(media, ["email", "notification", "web"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_of_the_document_has_its_status_and_code() {
    let api = Api::start().await;
    let full = api.staff((true, true), BOTH).await;
    let mute = api.staff((false, false), BOTH).await;
    let nobody = api.staff((true, true), &[Role::Copywriter]).await;
    let whatsapp = api.staff((false, true), BOTH).await;
    let unknown = Uuid::from_u128(9);
    let without_phone = Uuid::from_u128(77);
    let lead = shared::crm::leads::Lead {
        lead_id: without_phone,
        email: Some("x@y.example".to_owned()),
        ..Default::default()
    };
    assert!(api.leads().put(api.workspace, &lead).await.unwrap());
    for (body, status, code) in [
        (json!({}), 400, "INVALID_REQUEST"),
        (json!({"siteId": full.site}), 400, "INVALID_REQUEST"),
        (json!({"siteId": full.site, "leadId": "lead_789"}), 400, "INVALID_INPUT"),
        (json!({"siteId": full.site, "leadId": CONTACT, "phone_number": ""}), 400, "INVALID_PHONE_NUMBER"),
        (json!({"siteId": full.site, "leadId": CONTACT, "phone_number": "12 34 56"}), 400, "INVALID_PHONE_NUMBER"),
        (json!({"siteId": unknown, "leadId": CONTACT}), 404, "SITE_NOT_FOUND"),
        (json!({"siteId": unknown, "leadId": unknown}), 404, "SITE_NOT_FOUND"),
        (json!({"siteId": full.site, "leadId": unknown}), 404, "LEAD_NOT_FOUND"),
        (json!({"siteId": full.site, "leadId": CONTACT, "agentId": unknown}), 404, "AGENT_NOT_FOUND"),
        (json!({"siteId": full.site, "leadId": CONTACT, "agentId": full.copywriter}), 404, "AGENT_NOT_FOUND"),
        (json!({"siteId": full.site, "leadId": CONTACT, "agentId": mute.sales}), 404, "AGENT_NOT_FOUND"),
        (body(&nobody), 404, "AGENT_NOT_FOUND"),
        (body(&mute), 400, "NO_CHANNELS_CONFIGURED"),
        (json!({"siteId": whatsapp.site, "leadId": without_phone}), 400, "NO_VALID_CHANNELS_FOR_LEAD"),
    ] {
        let answer = follow_up(&api, &body).await;
        assert_eq!(answer.code(), (status, code.to_owned()), "{body}: {}", answer.text);
        assert_eq!(answer.json()["success"], false);
    }
    let missing = follow_up(&api, &json!({})).await.json()["error"].clone();
    assert_eq!(missing["message"], "siteId is required");
    let unreachable = follow_up(&api, &json!({"siteId": whatsapp.site, "leadId": without_phone})).await.json();
    assert_eq!(
        unreachable["error"]["details"],
        json!({"configured_channels": ["whatsapp"], "lead_has_email": true, "lead_has_phone": false})
    );
    // A number in the request makes the lead reachable.
    let given = json!({"siteId": whatsapp.site, "leadId": without_phone, "phone_number": "+49 170 1234567"});
    let data = follow_up(&api, &given).await.json()["data"].clone();
    assert!(data["messages"]["whatsapp"].is_object() && data["messages"]["email"].is_null(), "{data}");

    let path = "/api/agents/commands";
    assert_eq!(api.get(&format!("{path}/{unknown}")).await.code(), (404, "COMMAND_NOT_FOUND".to_owned()));
    assert_eq!(api.get(&format!("{path}/cmd_1")).await.code(), (400, "INVALID_INPUT".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_representative_chooses_the_agent_and_an_inactive_one_is_given_no_work() {
    let api = Api::start().await;
    let staff = api.staff((true, false), BOTH).await;
    let (second, asleep) = (Random::from_os().uuid(), Random::from_os().uuid());
    for (agent_id, user_id, active) in [(second, Uuid::from_u128(2), true), (asleep, Uuid::from_u128(3), false)] {
        let agent = Agent {
            agent_id,
            site_id: staff.site,
            name: "Sam".to_owned(),
            role: Role::Sales,
            user_id,
            active,
            created_at: api.clock.now() + TimeDelta::seconds(1),
        };
        api.accounts().put_agent(api.workspace, &agent).await.unwrap();
    }
    for (user, agent) in
        [(Uuid::from_u128(2), Some(second)), (Uuid::from_u128(3), staff.sales), (Uuid::from_u128(4), staff.sales)]
    {
        let mut body = body(&staff);
        body["user_id"] = json!(user);
        let data = follow_up(&api, &body).await.json()["data"].clone();
        let sales = command(&api, data["command_ids"]["sales"].as_str().unwrap()).await;
        assert_eq!(sales["agent_id"], json!(agent), "{user}");
    }
    let mut body = body(&staff);
    body["agentId"] = json!(asleep);
    assert_eq!(follow_up(&api, &body).await.code(), (404, "AGENT_NOT_FOUND".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_of_the_workspace_is_charged_once_and_given_back_where_nothing_was_written() {
    let good = reply(written("Hi Jane, shall we talk?"), written("A next step"));
    let model = ScriptedModel::start(vec![good, ModelReply::Text("no json".to_owned())]).await;
    let api = Api::with_model(&model).await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    api.set_price(api.workspace, "lead_follow_up", 3).await;
    let once = |key: &'static str, body: Value| {
        send(api.authorized("POST", FOLLOW_UP).header("Idempotency-Key", key).json(&body))
    };
    assert_eq!(once("a", body(&staff)).await.status, 200);
    assert_eq!(once("a", body(&staff)).await.header("idempotent-replayed"), "true");
    assert_eq!(api.verified_balance().await.available, 997);
    assert_eq!(once("b", body(&staff)).await.code(), (500, "SALES_COMMAND_FAILED".to_owned()));
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held), (997, 0));
    // Who has less is told so, before the model is asked.
    api.set_price(api.workspace, "lead_follow_up", 998).await;
    let refused = once("d", body(&staff)).await;
    assert_eq!(refused.code(), (402, "INSUFFICIENT_CREDITS".to_owned()));
    assert_eq!(api.verified_balance().await.available, 997);
    // The key stands for its request; and what a retry would meet again is kept.
    let mut other = body(&staff);
    other["followUpType"] = json!("call");
    assert_eq!(once("a", other).await.code(), (422, "IDEMPOTENCY_KEY_REUSED".to_owned()));
    let nowhere = json!({"siteId": Uuid::from_u128(9), "leadId": CONTACT});
    assert_eq!(once("c", nowhere.clone()).await.code(), (404, "SITE_NOT_FOUND".to_owned()));
    let kept = once("c", nowhere).await;
    assert_eq!((kept.status, kept.header("idempotent-replayed")), (404, "true"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_or_uses_another_workspaces_site_lead_or_command() {
    let api = Api::start().await;
    let staff = api.staff((true, true), BOTH).await;
    let data = follow_up(&api, &body(&staff)).await.json()["data"].clone();
    let rival = api.new_workspace(10).await;
    let key = api.new_key(rival, &Permission::ALL, |_| {}).await;
    let theirs = send(api.request("POST", FOLLOW_UP).bearer_auth(&key).json(&body(&staff))).await;
    assert_eq!(theirs.code(), (404, "SITE_NOT_FOUND".to_owned()));
    let path = format!("/api/agents/commands/{}", data["command_ids"]["sales"].as_str().unwrap());
    let theirs = send(api.request("GET", &path).bearer_auth(&key)).await;
    assert_eq!(theirs.code(), (404, "COMMAND_NOT_FOUND".to_owned()));
    let writer = api.new_key(api.workspace, &[Permission::WriteAi], |_| {}).await;
    let refused = send(api.request("GET", &path).bearer_auth(&writer)).await;
    assert_eq!(refused.code(), (403, "INSUFFICIENT_PERMISSIONS".to_owned()));
    let reader = api.new_key(api.workspace, &[Permission::ReadAi], |_| {}).await;
    let refused = send(api.request("POST", FOLLOW_UP).bearer_auth(&reader).json(&body(&staff))).await;
    assert_eq!(refused.code(), (403, "INSUFFICIENT_PERMISSIONS".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_requests_with_one_key_make_one_pair_of_commands() {
    let api = Api::start().await;
    let staff = api.staff((true, true), BOTH).await;
    let once = || send(api.authorized("POST", FOLLOW_UP).header("Idempotency-Key", "a").json(&body(&staff)));
    let (one, other) = tokio::join!(once(), once());
    let (done, refused) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(refused.status == 200 || refused.code() == (409, "IDEMPOTENCY_CONFLICT".to_owned()), "{}", refused.text);
    let again = once().await;
    assert_eq!((again.text.as_str(), again.header("idempotent-replayed")), (done.text.as_str(), "true"));
    let items = tests::scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["WORK_TABLE"]).await;
    let of_kind = |kind: &str| items.iter().filter(|item| item["sk"]["S"] == kind).count();
    assert_eq!((of_kind("command"), of_kind("recommendation")), (2, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_waits_for_a_persons_decision_with_the_text_that_was_refined() {
    let api = Api::start().await;
    let staff = api.staff((true, true), BOTH).await;
    let mut body = body(&staff);
    let visitor = Uuid::from_u128(42);
    body["visitorId"] = json!(visitor);
    let data = follow_up(&api, &body).await.json()["data"].clone();
    assert_eq!(data["refinement"]["status"], "completed");
    let [sales, copywriter] = ["sales", "copywriter"].map(|role| data["command_ids"][role].clone());
    for id in [&sales, &copywriter] {
        let command = command(&api, id.as_str().unwrap()).await;
        assert_eq!(command["recommendation_ids"], data["recommendation_ids"]);
    }
    let recommendations = Recommendations::new(&api.stack.context).unwrap();
    for medium in ["email", "whatsapp", "notification", "web"] {
        let id = data["recommendation_ids"][medium].as_str().unwrap().parse().unwrap();
        let id = RecommendationId { workspace_id: api.workspace, recommendation_id: id };
        let stored = recommendations.get(id).await.unwrap().unwrap();
        let (draft, written) = (json!(stored.draft), &data["messages"][medium]);
        assert_eq!((&draft["channel"], &draft["title"]), (&json!(medium), &written["title"]));
        assert_eq!((&draft["message"], json!(stored.reasoning)), (&written["message"], written["strategy"].clone()));
        assert_eq!((stored.status, stored.version, stored.lead_id), (Status::PendingReview, 2, CONTACT));
        assert_eq!(
            json!(stored.origin)["follow_up"],
            json!({"command_id": sales, "site_id": staff.site, "agent_id": staff.sales, "visitor_id": visitor})
        );
        let events = recommendations.events(id).await.unwrap();
        let told: Vec<_> = events.iter().map(|event| (event.version, event.action.as_str())).collect();
        assert_eq!(told, [(1, "proposed"), (2, "refined")]);
        assert!(events[0].actor.starts_with("key:") && events[1].actor == "function:copywriter");
        let events = json!(events).to_string();
        for personal in ["Jane", "Acme", "interest"] {
            assert!(!events.contains(personal), "{personal}: {events}");
        }
    }
}

/// What the model writes for a medium.
fn written(message: &str) -> Value {
    json!({"title": "About your plans", "message": message, "strategy": "Ask for a call."})
}

fn reply(email: Value, notification: Value) -> ModelReply {
    let web = notification.clone();
    ModelReply::Text(json!({"email": email, "whatsapp": null, "notification": notification, "web": web}).to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_placeholder_is_sent_back_and_never_shown() {
    let good = reply(written("Hi Jane, shall we talk?"), written("A next step"));
    let model = ScriptedModel::start(vec![reply(written("Hi [Name]!"), written("A next step")), good]).await;
    let api = Api::with_model(&model).await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    let data = follow_up(&api, &body(&staff)).await.json()["data"].clone();
    assert_eq!(data["messages"]["email"]["message"], "Hi Jane, shall we talk?");
    let complaint = model.requests()[1]["messages"][3]["content"].as_str().unwrap().to_owned();
    assert!(complaint.contains("email") && complaint.contains("placeholder"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_sales_specialist_invents_is_sent_back_and_what_stays_invented_is_not_shown() {
    let invented = reply(written("Hi Peter, shall we talk?"), written("Save 15 hours a week"));
    let mended = reply(written("Hi Jane, do you have 15 minutes?"), written("Save 15 hours a week"));
    let model = ScriptedModel::start(vec![invented, mended]).await;
    let api = Api::with_model(&model).await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    let data = follow_up(&api, &body(&staff)).await.json()["data"].clone();
    let complaint = model.requests()[1]["messages"][3]["content"].as_str().unwrap().to_owned();
    assert!(complaint.contains("email: it names Peter") && complaint.contains("web: it names 15"), "{complaint}");
    assert_eq!(data["messages"].as_object().unwrap().keys().collect::<Vec<_>>(), ["email"]);
    assert_eq!(data["messages"]["email"]["message"], "Hi Jane, do you have 15 minutes?");
    // What is always available and could not be written is named.
    assert_eq!(data["not_written"], json!(["notification", "web"]));
    assert_eq!(data["recommendation_ids"].as_object().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_out_or_a_model_that_is_left_alone_is_a_system_error() {
    let (api, proxy) = Api::behind_a_proxy(Setup::default()).await;
    let staff = api.staff((true, true), BOTH).await;
    proxy.fail(0, 1_000, Fault::Before);
    let refused = follow_up(&api, &body(&staff)).await;
    assert_eq!(refused.code(), (503, "SYSTEM_ERROR".to_owned()));
    assert_eq!(refused.header("retry-after"), "5");

    let model = ScriptedModel::start(vec![ModelReply::Status(500, "{}".to_owned())]).await;
    let api = Api::with_model(&model).await;
    let staff = api.staff((true, true), BOTH).await;
    for _ in 0..5 {
        assert_eq!(follow_up(&api, &body(&staff)).await.code(), (500, "SALES_COMMAND_FAILED".to_owned()));
    }
    let asked = model.requests().len();
    let refused = follow_up(&api, &body(&staff)).await;
    assert_eq!(refused.code(), (503, "SYSTEM_ERROR".to_owned()));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(model.requests().len(), asked);
}

/// Each id in its other spelling.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_has_its_other_spelling() {
    let model = ScriptedModel::start(vec![reply(written("Hi Jane"), written("A next step"))]).await;
    let api = Api::with_model(&model).await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    let camel = json!({
        "siteId": staff.site, "leadId": CONTACT, "userId": Uuid::from_u128(1), "agentId": staff.sales,
        "visitorId": Uuid::from_u128(2), "followUpType": "call", "leadStage": "won", "productInterest": ["boats"],
        "previousInteractions": [{"date": "2024-04-15", "type": "email", "content": "Hello"}],
        "leadData": {"position": "Captain"}, "followUpInterval": "1 week", "phoneNumber": "+1 202 555 0142",
    });
    let snake = json!({
        "site_id": staff.site, "lead_id": CONTACT, "user_id": Uuid::from_u128(1), "agent_id": staff.sales,
        "visitor_id": Uuid::from_u128(2), "follow_up_type": "call", "lead_stage": "won", "product_interest": ["boats"],
        "previous_interactions": [{"date": "2024-04-15", "type": "email", "content": "Hello"}],
        "lead_data": {"position": "Captain"}, "follow_up_interval": "1 week", "phone_number": "+1 202 555 0142",
    });
    let mut leads = Vec::new();
    for body in [&camel, &snake] {
        let answer = follow_up(&api, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        leads.push(answer.json()["data"]["lead"].clone());
    }
    assert_eq!(leads[0], leads[1]);
    // What is stored stands where the request says nothing.
    assert_eq!(leads[0]["name"], "Jane Smith");
    for (field, given) in [("lead_stage", json!("won")), ("position", json!("Captain"))] {
        assert_eq!(leads[0][field], given, "{field}");
    }
    let asked = model.requests();
    assert_eq!(asked[0]["messages"][1], asked[1]["messages"][1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_model_cannot_write_is_told_apart_and_leaves_nothing() {
    for (model_reply, code) in [
        (reply(Value::Null, Value::Null), "NO_CONTENT_GENERATED"),
        (reply(Value::Null, written("A next step")), "NO_VALID_CHANNELS"),
        (ModelReply::Status(500, String::new()), "SALES_COMMAND_FAILED"),
        (ModelReply::Text("no json".to_owned()), "SALES_COMMAND_FAILED"),
    ] {
        let model = ScriptedModel::start(vec![model_reply]).await;
        let api = Api::with_model(&model).await;
        let staff = api.staff((true, false), BOTH).await;
        let once = || send(api.authorized("POST", FOLLOW_UP).header("Idempotency-Key", "a").json(&body(&staff)));
        let before = model.requests().len();
        assert_eq!(once().await.code(), (500, code.to_owned()));
        let asked = model.requests().len();
        assert!(asked > before);
        // The same key may be tried again.
        assert_eq!(once().await.code(), (500, code.to_owned()));
        assert!(model.requests().len() > asked);
        let items = tests::scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["WORK_TABLE"]).await;
        assert!(items.is_empty(), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_model_is_told_the_facts_and_no_address_or_number() {
    let model = ScriptedModel::start(vec![reply(written("Hi Jane"), written("A next step"))]).await;
    let api = Api::with_model(&model).await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    assert_eq!(follow_up(&api, &document(&staff)).await.status, 200);
    let asked = model.requests()[0]["messages"][1]["content"].as_str().unwrap().to_owned();
    for known in
        ["Marketing Director", "measuring ROI", "analytics dashboard", "Initial contact", "3 days", "qualified"]
    {
        assert!(asked.contains(known), "{known}");
    }
    for hidden in ["jane@acme.com", "1234567890", "jane@acme.example", "2025550142"] {
        assert!(!asked.contains(hidden), "{hidden}");
    }
    // Without interactions of its own, the request gets those that are stored.
    assert_eq!(follow_up(&api, &body(&staff)).await.status, 200);
    assert!(model.requests()[1]["messages"][1]["content"].as_str().unwrap().contains("Discovery call"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_takes_nothing_leaves_the_sales_messages_and_the_command_to_the_sweeper() {
    let nowhere = HashMap::from([("COPYWRITER_QUEUE_URL".to_owned(), "http://127.0.0.1:9/nowhere".to_owned())]);
    let api = Api::with(Setup { environment: nowhere, ..Setup::default() }).await;
    let staff = api.staff((true, true), BOTH).await;
    let answer = follow_up(&api, &body(&staff)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let data = answer.json()["data"].clone();
    assert_eq!(data["refinement"]["status"], "pending");
    let refining = data["command_ids"]["copywriter"].as_str().unwrap();
    assert_eq!(command(&api, refining).await["status"], "queued");

    // The sweeper, once it reaches the queue.
    let queue = api.stack.variables["SCORING_QUEUE_URL"].replace("ScoringQueue", "CopywriterQueue");
    let context = api.context(&[("COPYWRITER_QUEUE_URL", &queue), ("AWS_ENDPOINT_URL_SQS", &api.stack.ready.sqs)]);
    api.clock.advance(TimeDelta::minutes(8));
    functions::sweeper::Sweeper::new(&context).unwrap().sweep().await.unwrap();
    assert_eq!(finished(&api, refining).await["status"], "completed");
}

/// A copywriter's command that is stored and never sent.
async fn stored_command(api: &Api) -> CommandId {
    let draft = shared::outreach::writing::ChannelMessage {
        title: "About your plans".to_owned(),
        message: "I am following up on your interest in Acme".to_owned(),
        strategy: "Ask for a call.".to_owned(),
    };
    let order = Order {
        workspace_id: api.workspace,
        command_id: Random::from_os().uuid(),
        site_id: Uuid::nil(),
        lead_id: CONTACT,
        agent: (Uuid::nil(), Role::Copywriter),
        facts: json!({"lead": {"name": "Jane"}}).to_string(),
    };
    let draft = Messages { web: Some(draft), ..Messages::default() };
    let command = Command::queued(order, draft, api.clock.now());
    Commands::new(&api.stack.context).unwrap().store(&command, None, Vec::new()).await.unwrap();
    command.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_was_never_sent_is_sent_by_the_sweeper() {
    let api = Api::start().await;
    let id = stored_command(&api).await;
    let sweeper = functions::sweeper::Sweeper::new(&api.stack.context).unwrap();
    sweeper.sweep().await.unwrap();
    assert_eq!(command(&api, &id.command_id.to_string()).await["status"], "queued");
    api.clock.advance(TimeDelta::minutes(8));
    sweeper.sweep().await.unwrap();
    assert_eq!(finished(&api, &id.command_id.to_string()).await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_worker_that_died_another_takes_over_once_its_lease_has_ended() {
    let api = Api::start().await;
    let id = stored_command(&api).await;
    let commands = Commands::new(&api.stack.context).unwrap();
    let copywriter = Copywriter::new(&api.stack.context).unwrap();
    let Take::Leased(dead) = commands.take(id).await.unwrap() else { panic!("it is not taken") };
    copywriter.try_one(id).await.unwrap();
    assert_eq!(command(&api, &id.command_id.to_string()).await["status"], "running");
    api.clock.advance(TimeDelta::seconds(71));
    copywriter.try_one(id).await.unwrap();
    let done = command(&api, &id.command_id.to_string()).await;
    assert_eq!((&done["status"], &done["attempts"]), (&json!("completed"), &json!(2)));
    // The first can neither finish nor give back what is no longer its own; nor does a third message count.
    let late = Outcome { messages: Messages::default(), model: "late".to_owned(), prompt_version: "0".to_owned() };
    assert_eq!(commands.complete(&dead, &late, Vec::new()).await.unwrap(), Completed::NotOurs);
    copywriter.try_one(id).await.unwrap();
    assert_eq!(command(&api, &id.command_id.to_string()).await, done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_was_doing_as_it_died_comes_again_through_the_queue() {
    let refined = json!({"email": null, "whatsapp": null, "notification": null, "web": written("Thank you, Jane")});
    let model = ScriptedModel::start(vec![ModelReply::Silence, ModelReply::Text(refined.to_string())]).await;
    let api = Api::with_model(&model).await;
    let id = stored_command(&api).await;
    let copywriter = Copywriter::new(&api.stack.context).unwrap();
    let worker = tokio::spawn(async move { copywriter.try_one(id).await });
    while model.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // In the middle of the model's answer.
    worker.abort();
    let sweeper = functions::sweeper::Sweeper::new(&api.stack.context).unwrap();
    sweeper.sweep().await.unwrap();
    assert_eq!(command(&api, &id.command_id.to_string()).await["status"], "running");
    api.clock.advance(TimeDelta::minutes(9));
    sweeper.sweep().await.unwrap();
    let done = finished(&api, &id.command_id.to_string()).await;
    assert_eq!((&done["status"], &done["attempts"]), (&json!("completed"), &json!(2)));
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_workers_all_die_fails_in_the_end() {
    let api = Api::start().await;
    let id = stored_command(&api).await;
    let commands = Commands::new(&api.stack.context).unwrap();
    for _ in 0..5 {
        assert!(matches!(commands.take(id).await.unwrap(), Take::Leased(_)));
        assert!(matches!(commands.take(id).await.unwrap(), Take::Busy));
        api.clock.advance(TimeDelta::seconds(71));
    }
    assert!(matches!(commands.take(id).await.unwrap(), Take::Finished));
    let failed = command(&api, &id.command_id.to_string()).await;
    assert_eq!((&failed["status"], &failed["attempts"]), (&json!("failed"), &json!(5)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_twice_at_once_refines_once() {
    let model = ScriptedModel::start(vec![ModelReply::Text(
        json!({"email": null, "whatsapp": null, "notification": null, "web": written("Thank you, Jane")}).to_string(),
    )])
    .await;
    let api = Api::with_model(&model).await;
    let id = stored_command(&api).await;
    let copywriter = Copywriter::new(&api.stack.context).unwrap();
    let (one, other) = tokio::join!(copywriter.try_one(id), copywriter.try_one(id));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(model.requests().len(), 1);
    assert_eq!(command(&api, &id.command_id.to_string()).await["attempts"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copywriter_that_fails_five_times_has_failed() {
    // It names somebody whom nobody knows.
    let invented =
        json!({"email": null, "whatsapp": null, "notification": null, "web": written("Ask for Peter Miller")});
    let model = ScriptedModel::start(vec![ModelReply::Text(invented.to_string())]).await;
    let api = Api::with_model(&model).await;
    let id = stored_command(&api).await;
    let copywriter = Copywriter::new(&api.stack.context).unwrap();
    let draft = command(&api, &id.command_id.to_string()).await["messages"].clone();
    assert_eq!(draft["web"]["title"], "About your plans");
    for attempt in 1..=5 {
        assert!(copywriter.try_one(id).await.is_err());
        let expected = if attempt < 5 { "queued" } else { "failed" };
        let shown = command(&api, &id.command_id.to_string()).await;
        assert_eq!((&shown["status"], &shown["messages"]), (&json!(expected), &draft), "{attempt}");
    }
    let asked = model.requests().len();
    copywriter.try_one(id).await.unwrap();
    assert_eq!(model.requests().len(), asked);
    let failed = command(&api, &id.command_id.to_string()).await;
    assert_eq!((&failed["attempts"], &failed["messages"]), (&json!(5), &draft));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_has_failed_within_three_minutes_of_a_model_that_is_down() {
    let model = ScriptedModel::start(vec![ModelReply::Status(503, "{}".to_owned())]).await;
    let api = Api::with_model(&model).await;
    let id = stored_command(&api).await;
    let copywriter = Copywriter::new(&api.stack.context).unwrap();
    // The waits of the queue between the attempts.
    for wait in [5, 10, 20, 40, 0] {
        assert!(copywriter.try_one(id).await.is_err());
        api.clock.advance(TimeDelta::seconds(wait));
    }
    let failed = command(&api, &id.command_id.to_string()).await;
    assert_eq!((&failed["status"], &failed["attempts"]), (&json!("failed"), &json!(5)));
    let at = |field: &str| failed[field].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(at("finished_at") - at("created_at") < TimeDelta::minutes(3), "{failed}");
    assert_eq!(failed["messages"]["web"]["message"], "I am following up on your interest in Acme");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_is_in_no_conversation_whatever_is_decided() {
    let api = Api::without_scoring().await;
    let staff = api.staff((true, true), BOTH).await;
    let said = json!({
        "message_id": "1", "customer_phone": "12025550142", "platform": "whatsapp", "sender": "user",
        "text": "What does it cost?", "timestamp": api.clock.now(), "phone_number_id": "1",
    });
    assert_eq!(send(api.authorized("POST", "/users/me/messages").json(&said)).await.status, 200);
    let row = api.get("/users/me/leads/12025550142").await.json()["data"].clone();
    let data = follow_up(&api, &body(&staff)).await.json()["data"].clone();
    assert_eq!(data["refinement"]["status"], "completed");
    let unchanged = async |when: &str| {
        let messages = api.get("/users/me/leads/12025550142/messages").await.json()["data"]["messages"].clone();
        assert_eq!(messages.as_array().unwrap().len(), 1, "{when}: {messages}");
        assert_eq!(api.get("/users/me/leads/12025550142").await.json()["data"], row, "{when}");
    };
    unchanged("drafted").await;
    let reject = format!(
        "/api/v1/ai/followup/recommendations/{}/reject",
        data["recommendation_ids"]["whatsapp"].as_str().unwrap()
    );
    let rejected = send(api.authorized("POST", &reject).json(&json!({"reason": "Too early"}))).await;
    assert_eq!(rejected.status, 200, "{}", rejected.text);
    unchanged("rejected").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_the_queue_a_copywriter_that_keeps_failing_ends_in_a_dead_letter_and_the_sales_messages_stand() {
    let good = reply(written("Hi Jane, shall we talk?"), written("A next step"));
    let invented = reply(written("Ask for Peter Miller"), written("Ask for Peter Miller"));
    let model = ScriptedModel::start(vec![good, invented]).await;
    // What fails comes again at once, and not after the queue's six minutes.
    let environment = HashMap::from([("RETRY_SECONDS".to_owned(), "0".to_owned())]);
    let setup = Setup { model: Some(model.as_model()), environment, ..Setup::default() };
    let api = Api::with(setup).await;
    let staff = api.staff((true, false), BOTH).await;
    let data = follow_up(&api, &body(&staff)).await.json()["data"].clone();
    assert_eq!(data["messages"]["email"]["message"], "Hi Jane, shall we talk?");
    let refining = data["command_ids"]["copywriter"].as_str().unwrap();
    let failed = finished(&api, refining).await;
    assert_eq!((&failed["status"], &failed["attempts"]), (&json!("failed"), &json!(5)));
    assert_eq!(failed["messages"], data["messages"]);

    let client = local::sqs::client(&api.stack.ready.sqs);
    let url = api.stack.variables["COPYWRITER_QUEUE_URL"].replace("CopywriterQueue", "CopywriterDeadLetters");
    let mut dead = Vec::new();
    for _ in 0..100 {
        let received = client.receive_message().queue_url(&url).send().await.unwrap();
        dead.extend(received.messages().iter().filter_map(|message| message.body().map(str::to_owned)));
        if !dead.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let expected = json!({"workspace_id": api.workspace, "command_id": refining});
    assert_eq!(dead.iter().map(|body| serde_json::from_str::<Value>(body).unwrap()).collect::<Vec<_>>(), [expected]);
}
