//! Lists of contacts. Each contact is on a list once, the count is exact under concurrent additions, and no answer
//! reveals what another workspace has.

use cli::demo;
use shared::base::context::FromContext;
use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::crm::leads::Lead;
use shared::crm::lists::{ListError, Lists, MOST, Member, Target};
use shared::workspace::auth::Permission;
use tests::{Answer, Api, CONTACT, send};
use uuid::Uuid;

async fn post(api: &Api, path: &str, body: &Value) -> Answer {
    send(api.authorized("POST", path).json(body)).await
}

async fn make(api: &Api, name: &str) -> Uuid {
    let made = post(api, "/v1/lists", &json!({ "name": name })).await;
    assert_eq!(made.status, 200, "{}", made.text);
    made.json()["data"]["list_id"].as_str().unwrap().parse().unwrap()
}

/// Contacts of the test's workspace, numbered from 1.
async fn contacts(api: &Api, count: u128) -> Vec<Uuid> {
    let lead = |number| Lead {
        lead_id: Uuid::from_u128(number),
        full_name: Some(format!("Contact {number}")),
        ..Lead::default()
    };
    let leads: Vec<_> = (1..=count).map(|number| (lead(number), Vec::new())).collect();
    api.leads().load(api.workspace, &leads).await.unwrap();
    (1..=count).map(Uuid::from_u128).collect()
}

async fn add(api: &Api, list: Uuid, ids: &[Uuid]) -> Answer {
    post(api, &format!("/v1/lists/{list}/contacts"), &json!({ "contact_ids": ids })).await
}

/// The ids of a page, and its meta.
async fn on(api: &Api, list: Uuid, query: &str) -> (Vec<Uuid>, Value) {
    let answer = api.get(&format!("/v1/lists/{list}/contacts?{query}")).await.json();
    let ids = answer["data"].as_array().unwrap().iter();
    (ids.map(|contact| contact["contact_id"].as_str().unwrap().parse().unwrap()).collect(), answer["meta"].clone())
}

fn store(api: &Api) -> Lists {
    Lists::new(&api.stack.context).unwrap()
}

