//! Messages to Lexi, its proposals, and what follows from them (docs/behaviour.md, "Assistant").

use shared::base::context::FromContext;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::crm::prospects::{OwnProspects, Prospect};
use shared::workspace::accounts::Workspace;
use shared::workspace::auth::{Permission, Quota};
use tests::faults::{Way, in_every_way};
use tests::{Answer, Api, CONTACT, ModelReply, ScriptedModel, Setup, send};
use uuid::Uuid;

const CHAT: &str = "/v1/lexi/chat";

/// A message that proposes a prospect search.
const FIND: &str = "Find me 20 CEOs at law firms in New York";

/// CEOs of law firms in New York and Boston, and CTOs of software companies of two sizes in California.
async fn prospects(api: &Api) {
    let prospect =
        |kind: &str, number: usize, (title, industry, city, region): (&str, &str, &str, &str), employees| Prospect {
            prospect_id: format!("{kind}{number}"),
            full_name: format!("Pat {kind} Number{number}"),
            job_title: title.to_owned(),
            company_name: format!("Firm {kind} {number}"),
            industry: industry.to_owned(),
            employees: Some(employees),
            city: Some(city.to_owned()),
            region: Some(region.to_owned()),
            country: Some("United States".to_owned()),
            email: Some(format!("pat{number}@{kind}.example")),
            ..Prospect::default()
        };
    let all: Vec<_> = (0..25)
        .flat_map(|number| {
            [
                prospect("ny", number, ("CEO", "Law firm", "New York", "New York"), 40),
                prospect("bo", number, ("Chief Executive Officer", "Legal services", "Boston", "Massachusetts"), 40),
                prospect(
                    "ca",
                    number,
                    ("CTO", "SaaS", "Oakland", "California"),
                    50 + 10 * u32::try_from(number).unwrap(),
                ),
            ]
        })
        .collect();
    OwnProspects::new(&api.stack.context).unwrap().load(api.workspace, &all).await.unwrap();
}

async fn chat(api: &Api, body: &Value) -> Answer {
    send(api.authorized("POST", CHAT).json(body)).await
}

async fn said(api: &Api, message: &str, context: Value) -> Value {
    let answer = chat(api, &json!({"message": message, "context": context})).await;
    assert_eq!(answer.status, 200, "{message}: {}", answer.text);
    answer.json()["data"].clone()
}

async fn list(api: &Api, name: &str, contacts: &[Uuid]) -> String {
    let made = send(api.authorized("POST", "/v1/lists").json(&json!({"name": name}))).await;
    let id = made.json()["data"]["list_id"].as_str().unwrap().to_owned();
    if !contacts.is_empty() {
        let path = format!("/v1/lists/{id}/contacts");
        let added = send(api.authorized("POST", &path).json(&json!({"contact_ids": contacts}))).await;
        assert!(added.status < 300, "{}", added.text);
    }
    id
}

