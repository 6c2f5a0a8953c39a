//! No check reveals whether another workspace's object exists. The test calls every route of the template with every
//! kind of identifier of another workspace, in path, query, body and header. The answers must equal those to
//! identifiers that exist nowhere, and nothing of the other workspace may change.

use shared::base::context::FromContext;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use local::Event;
use serde_json::{Value, json};
use shared::base::clock::Random;
use shared::crm::leads::Lead;
use shared::crm::prospects::{OwnProspects, Prospect};
use shared::workspace::accounts::Role;
use shared::workspace::auth::Permission;
use tests::{Answer, Api, activity, send};
use uuid::Uuid;

/// The second base path of the routes under `/v1`.
const BASE: &str = "/functions/v1/api-gateway";

/// One identifier of each kind.
#[derive(Clone, Debug)]
struct Ids {
    contact: String,
    reference: String,
    email: String,
    /// Of a contact, and of a lead of the leads API.
    phone: String,
    user: String,
    message: String,
    conversation_of_lead: String,
    template_send: String,
    activity: String,
    site: String,
    agent: String,
    command: String,
    recommendation: String,
    delivery: String,
    task: String,
    conversation: String,
    list: String,
    list_name: String,
    campaign: String,
    prospect: String,
    /// How its idempotency keys begin.
    key: String,
}

impl Ids {
    /// What exists nowhere, and looks just as what exists.
    fn nowhere() -> Self {
        let id = || Random::from_os().uuid().to_string();
        let simple = || id().replace('-', "");
        Self {
            contact: id(),
            reference: "LD-nowhere".to_owned(),
            email: "nobody@nowhere.example".to_owned(),
            phone: "12025550199".to_owned(),
            user: id(),
            message: "wamid.nowhere".to_owned(),
            conversation_of_lead: "conversation-nowhere".to_owned(),
            template_send: "template-nowhere".to_owned(),
            activity: id(),
            site: id(),
            agent: id(),
            command: id(),
            recommendation: id(),
            delivery: format!("{}-{}-0", simple(), simple()),
            task: id(),
            conversation: id(),
            list: id(),
            list_name: "Nowhere list".to_owned(),
            campaign: id(),
            prospect: "prospect-nowhere".to_owned(),
            key: "nowhere".to_owned(),
        }
    }

