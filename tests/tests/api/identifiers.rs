//! WhatsApp tells a person's phone number, business-scoped id, or both, in any order: it is one lead, as
//! long as nobody had reason to make two.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::base::channel::Channel;
use tests::meta::{PHONE, USER, value, whatsapp};
use tests::{Api, scan, send};

const NUMBER: &str = "16505551234";
const SCOPED: &str = "BR.1502576394655843";

async fn start() -> Api {
    let api = Api::without_scoring().await;
    api.channel(api.workspace, Channel::Whatsapp, PHONE).await;
    api
}

/// A message that tells one of the identifiers, or both.
fn message(id: &str, number: Option<&str>, scoped: Option<&str>) -> Value {
    let mut message = json!({"id": id, "timestamp": "1760000000", "type": "text", "text": {"body": id}});
    let mut contact = json!({"profile": {"name": "Kerry"}});
    if let Some(number) = number {
        (message["from"], contact["wa_id"]) = (json!(number), json!(number));
    }
    if let Some(scoped) = scoped {
        (message["from_user_id"], contact["user_id"]) = (json!(scoped), json!(scoped));
    }
    whatsapp(&[value(PHONE, json!({"contacts": [contact], "messages": [message]}))])
}

async fn deliver(api: &Api, payload: &Value) {
    assert_eq!(api.deliver(payload).await.status, 200);
    api.all_recorded().await;
}

async fn get(api: &Api, identifier: &str) -> Value {
    api.get(&format!("/users/{USER}/leads/{identifier}")).await.json()["data"].clone()
}

async fn said(api: &Api, identifier: &str) -> Vec<String> {
    let messages = api.messages_of(identifier).await;
    let mut said: Vec<_> = messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect();
    said.sort();
    said
}

async fn rows(api: &Api) -> Vec<String> {
    let listed = api.get(&format!("/users/{USER}/leads?sort_by=first_contact_at")).await.json()["data"].clone();
    let listed = listed.as_array().unwrap().iter();
    let mut rows: Vec<_> = listed.map(|row| row["customer_phone"].as_str().unwrap().to_owned()).collect();
    rows.sort();
    rows
}

/// Records an agent's message to an identifier.
async fn answer(api: &Api, id: &str, to: &str) {
    let body = json!({"message_id": id, "customer_phone": to, "platform": "whatsapp", "phone_number_id": PHONE, "sender": "agent", "text": id, "timestamp": "2025-10-09T08:54:00Z"});
    assert_eq!(send(api.authorized("POST", &format!("/users/{USER}/messages")).json(&body)).await.status, 200);
}

