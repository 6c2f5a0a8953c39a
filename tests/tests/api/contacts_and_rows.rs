//! A row of the lead list and a contact are one lead, whichever was there first: they show the same
//! person, and suggestions see what was written.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use cli::demo;
use functions::lead_scorer::{LeadScorer, Outcome};
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::base::channel::Channel;
use shared::base::context::{Context, FromContext};
use shared::crm::conversations::scoring::DueLead;
use shared::workspace::auth::Permission;
use tests::meta::{INSTAGRAM, PHONE, USER, value, whatsapp};
use tests::{Answer, Api, CONTACT, Fault, FaultProxy, ModelReply, ScriptedModel, Setup, scan, send, suggestion};
use uuid::Uuid;

const LEAD: &str = "16505551234";

async fn post(api: &Api, path: &str, body: &Value) -> Answer {
    send(api.authorized("POST", path).json(body)).await
}

async fn contact(api: &Api, body: Value) -> Value {
    let answer = post(api, "/v1/contacts", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

/// Records a message of `user`'s lead, written so many days ago.
async fn write_of(api: &Api, user: &str, lead: &str, sender: &str, days: i64, text: &str) {
    let platform = if lead.starts_with("web") { "webchat" } else { "whatsapp" };
    let body = json!({
        "message_id": api.stack.context.random.uuid(), "customer_phone": lead, "platform": platform, "sender": sender,
        "text": text, "timestamp": (api.clock.now() - TimeDelta::days(days)).to_rfc3339(),
    });
    let answer = post(api, &format!("/users/{user}/messages"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn write(api: &Api, lead: &str, text: &str) {
    write_of(api, USER, lead, "user", 0, text).await;
}

async fn row(api: &Api, lead: &str) -> Value {
    api.get(&format!("/users/{USER}/leads/{lead}")).await.json()["data"].clone()
}

async fn listed(api: &Api) -> Vec<Value> {
    api.get(&format!("/users/{USER}/leads")).await.json()["data"].as_array().unwrap().clone()
}

async fn summary(api: &Api, lead_id: &Value) -> String {
    let answer = api.suggest(&json!({ "contact_id": lead_id })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"]["activity_summary"].as_str().unwrap().to_owned()
}

/// How many leads the workspace has besides the example contact.
async fn leads(api: &Api) -> usize {
    api.leads().all(api.workspace).await.unwrap().len() - 1
}

fn who(row: &Value) -> [Value; 3] {
    ["name", "email", "company"].map(|name| row[name].clone())
}

#[tokio::test]
async fn a_whatsapp_message_makes_a_contact_whose_messages_suggestions_see() {
    let mut reconnect = suggestion("call");
    (reconnect["reason"], reconnect["draft_body"]) = (json!("Kerry asked what it costs."), Value::Null);
    let model = ScriptedModel::start(vec![ModelReply::Text(json!({"suggestions": [reconnect]}).to_string())]);
    let model = model.await;
    let api = Api::with(Setup { model: Some(model.as_model()), ..Setup::without_scoring() }).await;
    api.channel(api.workspace, Channel::Whatsapp, PHONE).await;
    let at = (api.clock.now() - TimeDelta::days(2)).timestamp().to_string();
    let message =
        json!({"from": LEAD, "id": "wamid.1", "timestamp": at, "type": "text", "text": {"body": "What does it cost?"}});
    let contacts = json!([{"profile": {"name": "Kerry Fisher"}, "wa_id": LEAD}]);
    api.deliver(&whatsapp(&[value(PHONE, json!({"contacts": contacts, "messages": [message]}))])).await;
    api.all_recorded().await;
    write_of(&api, USER, LEAD, "agent", 1, "Ten a month.").await;
    write_of(&api, USER, LEAD, "user", 100, "hi").await;

    let lead_id = row(&api, LEAD).await["lead_id"].clone();
    let said = summary(&api, &lead_id).await;
    assert!(
        said.starts_with("2 WhatsApp messages with Kerry in the last 7 days; last touch was a WhatsApp message on ")
    );
    let facts: Value = serde_json::from_str(model.requests()[0]["messages"][1]["content"].as_str().unwrap()).unwrap();
    let told: Vec<_> = facts["activity"].as_array().unwrap().iter().collect();
    let told: Vec<_> =
        told.iter().map(|one| ["type", "direction", "text", "title"].map(|name| one[name].clone())).collect();
    assert_eq!(
        told,
        [
            [json!("whatsapp"), json!("outbound"), json!("Ten a month."), Value::Null],
            [json!("whatsapp"), json!("inbound"), json!("What does it cost?"), Value::Null],
        ]
    );
    assert_eq!(facts["last_touch_before"]["text"], "hi");
    assert!(facts["contact"]["reachable_by"].as_array().unwrap().contains(&json!("whatsapp")), "{facts}");
    assert!(!facts.to_string().contains(LEAD));
}

#[tokio::test]
async fn messages_take_their_place_among_activities_and_many_are_counted_in_full() {
    let api = Api::without_scoring().await;
    for number in 0..120 {
        write_of(&api, USER, "web-1", "user", 3, &format!("text {number}")).await;
    }
    let lead_id = row(&api, "web-1").await["lead_id"].clone();
    let at = (api.clock.now() - TimeDelta::days(1)).to_rfc3339();
    let call = json!({"contact_id": lead_id, "type": "call", "title": "Pricing call", "occurred_at": at});
    assert_eq!(post(&api, "/v1/activities", &call).await.json()["data"]["duplicate"], false);
    let said = summary(&api, &lead_id).await;
    assert!(
        said.starts_with(
            "120 webchat messages and 1 call with this contact in the last 7 days; last touch was a pricing call on "
        ),
        "{said}"
    );
    // A provider's clock may be ahead; what was written is still not planned.
    write_of(&api, USER, "web-1", "user", -1, "from tomorrow").await;
    let said = summary(&api, &lead_id).await;
    assert!(said.starts_with("121 webchat messages") && !said.contains("planned"), "{said}");
}

#[tokio::test]
async fn a_contact_that_writes_later_is_one_lead_and_its_details_show_until_an_extraction_says_otherwise() {
    let api = Api::without_scoring().await;
    let ada = json!({"external_ref": "LD-2048", "full_name": "Ada Byron", "email": "ada@engine.example", "phone": "+1 650 555 1234", "company_name": "Engines"});
    let ada = contact(&api, ada).await;
    write(&api, LEAD, "hello").await;
    let stands = row(&api, LEAD).await;
    assert_eq!(stands["lead_id"], ada["contact_id"]);
    assert_eq!(who(&stands), [json!("Ada Byron"), json!("ada@engine.example"), json!("Engines")]);
    assert_eq!(who(&listed(&api).await[0]), who(&stands));
    // The address that is shown is what is filtered and counted by.
    for (filter, found) in [("true", 1), ("false", 0)] {
        let answer = api.get(&format!("/users/{USER}/leads?has_email={filter}")).await.json();
        assert_eq!(answer["pagination"]["total"], found, "{filter}");
    }
    assert_eq!(leads(&api).await, 1);
    assert!(summary(&api, &ada["contact_id"]).await.starts_with("1 WhatsApp message with Ada"));

    let scores = json!({"name": "Countess", "email": "c@x.example", "intent_score": 1, "urgency_score": 1, "budget_score": 1, "fit_score": 1, "engagement_score": 1});
    let path = format!("/users/{USER}/leads/{LEAD}/extraction");
    assert_eq!(send(api.authorized("PUT", &path).json(&scores)).await.status, 200);
    let extracted = [json!("Countess"), json!("c@x.example"), json!("Engines")];
    assert_eq!(who(&row(&api, LEAD).await), extracted);
    contact(&api, json!({"external_ref": "LD-2048", "full_name": "Ada Lovelace"})).await;
    assert_eq!(who(&row(&api, LEAD).await), extracted);
}

#[tokio::test]
async fn a_contact_that_is_told_later_shows_in_every_row_of_its_lead() {
    let api = Api::without_scoring().await;
    write_of(&api, USER, LEAD, "user", 0, "hello").await;
    write_of(&api, "another", LEAD, "user", 0, "hello").await;
    let before = listed(&api).await;
    assert_eq!(who(&before[0]), [Value::Null, Value::Null, Value::Null]);
    let created = contact(&api, json!({"phone": LEAD, "full_name": "Ada Byron", "company_name": "Engines"})).await;
    assert_eq!((&created["status"], &created["contact_id"]), (&json!("updated"), &before[0]["lead_id"]));
    let expected = [json!("Ada Byron"), Value::Null, json!("Engines")];
    assert_eq!((who(&listed(&api).await[0]), who(&row(&api, LEAD).await)), (expected.clone(), expected.clone()));
    let another = api.get("/users/another/leads?search=byron").await.json()["data"][0].clone();
    assert_eq!((&another["lead_id"], who(&another)), (&before[0]["lead_id"], expected));
    // The row goes on counting.
    write(&api, LEAD, "again").await;
    let stands = row(&api, LEAD).await;
    assert_eq!((&stands["total_messages"], &stands["name"]), (&json!(2), &json!("Ada Byron")));
    // As an import writes leads.
    let mut lead =
        api.leads().all(api.workspace).await.unwrap().into_iter().find(|lead| lead.lead_id != CONTACT).unwrap();
    lead.email = Some("ada@engine.example".to_owned());
    assert!(api.leads().put(api.workspace, &lead).await.unwrap());
    assert_eq!(row(&api, LEAD).await["email"], "ada@engine.example");
    assert_eq!(leads(&api).await, 1);
}

#[tokio::test]
async fn a_lead_of_more_users_than_one_transaction_takes_is_told_to_all() {
    let api = Api::without_scoring().await;
    for user in 0..101 {
        write_of(&api, &format!("user-{user}"), LEAD, "user", 0, "hello").await;
    }
    contact(&api, json!({"phone": LEAD, "full_name": "Ada Byron"})).await;
    for user in 0..101 {
        let lead = api.get(&format!("/users/user-{user}/leads/{LEAD}")).await.json()["data"].clone();
        assert_eq!(lead["name"], "Ada Byron", "{user}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_and_contacts_of_a_new_number_all_at_once_make_one_lead() {
    let api = Api::without_scoring().await;
    let (api, body) = (
        &api,
        |number: usize| json!({"phone": "+16505551234", "full_name": format!("Ada {number}"), "external_ref": "A"}),
    );
    let messages = (0..20).map(|number| async move {
        write_of(api, if number % 2 == 0 { USER } else { "another" }, LEAD, "user", 0, &number.to_string()).await;
    });
    let contacts = (0..20).map(|number| contact(api, body(number)));
    let (_, contacts) = tokio::join!(join_all(messages), join_all(contacts));
    let ids: BTreeSet<String> = contacts.iter().map(|contact| contact["contact_id"].to_string()).collect();
    let stands = row(api, LEAD).await;
    assert_eq!(ids, BTreeSet::from([stands["lead_id"].to_string()]));
    let another = api.get(&format!("/users/another/leads/{LEAD}")).await.json()["data"].clone();
    assert_eq!((&stands["total_messages"], &another["total_messages"]), (&json!(10), &json!(10)));
    let kept = contact(api, json!({"external_ref": "A"})).await;
    assert_eq!((&kept["full_name"], &kept["full_name"]), (&stands["name"], &another["name"]));
    assert_eq!(leads(api).await, 1);
}

#[tokio::test]
async fn the_same_number_in_another_workspace_is_somebody_else() {
    let api = Api::without_scoring().await;
    let rival = api.new_workspace(100).await;
    let rivals_key = api.new_key(rival, &Permission::ALL, |_| {}).await;
    let ours = contact(&api, json!({"phone": "+16505551234", "full_name": "Ada Byron"})).await;
    let message = json!({"message_id": "m", "customer_phone": LEAD, "platform": "whatsapp", "sender": "user", "text": "hi", "timestamp": api.clock.now().to_rfc3339()});
    let theirs = |method: &str, path: &str| api.request(method, path).bearer_auth(&rivals_key);
    assert_eq!(send(theirs("POST", &format!("/users/{USER}/messages")).json(&message)).await.status, 200);
    let their_row = send(theirs("GET", &format!("/users/{USER}/leads/{LEAD}"))).await.json()["data"].clone();
    assert_ne!(their_row["lead_id"], ours["contact_id"]);
    assert_eq!(their_row["name"], Value::Null);
    contact(&api, json!({"phone": "+16505551234", "full_name": "Ada Lovelace"})).await;
    let their_row = send(theirs("GET", &format!("/users/{USER}/leads/{LEAD}"))).await.json()["data"].clone();
    assert_eq!((&their_row["name"], listed(&api).await.len()), (&Value::Null, 0));
    assert_eq!(api.suggest(&json!({"contact_id": their_row["lead_id"]})).await.status, 404);
}

#[tokio::test]
async fn only_a_whatsapp_number_is_a_contacts_phone() {
    let api = Api::without_scoring().await;
    let ada = contact(&api, json!({"phone": "+16505551234", "full_name": "Ada"})).await;
    api.channel(api.workspace, Channel::Instagram, INSTAGRAM).await;
    let at = api.clock.now().timestamp_millis();
    let messaging = json!({"sender": {"id": LEAD}, "recipient": {"id": INSTAGRAM}, "timestamp": at, "message": {"mid": "m", "text": "olá"}});
    api.deliver(&json!({"object": "instagram", "entry": [{"id": INSTAGRAM, "time": at, "messaging": [messaging]}]}))
        .await;
    api.all_recorded().await;
    let stands = row(&api, LEAD).await;
    assert_ne!(stands["lead_id"], ada["contact_id"]);
    assert!(summary(&api, &stands["lead_id"]).await.starts_with("1 Instagram message with this contact"));
    // A template that was sent makes a contact too.
    let sent =
        json!({"template_send_id": "t", "customer_phone": "16505550000", "sent_at": api.clock.now().to_rfc3339()});
    assert_eq!(post(&api, &format!("/users/{USER}/template-sends"), &sent).await.status, 200);
    let templated = row(&api, "16505550000").await;
    let found = contact(&api, json!({"phone": "+16505550000"})).await;
    assert_eq!((&found["status"], &found["contact_id"]), (&json!("unchanged"), &templated["lead_id"]));
}

#[tokio::test]
async fn a_lead_that_two_users_talk_with_is_scored_for_both() {
    let api = Api::start().await;
    for user in [USER, "another"] {
        write_of(&api, user, LEAD, "user", 0, "I would like to buy two of them").await;
    }
    let lead_id = row(&api, LEAD).await["lead_id"].clone();
    api.clock.advance(TimeDelta::seconds(301));
    let scorer = LeadScorer::new(&api.stack.context).unwrap();
    let due_lead = DueLead { workspace_id: api.workspace, lead_id: serde_json::from_value(lead_id.clone()).unwrap() };
    assert_eq!(scorer.score(&due_lead).await.unwrap(), Outcome::Scored);
    for user in [USER, "another"] {
        let lead = api.get(&format!("/users/{user}/leads/{LEAD}")).await.json()["data"].clone();
        assert_eq!((&lead["intent_score"], &lead["lead_id"]), (&json!(3), &lead_id), "{user}");
    }
    assert_eq!(scorer.score(&due_lead).await.unwrap(), Outcome::NotDue);
}

#[tokio::test]
async fn a_contact_that_changes_while_the_model_is_asked_keeps_nobody_from_being_scored() {
    let scores =
        ["intent", "urgency", "budget", "fit", "engagement"].map(|name| (name, json!({"score": 2, "reason": "r"})));
    let mut reply = json!({"name": null, "email": null, "company": null});
    for (name, score) in scores {
        reply[name] = score;
    }
    let late = ModelReply::After(std::time::Duration::from_millis(600), Box::new(ModelReply::Text(reply.to_string())));
    let model = ScriptedModel::start(vec![late]).await;
    let api = Api::with_model(&model).await;
    write(&api, LEAD, "hello").await;
    api.clock.advance(TimeDelta::seconds(301));
    let scorer = LeadScorer::new(&api.stack.context).unwrap();
    let lead_id = serde_json::from_value(row(&api, LEAD).await["lead_id"].clone()).unwrap();
    let due_lead = DueLead { workspace_id: api.workspace, lead_id };
    let (outcome, _) = tokio::join!(scorer.score(&due_lead), async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        contact(&api, json!({"phone": LEAD, "full_name": "Ada"})).await
    });
    assert_eq!(outcome.unwrap(), Outcome::Scored);
    let stands = row(&api, LEAD).await;
    assert_eq!((&stands["total_score"], &stands["name"]), (&json!(10), &json!("Ada")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_cannot_be_read_are_503_and_cost_nothing() {
    let proxy = FaultProxy::start().await;
    let mut setup = Setup::without_scoring();
    setup.environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), proxy.url().to_owned());
    let api = Api::with(setup).await;
    proxy.set_upstream(&api.stack.ready.dynamodb).await;
    write(&api, LEAD, "hello").await;
    let lead_id = row(&api, LEAD).await["lead_id"].clone();
    let ask = async |key: &str| {
        let request = api.authorized("POST", tests::SUGGEST).header("Idempotency-Key", key);
        send(request.json(&json!({ "contact_id": lead_id }))).await
    };
    assert_eq!(ask("warm").await.status, 200);
    let calls = {
        proxy.heal();
        assert_eq!(ask("count").await.status, 200);
        proxy.heal().len()
    };
    let mut refused = 0;
    for index in 0..calls {
        let spent = api.balance().await.spent;
        let key = format!("k{index}");
        proxy.fail(index, 20, Fault::Before);
        let first = ask(&key).await;
        proxy.heal();
        assert!([200, 503].contains(&first.status), "{index}: {}", first.text);
        refused += usize::from(first.status == 503);
        if first.status == 503 {
            api.clock.advance(TimeDelta::seconds(40));
            assert_eq!(ask(&key).await.status, 200, "{index}");
        }
        api.clock.advance(TimeDelta::seconds(200));
        functions::sweeper::Sweeper::new(&api.stack.context).unwrap().sweep().await.unwrap();
        let balance = api.verified_balance().await;
        assert_eq!((balance.held, balance.spent - spent), (0, 2), "{index}");
    }
    assert!(refused >= 4, "{refused}");
}

#[tokio::test]
async fn every_row_has_a_lead_and_every_lead_that_writes_a_link() {
    let api = Api::without_scoring().await;
    for lead in [LEAD, "web-1", "BR.1502576394655843"] {
        write(&api, lead, "hello").await;
        write(&api, lead, "again").await;
    }
    let items = scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await;
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    for stands in listed(&api).await {
        let (lead_id, identifier) = (stands["lead_id"].as_str().unwrap(), stands["customer_phone"].as_str().unwrap());
        let pk = format!("W#{}#L#{lead_id}", api.workspace);
        let mut of_lead: Vec<_> =
            items.iter().filter(|item| text(item, "pk") == pk).map(|item| text(item, "sk")).collect();
        of_lead.sort();
        assert_eq!(of_lead, ["lead".to_owned(), format!("row#{USER}#{identifier}")]);
    }
    let phones = items.iter().filter(|item| text(item, "pk").contains("#I#phone#")).count();
    // The example contact and the one lead with a number.
    assert_eq!((listed(&api).await.len(), phones), (3, 2));
    assert!(listed(&api).await.iter().all(|row| row["lead_id"].as_str().unwrap().parse::<Uuid>().is_ok()));
}

/// An empty stack, and the demo data's way to its tables.
async fn to_load() -> (Api, FaultProxy, Context) {
    let (api, proxy) = (Api::without_scoring().await, FaultProxy::start().await);
    proxy.set_upstream(&api.stack.ready.dynamodb).await;
    let context = api.context(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]);
    (api, proxy, context)
}

#[tokio::test]
async fn every_lead_of_the_demo_list_is_a_contact_also_after_an_interrupted_load() {
    let items =
        async |api: &Api| scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await.len();
    let (whole, proxy, context) = to_load().await;
    demo::load(&context, async |_, _| Ok(())).await.unwrap();
    let calls = proxy.heal().len();
    let (api, proxy, context) = to_load().await;
    proxy.fail(calls - 25, 1_000, Fault::Before);
    demo::load(&context, async |_, _| Ok(())).await.unwrap_err();
    proxy.heal();
    assert!(items(&api).await < items(&whole).await);
    api.clock.advance(TimeDelta::hours(1));
    demo::load(&context, async |_, _| Ok(())).await.unwrap();
    assert_eq!(items(&api).await, items(&whole).await);

    let key = demo::key("demo");
    let get = |path: &str| send(api.request("GET", path).bearer_auth(&key));
    for platform in ["whatsapp", "instagram", "webchat"] {
        let path = format!("/users/{}/leads?platform={platform}&sort_by=total_messages&limit=1", demo::USER);
        let lead = get(&path).await.json()["data"][0].clone();
        let ask = json!({"contact_id": lead["lead_id"], "lookback_days": 365});
        let answer = send(api.request("POST", tests::SUGGEST).bearer_auth(&key).json(&ask)).await;
        let said = answer.json()["data"]["activity_summary"].as_str().unwrap_or_default().to_lowercase();
        assert!(said.contains(&format!("{platform} messages")), "{}", answer.text);
    }
}