    /// Each of them, with a name for it.
    fn each(&self) -> [(&'static str, &str); 21] {
        [
            ("<contact>", &self.contact),
            ("<reference>", &self.reference),
            ("<email>", &self.email),
            ("<phone>", &self.phone),
            ("<user>", &self.user),
            ("<message>", &self.message),
            ("<conversation of a lead>", &self.conversation_of_lead),
            ("<template send>", &self.template_send),
            ("<activity>", &self.activity),
            ("<site>", &self.site),
            ("<agent>", &self.agent),
            ("<command>", &self.command),
            ("<recommendation>", &self.recommendation),
            ("<delivery>", &self.delivery),
            ("<task>", &self.task),
            ("<conversation>", &self.conversation),
            ("<list>", &self.list),
            ("<list name>", &self.list_name),
            ("<campaign>", &self.campaign),
            ("<prospect>", &self.prospect),
            ("<key>", &self.key),
        ]
    }
}

/// What is put into one request: into the path after the route is filled, as query, and as body.
struct Case {
    path: String,
    body: Value,
}

fn case(path: impl Into<String>, body: Value) -> Case {
    Case { path: path.into(), body }
}

/// The requests with which somebody who has `own` tries a route with what is `foreign`. A route without them has no
/// test, and fails it.
fn cases(method: &str, route: &str, own: &Ids, foreign: &Ids, now: &str) -> Vec<Case> {
    let bare = |path: String| vec![case(path, Value::Null)];
    let posted = |body: Value| vec![case(route, body)];
    // A list as it is asked for, and with a parameter that it does not know.
    let listed = |known: &str, unknown: &str| {
        [known, unknown].map(|query| case(format!("{route}?{query}"), Value::Null)).into_iter().collect()
    };
    let by_id = |id: &str| route.replace("{id}", id);
    let lead = |user: &str, phone: &str| route.replace("{user_id}", user).replace("{customer_phone}", phone);
    let message = |user: &Ids, phone: &Ids| {
        let body = json!({
            "message_id": foreign.message, "customer_phone": phone.phone, "platform": "whatsapp", "sender": "user",
            "text": "Hello", "timestamp": now, "conversation_id": foreign.conversation_of_lead,
        });
        case(route.replace("{user_id}", &user.user), body)
    };
    match (method, route) {
        ("GET", "/health" | "/openapi.json" | "/docs") | ("ANY", "$default") => vec![],
        ("POST", "/v1/ai/suggest-followups") => [&foreign.contact, &foreign.command, &foreign.list, &foreign.task]
            .map(|id| case(route, json!({ "contact_id": id })))
            .into(),
        ("GET", "/v1/credits") => listed("page=2", &format!("workspace_id={}", foreign.contact)),
        ("POST", "/v1/contacts") => vec![
            case(route, json!({"external_ref": foreign.reference})),
            case(route, json!({"email": foreign.email, "job_title": "CEO"})),
            case(route, json!({"phone": format!("+{}", foreign.phone), "stage": "new"})),
        ],
        ("POST", "/v1/contacts/bulk") => posted(json!({"contacts": [
            {"external_ref": foreign.reference, "stage": "won"}, {"email": foreign.email, "stage": "won"},
            {"phone": format!("+{}", foreign.phone), "stage": "won"},
        ]})),
        ("POST", "/v1/activities") => vec![
            case(route, json!({"contact_id": foreign.contact, "type": "call"})),
            case(route, json!({"contact_id": own.contact, "activity_id": foreign.activity, "type": "call", "occurred_at": now})),
        ],
        ("GET", "/v1/contacts") => [&foreign.email, &foreign.reference, &foreign.phone, &foreign.contact, &foreign.prospect]
            .map(|text| case(format!("{route}?search={text}"), Value::Null))
            .into(),
        ("GET", "/v1/lists") => listed("page=1", &format!("search={}", foreign.list_name.replace(' ', "%20"))),
        ("POST", "/v1/lists") => posted(json!({"name": foreign.list_name, "list_id": foreign.list})),
        ("GET", "/v1/lists/{id}" | "/v1/lists/{id}/contacts") => [&foreign.list, &foreign.campaign, &foreign.contact]
            .map(|id| case(by_id(id), Value::Null))
            .into(),
        ("POST", "/v1/lists/{id}/contacts") => vec![
            case(by_id(&foreign.list), json!({"contact_ids": [own.contact]})),
            case(by_id(&own.list), json!({"contact_ids": [foreign.contact]})),
            case(by_id(&own.list), json!({"contact_ids": [own.contact, foreign.contact]})),
            case(by_id(&foreign.list), json!({"contact_ids": [foreign.contact]})),
        ],
        ("DELETE", "/v1/lists/{id}/contacts/{contact_id}") => [(foreign, foreign), (own, foreign), (foreign, own)]
            .map(|(list, contact)| case(by_id(&list.list).replace("{contact_id}", &contact.contact), Value::Null))
            .into(),
        ("GET", "/v1/campaigns") => listed("page=1", &format!("campaign_id={}", foreign.campaign)),
        ("GET", "/v1/campaigns/{id}" | "/v1/campaigns/{id}/drafts") => [&foreign.campaign, &foreign.list, &foreign.task]
            .map(|id| case(by_id(id), Value::Null))
            .into(),
        ("POST", "/v1/lexi/chat") => vec![
            case(route, json!({"message": "Hello", "context": {"list_id": foreign.list}})),
            case(route, json!({"message": "Hello", "context": {"campaign_id": foreign.campaign}})),
            case(route, json!({"message": "Hello", "context": {"conversation_id": foreign.conversation}})),
            case(route, json!({"message": "Hello", "context": {"conversation_id": own.conversation, "list_id": foreign.list}})),
            case(route, json!({"message": format!("Tell me about {}", foreign.email)})),
            case(route, json!({"message": format!("Who is {}", foreign.contact)})),
            case(route, json!({"message": format!("Show me the list {}", foreign.list_name)})),
            case(route, json!({"message": format!("Add {} to {}", foreign.contact, foreign.list_name)})),
            case(route, json!({"message": format!("How is the campaign {} going?", foreign.campaign)})),
            case(route, json!({"message": format!("Find {} at {}", foreign.prospect, foreign.prospect)})),
        ],
        ("GET", "/v1/lexi/tasks") => listed("page=1", &format!("conversation_id={}", foreign.conversation)),
        ("GET", "/v1/lexi/tasks/{id}") => {
            [&foreign.task, &foreign.campaign, &foreign.recommendation].map(|id| case(by_id(id), Value::Null)).into()
        }
        ("POST", "/v1/lexi/tasks/{id}/approve" | "/v1/lexi/tasks/{id}/dismiss") => {
            vec![case(by_id(&foreign.task), json!({})), case(by_id(&foreign.task), json!({"reason": "duplicate"}))]
        }
        ("GET", "/v1/lexi/conversations") => listed("page=1", &format!("conversation_id={}", foreign.conversation)),
        ("GET", "/v1/lexi/conversations/{id}") => {
            [&foreign.conversation, &foreign.task].map(|id| case(by_id(id), Value::Null)).into()
        }
        ("POST", "/api/agents/sales/leadFollowUp") => {
            let asked = |site: &Ids, lead: &Ids, more: Value| {
                let mut body = json!({"siteId": site.site, "leadId": lead.contact});
                for (name, value) in more.as_object().into_iter().flatten() {
                    body[name] = value.clone();
                }
                case(route, body)
            };
            vec![
                asked(foreign, foreign, json!({})),
                asked(own, foreign, json!({})),
                asked(foreign, own, json!({})),
                asked(own, own, json!({"agentId": foreign.agent})),
                asked(own, own, json!({"agent_id": foreign.agent, "phone_number": format!("+{}", foreign.phone)})),
                case(route, json!({"site_id": own.site, "lead_id": foreign.contact})),
                asked(own, own, json!({"leadData": {"email": foreign.email, "phone": foreign.phone}, "userId": foreign.user})),
                asked(own, own, json!({"visitorId": foreign.contact})),
            ]
        }
        ("GET", "/api/agents/commands/{id}") => {
            [&foreign.command, &foreign.recommendation, &foreign.task].map(|id| case(by_id(id), Value::Null)).into()
        }
        ("POST", "/api/v1/ai/followup/recommendation") => [&foreign.contact, &foreign.reference, &foreign.recommendation]
            .map(|id| case(route, json!({ "lead_id": id })))
            .into(),
        ("GET", "/api/v1/ai/followup/recommendations") => vec![
            case(format!("{route}?lead_id={}", foreign.contact), Value::Null),
            case(format!("{route}?lead_id={}&status=delivered", foreign.contact), Value::Null),
        ],
        ("GET", "/api/v1/ai/followup/notifications") => listed("role=representative", &format!("role=representative&lead_id={}", foreign.contact)),
        ("GET", path) if path.starts_with("/api/v1/ai/followup/recommendations/{id}") => {
            [&foreign.recommendation, &foreign.command].map(|id| case(by_id(id), Value::Null)).into()
        }
        ("POST", path) if path.starts_with("/api/v1/ai/followup/recommendations/{id}/") => {
            let later = DateTime::parse_from_rfc3339(now).unwrap() + TimeDelta::days(1);
            let known = ["approve", "reject", "snooze", "resolve", "requeue"];
            assert!(known.iter().any(|decision| path.ends_with(decision)), "{path} has no case");
            let body = match path.rsplit('/').next() {
                Some("reject") => json!({"reason": "Too long."}),
                Some("snooze") => json!({"until": later.to_rfc3339()}),
                Some("approve") => json!({"channel": "email", "draft_title": "A title", "draft_message": "Hi Jane,\n\nnow?"}),
                _ => json!({}),
            };
            let mut versioned = body.clone();
            versioned["version"] = json!(1);
            vec![case(by_id(&foreign.recommendation), body), case(by_id(&foreign.recommendation), versioned)]
        }
        ("GET", "/users/{user_id}/leads") => vec![
            case(lead(&foreign.user, ""), Value::Null),
            case(format!("{}?customer_phone={}", lead(&own.user, ""), foreign.phone), Value::Null),
            case(format!("{}?search={}", lead(&own.user, ""), foreign.email), Value::Null),
        ],
        ("GET", "/users/{user_id}/leads/stats") => bare(lead(&foreign.user, "")),
        ("GET", "/users/{user_id}/leads/{customer_phone}" | "/users/{user_id}/leads/{customer_phone}/messages") => vec![
            case(lead(&foreign.user, &foreign.phone), Value::Null),
            case(lead(&own.user, &foreign.phone), Value::Null),
            case(lead(&foreign.user, &own.phone), Value::Null),
            case(lead(&foreign.user, &format!("%2B{}", foreign.phone)), Value::Null),
        ],
        ("POST", "/users/{user_id}/messages") => {
            let mut many = message(own, own);
            many.body = json!({"messages": [many.body]});
            vec![message(foreign, foreign), message(own, foreign), message(foreign, own), many]
        }
        ("POST", "/users/{user_id}/template-sends") => [(foreign, foreign), (own, foreign), (foreign, own)]
            .map(|(user, phone)| {
                let sent = json!({"template_send_id": foreign.template_send, "customer_phone": phone.phone, "platform": "whatsapp", "sent_at": now});
                case(route.replace("{user_id}", &user.user), sent)
            })
            .into(),
        ("PUT", "/users/{user_id}/leads/{customer_phone}/extraction") => {
            let scores = json!({"intent_score": 1, "urgency_score": 1, "budget_score": 1, "fit_score": 1, "engagement_score": 1, "name": "Somebody else"});
            [(foreign, own), (own, foreign), (foreign, foreign)]
                .map(|(user, phone)| case(lead(&user.user, &phone.phone), scores.clone()))
                .into()
        }
        // Whose a delivery is, its signature says; a key is none.
        ("GET", "/webhooks/meta") => bare(format!("{route}?hub.mode=subscribe&hub.challenge=1&hub.verify_token={}", foreign.key)),
        ("POST", "/webhooks/meta") => posted(json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
            {"field": "messages", "value": {"statuses": [{"id": foreign.message, "status": "failed", "timestamp": "1760000000",
                "recipient_id": foreign.phone, "biz_opaque_callback_data": foreign.delivery}]}}]}]})),
        ("POST", "/webhooks/twilio/status" | "/webhooks/twilio/messages") => {
            posted(json!({"MessageSid": foreign.message, "From": foreign.phone, "Body": "STOP"}))
        }
        _ => panic!("{method} {route} has no case: add what another workspace could try with it"),
    }
}