/// What has become of an agent's message.
async fn delivery(api: &Api, id: &str) -> String {
    let items = scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await;
    let item = items.into_iter().find(|item| item["sk"]["S"] == format!("message#{id}")).unwrap();
    item["delivery"]["S"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_scoped_id_of_a_known_number_leads_to_the_numbers_row() {
    let api = start().await;
    deliver(&api, &message("1", Some(NUMBER), None)).await;
    deliver(&api, &message("2", Some(NUMBER), Some(SCOPED))).await;
    deliver(&api, &message("3", None, Some(SCOPED))).await;
    deliver(&api, &message("4", Some(NUMBER), Some(SCOPED))).await;
    assert_eq!(rows(&api).await, [NUMBER]);
    for identifier in [NUMBER, SCOPED] {
        let lead = get(&api, identifier).await;
        assert_eq!((&lead["customer_phone"], &lead["total_messages"]), (&json!(NUMBER), &json!(4)));
        assert_eq!(lead["conversation_count"], 1, "{lead}");
        assert_eq!(said(&api, identifier).await, ["1", "2", "3", "4"]);
    }
    // Statuses by either, and what else is recorded of the alias.
    answer(&api, "a", SCOPED).await;
    for (told, state) in
        [(json!({"recipient_user_id": SCOPED}), "delivered"), (json!({"recipient_id": NUMBER}), "read")]
    {
        let mut status = json!({"id": "a", "status": state, "timestamp": "1760000100"});
        status.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
        deliver(&api, &whatsapp(&[value(PHONE, json!({ "statuses": [status] }))])).await;
        assert_eq!(delivery(&api, "a").await, state);
    }
    let scores =
        json!({"intent_score": 3, "urgency_score": 3, "budget_score": 3, "fit_score": 3, "engagement_score": 3});
    let path = format!("/users/{USER}/leads/{SCOPED}/extraction");
    assert_eq!(send(api.authorized("PUT", &path).json(&scores)).await.status, 200);
    let lead = get(&api, NUMBER).await;
    assert_eq!((&lead["lead_status"], &lead["conversation_count"]), (&json!("Hot"), &json!(1)), "{lead}");
    assert_eq!(rows(&api).await, [NUMBER]);
}

#[tokio::test]
async fn a_contact_that_is_told_beside_several_messages_belongs_to_its_own_alone() {
    let api = start().await;
    let from = |id: &str, from: &str| json!({"id": id, "from": from, "timestamp": "1760000000", "type": "text", "text": {"body": id}});
    let content = json!({
        "contacts": [{"profile": {"name": "Kerry"}, "wa_id": NUMBER}],
        "messages": [from("1", NUMBER), from("2", "491701234567")],
    });
    deliver(&api, &whatsapp(&[value(PHONE, content)])).await;
    assert_eq!(rows(&api).await, [NUMBER, "491701234567"]);
    assert_eq!(get(&api, "491701234567").await["name"], Value::Null);
}

#[tokio::test]
async fn a_number_that_is_told_later_stands_for_the_scoped_ids_row_and_becomes_the_contacts() {
    let api = start().await;
    deliver(&api, &message("1", None, Some(SCOPED))).await;
    deliver(&api, &message("2", Some(NUMBER), Some(SCOPED))).await;
    deliver(&api, &message("3", Some(NUMBER), None)).await;
    answer(&api, "4", NUMBER).await;
    assert_eq!(rows(&api).await, [SCOPED]);
    assert_eq!(said(&api, NUMBER).await, ["1", "2", "3", "4"]);
    let lead = get(&api, NUMBER).await;
    assert_eq!((&lead["customer_phone"], &lead["name"]), (&json!(SCOPED), &json!("Kerry")));
    let contact = json!({"phone": format!("+{NUMBER}"), "email": "kerry@x.example"});
    let contact = send(api.authorized("POST", "/v1/contacts").json(&contact)).await.json()["data"].clone();
    assert_eq!((&contact["contact_id"], &contact["full_name"]), (&lead["lead_id"], &json!("Kerry")));
    assert_eq!(get(&api, SCOPED).await["email"], "kerry@x.example");
    // Another user's lead with this number is the same one.
    let body = json!({"message_id": "m", "customer_phone": NUMBER, "platform": "whatsapp", "sender": "user", "text": "hi", "timestamp": "2025-10-09T08:54:00Z"});
    assert_eq!(send(api.authorized("POST", "/users/another/messages").json(&body)).await.status, 200);
    let theirs = api.get(&format!("/users/another/leads/{NUMBER}")).await.json()["data"].clone();
    assert_eq!((&theirs["lead_id"], &theirs["name"]), (&lead["lead_id"], &json!("Kerry")));
}

#[tokio::test]
async fn a_number_of_another_contact_stays_that_contacts() {
    let api = start().await;
    deliver(&api, &message("1", None, Some(SCOPED))).await;
    let contact = json!({"phone": format!("+{NUMBER}"), "full_name": "Ada"});
    let post = || send(api.authorized("POST", "/v1/contacts").json(&contact));
    let ada = post().await.json()["data"].clone();
    deliver(&api, &message("2", Some(NUMBER), Some(SCOPED))).await;
    let lead = get(&api, NUMBER).await;
    assert_eq!((&lead["customer_phone"], &lead["name"]), (&json!(SCOPED), &json!("Kerry")));
    assert_ne!(lead["lead_id"], ada["contact_id"]);
    let again = post().await.json()["data"].clone();
    assert_eq!((&again["status"], &again["contact_id"]), (&json!("unchanged"), &ada["contact_id"]));
}

#[tokio::test]
async fn two_leads_that_turn_out_to_be_one_person_stay_two_and_the_numbers_goes_on() {
    let api = start().await;
    deliver(&api, &message("1", Some(NUMBER), None)).await;
    deliver(&api, &message("2", None, Some(SCOPED))).await;
    for _ in 0..2 {
        deliver(&api, &message("3", Some(NUMBER), Some(SCOPED))).await;
    }
    assert_eq!(rows(&api).await, [NUMBER, SCOPED]);
    assert_eq!(said(&api, NUMBER).await, ["1", "3"]);
    deliver(&api, &message("4", None, Some(SCOPED))).await;
    assert_eq!(said(&api, SCOPED).await, ["2", "4"]);
    assert_ne!(get(&api, NUMBER).await["lead_id"], get(&api, SCOPED).await["lead_id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_of_every_kind_at_once_and_again_leave_each_message_once() {
    let api = start().await;
    for round in 0..4 {
        let (number, scoped) = (format!("1650555000{round}"), format!("US.{round}"));
        let api = &api;
        let all: Vec<_> = (0..12)
            .map(|index| {
                let (number, scoped) = (Some(number.as_str()), Some(scoped.as_str()));
                let told = [(number, scoped), (number, None), (None, scoped)][index % 3];
                message(&format!("{round}-{index:02}"), told.0, told.1)
            })
            .collect();
        // Each twice at once, and then once more.
        join_all(all.iter().chain(&all).map(|payload| api.deliver(payload))).await;
        api.all_recorded().await;
        let before = rows(api).await;
        for payload in &all {
            deliver(api, payload).await;
        }
        assert_eq!(rows(api).await, before);
        let stand = [number.as_str(), &scoped].map(str::to_owned).into_iter().filter(|one| before.contains(one));
        let mut found = Vec::new();
        for row in stand {
            assert_eq!(get(api, &row).await["customer_phone"], row);
            found.extend(said(api, &row).await);
        }
        found.sort();
        let expected: Vec<_> = (0..12).map(|index| format!("{round}-{index:02}")).collect();
        assert_eq!(found, expected);
    }
    // No identifier is both a row and an alias.
    let items = scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await;
    let aliases = items.iter().filter(|item| item["sk"]["S"] == "alias");
    let aliases: Vec<_> = aliases.map(|item| item["pk"]["S"].as_str().unwrap().rsplit('#').next().unwrap()).collect();
    let rows = rows(&api).await;
    assert!(aliases.iter().all(|alias| !rows.iter().any(|row| row == alias)), "{aliases:?} {rows:?}");
}

#[tokio::test]
async fn who_is_neither_a_row_nor_an_alias_is_nobody() {
    let api = start().await;
    deliver(&api, &message("1", Some(NUMBER), Some(SCOPED))).await;
    for path in ["BR.1", "BR.1/messages", "1", "1/messages"] {
        assert_eq!(api.get(&format!("/users/{USER}/leads/{path}")).await.status, 404, "{path}");
        assert_eq!(api.get(&format!("/users/another/leads/{path}")).await.status, 404, "{path}");
    }
    assert_eq!(api.get(&format!("/users/another/leads/{SCOPED}")).await.status, 404);
}