#[tokio::test]
async fn a_list_is_made_found_filled_and_emptied() {
    let api = Api::start().await;
    let made = post(&api, "/functions/v1/api-gateway/v1/lists", &json!({"name": "  Q1 Leads "})).await;
    let made = made.json()["data"].clone();
    assert_eq!((&made["name"], &made["contact_count"]), (&json!("Q1 Leads"), &json!(0)));
    assert_eq!(
        made["created_at"],
        shared::base::time::timestamp(made["created_at"].as_str().unwrap().parse().unwrap())
    );
    let list: Uuid = made["list_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(api.get(&format!("/v1/lists/{list}")).await.json()["data"], made);

    let ids = contacts(&api, 3).await;
    let added = add(&api, list, &[ids[2], CONTACT, ids[2], ids[0]]).await.json();
    let expected = json!({"list_id": list, "added": 3, "already_there": 0, "contact_count": 3});
    assert_eq!(added["data"], expected);
    let again = add(&api, list, &[ids[0], ids[1]]).await.json();
    assert_eq!(again["data"], json!({"list_id": list, "added": 1, "already_there": 1, "contact_count": 4}));
    // In the order in which they were added.
    assert_eq!(on(&api, list, "").await.0, [ids[2], CONTACT, ids[0], ids[1]]);
    let shown = api.get(&format!("/v1/lists/{list}/contacts?page=2&per_page=1")).await.json();
    let jane = json!({
        "contact_id": CONTACT, "external_ref": null, "full_name": "Jane Smith", "email": "jane@acme.example",
        "phone": "+12025550142", "linkedin": null, "job_title": "Marketing Director",
        "company_name": "Acme Inc.", "stage": null,
    });
    assert_eq!(shown, json!({"data": [jane], "meta": {"page": 2, "per_page": 1, "total": 4}}));

    let off = format!("/v1/lists/{list}/contacts/{CONTACT}");
    let removed = send(api.authorized("DELETE", &off)).await;
    let expected = json!({"list_id": list, "contact_id": CONTACT, "removed": true, "contact_count": 3});
    assert_eq!((removed.status, &removed.json()["data"]), (200, &expected));
    assert_eq!(send(api.authorized("DELETE", &off)).await.code(), (404, "not_found".to_owned()));
    assert_eq!(
        on(&api, list, "").await,
        (vec![ids[2], ids[0], ids[1]], json!({"page": 1, "per_page": 20, "total": 3}))
    );
    assert_eq!(api.get(&format!("/v1/lists/{list}")).await.json()["data"]["contact_count"], 3);
    // Back again, it is the last.
    add(&api, list, &[CONTACT]).await;
    assert_eq!(on(&api, list, "page=4&per_page=1").await.0, [CONTACT]);
}

#[tokio::test]
async fn lists_are_shown_newest_first_page_by_page_and_by_a_part_of_their_name() {
    let api = Api::start().await;
    assert_eq!(api.get("/v1/lists").await.json(), json!({"data": [], "meta": {"page": 1, "per_page": 20, "total": 0}}));
    for number in 1..=5 {
        make(&api, &format!("Größe {number}")).await;
        api.clock.advance(TimeDelta::milliseconds(1));
    }
    make(&api, "Webinar").await;
    let names = async |query: &str| {
        let answer = api.get(&format!("/v1/lists?{query}")).await.json();
        let names = answer["data"].as_array().unwrap().iter().map(|list| list["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), answer["meta"]["total"].as_u64().unwrap())
    };
    assert_eq!(names("").await.0[..2], ["Webinar", "Größe 5"]);
    assert_eq!(names("page=2&per_page=2").await, (vec!["Größe 4".to_owned(), "Größe 3".to_owned()], 6));
    assert_eq!(names("page=4&per_page=2").await, (vec![], 6));
    for part in ["GRO%CC%88SS", "grosse", "gr%C3%B6%C3%9Fe"] {
        assert_eq!(names(&format!("per_page=1&name={part}")).await, (vec!["Größe 5".to_owned()], 5), "{part}");
    }
    assert_eq!(names("name=inar").await, (vec!["Webinar".to_owned()], 1));
    assert_eq!(names("name=nothing").await, (vec![], 0));
}

#[tokio::test]
async fn everything_wrong_is_said_by_its_field() {
    let api = Api::start().await;
    let list = make(&api, "A").await;
    let contacts = format!("/v1/lists/{list}/contacts");
    let ids = |count: usize| json!({"contact_ids": (0..count).map(|_| CONTACT).collect::<Vec<_>>()});
    assert_eq!(post(&api, &contacts, &ids(500)).await.status, 200);
    for (method, path, body, field) in [
        ("POST", "/v1/lists", json!({}), "name"),
        ("POST", "/v1/lists", json!({"name": " "}), "name"),
        ("POST", "/v1/lists", json!({"name": 5}), "name"),
        ("POST", "/v1/lists", json!({"name": "a\nb"}), "name"),
        ("POST", "/v1/lists", json!({"name": "x".repeat(121)}), "name"),
        ("POST", "/v1/lists", json!({"name": "x", "contacts": []}), "contacts"),
        ("POST", &contacts, json!({}), "contact_ids"),
        ("POST", &contacts, json!({"contact_ids": []}), "contact_ids"),
        ("POST", &contacts, json!({"contact_ids": CONTACT}), "contact_ids"),
        ("POST", &contacts, json!({"contact_ids": ["x"]}), "contact_ids"),
        ("POST", &contacts, ids(501), "contact_ids"),
        ("POST", "/v1/lists/x/contacts", ids(1), "id"),
        ("GET", "/v1/lists/x", Value::Null, "id"),
        ("GET", "/v1/lists/x/contacts", Value::Null, "id"),
        ("GET", &format!("{contacts}?page=0"), Value::Null, "page"),
        ("GET", &format!("{contacts}?per_page=101"), Value::Null, "per_page"),
        ("GET", "/v1/lists?page=1001", Value::Null, "page"),
        ("GET", &format!("/v1/lists?name={}", "x".repeat(121)), Value::Null, "name"),
        ("GET", &format!("/v1/contacts?search={}", "x".repeat(201)), Value::Null, "search"),
        ("GET", "/v1/contacts?per_page=0", Value::Null, "per_page"),
        ("DELETE", &format!("{contacts}/x"), Value::Null, "contact_id"),
        ("DELETE", &format!("/v1/lists/x/contacts/{CONTACT}"), Value::Null, "id"),
    ] {
        let request = api.authorized(method, path);
        let answer = send(if body.is_null() { request } else { request.json(&body) }).await;
        assert_eq!(answer.code(), (400, "validation_error".to_owned()), "{method} {path} {body}");
        assert!(answer.json()["error"]["details"]["fields"][field].is_string(), "{path}: {}", answer.text);
    }
    assert_eq!(send(api.authorized("PUT", "/v1/lists").json(&json!({}))).await.header("allow"), "GET, POST");
}

#[tokio::test]
async fn unknown_contacts_are_named_and_nothing_is_added() {
    let api = Api::start().await;
    let list = make(&api, "A").await;
    let unknown = [Uuid::from_u128(7), Uuid::from_u128(8)];
    let answer = add(&api, list, &[unknown[1], CONTACT, unknown[0]]).await;
    assert_eq!(answer.code(), (404, "not_found".to_owned()));
    assert_eq!(answer.json()["error"]["details"]["unknown_contact_ids"], json!([unknown[1], unknown[0]]));
    assert_eq!(on(&api, list, "").await.1["total"], 0);
    let nowhere = add(&api, Uuid::from_u128(9), &[CONTACT]).await;
    assert_eq!(nowhere.code(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn another_workspace_has_none_of_it_and_nobody_learns_that_it_is_there() {
    let api = Api::start().await;
    let list = make(&api, "Secret plans").await;
    add(&api, list, &[CONTACT]).await;
    let ours = contacts(&api, 1).await[0];
    let rival = api.new_workspace(0).await;
    let rivals_key = api.new_key(rival, &Permission::ALL, |_| {}).await;
    let theirs = async |method: &str, path: &str, body: Option<Value>| {
        let request = api.request(method, path).bearer_auth(&rivals_key);
        let answer = send(if let Some(body) = body { request.json(&body) } else { request }).await;
        (answer.status, answer.text)
    };
    let nothing = Uuid::from_u128(77);
    for (method, path, body) in [
        ("GET", "", None),
        ("GET", "/contacts", None),
        ("POST", "/contacts", Some(json!({"contact_ids": [CONTACT]}))),
        ("DELETE", &format!("/contacts/{CONTACT}"), None),
    ] {
        let there = theirs(method, &format!("/v1/lists/{list}{path}"), body.clone()).await;
        assert_eq!(there.0, 404, "{method} {path}");
        assert_eq!(there, theirs(method, &format!("/v1/lists/{nothing}{path}"), body).await, "{method} {path}");
    }
    assert!(!theirs("GET", "/v1/lists", None).await.1.contains("Secret"));
    // A contact of ours is none of theirs, and reads like one that is nowhere.
    let made = theirs("POST", "/v1/lists", Some(json!({"name": "Theirs"}))).await.1;
    let their_list = serde_json::from_str::<Value>(&made).unwrap()["data"]["list_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/lists/{their_list}/contacts");
    let (status, text) = theirs("POST", &path, Some(json!({"contact_ids": [ours]}))).await;
    let elsewhere = theirs("POST", &path, Some(json!({"contact_ids": [nothing]}))).await;
    assert_eq!((status, text), (404, elsewhere.1.replace(&nothing.to_string(), &ours.to_string())));
    assert_eq!(on(&api, list, "").await.0, [CONTACT]);
}

#[tokio::test]
async fn reading_and_writing_need_their_permissions() {
    let api = Api::start().await;
    let list = make(&api, "A").await;
    let contacts = format!("/v1/lists/{list}/contacts");
    let one = format!("{contacts}/{CONTACT}");
    for (method, path, needed) in [
        ("GET", "/v1/lists", Permission::ReadLeads),
        ("GET", &format!("/v1/lists/{list}"), Permission::ReadLeads),
        ("GET", &contacts, Permission::ReadLeads),
        ("GET", "/v1/contacts", Permission::ReadLeads),
        ("POST", "/v1/lists", Permission::WriteLeads),
        ("POST", &contacts, Permission::WriteLeads),
        ("DELETE", &one, Permission::WriteLeads),
    ] {
        let others: Vec<_> = Permission::ALL.into_iter().filter(|permission| *permission != needed).collect();
        let key = api.new_key(api.workspace, &others, |_| {}).await;
        let asked = |key: &str| {
            let request = api.request(method, path).bearer_auth(key);
            // The permission comes before the body.
            send(if method == "POST" { request.json(&json!({})) } else { request })
        };
        assert_eq!(asked(&key).await.code(), (403, "insufficient_permissions".to_owned()), "{method} {path}");
        assert_eq!(asked("wbk_none").await.code(), (401, "invalid_key".to_owned()), "{method} {path}");
        let key = api.new_key(api.workspace, &[needed], |_| {}).await;
        assert!(![401, 403].contains(&asked(&key).await.status), "{method} {path}");
    }
}

#[tokio::test]
async fn a_repeated_request_with_an_idempotency_key_is_replayed() {
    let api = Api::start().await;
    let once = |path: &str, body: &Value| send(api.authorized("POST", path).header("Idempotency-Key", "k").json(body));
    let first = once("/v1/lists", &json!({"name": "A"})).await;
    let second = once("/v1/lists", &json!({"name": "A"})).await;
    assert_eq!((second.header("idempotent-replayed"), &second.text), ("true", &first.text));
    assert_eq!(once("/v1/lists", &json!({"name": "B"})).await.code().0, 422);
    assert_eq!(api.get("/v1/lists").await.json()["meta"]["total"], 1);
    let list = first.json()["data"]["list_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/lists/{list}/contacts");
    let first = once(&path, &json!({"contact_ids": [CONTACT]})).await;
    send(api.authorized("DELETE", &format!("{path}/{CONTACT}"))).await;
    let second = once(&path, &json!({"contact_ids": [CONTACT]})).await;
    assert_eq!((second.header("idempotent-replayed"), &second.text), ("true", &first.text));
    assert_eq!(on(&api, list.parse().unwrap(), "").await.1["total"], 0);
    // Two lists may have one name.
    make(&api, "A").await;
    assert_eq!(api.get("/v1/lists?name=A").await.json()["meta"]["total"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_count_is_exact_whoever_adds_and_removes_at_the_same_time() {
    let api = Api::start().await;
    let (list, ids) = (make(&api, "A").await, contacts(&api, 250).await);
    // Each contact by four requests, in different company and order.
    let requests = (0..8).map(|number| {
        let mut some: Vec<_> = ids.iter().copied().skip(number % 4 * 50).take(100).collect();
        if number % 2 == 0 {
            some.reverse();
        }
        let api = &api;
        async move { add(api, list, &some).await.json()["data"]["added"].as_u64().unwrap() }
    });
    let added: u64 = join_all(requests).await.into_iter().sum();
    assert_eq!(added, 250);
    let mut all = Vec::new();
    for page in 1..=3 {
        let (ids, meta) = on(&api, list, &format!("per_page=100&page={page}")).await;
        all.extend(ids);
        assert_eq!(meta["total"], 250);
    }
    assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), ids.iter().copied().collect());
    assert_eq!(all.len(), 250);
    let lists = store(&api);
    let off = join_all((0..6).map(|number| lists.remove(api.workspace, list, &ids[number * 20..number * 20 + 120])));
    let removed: usize = off.await.into_iter().map(Result::unwrap).sum();
    assert_eq!(removed, 220);
    assert_eq!(lists.get(api.workspace, list).await.unwrap().unwrap().contacts, 30);
    assert_eq!(on(&api, list, "").await.1["total"], 30);
}

#[tokio::test]
async fn a_list_holds_ten_thousand_contacts_and_no_more() {
    let api = Api::start().await;
    let (list, ids) = (make(&api, "A").await, contacts(&api, 3).await);
    let members = |range: std::ops::Range<u128>| -> Vec<Member> {
        range.map(|number| Member { lead_id: Uuid::from_u128(number), prospect_id: None }).collect()
    };
    let lists = store(&api);
    assert_eq!(lists.add(api.workspace, list, &members(3..10_002)).await.unwrap(), MOST - 1);
    let refused = add(&api, list, &ids).await;
    assert_eq!(refused.code(), (400, "validation_error".to_owned()));
    assert!(refused.json()["error"]["details"]["fields"]["contact_ids"].as_str().unwrap().contains("10000"));
    assert_eq!(lists.get(api.workspace, list).await.unwrap().unwrap().contacts, 9_999);
    // One more fits, and those that are there already take no room.
    assert_eq!(add(&api, list, &ids[1..]).await.json()["data"]["contact_count"], MOST);
    assert_eq!(lists.add(api.workspace, list, &members(3..10_002)).await.unwrap(), 0);
    assert_eq!(add(&api, list, &ids[1..]).await.json()["data"]["added"], 0);
    assert!(matches!(lists.add(api.workspace, list, &members(0..2)).await, Err(ListError::Full)));
    let (page, total) = lists.contacts(api.workspace, list, (9_990, 100)).await.unwrap();
    assert_eq!((page.len(), total, page[9].member.lead_id), (10, MOST, ids[1]));
}

#[tokio::test]
async fn what_a_worker_does_twice_is_there_once() {
    let api = Api::start().await;
    let lists = store(&api);
    let target = Target { list_id: Uuid::from_u128(5), name: "Found".to_owned() };
    let made = lists.create(&target, api.workspace).await.unwrap();
    let found = |number: u128| Member { lead_id: Uuid::from_u128(number), prospect_id: Some(format!("p{number}")) };
    let members: Vec<_> = (1..=150).map(found).collect();
    // It was killed in the middle.
    assert_eq!(lists.add(api.workspace, target.list_id, &members[..70]).await.unwrap(), 70);
    api.clock.advance(TimeDelta::seconds(30));
    let again = lists.create(&Target { name: "Other".to_owned(), ..target.clone() }, api.workspace).await.unwrap();
    assert_eq!((again.name.as_str(), again.created_at, again.contacts), ("Found", made.created_at, 70));
    assert_eq!(lists.add(api.workspace, target.list_id, &members).await.unwrap(), 80);
    assert_eq!(lists.add(api.workspace, target.list_id, &members).await.unwrap(), 0);
    let prospects = lists.prospects(api.workspace, target.list_id).await.unwrap();
    assert_eq!((prospects.len(), prospects.contains("p150")), (150, true));
    let renamed = lists.rename(api.workspace, target.list_id, "Kept").await.unwrap().unwrap();
    assert_eq!((renamed.name.as_str(), renamed.contacts), ("Kept", 150));
    // Nothing of it makes a list that is not there.
    let nowhere = Uuid::from_u128(6);
    assert_eq!(lists.rename(api.workspace, nowhere, "x").await.unwrap(), None);
    assert!(matches!(lists.add(api.workspace, nowhere, &members[..1]).await, Err(ListError::NoSuchList)));
    assert!(matches!(lists.remove(api.workspace, nowhere, &[CONTACT]).await, Err(ListError::NoSuchList)));
    assert_eq!(lists.all(api.workspace).await.unwrap(), [renamed]);
}

#[tokio::test]
async fn the_demo_lists_are_there() {
    let api = Api::start().await;
    demo::load(&api.stack.context, async |_, _| Ok(())).await.unwrap();
    demo::load(&api.stack.context, async |_, _| Ok(())).await.unwrap();
    let get = async |path: &str| send(api.request("GET", path).bearer_auth(demo::key("read"))).await.json();
    assert_eq!(get("/v1/lists").await["meta"]["total"], 2);
    let q1 = get("/v1/lists?name=q1%20leads").await["data"][0].clone();
    assert_eq!((&q1["list_id"], &q1["contact_count"]), (&json!(demo::Q1_LEADS), &json!(12)));
    let contacts = get(&format!("/v1/lists/{}/contacts", demo::Q1_LEADS)).await["data"].as_array().unwrap().clone();
    assert_eq!((contacts.len(), &contacts[0]["contact_id"]), (12, &json!(demo::CONTACT)));
    assert!(contacts.iter().all(|contact| contact["email"].is_string()));
    let firms = get(&format!("/v1/lists/{}/contacts", demo::LAW_FIRMS)).await["data"].as_array().unwrap().clone();
    assert!(firms.len() > 3 && firms.iter().all(|contact| contact["company_name"] == "Harbour & Finch LLP"));
}