/// Every route of the template.
fn routes() -> BTreeSet<(String, String)> {
    let functions = tests::parsed(&tests::template()).functions().unwrap();
    let events = functions.into_iter().flat_map(|function| function.events);
    let route = |event| if let Event::Route { method, path } = event { Some((method, path)) } else { None };
    events.filter_map(route).collect()
}

async fn ask(api: &Api, key: &str, method: &str, case: &Case, idempotency_key: String) -> Answer {
    let mut request = api.request(method, &case.path).bearer_auth(key).header("Prefer", "wait=0");
    if method == "POST" {
        request = request.header("Idempotency-Key", idempotency_key);
    }
    send(if case.body.is_null() { request } else { request.json(&case.body) }).await
}

/// An answer without what differs from request to request.
fn plain(answer: &Answer, ids: &Ids) -> (u16, String) {
    let mut text = answer.text.clone();
    for (name, id) in ids.each() {
        text = text.replace(id, name);
    }
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let is_id = rest.get(..36).is_some_and(|id| Uuid::parse_str(id).is_ok());
        let is_time = rest.get(..24).is_some_and(|at| at.ends_with('Z') && DateTime::parse_from_rfc3339(at).is_ok());
        let (shown, length) = match (is_id, is_time) {
            (true, _) => ("<id>".to_owned(), 36),
            (_, true) => ("<time>".to_owned(), 24),
            _ => (first.to_string(), first.len_utf8()),
        };
        plain.push_str(&shown);
        rest = &rest[length..];
    }
    // What a message to Lexi costs is gone for the next.
    if let Some((before, after)) = plain.clone().split_once("\"credits_remaining\":") {
        plain = format!("{before}{}", after.trim_start_matches(|one: char| one.is_ascii_digit()));
    }
    (answer.status, plain)
}

