//! Erasing a person: after it no table holds anything of them, the ledger is whole, everybody else is as before, and
//! whoever is interrupted may erase again. Somebody who did not want to be contacted still is not.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::base::channel::Channel;
use shared::base::context::{Context, FromContext};
use shared::base::store::s;
use shared::crm::leads::{Lead, SuppressedBy};
use shared::crm::prospects::{OwnProspects, Prospect};
use shared::workflow::erasure::{Erasure, ErasureReport, Subject};
use shared::workspace::accounts::Role;
use shared::workspace::auth::Permission;
use tests::leads_api::{USER, extract, listed, post};
use tests::{Answer, Api, CONTACT, FOLLOW_UP, Fault, FaultProxy, activity, send};
use uuid::Uuid;

const RECOMMENDATION: &str = "/api/v1/ai/followup/recommendation";
const RECOMMENDATIONS: &str = "/api/v1/ai/followup/recommendations";
const CHAT: &str = "/v1/lexi/chat";

/// The person, and words that nobody else's data holds.
const LEAD: Uuid = Uuid::from_u128(0x5eed_0000_0000_4000_8000_0000_0000_0e4a);
const NUMBER: &str = "447700900123";
const MARKERS: [&str; 8] = [
    "Quentina",
    "Zellweger",
    "zellweger",
    "quentina@",
    "7700900123",
    "Ombrellone",
    "gramophone",
    "5eed0000-0000-4000-8000-000000000e4a",
];

fn person() -> Lead {
    Lead {
        lead_id: LEAD,
        full_name: Some("Quentina Zellweger".to_owned()),
        email: Some("quentina@ombrellone.example".to_owned()),
        phone: Some(format!("+{NUMBER}")),
        company_name: Some("Ombrellone Ltd".to_owned()),
        job_title: Some("Director".to_owned()),
        ..Lead::default()
    }
}

async fn posted(api: &Api, path: &str, body: &Value) -> Value {
    let answer = send(api.authorized("POST", path).json(body)).await;
    assert!(answer.status < 300, "{path}: {}", answer.text);
    answer.json()
}