async fn task(api: &Api, id: &Value) -> Value {
    let answer = api.get(&format!("/v1/lexi/tasks/{}", id.as_str().unwrap())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

async fn approve(api: &Api, id: &Value) -> Answer {
    send(api.authorized("POST", &format!("/v1/lexi/tasks/{}/approve", id.as_str().unwrap())).json(&json!({}))).await
}

async fn until(api: &Api, id: &Value, status: &str) -> Value {
    let mut shown = Value::Null;
    for _ in 0..200 {
        shown = task(api, id).await;
        if shown["status"] == status {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the task does not become {status}: {shown}");
}

/// The events of a stream: their names and data.
fn events(text: &str) -> Vec<(String, Value)> {
    let parts = text.split("\n\n").filter(|part| part.contains("\nevent: "));
    let field = |part: &str, name: &str| {
        let lines = part.lines().filter_map(|line| line.strip_prefix(name));
        lines.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect::<Vec<_>>().join("\n")
    };
    parts.map(|part| (field(part, "event:"), serde_json::from_str(&field(part, "data:")).unwrap())).collect()
}

#[tokio::test]
async fn the_documents_example_is_proposed_approved_and_found() {
    let api = Api::with(Setup::default()).await;
    prospects(&api).await;
    let list = list(&api, "Q1 Leads", &[]).await;
    let first = said(&api, FIND, json!({"list_id": list})).await;
    assert_eq!(
        first["response"],
        "I'll search for 20 CEOs at law firms in New York and add them to your list. Please approve this task to proceed."
    );
    assert_eq!(first["requires_approval"], true);
    assert!(first["task_id"].as_str().is_some_and(|id| id.parse::<Uuid>().is_ok()));
    assert!(first["conversation_id"].as_str().is_some_and(|id| id.parse::<Uuid>().is_ok()));
    assert_eq!(first["credits_remaining"], 999);
    let decided = approve(&api, &first["task_id"]).await;
    assert_eq!(decided.json()["data"]["status"], "approved");
    let done = until(&api, &first["task_id"], "completed").await;
    assert_eq!(done["result"]["found"], 20, "{done}");
    let on_list = api.get(&format!("/v1/lists/{list}/contacts?per_page=100")).await.json();
    assert_eq!(on_list["meta"]["total"], 20);
    for contact in on_list["data"].as_array().unwrap() {
        assert!(contact["full_name"].is_string() && contact["company_name"].is_string(), "{contact}");
    }
    // An answer that needs no approval.
    let second = said(&api, "Did you find them?", json!({"conversation_id": first["conversation_id"]})).await;
    assert_eq!(second["response"], "I found 20 CEOs at law firms in New York. I've added them to your list.");
    assert_eq!((&second["task_id"], &second["requires_approval"]), (&Value::Null, &json!(false)));
    assert_eq!(second["conversation_id"], first["conversation_id"]);
    assert_eq!(api.verified_balance().await.spent, 1 + 5 + 1);
}

#[tokio::test]
async fn the_documents_other_search_finds_its_people() {
    let api = Api::start().await;
    prospects(&api).await;
    let prompt = "Find CTOs at SaaS companies with 50-200 employees in California";
    let proposed = said(&api, prompt, Value::Null).await;
    let metadata = task(&api, &proposed["task_id"]).await["metadata"].clone();
    assert_eq!(metadata["query"]["titles"], json!(["CTO"]), "{metadata}");
    assert_eq!((&metadata["query"]["min_employees"], &metadata["query"]["max_employees"]), (&json!(50), &json!(200)));
    // Nobody said how many.
    assert_eq!(metadata["query"]["count"], 20);
    approve(&api, &proposed["task_id"]).await;
    let done = until(&api, &proposed["task_id"], "completed").await;
    assert!(done["result"]["found"].as_u64().unwrap() > 0, "{done}");
    // No list was named: there is a new one, called after the search.
    let lists = api.get("/v1/lists").await.json();
    assert!(lists["data"][0]["name"].as_str().unwrap().starts_with("CTOs at SaaS companies"), "{lists}");
}

#[tokio::test]
async fn a_follow_up_narrows_the_last_search_and_takes_its_place() {
    let api = Api::start().await;
    let first = said(&api, "Find CEOs at law firms", json!({})).await;
    let context = json!({"conversation_id": first["conversation_id"]});
    let second = said(&api, "Filter to only New York", context.clone()).await;
    assert_eq!(second["conversation_id"], first["conversation_id"]);
    let narrowed = task(&api, &second["task_id"]).await;
    assert_eq!(narrowed["metadata"]["query"]["titles"], json!(["CEO"]));
    assert_eq!(narrowed["metadata"]["query"]["industries"], json!(["law firms"]));
    assert_eq!(narrowed["metadata"]["query"]["places"], json!(["New York"]));
    let replaced = task(&api, &first["task_id"]).await;
    assert_eq!((&replaced["status"], &replaced["reason"]), (&json!("dismissed"), &json!("superseded")));
    // Another search is another wish: both wait.
    let third = said(&api, "Find CTOs at SaaS companies in California", context).await;
    assert_eq!(task(&api, &second["task_id"]).await["status"], "pending");
    assert_eq!(task(&api, &third["task_id"]).await["status"], "pending");
}

#[tokio::test]
async fn a_search_that_was_approved_stays_when_it_is_narrowed() {
    let api = Api::start().await;
    prospects(&api).await;
    let first = said(&api, "Find CEOs at law firms", json!({})).await;
    approve(&api, &first["task_id"]).await;
    until(&api, &first["task_id"], "completed").await;
    let second = said(&api, "Filter to only New York", json!({"conversation_id": first["conversation_id"]})).await;
    assert_eq!(task(&api, &first["task_id"]).await["status"], "completed");
    assert_eq!(task(&api, &second["task_id"]).await["status"], "pending");
}

#[tokio::test]
async fn a_campaign_is_proposed_with_an_email_that_a_follow_up_rewrites() {
    let api = Api::start().await;
    let list = list(&api, "Q1 Leads", &[CONTACT]).await;
    let prompt = "Create an outreach campaign for my 'Q1 Leads' list about legal automation";
    let first = said(&api, prompt, json!({"list_id": list})).await;
    assert_eq!(first["requires_approval"], true);
    let proposed = task(&api, &first["task_id"]).await;
    assert_eq!(proposed["type"], "campaign_start");
    assert_eq!(proposed["metadata"]["about"], "legal automation");
    let before = proposed["metadata"]["example"]["message"].as_str().unwrap().to_owned();
    assert!(first["response"].as_str().unwrap().contains(&before), "{first}");
    let context = json!({"conversation_id": first["conversation_id"]});
    let second = said(&api, "Can you make the email more casual?", context).await;
    let rewritten = task(&api, &second["task_id"]).await;
    let after = rewritten["metadata"]["example"]["message"].as_str().unwrap();
    assert!(after != before && after.contains("legal automation") && after.contains("Hey"), "{after}");
    assert_eq!(task(&api, &first["task_id"]).await["reason"], "superseded");
    approve(&api, &second["task_id"]).await;
    until(&api, &second["task_id"], "completed").await;
    let waiting = api.get("/api/v1/ai/followup/recommendations").await.json();
    assert_eq!(waiting["recommendations"].as_array().unwrap().len(), 1, "{waiting}");
    assert_eq!(api.outbox().await, [0_u8; 0].map(Value::from));
    let shown =
        said(&api, "How is the campaign going?", json!({"campaign_id": rewritten["metadata"]["campaign_id"]})).await;
    assert!(shown["response"].as_str().unwrap().contains("1 drafts are written for 1 contacts"), "{shown}");
    // Once it is started, the e-mail of the conversation may change, and the campaign does not.
    let context = json!({"conversation_id": first["conversation_id"]});
    let third = said(&api, "Make the email more formal", context).await;
    assert_eq!((&third["task_id"], &third["requires_approval"]), (&Value::Null, &json!(false)));
}

#[tokio::test]
async fn contacts_and_lists_are_looked_up_and_changes_wait_for_approval() {
    let api = Api::start().await;
    list(&api, "Spring", &[]).await;
    let found = said(&api, "Find Jane Smith", json!({})).await;
    assert!(found["response"].as_str().unwrap().contains("jane@acme.example"), "{found}");
    assert_eq!(found["requires_approval"], false);
    let about = said(&api, "Who is Jane Smith?", json!({})).await;
    assert!(about["response"].as_str().unwrap().contains("Discovery call"), "{about}");
    let lists = said(&api, "Show my lists", json!({})).await;
    assert!(lists["response"].as_str().unwrap().contains("Spring"), "{lists}");
    let credits = said(&api, "How many credits do I have?", json!({})).await;
    assert!(credits["response"].as_str().unwrap().contains("996"), "{credits}");
    let update = said(&api, "Set Jane Smith's phone to +1 202 555 0199", json!({})).await;
    let added = said(&api, "Add Jane Smith to the list Spring", json!({})).await;
    let made = said(&api, "Create a list called 'Summer'", json!({})).await;
    assert_eq!(api.leads().lead(api.workspace, CONTACT).await.unwrap().unwrap().phone.as_deref(), Some("+12025550142"));
    for proposed in [&update, &added, &made] {
        assert_eq!(proposed["requires_approval"], true, "{proposed}");
        approve(&api, &proposed["task_id"]).await;
        until(&api, &proposed["task_id"], "completed").await;
    }
    assert_eq!(api.leads().lead(api.workspace, CONTACT).await.unwrap().unwrap().phone.as_deref(), Some("+12025550199"));
    let shown = said(&api, "Who is on the Spring list?", json!({})).await;
    assert!(shown["response"].as_str().unwrap().contains("Jane Smith"), "{shown}");
    let lists = api.get("/v1/lists").await.json()["data"].clone();
    let names: BTreeSet<&str> = lists.as_array().unwrap().iter().map(|list| list["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Spring", "Summer"].into());
    // What nobody can find is asked for.
    for message in ["Set Nobody Known's phone to +1 202 555 0199", "Add Jane Smith to the list Autumn"] {
        let refused = said(&api, message, json!({})).await;
        assert_eq!(refused["task_id"], Value::Null, "{refused}");
    }
}

#[tokio::test]
async fn a_prompt_in_another_language_is_answered_in_it() {
    let api = Api::start().await;
    for (message, beginning) in [
        ("Encuentra 20 directores en Madrid", "Puedo buscar"),
        ("O que você pode fazer?", "Posso procurar"),
        ("Bonjour, que pouvez-vous faire ?", "Je peux chercher"),
        ("Was kannst du?", "Ich kann"),
        ("Merhaba, ne yapabilirsin?", "Potansiyel"),
        ("Apa yang bisa kamu lakukan?", "Saya bisa"),
        ("आप क्या कर सकते हैं?", "मैं"),
        ("ماذا يمكنك أن تفعل؟", "يمكنني"),
        ("何ができますか", "見込み客"),
        ("What can you do?", "I can find prospects"),
    ] {
        let text = said(&api, message, json!({})).await["response"].as_str().unwrap().to_owned();
        assert!(text.starts_with(beginning), "{message}: {text}");
    }
}

#[tokio::test]
async fn every_row_of_the_documents_error_table() {
    let api = Api::start().await;
    let missing = chat(&api, &json!({})).await;
    assert_eq!(missing.code(), (400, "validation_error".to_owned()));
    assert!(missing.json()["error"]["details"]["fields"]["message"].is_string(), "{}", missing.text);
    let unknown = send(api.request("POST", CHAT).bearer_auth("wbk_nothing").json(&json!({"message": "Hello"}))).await;
    assert_eq!(unknown.code(), (401, "invalid_key".to_owned()));
    let poor = api.new_workspace(0).await;
    let key = api.new_key(poor, &Permission::ALL, |_| {}).await;
    let short = send(api.request("POST", CHAT).bearer_auth(&key).json(&json!({"message": "Hello"}))).await;
    assert_eq!(short.code(), (402, "insufficient_credits".to_owned()));
    assert_eq!(short.json()["error"]["message"], "Your workspace has no Lexi credits remaining");
    let key = api.new_key(api.workspace, &[Permission::ReadAi, Permission::WriteAi], |_| {}).await;
    let forbidden = send(api.request("POST", CHAT).bearer_auth(&key).json(&json!({"message": "Hello"}))).await;
    assert_eq!(forbidden.code(), (403, "insufficient_permissions".to_owned()));
    assert!(forbidden.json()["error"]["message"].as_str().unwrap().contains("lexi"), "{}", forbidden.text);
    let quota = Quota { per_minute: 1, per_day: 10 };
    let key = api.new_key(api.workspace, &[Permission::Lexi], |record| record.quota = quota).await;
    let ask = || send(api.request("POST", CHAT).bearer_auth(&key).json(&json!({"message": "Hello"})));
    assert_eq!(ask().await.status, 200);
    let limited = ask().await;
    assert_eq!(limited.code(), (429, "rate_limited".to_owned()));
    assert!(limited.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(api.verified_balance().await.spent, 1);
}

#[tokio::test]
async fn what_is_not_the_workspaces_is_not_found_and_not_charged() {
    let api = Api::start().await;
    let other = api.new_workspace(100).await;
    let key = api.new_key(other, &Permission::ALL, |_| {}).await;
    let made = send(api.request("POST", "/v1/lists").bearer_auth(&key).json(&json!({"name": "Theirs"}))).await;
    let list = made.json()["data"]["list_id"].clone();
    let brief = shared::workflow::tasks::Brief {
        campaign_id: shared::base::clock::Random::from_os().uuid(),
        name: "Theirs".to_owned(),
        list: shared::crm::lists::Target {
            list_id: list.as_str().unwrap().parse().unwrap(),
            name: "Theirs".to_owned(),
        },
        about: "x".to_owned(),
        example: None,
    };
    let of = shared::workflow::tasks::TaskId { workspace_id: other, task_id: brief.campaign_id };
    shared::workflow::campaigns::Campaigns::new(&api.stack.context).unwrap().start(&brief, of).await.unwrap();
    let campaign = json!(brief.campaign_id);
    let theirs = send(api.request("POST", CHAT).bearer_auth(&key).json(&json!({"message": "Hello"}))).await;
    let conversation = theirs.json()["data"]["conversation_id"].clone();
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for (field, foreign) in [("list_id", list), ("campaign_id", campaign), ("conversation_id", conversation.clone())] {
        for id in [&foreign, &json!(nowhere)] {
            let answer = chat(&api, &json!({"message": "Hello", "context": {field: id}})).await;
            assert_eq!(answer.code(), (404, "not_found".to_owned()), "{field}");
            assert!(
                answer.json()["error"]["details"]["fields"][format!("context.{field}")].is_string(),
                "{}",
                answer.text
            );
        }
    }
    assert_eq!(api.verified_balance().await.spent, 0);
    let read = api.get(&format!("/v1/lexi/conversations/{}", conversation.as_str().unwrap())).await;
    assert_eq!(read.code(), (404, "not_found".to_owned()));
    assert_eq!(api.get("/v1/lexi/conversations").await.json()["meta"]["total"], 0);
}

#[tokio::test]
async fn a_repeated_message_is_answered_and_charged_once() {
    let api = Api::start().await;
    let once = |message: &str| {
        let request = api.authorized("POST", CHAT).header("Idempotency-Key", "message-1");
        send(request.json(&json!({"message": message})))
    };
    let first = once(FIND).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let second = once(FIND).await;
    assert_eq!((second.text, second.headers["idempotent-replayed"].as_bytes()), (first.text, &b"true"[..]));
    assert_eq!(once("Another").await.code(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(api.verified_balance().await.spent, 1);
    assert_eq!(api.get("/v1/lexi/tasks").await.json()["meta"]["total"], 1);
    assert_eq!(api.get("/v1/lexi/conversations").await.json()["meta"]["total"], 1);
}

#[tokio::test]
async fn a_message_that_the_model_does_not_answer_costs_nothing_and_leaves_nothing() {
    for reply in [
        ModelReply::Status(500, String::new()),
        ModelReply::Text(String::new()),
        ModelReply::HalfAnAnswer,
        // It never says anything.
        ModelReply::Calls(vec![("credits".to_owned(), "{}".to_owned())]),
    ] {
        let model = ScriptedModel::start(vec![reply]).await;
        let api = Api::with_model(&model).await;
        let answer = chat(&api, &json!({"message": "Hello"})).await;
        assert_eq!(answer.code(), (502, "ai_unavailable".to_owned()));
        let balance = api.verified_balance().await;
        assert_eq!((balance.spent, balance.held), (0, 0));
        assert_eq!(api.get("/v1/lexi/conversations").await.json()["meta"]["total"], 0);
    }
}

#[tokio::test]
async fn conversations_are_kept_and_can_be_read() {
    let api = Api::start().await;
    let first = said(&api, FIND, json!({})).await;
    let second = said(&api, "Hello", json!({})).await;
    let context = json!({"conversation_id": first["conversation_id"]});
    said(&api, "How many credits do I have?", context).await;
    let mut all = Value::Null;
    for _ in 0..50 {
        // The index follows the table.
        all = api.get("/v1/lexi/conversations").await.json();
        if all["data"]["conversations"][0]["id"] == first["conversation_id"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(all["meta"], json!({"page": 1, "per_page": 20, "total": 2}));
    let conversations = all["data"]["conversations"].as_array().unwrap();
    assert_eq!(
        (&conversations[0]["id"], &conversations[1]["id"]),
        (&first["conversation_id"], &second["conversation_id"])
    );
    assert_eq!((&conversations[0]["title"], &conversations[0]["message_count"]), (&json!(FIND), &json!(4)));
    let path = format!("/v1/lexi/conversations/{}", first["conversation_id"].as_str().unwrap());
    let read = api.get(&path).await.json();
    let messages = read["data"]["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    assert_eq!((&messages[0]["content"], &messages[1]["content"]), (&json!(FIND), &first["response"]));
    assert_eq!((&messages[1]["id"], &messages[1]["task_id"]), (&first["message_id"], &first["task_id"]));
    assert_eq!(messages[1]["tool_calls"][0]["tool"], "prospect_search");
    let page = api.get(&format!("{path}?page=2&per_page=3")).await.json();
    assert_eq!(page["data"]["messages"].as_array().unwrap().len(), 1);
    assert_eq!(page["meta"], json!({"page": 2, "per_page": 3, "total": 4}));
}

#[tokio::test]
async fn messages_that_come_at_once_are_all_kept_in_an_order() {
    let api = Api::start().await;
    let first = said(&api, "Hello", json!({})).await;
    let body =
        json!({"message": "How many credits do I have?", "context": {"conversation_id": first["conversation_id"]}});
    let (a, b, c) = tokio::join!(chat(&api, &body), chat(&api, &body), chat(&api, &body));
    for answer in [a, b, c] {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let path = format!("/v1/lexi/conversations/{}", first["conversation_id"].as_str().unwrap());
    let read = api.get(&path).await.json();
    let roles = read["data"]["messages"].as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap());
    assert_eq!(roles.collect::<Vec<_>>(), ["user", "assistant"].repeat(4));
    assert_eq!(api.verified_balance().await.spent, 4);
}

#[tokio::test]
async fn messages_that_come_at_once_lose_nothing_that_another_proposed() {
    let api = Api::start().await;
    let first = said(&api, "Find CEOs at law firms", json!({})).await;
    let context = json!({"conversation_id": first["conversation_id"]});
    let (one, other, third) = tokio::join!(
        said(&api, "Filter to only New York", context.clone()),
        said(&api, "Filter to only Boston", context.clone()),
        said(&api, "How many credits do I have?", context.clone()),
    );
    assert_eq!(third["task_id"], Value::Null);
    // Both took the place of the first; one of the two came second and found it taken.
    assert_eq!(task(&api, &first["task_id"]).await["reason"], "superseded");
    for proposed in [&one, &other] {
        assert_eq!(task(&api, &proposed["task_id"]).await["status"], "pending");
    }
    // The conversation remembers a search, whichever came last.
    let narrowed = said(&api, "Filter to only Chicago", context).await;
    let metadata = task(&api, &narrowed["task_id"]).await["metadata"].clone();
    assert_eq!((&metadata["query"]["titles"], &metadata["query"]["places"]), (&json!(["CEO"]), &json!(["Chicago"])));
}

#[tokio::test]
async fn another_task_in_between_does_not_come_between_an_email_and_its_campaign() {
    let api = Api::start().await;
    let list_id = list(&api, "Q1 Leads", &[CONTACT]).await;
    let prompt = "Create an outreach campaign for my 'Q1 Leads' list about legal automation";
    let first = said(&api, prompt, json!({"list_id": list_id})).await;
    let context = json!({"conversation_id": first["conversation_id"]});
    let between = said(&api, "Create a list called 'Summer'", context.clone()).await;
    let rewritten = said(&api, "Make the email more casual", context).await;
    assert_eq!(task(&api, &first["task_id"]).await["superseded_by"], rewritten["task_id"]);
    assert_eq!(task(&api, &between["task_id"]).await["status"], "pending");
}

#[tokio::test]
async fn a_narrowed_search_goes_to_the_list_that_the_search_goes_to() {
    let api = Api::start().await;
    let (one, other) = (list(&api, "One", &[]).await, list(&api, "Other", &[]).await);
    let first = said(&api, "Find CEOs at law firms", json!({"list_id": one})).await;
    let conversation = &first["conversation_id"];
    let second = said(&api, "Filter to only New York", json!({"conversation_id": conversation})).await;
    assert_eq!(task(&api, &second["task_id"]).await["metadata"]["list"]["list_id"], json!(one));
    assert_eq!(task(&api, &first["task_id"]).await["reason"], "superseded");
    // The same for another list is another search.
    let context = json!({"conversation_id": conversation, "list_id": other});
    let third = said(&api, "Filter to only New York", context).await;
    assert_eq!(task(&api, &third["task_id"]).await["metadata"]["list"]["list_id"], json!(other));
    assert_eq!(task(&api, &second["task_id"]).await["status"], "pending");
}

#[tokio::test]
async fn an_answer_is_streamed_as_events_that_end_with_the_same_object() {
    let api = Api::start().await;
    let request = || {
        let request = api.authorized("POST", CHAT).header("Accept", "text/event-stream");
        send(request.header("Idempotency-Key", "stream-1").json(&json!({"message": FIND})))
    };
    let answer = request().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream; charset=utf-8"));
    assert!(!answer.header("x-request-id").is_empty() && !answer.header("x-ratelimit-limit").is_empty());
    let all = events(&answer.text);
    let done = &all.last().unwrap().1;
    assert_eq!(all.last().unwrap().0, "done");
    assert!(answer.text.ends_with("data: [DONE]\n\n"), "{}", answer.text);
    let steps: Vec<_> = all.iter().filter(|(name, _)| name == "tool_step").map(|(_, data)| data.clone()).collect();
    assert_eq!((&steps[0]["tool"], &steps[0]["status"]), (&json!("prospect_search"), &json!("running")));
    assert_eq!(steps[1]["status"], "done");
    assert!(steps[1]["summary"].as_str().unwrap().contains("20 CEOs"), "{steps:?}");
    let deltas: Vec<Value> = all.iter().filter(|(name, _)| name == "text").map(|(_, data)| data.clone()).collect();
    assert!(deltas.len() > 3, "{all:?}");
    let text: String = deltas.iter().map(|delta| delta["delta"].as_str().unwrap()).collect();
    assert_eq!(done["response"], text);
    for delta in &deltas {
        assert_eq!(delta["conversation_id"], done["conversation_id"]);
    }
    assert_eq!((&done["requires_approval"], &done["credits_remaining"]), (&json!(true), &json!(999)));
    assert_eq!(task(&api, &done["task_id"]).await["status"], "pending");
    // The same key again gives the same answer, at once; and as JSON to who asks for that.
    let again = request().await;
    assert_eq!(events(&again.text).last().unwrap().1, *done);
    let request = api.authorized("POST", CHAT).header("Idempotency-Key", "stream-1").json(&json!({"message": FIND}));
    let whole = send(request).await;
    assert_eq!((whole.header("idempotent-replayed"), &whole.json()["data"]), ("true", done));
    assert_eq!(api.verified_balance().await.spent, 1);
}

#[tokio::test]
async fn a_stream_that_fails_says_so_and_costs_nothing() {
    let model =
        ScriptedModel::start(vec![ModelReply::BreaksOff("A few words. And then it goes on, to no end.".to_owned())])
            .await;
    let api = Api::with_model(&model).await;
    let request = api.authorized("POST", CHAT).header("Accept", "text/event-stream");
    let answer = send(request.json(&json!({"message": "Hello"}))).await;
    let all = events(&answer.text);
    assert_eq!((answer.status, all.last().unwrap().0.as_str()), (200, "error"), "{}", answer.text);
    assert_eq!(all.last().unwrap().1["error"]["code"], "ai_unavailable");
    assert_eq!(api.verified_balance().await.available, 1_000);
    // Before anything was said, it is an answer like any other.
    let request = api.authorized("POST", CHAT).header("Accept", "text/event-stream");
    assert_eq!(send(request.json(&json!({}))).await.code(), (400, "validation_error".to_owned()));
    let poor = api.new_workspace(0).await;
    let key = api.new_key(poor, &Permission::ALL, |_| {}).await;
    let request = api.request("POST", CHAT).bearer_auth(&key).header("Accept", "text/event-stream");
    assert_eq!(send(request.json(&json!({"message": "Hello"}))).await.status, 402);
}

#[tokio::test]
async fn a_price_of_the_workspaces_own_is_charged() {
    let api = Api::start().await;
    let prices = [("lexi_message".to_owned(), 3)].into();
    let workspace = Workspace {
        workspace_id: api.workspace,
        name: "Test".to_owned(),
        prices,
        webhook: None,
        created_at: api.clock.now(),
    };
    api.accounts().put_workspace(&workspace).await.unwrap();
    assert_eq!(said(&api, "Hello", json!({})).await["credits_remaining"], 997);
}

/// A model that summarises badly, and otherwise repeats nothing.
fn forgetful() -> ModelReply {
    ModelReply::By(Arc::new(|request: &Value| match request["response_format"]["json_schema"]["name"].as_str() {
        Some("summarise_conversation") => ModelReply::Text(json!({"summary": "They talked."}).to_string()),
        _ => ModelReply::Text("Noted, that is clear to me now. ".repeat(60)),
    }))
}

#[tokio::test]
async fn thirty_turns_stay_within_the_window_and_nothing_that_matters_is_forgotten() {
    let model = ScriptedModel::start(vec![forgetful()]).await;
    let api = Api::with_model(&model).await;
    let mut context = json!({});
    let names = ["Amara Oduya", "Brightwell Partners", "Chidi Okafor", "Dunmore Legal"];
    for turn in 0..30 {
        let name = names[turn % names.len()];
        let filler = "and so it went on for quite a while without anything new. ".repeat(40);
        let message = format!("We met {name} about offer {}-{turn} worth ${},500, {filler}", 7_000 + turn, turn + 1);
        let answer = said(&api, &message, context.clone()).await;
        context = json!({"conversation_id": answer["conversation_id"]});
    }
    said(&api, "What did we decide?", context).await;
    let requests = model.requests();
    let chats = requests.iter().filter(|request| request["response_format"].is_null());
    let longest = chats.map(|request| request["messages"].to_string().chars().count()).max().unwrap();
    // A quarter of that is what a model counts in tokens: some ten thousand.
    assert!(longest < 48_000, "{longest}");
    let last = requests.iter().rev().find(|request| request["response_format"].is_null()).unwrap();
    let remembered = last["messages"].to_string();
    for name in names {
        assert!(remembered.contains(name), "{name}");
    }
    for turn in 0..30 {
        assert!(remembered.contains(&format!("{}-{turn}", 7_000 + turn)), "offer {turn}");
        assert!(remembered.contains(&format!("${},500", turn + 1)), "price {turn}");
    }
}

#[tokio::test]
async fn a_model_that_comes_back_may_summarise_before_it_answers() {
    let is_down = Arc::new(AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let reply = move |request: &Value| match (down.load(Ordering::SeqCst), request["response_format"].is_null()) {
        (true, _) => ModelReply::Status(503, String::new()),
        (false, true) => ModelReply::Text("Noted.".to_owned()),
        (false, false) => ModelReply::Text(json!({"summary": "They talked."}).to_string()),
    };
    let model = ScriptedModel::start(vec![ModelReply::By(Arc::new(reply))]).await;
    let api = Api::with_model(&model).await;
    let long = format!("Let me think. {}", "So it is. ".repeat(800));
    let first = said(&api, &long, json!({})).await;
    let context = json!({"conversation_id": first["conversation_id"]});
    for _ in 0..3 {
        said(&api, &long, context.clone()).await;
    }
    is_down.store(true, Ordering::SeqCst);
    let mut status = 200;
    for _ in 0..20 {
        status = chat(&api, &json!({"message": "Hello"})).await.status;
        if status == 503 {
            break;
        }
    }
    assert_eq!(status, 503, "the breaker does not open");
    is_down.store(false, Ordering::SeqCst);
    api.clock.advance(TimeDelta::minutes(5));
    // The one trial that the breaker gives is for all that this message asks: the summary, and the answer.
    let answer = said(&api, &long, context).await;
    assert_eq!(answer["response"], "Noted.");
    assert!(model.requests().iter().any(|request| !request["response_format"].is_null()));
}

#[tokio::test]
async fn decisions_are_part_of_the_summary() {
    let api = Api::start().await;
    let first = said(&api, "Find CEOs at law firms in Boston", json!({})).await;
    let dismiss = format!("/v1/lexi/tasks/{}/dismiss", first["task_id"].as_str().unwrap());
    assert_eq!(send(api.authorized("POST", &dismiss).json(&json!({"reason": "not_relevant"}))).await.status, 200);
    let context = json!({"conversation_id": first["conversation_id"]});
    for _ in 0..6 {
        said(&api, &format!("Hello {}", "again ".repeat(1_200)), context.clone()).await;
    }
    let id = shared::workflow::chats::ChatId {
        workspace_id: api.workspace,
        conversation_id: first["conversation_id"].as_str().unwrap().parse().unwrap(),
    };
    let chat = shared::workflow::chats::Chats::new(&api.stack.context).unwrap().get(id).await.unwrap().unwrap();
    assert!(chat.summarised > 0 && chat.summary.contains("(dismissed)") && chat.summary.contains("Boston"), "{chat:?}");
}

/// Messages that begin a conversation and that narrow its search, each with a call of its own failing in one way,
/// sent again with their key until they are answered.
async fn one_turn_whatever_fails(way: Way) {
    let (api, proxy) = Api::behind_a_proxy(Setup::default()).await;
    let (mut round, mut any_failed) = (0, true);
    while any_failed {
        any_failed = false;
        let mut context = json!({});
        for (step, message) in ["Find CEOs at law firms", "Filter to only New York"].into_iter().enumerate() {
            way.fail(&proxy, round);
            let once = || {
                let request = api.authorized("POST", CHAT).header("Idempotency-Key", format!("turn-{round}-{step}"));
                send(request.json(&json!({"message": message, "context": context})))
            };
            let mut answer = once().await;
            any_failed |= proxy.heal().len() > way.call(round);
            for _ in 0..5 {
                if answer.status == 200 {
                    break;
                }
                assert!([409, 503].contains(&answer.status), "{way:?} {round}: {}", answer.text);
                api.clock.advance(TimeDelta::seconds(40));
                answer = once().await;
            }
            assert_eq!(answer.status, 200, "{way:?} {round}: {}", answer.text);
            context = json!({"conversation_id": answer.json()["data"]["conversation_id"]});
        }
        round += 1;
    }
    assert!(way.call(round) > 4, "{way:?}: {round}");
    let items = tests::scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["WORK_TABLE"]).await;
    let of_kind = |kind: &str| items.iter().filter(|item| item["sk"]["S"].as_str().unwrap().starts_with(kind)).count();
    let kinds = ["conversation", "message#", "task"].map(of_kind);
    assert_eq!(kinds, [round, 4 * round, 2 * round], "{way:?}");
    let superseded = items.iter().filter(|item| item["reason"]["S"] == "superseded").count();
    assert_eq!(superseded, round, "{way:?}");
    assert_eq!(api.verified_balance().await.spent, 2 * round as u64, "{way:?}");
}

#[tokio::test]
async fn whatever_call_fails_a_message_is_one_turn_one_task_and_one_credit() {
    let log = in_every_way(one_turn_whatever_fails).await;
    assert!(!log.contains("law firms"), "the log holds what was said");
}