/// Everything that a workspace has in any table, by its key.
async fn items(api: &Api, workspace: Uuid) -> BTreeMap<String, Value> {
    let mut items = BTreeMap::new();
    for table in ["ACCOUNTS_TABLE", "LEADS_TABLE", "WORK_TABLE", "CREDITS_TABLE", "IDEMPOTENCY_TABLE"] {
        for item in tests::scan(&api.stack.ready.dynamodb, &api.stack.ready.environment[table]).await {
            if item.to_string().contains(&workspace.to_string()) {
                items.insert(format!("{table} {} {}", item["pk"]["S"], item["sk"]["S"]), item);
            }
        }
    }
    items
}

/// Everything that a workspace has, once nothing is at work any more.
async fn settled(api: &Api, workspace: Uuid) -> BTreeMap<String, Value> {
    let mut before = items(api, workspace).await;
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let now = items(api, workspace).await;
        if now == before {
            return now;
        }
        before = now;
    }
    panic!("the workspace does not come to rest");
}

/// A workspace that has one of everything, whose texts all hold a word.
async fn furnished(api: &mut Api, word: &str, number: u32) -> (Ids, String) {
    let workspace = api.new_workspace(1_000).await;
    let key = api.new_key(workspace, &Permission::ALL, |_| {}).await;
    (api.workspace, api.key) = (workspace, key.clone());
    // The number that a site sends from belongs to one workspace.
    let staff = api.staff((true, number == 1), &[Role::Sales, Role::Copywriter]).await;
    let (random, now) = (Random::from_os(), api.clock.now());
    let mut ids = Ids {
        contact: random.uuid().to_string(),
        reference: format!("LD-{word}"),
        email: format!("ina@{word}.example"),
        phone: format!("1202555017{number}"),
        user: random.uuid().to_string(),
        message: format!("wamid.{word}"),
        conversation_of_lead: format!("conversation-{word}"),
        template_send: format!("template-{word}"),
        site: staff.site.to_string(),
        agent: staff.sales.unwrap().to_string(),
        list_name: format!("The {word} list"),
        prospect: format!("prospect-{word}"),
        key: word.to_owned(),
        ..Ids::nowhere()
    };
    let lead = Lead {
        lead_id: ids.contact.parse().unwrap(),
        external_ref: Some(ids.reference.clone()),
        full_name: Some(format!("Ina {word}")),
        email: Some(ids.email.clone()),
        phone: Some(format!("+{}", ids.phone)),
        company_name: Some(format!("{word} Works")),
        ..Lead::default()
    };
    let happened = [activity(now, "email", 2, "Pricing", word), activity(now, "call", 3, "Hello", word)];
    ids.activity = happened[0].activity_id.to_string();
    api.leads().load(workspace, &[(lead, happened.into())]).await.unwrap();
    let prospect = Prospect {
        prospect_id: ids.prospect.clone(),
        full_name: format!("Pat {word}"),
        job_title: "CEO".to_owned(),
        company_name: format!("{word} and Sons"),
        industry: "law firms".to_owned(),
        city: Some("New York".to_owned()),
        ..Prospect::default()
    };
    OwnProspects::new(&api.stack.context).unwrap().load(workspace, &[prospect]).await.unwrap();
    let post = async |path: String, body: Value| {
        let answer = send(api.authorized("POST", &path).header("Prefer", "wait=0").json(&body)).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        let body = answer.json();
        if body["data"].is_null() { body } else { body["data"].clone() }
    };
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned();
    ids.list = text(&post("/v1/lists".to_owned(), json!({"name": ids.list_name})).await["list_id"]);
    post(format!("/v1/lists/{}/contacts", ids.list), json!({"contact_ids": [ids.contact]})).await;
    let message = json!({
        "message_id": ids.message, "customer_phone": ids.phone, "platform": "whatsapp", "sender": "user",
        "text": word, "timestamp": now, "conversation_id": ids.conversation_of_lead,
    });
    post(format!("/users/{}/messages", ids.user), message).await;
    let sent = json!({"template_send_id": ids.template_send, "customer_phone": ids.phone, "platform": "whatsapp", "sent_at": now});
    post(format!("/users/{}/template-sends", ids.user), sent).await;
    let follow_up = post(tests::FOLLOW_UP.to_owned(), json!({"siteId": ids.site, "leadId": ids.contact})).await;
    ids.command = text(&follow_up["command_ids"]["copywriter"]);
    let campaign = format!("Create an outreach campaign for my '{}' list about legal automation", ids.list_name);
    let chat = post("/v1/lexi/chat".to_owned(), json!({"message": campaign, "context": {"list_id": ids.list}})).await;
    ids.conversation = text(&chat["conversation_id"]);
    post(format!("/v1/lexi/tasks/{}/approve", text(&chat["task_id"])), json!({})).await;
    for _ in 0..100 {
        let campaigns = api.get("/v1/campaigns").await.json();
        if let Some(id) = campaigns["data"][0]["campaign_id"].as_str() {
            ids.campaign = id.to_owned();
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let chat = post("/v1/lexi/chat".to_owned(), json!({"message": "Find me 3 CEOs at law firms in New York"})).await;
    ids.task = text(&chat["task_id"]);
    let recommendation = "/api/v1/ai/followup/recommendation".to_owned();
    let id = text(&post(recommendation.clone(), json!({"lead_id": ids.contact})).await["recommendation_id"]);
    post(
        format!("/api/v1/ai/followup/recommendations/{id}/approve"),
        json!({"channel": "email", "draft_title": word, "draft_message": "Hi Ina,\n\nnow?"}),
    )
    .await;
    for _ in 0..100 {
        let outbox = api.outbox().await;
        if let Some(sent) = outbox.iter().find(|sent| sent["to"] == *ids.email) {
            ids.delivery = text(&sent["delivery_id"]);
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ids.recommendation = text(&post(recommendation, json!({"lead_id": ids.contact})).await["recommendation_id"]);
    (ids, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_identifier_of_another_workspace_works_on_any_route_or_tells_that_it_exists() {
    let mut api = Api::without_scoring().await;
    let (mine, my_key) = furnished(&mut api, "aardwolf", 1).await;
    let my_workspace = api.workspace;
    let (theirs, their_key) = furnished(&mut api, "bandicoot", 2).await;
    let nowhere = Ids::nowhere();
    let now = api.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let routes = routes();
    let requests = |own: &Ids, foreign: &Ids| {
        let mut requests = Vec::new();
        for (method, path) in &routes {
            let route = path.strip_prefix(BASE).unwrap_or(path);
            for (number, mut case) in cases(method, route, own, foreign, &now).into_iter().enumerate() {
                if path != route {
                    case.path = format!("{BASE}{}", case.path);
                }
                requests.push((method.clone(), case, format!("{}-{path}-{number}", foreign.key)));
            }
        }
        requests
    };

    // Whose they are can use them, so they are what they seem to be; and the keys are used.
    let mut found = 0;
    for (method, case, key) in requests(&mine, &mine) {
        let answer = ask(&api, &my_key, &method, &case, key).await;
        assert!(answer.status < 500, "{method} {}: {}", case.path, answer.text);
        found += usize::from(answer.status < 300);
    }
    assert!(found > 60, "{found}");
    let before = settled(&api, my_workspace).await;
    assert!(before.len() > 100, "{}", before.len());

    let stolen = requests(&theirs, &mine);
    let unknown = requests(&theirs, &nowhere);
    assert_eq!(stolen.len(), unknown.len());
    let mut tried = 0;
    for ((method, case, key), (_, same, other_key)) in stolen.into_iter().zip(unknown) {
        let there = ask(&api, &their_key, &method, &case, key).await;
        let nothing = ask(&api, &their_key, &method, &same, other_key).await;
        let what = format!("{method} {} {}", case.path, case.body);
        assert_eq!(plain(&there, &mine), plain(&nothing, &nowhere), "{what}");
        assert_eq!(there.header("idempotent-replayed"), "", "{what}");
        assert!(there.status < 500, "{what}: {}", there.text);
        // Nothing is told that was not asked with.
        let asked = format!("{} {}", case.path, case.body).to_lowercase();
        for (name, id) in mine.each() {
            let id = id.to_lowercase();
            assert!(
                asked.contains(&id) || !there.text.to_lowercase().contains(&id),
                "{what} tells {name}: {}",
                there.text
            );
        }
        tried += 1;
    }
    assert!(tried > 120, "{tried}");
    // Nothing has changed, or come, or gone.
    let after = settled(&api, my_workspace).await;
    let differing: Vec<_> =
        before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key)).collect();
    assert_eq!(differing, Vec::<&String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_finds_no_prospect_of_another_workspace() {
    let mut api = Api::without_scoring().await;
    furnished(&mut api, "aardwolf", 1).await;
    let key = api.new_key(api.new_workspace(100).await, &Permission::ALL, |_| {}).await;
    let ask =
        async |path: &str, body: Value| send(api.request("POST", path).bearer_auth(&key).json(&body)).await.json();
    let proposed = ask("/v1/lexi/chat", json!({"message": "Find me 3 CEOs at law firms in New York"})).await;
    let task = proposed["data"]["task_id"].as_str().unwrap();
    ask(&format!("/v1/lexi/tasks/{task}/approve"), json!({})).await;
    let mut shown = Value::Null;
    for _ in 0..200 {
        shown =
            send(api.request("GET", &format!("/v1/lexi/tasks/{task}")).bearer_auth(&key)).await.json()["data"].clone();
        if shown["status"] == "completed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((&shown["status"], &shown["result"]["found"]), (&json!("completed"), &json!(0)), "{shown}");
    assert!(!shown.to_string().contains("aardwolf"), "{shown}");
}