async fn said(api: &Api, message: &str) -> Value {
    let request = api.authorized("POST", CHAT).header("Idempotency-Key", format!("chat-{}", message.len()));
    let answer = send(request.json(&json!({ "message": message }))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

/// A stack with the person, of whom there is something of every kind, and Jane, with whom the same was done.
async fn known() -> Api {
    let api = Api::without_scoring().await;
    let staff = api.staff((true, true), &[Role::Sales, Role::Copywriter]).await;
    let now = api.clock.now();
    let history = vec![
        activity(now, "meeting", 2, "Discovery call", "Asked for pricing of the gramophone."),
        activity(now, "email", 5, "Re: Introduction", "How do you charge for a gramophone?"),
    ];
    api.leads().load(api.workspace, &[(person(), history)]).await.unwrap();
    for (number, id) in [(NUMBER, "q"), ("12025550142", "j")] {
        let said = json!({
            "message_id": id, "customer_phone": number, "platform": "whatsapp", "sender": "user",
            "text": if id == "q" { "Is the gramophone still there?" } else { "What does it cost?" },
            "timestamp": now, "phone_number_id": "1",
        });
        assert_eq!(post(&api, "messages", &said).await.status, 200);
    }
    let send_of = json!({
        "template_send_id": "t1", "customer_phone": NUMBER, "platform": "whatsapp", "sent_at": now - TimeDelta::days(3),
    });
    assert_eq!(post(&api, "template-sends", &send_of).await.status, 200);
    let identity = json!({"name": "Quentina Zellweger", "company": "Ombrellone Ltd"});
    assert_eq!(extract(&api, NUMBER, [3, 2, 2, 2, 3], identity).await.status, 200);
    OwnProspects::new(&api.stack.context)
        .unwrap()
        .load(
            api.workspace,
            &[
                Prospect {
                    prospect_id: "p1".to_owned(),
                    full_name: "Quentina Zellweger".to_owned(),
                    job_title: "Director".to_owned(),
                    company_name: "Ombrellone Ltd".to_owned(),
                    industry: "law firms".to_owned(),
                    email: Some("quentina@ombrellone.example".to_owned()),
                    ..Prospect::default()
                },
                Prospect {
                    prospect_id: "p2".to_owned(),
                    full_name: "Pat Kept".to_owned(),
                    job_title: "Director".to_owned(),
                    company_name: "Kept Ltd".to_owned(),
                    industry: "law firms".to_owned(),
                    ..Prospect::default()
                },
            ],
        )
        .await
        .unwrap();
    let list = posted(&api, "/v1/lists", &json!({"name": "Q1 Leads"})).await["data"]["list_id"].clone();
    let list_path = format!("/v1/lists/{}/contacts", list.as_str().unwrap());
    posted(&api, &list_path, &json!({"contact_ids": [LEAD, CONTACT]})).await;
    for contact in [LEAD, CONTACT] {
        let suggest = api.authorized("POST", tests::SUGGEST).header("Idempotency-Key", format!("suggest-{contact}"));
        assert_eq!(send(suggest.json(&json!({"contact_id": contact}))).await.status, 200);
        let followed = posted(&api, FOLLOW_UP, &json!({"siteId": staff.site, "leadId": contact})).await;
        assert_eq!(followed["success"], true);
        let made = posted(&api, RECOMMENDATION, &json!({"lead_id": contact})).await;
        let id = made["recommendation_id"].as_str().unwrap().to_owned();
        let title = if contact == LEAD { "The gramophone?" } else { "Your question" };
        let edit = json!({"channel": "email", "draft_title": title, "draft_message": "Hello,\n\nshall we talk?"});
        posted(&api, &format!("{RECOMMENDATIONS}/{id}/approve"), &edit).await;
        until(&api, &format!("{RECOMMENDATIONS}/{id}"), "delivered").await;
    }
    // The representative is to call.
    let made = posted(&api, RECOMMENDATION, &json!({"lead_id": LEAD})).await;
    let id = made["recommendation_id"].as_str().unwrap().to_owned();
    let call = json!({"channel": "phone_call", "draft_message": "Ask about the gramophone."});
    posted(&api, &format!("{RECOMMENDATIONS}/{id}/approve"), &call).await;
    until(&api, &format!("{RECOMMENDATIONS}/{id}"), "delivered").await;
    for message in [
        "Create an outreach campaign for my 'Q1 Leads' list about legal automation",
        "Find me 20 directors at law firms",
    ] {
        let task = said(&api, message).await["task_id"].clone();
        let task = format!("/v1/lexi/tasks/{}", task.as_str().unwrap());
        posted(&api, &format!("{task}/approve"), &json!({})).await;
        until_data(&api, &task, "completed").await;
    }
    said(&api, "Change the stage of Quentina Zellweger to qualified").await;
    said(&api, "Change the stage of Jane Smith to qualified").await;
    api
}

async fn until_data(api: &Api, path: &str, status: &str) {
    let mut shown = Value::Null;
    for _ in 0..200 {
        shown = api.get(path).await.json();
        if shown["data"]["status"] == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not become {status}: {shown}");
}

async fn until(api: &Api, path: &str, status: &str) {
    let mut shown = Value::Null;
    for _ in 0..200 {
        shown = api.get(path).await.json();
        if shown["status"] == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not become {status}: {shown}");
}

fn tables(api: &Api) -> [&str; 5] {
    ["ACCOUNTS_TABLE", "LEADS_TABLE", "CREDITS_TABLE", "IDEMPOTENCY_TABLE", "WORK_TABLE"]
        .map(|name| api.stack.ready.environment[name].as_str())
}

/// Every item that holds a marker, but for what may stay: audit events, and the word for rows in memory, which hold
/// the identifier that the lead had.
async fn left(api: &Api) -> Vec<Value> {
    let mut left = Vec::new();
    for table in tables(api) {
        for item in tests::scan(&api.stack.ready.dynamodb, table).await {
            let sk = item["sk"]["S"].as_str().unwrap_or_default();
            let markers =
                if sk.starts_with("event#") || sk.starts_with("erased#") { &MARKERS[..7] } else { &MARKERS[..] };
            if markers.iter().any(|marker| item.to_string().contains(marker)) {
                left.push(item);
            }
        }
    }
    left
}

/// Everything that is stored of Jane, and the ledger, by key.
async fn others(api: &Api) -> BTreeMap<String, Value> {
    let mut items = BTreeMap::new();
    for table in tables(api) {
        for item in tests::scan(&api.stack.ready.dynamodb, table).await {
            let text = item.to_string();
            if ["Jane", "12025550142", &CONTACT.to_string()].iter().any(|own| text.contains(own))
                || table.contains("credits")
            {
                items.insert(format!("{table} {} {}", item["pk"]["S"], item["sk"]["S"]), item);
            }
        }
    }
    items
}

fn erasure(context: &Context) -> Erasure {
    Erasure::new(context).unwrap()
}

async fn erase(api: &Api, wanted: Subject) -> ErasureReport {
    erasure(&api.stack.context).erase(api.workspace, &wanted).await.unwrap()
}

async fn status(api: &Api, path: &str) -> u16 {
    api.get(path).await.status
}

async fn suggested(api: &Api) -> Answer {
    let request = api.authorized("POST", tests::SUGGEST).header("Idempotency-Key", format!("suggest-{LEAD}"));
    send(request.json(&json!({"contact_id": LEAD}))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_a_person_and_everybody_else_is_as_before() {
    let api = known().await;
    assert!(left(&api).await.len() > 20, "there is much to be erased");
    assert!(listed(&api, "").await.contains(&NUMBER.to_owned()), "the rows are in memory");
    let recommendations = api.get(&format!("{RECOMMENDATIONS}?lead_id={LEAD}&status=delivered")).await;
    let recommendation = recommendations.json()["recommendations"][0]["recommendation_id"].clone();
    let (before, balance) = (others(&api).await, api.verified_balance().await);

    let wanted = Subject::Email("quentina@ombrellone.example".to_owned());
    let there = erasure(&api.stack.context).look(api.workspace, &wanted).await.unwrap();
    assert_eq!(others(&api).await, before, "a look changes nothing");
    let erased = erase(&api, wanted.clone()).await;
    assert_eq!(erased, there, "what was seen is what was erased");
    for kind in [
        "contacts",
        "identities",
        "activities",
        "conversations",
        "messages",
        "template_sends",
        "extractions",
        "recommendations",
        "commands",
        "list_places",
        "tasks",
        "lexi_conversations",
        "stored_answers",
        "notifications",
        "campaign_entries",
        "found_prospects",
        "prospects",
    ] {
        assert!(erased.counts.contains_key(kind), "{kind}: {erased:?}");
    }

    assert_eq!(left(&api).await, Vec::<Value>::new());
    assert_eq!(others(&api).await, before);
    assert_eq!(api.verified_balance().await, balance);

    let recommendation = recommendation.as_str().unwrap();
    for path in [
        format!("/users/{USER}/leads/{NUMBER}"),
        format!("/users/{USER}/leads/{NUMBER}/messages"),
        format!("{RECOMMENDATIONS}/{recommendation}"),
        format!("{RECOMMENDATIONS}/{recommendation}/audit"),
    ] {
        assert_eq!(status(&api, &path).await, 404, "{path}");
    }
    assert_eq!(listed(&api, "").await, ["12025550142"], "also not in memory");
    assert_eq!(api.get("/v1/contacts?search=zellweger").await.json()["meta"]["total"], 0);
    assert_eq!(api.get(&format!("{RECOMMENDATIONS}?lead_id={LEAD}")).await.json()["recommendations"], json!([]));
    assert_eq!(suggested(&api).await.status, 404, "also by the key of an answer that was given");
    assert_eq!(api.suggest(&json!({"contact_id": LEAD})).await.status, 404);
    assert_eq!(api.verified_balance().await, balance, "nothing is charged for that");

    assert_eq!(erase(&api, wanted).await.counts, Default::default(), "again there is nothing");
    assert_eq!(erase(&api, Subject::Lead(LEAD)).await.counts, Default::default());

    let again = json!({
        "message_id": "q", "customer_phone": NUMBER, "platform": "whatsapp", "sender": "user",
        "text": "Hello again", "timestamp": api.clock.now(),
    });
    assert_eq!(post(&api, "messages", &again).await.status, 200);
    let lead = api.get(&format!("/users/{USER}/leads/{NUMBER}")).await.json()["data"].clone();
    assert_eq!(
        (&lead["total_messages"], &lead["template_sends_count"], &lead["name"]),
        (&json!(1), &json!(0), &Value::Null)
    );
    assert_ne!(lead["lead_id"], LEAD.to_string());
    assert!(listed(&api, "").await.contains(&NUMBER.to_owned()));

    // An erasure that was interrupted has left the link to the row.
    let link = api.stack.context.dynamodb.put_item().table_name(&api.stack.ready.environment["LEADS_TABLE"]);
    let link = link.item("pk", s(format!("W#{}#L#{LEAD}", api.workspace)));
    let link = link.item("sk", s(format!("row#{USER}#{NUMBER}"))).item("user_id", s(USER));
    link.item("customer_phone", s(NUMBER)).send().await.unwrap();
    let erased = erase(&api, Subject::Lead(LEAD)).await;
    assert_eq!(erased.counts, BTreeMap::from([("links", 1)]));
    let messages = api.get(&format!("/users/{USER}/leads/{NUMBER}/messages")).await.json();
    assert_eq!(messages["data"]["messages"].as_array().map(Vec::len), Some(1), "{messages}");
}

/// Somebody of whom nothing but what was written is known, and the address that was found in it.
async fn writes(api: &Api, number: &str, email: &str) -> Uuid {
    let message = json!({
        "message_id": number, "customer_phone": number, "platform": "whatsapp", "sender": "user",
        "text": "The gramophone, please", "timestamp": api.clock.now(),
    });
    assert_eq!(post(api, "messages", &message).await.status, 200);
    assert_eq!(extract(api, number, [3, 2, 2, 2, 3], json!({ "email": email })).await.status, 200);
    let shown = api.get(&format!("/users/{USER}/leads/{number}")).await.json();
    shown["data"]["lead_id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_only_a_list_shows_finds_the_person() {
    let api = Api::without_scoring().await;
    let lead_id = writes(&api, NUMBER, "Quentina@ombrellone.example").await;
    let wanted = Subject::Email("quentina@ombrellone.example".to_owned());
    let erased = erase(&api, wanted.clone()).await;
    assert_eq!(erased.lead_id, Some(lead_id));
    assert_eq!(left(&api).await, Vec::<Value>::new());

    // Of two it is not known whether they are one.
    let both = [writes(&api, NUMBER, "quentina@ombrellone.example").await, {
        writes(&api, "447700900124", "quentina@ombrellone.example").await
    }];
    let found = erase(&api, wanted.clone()).await;
    assert_eq!((found.lead_id, found.shown_by), (None, both.into()));
    assert!(found.named_elsewhere > 0);
    for lead_id in both {
        erase(&api, Subject::Lead(lead_id)).await;
    }
    assert_eq!(erase(&api, wanted).await, ErasureReport::default());
    assert_eq!(left(&api).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_between_look_and_erasure_is_seen_by_the_next_pass() {
    let api = Api::without_scoring().await;
    api.leads().load(api.workspace, &[(person(), Vec::new())]).await.unwrap();
    posted(&api, "/v1/lists", &json!({"name": "For Quentina Zellweger"})).await;
    let work = &api.stack.ready.environment["WORK_TABLE"];
    let items = tests::scan(&api.stack.ready.dynamodb, work).await;
    let list = items.iter().find(|item| item["name"]["S"] == "For Quentina Zellweger").unwrap();
    let proxy = FaultProxy::start().await;
    proxy.set_upstream(&api.stack.ready.dynamodb).await;
    let context = api.context(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]);
    proxy.slow_down(Duration::from_millis(300));
    let erasure = erasure(&context);
    let meanwhile = async {
        // The sixth call, the last of the look, is under way.
        tokio::time::sleep(Duration::from_millis(1_650)).await;
        api.leads().suppress(api.workspace, LEAD, SuppressedBy::Stop).await.unwrap();
        let renamed = api.stack.context.dynamodb.update_item().table_name(work);
        let renamed = renamed.key("pk", s(list["pk"]["S"].as_str().unwrap()));
        let renamed = renamed.key("sk", s(list["sk"]["S"].as_str().unwrap())).update_expression("SET #name = :name");
        let renamed = renamed.expression_attribute_names("#name", "name");
        renamed.expression_attribute_values(":name", s("All for Quentina Zellweger")).send().await.unwrap();
        proxy.heal();
    };
    let (erased, ()) = tokio::join!(erasure.erase(api.workspace, &Subject::Lead(LEAD)), meanwhile);
    assert_eq!(erased.unwrap().counts["texts"], 1);
    assert_eq!(left(&api).await, Vec::<Value>::new());
    assert!(api.leads().was_suppressed(api.workspace, &person()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_dies_anywhere_is_finished_by_the_next() {
    let api = known().await;
    let balance = api.verified_balance().await;
    let proxy = FaultProxy::start().await;
    proxy.set_upstream(&api.stack.ready.dynamodb).await;
    let context = api.context(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]);
    let mut deaths = 0;
    for call in 0.. {
        proxy.heal();
        // Each call is tried four times: it, and whatever follows, is not answered.
        proxy.fail(call, 1_000, if call % 2 == 0 { Fault::After } else { Fault::Before });
        match erasure(&context).erase(api.workspace, &Subject::Phone(format!("+{NUMBER}"))).await {
            Ok(_) => break,
            Err(_) => deaths += 1,
        }
    }
    assert!(deaths > 8, "{deaths}");
    assert_eq!(left(&api).await, Vec::<Value>::new());
    assert_eq!(api.verified_balance().await, balance);
    assert_eq!(listed(&api, "").await, ["12025550142"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_come_meanwhile_belong_to_nobody_who_was_erased() {
    let api = known().await;
    let writes = async {
        for number in 0..30 {
            let message = json!({
                "message_id": format!("m{number}"), "customer_phone": NUMBER, "platform": "whatsapp", "sender": "user",
                "text": "Hello", "timestamp": api.clock.now(),
            });
            assert_eq!(post(&api, "messages", &message).await.status, 200);
        }
    };
    // It may give up while others keep writing.
    let (erasure, wanted) = (erasure(&api.stack.context), Subject::Lead(LEAD));
    let (_, ()) = tokio::join!(erasure.erase(api.workspace, &wanted), writes);
    erase(&api, Subject::Lead(LEAD)).await;
    assert!(left(&api).await.iter().all(|item| !item.to_string().contains("Zellweger")));
    // Whatever is left is whole: a row with its lead, and as many messages as it counts.
    let lead = api.get(&format!("/users/{USER}/leads/{NUMBER}")).await;
    if lead.status == 200 {
        let lead = &lead.json()["data"];
        let messages = api.get(&format!("/users/{USER}/leads/{NUMBER}/messages")).await.json();
        assert_eq!(lead["total_messages"], messages["data"]["messages"].as_array().unwrap().len(), "{lead}");
        assert_ne!(lead["lead_id"], LEAD.to_string());
    }
}

#[tokio::test]
async fn whoever_asked_not_to_be_contacted_is_not_contacted_after_an_import() {
    let api = Api::without_scoring().await;
    api.staff((true, false), &[Role::Sales]).await;
    api.leads().load(api.workspace, &[(person(), Vec::new())]).await.unwrap();
    api.leads().suppress(api.workspace, LEAD, SuppressedBy::Stop).await.unwrap();
    erase(&api, Subject::Lead(LEAD)).await;
    assert_eq!(left(&api).await, Vec::<Value>::new());
    let imported = Lead { lead_id: Uuid::from_u128(9), phone: None, ..person() };
    let history = (1..4).map(|days| activity(api.clock.now(), "email", days, "Introduction", "Who we are.")).collect();
    api.leads().load(api.workspace, &[(imported, history)]).await.unwrap();
    let refused = send(api.authorized("POST", RECOMMENDATION).json(&json!({"lead_id": Uuid::from_u128(9)}))).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(refused.json()["error"]["details"]["is_suppressed"], true);
}

#[tokio::test]
async fn a_recommendation_about_another_that_holds_the_number_is_counted_and_stays() {
    let api = Api::without_scoring().await;
    api.leads().load(api.workspace, &[(person(), Vec::new())]).await.unwrap();
    let before = erase(&api, Subject::Lead(Uuid::from_u128(9))).await.named_elsewhere;
    let put = api.stack.context.dynamodb.put_item().table_name(&api.stack.ready.environment["WORK_TABLE"]);
    let put =
        put.item("pk", s(format!("W#{}#R#{}", api.workspace, Uuid::from_u128(8)))).item("sk", s("recommendation"));
    let put = put.item("lead_id", s(CONTACT)).item("draft_message", s(format!("Ask at +{NUMBER}.")));
    put.send().await.unwrap();
    assert_eq!(erase(&api, Subject::Lead(LEAD)).await.named_elsewhere, before + 1);
    assert_eq!(left(&api).await.len(), 1);
}

#[tokio::test]
async fn a_person_is_erased_from_one_workspace_alone() {
    let api = Api::without_scoring().await;
    let other = api.new_workspace(10).await;
    let theirs = api.new_key(other, &Permission::ALL, |_| {}).await;
    api.channel(api.workspace, Channel::Whatsapp, "1").await;
    erase(&api, Subject::Email("jane@acme.example".to_owned())).await;
    assert_eq!(api.suggest(&json!({"contact_id": CONTACT})).await.status, 404);
    let request = api.request("POST", tests::SUGGEST).bearer_auth(theirs).json(&json!({"contact_id": CONTACT}));
    assert_eq!(send(request).await.status, 200);
}
