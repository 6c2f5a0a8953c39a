//! Contacts are found by what a person remembers of them: whoever changes is found as it is now, and nobody
//! finds what another workspace has.

use std::time::Instant;

use serde_json::{Value, json};
use shared::crm::leads::Lead;
use shared::workspace::auth::Permission;
use tests::{Api, CONTACT, FaultProxy, Setup, send};
use uuid::Uuid;

async fn contact(api: &Api, body: Value) -> Value {
    let answer = send(api.authorized("POST", "/v1/contacts").json(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"]["contact_id"].clone()
}

fn searching(text: &str) -> String {
    let url = reqwest::Url::parse_with_params("http://x/v1/contacts", [("search", text)]).unwrap();
    format!("/v1/contacts?{}", url.query().unwrap())
}

async fn found(api: &Api, text: &str) -> Vec<String> {
    let request = api.authorized("GET", &searching(text));
    let answer = send(request).await.json();
    let found = answer["data"].as_array().unwrap().iter();
    let names = found.map(|contact| contact["full_name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>();
    assert_eq!(answer["meta"], json!({"page": 1, "per_page": 20, "total": names.len(), "complete": true}), "{text}");
    names
}

#[tokio::test]
async fn contacts_are_found_by_what_is_known_of_them() {
    let api = Api::start().await;
    for body in [
        json!({"full_name": "Søren Dvořák", "email": "soren@kestrel.example", "company_name": "Kestrel Logistics", "job_title": "CTO"}),
        json!({"full_name": "Jane Smithers", "email": "js@harbour.example", "company_name": "Harbour & Finch LLP", "job_title": "Director"}),
        json!({"full_name": "Anna Jane", "phone": "+44 20 7946 0958", "company_name": "Acme Inc."}),
        json!({"full_name": "Jane", "external_ref": "LD-7"}),
        json!({"full_name": "Seán O'Brien", "email": "sean.obrien@acme.example"}),
    ] {
        contact(&api, body).await;
    }
    for (text, expected) in [
        // The exact name first, then by name.
        ("jane", &["Jane", "Anna Jane", "Jane Smith", "Jane Smithers"][..]),
        ("  JANE  smith ", &["Jane Smith", "Jane Smithers"]),
        ("jane acme", &["Anna Jane", "Jane Smith"]),
        ("acme jane", &["Anna Jane", "Jane Smith"]),
        ("soren dvorak", &["Søren Dvořák"]),
        ("SØREN", &["Søren Dvořák"]),
        ("sean obrien", &["Seán O'Brien"]),
        ("O’Brien", &["Seán O'Brien"]),
        ("kestrel", &["Søren Dvořák"]),
        ("finch", &["Jane Smithers"]),
        ("cto", &["Søren Dvořák"]),
        ("director", &["Jane Smith", "Jane Smithers"]),
        ("Marketing Dir", &["Jane Smith"]),
        ("acme.example", &["Jane Smith", "Seán O'Brien"]),
        ("Jane@Acme.Example", &["Jane Smith"]),
        ("js@harbour", &["Jane Smithers"]),
        ("+44 (0)20 7946 0958", &["Anna Jane"]),
        ("442079460958", &["Anna Jane"]),
        ("LD-7", &["Jane"]),
        ("nobody", &[]),
        ("nobody@acme.example", &[]),
        ("jane kestrel", &[]),
    ] {
        assert_eq!(found(&api, text).await, expected, "{text}");
    }
    assert_eq!(
        found(&api, "").await,
        ["Anna Jane", "Jane", "Jane Smith", "Jane Smithers", "Seán O'Brien", "Søren Dvořák"]
    );
    let page = api.get("/functions/v1/api-gateway/v1/contacts?search=jane&page=2&per_page=3").await.json();
    assert_eq!(page["meta"], json!({"page": 2, "per_page": 3, "total": 4, "complete": true}));
    assert_eq!((page["data"].as_array().unwrap().len(), &page["data"][0]["full_name"]), (1, &json!("Jane Smithers")));
    assert_eq!(api.get("/v1/contacts?search=jane@acme.example&page=2").await.json()["data"], json!([]));
    // As it is shown elsewhere, whole.
    let jane = api.get("/v1/contacts?search=jane@acme.example").await.json()["data"][0].clone();
    assert_eq!(
        (&jane["contact_id"], &jane["phone"], &jane["stage"]),
        (&json!(CONTACT), &json!("+12025550142"), &Value::Null)
    );
}

#[tokio::test]
async fn who_changes_is_found_as_it_is_now() {
    let api = Api::start().await;
    let id = contact(&api, json!({"external_ref": "1", "full_name": "Ada Byron", "email": "ada@old.example"})).await;
    contact(&api, json!({"external_ref": "1", "full_name": "Ada Lovelace", "email": "ada@new.example"})).await;
    for text in ["byron", "ada@old.example", "old.example"] {
        assert_eq!(found(&api, text).await, Vec::<String>::new(), "{text}");
    }
    assert_eq!(found(&api, "ada").await, ["Ada Lovelace"]);
    // However a lead comes to be: by a message too, first without a name and then with one.
    let message = json!({
        "message_id": "m", "customer_phone": "16505551234", "platform": "whatsapp", "sender": "user", "text": "hi",
        "timestamp": api.clock.now().to_rfc3339(),
    });
    assert_eq!(send(api.authorized("POST", "/users/u/messages").json(&message)).await.status, 200);
    assert_eq!(found(&api, "+16505551234").await, [""]);
    assert_eq!(found(&api, "").await, ["", "Ada Lovelace", "Jane Smith"]);
    contact(&api, json!({"phone": "+16505551234", "full_name": "Zoë Zielinski"})).await;
    assert_eq!(found(&api, "zoe").await, ["Zoë Zielinski"]);
    assert_eq!(found(&api, "").await, ["Ada Lovelace", "Jane Smith", "Zoë Zielinski"]);
    let ada = api.get("/v1/contacts?search=lovelace").await.json()["data"][0].clone();
    assert_eq!(ada["contact_id"], id);
}

#[tokio::test]
async fn nobody_finds_what_another_workspace_has() {
    let api = Api::start().await;
    contact(&api, json!({"full_name": "Ada Byron", "email": "ada@engine.example", "external_ref": "LD-1"})).await;
    let rival = api.new_workspace(0).await;
    let rivals_key = api.new_key(rival, &Permission::ALL, |_| {}).await;
    for text in ["ada", "ada@engine.example", "LD-1", "engine"] {
        assert_eq!(found(&api, text).await.len(), 1, "{text}");
        let request = api.request("GET", &searching(text)).bearer_auth(&rivals_key);
        let answer = send(request).await;
        assert_eq!(answer.json()["data"], json!([]), "{}", answer.text);
    }
}

/// People numbered from 1, of whom every hundredth works at Kestrel; their identifiers are as far apart as said.
async fn crowd(api: &Api, count: u128, apart: u128) {
    let person = |number: u128| Lead {
        lead_id: Uuid::from_u128(number * apart),
        full_name: Some(format!("Person {number:06} Smith")),
        email: Some(format!("person{number}@company-{}.example", number % 997)),
        company_name: Some(
            if number.is_multiple_of(100) { "Kestrel Logistics" } else { "Harbour & Finch LLP" }.to_owned(),
        ),
        job_title: Some("Head of Operations".to_owned()),
        ..Lead::default()
    };
    let people: Vec<_> = (1..=count).map(|number| (person(number), Vec::new())).collect();
    api.leads().load(api.workspace, &people).await.unwrap();
}

#[tokio::test]
async fn a_search_that_cannot_look_at_everybody_says_so_and_still_finds_names_by_their_beginning() {
    let api = Api::start().await;
    // Identifiers that end alike are in one of the index's 16 partitions, of which 1,250 are looked at: the
    // example contact, whose name comes first, and these.
    crowd(&api, 1_400, 16).await;
    let search = async |text: &str| {
        let answer = send(api.authorized("GET", &searching(text))).await;
        assert_eq!(answer.status, 200, "{text}: {}", answer.text);
        answer.json()
    };
    let partly = search("kestrel").await;
    assert_eq!((&partly["meta"]["complete"], &partly["meta"]["total"]), (&json!(false), &json!(12)));
    assert_eq!(partly["data"][0]["full_name"], "Person 000100 Smith");
    assert_eq!(search("").await["meta"], json!({"page": 1, "per_page": 20, "total": 1_250, "complete": false}));
    for text in ["person 001399", "Person 001399 Smith", "person1399@company-402.example"] {
        let last = search(text).await;
        let name = last["data"][0]["full_name"].as_str();
        assert_eq!((name, &last["meta"]["total"]), (Some("Person 001399 Smith"), &json!(1)), "{text}");
    }
}

/// Time and read units of searches; run with `--ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures"]
async fn searches_are_measured() {
    for count in [1_000, 20_000] {
        let proxy = FaultProxy::start().await;
        let environment = [("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), proxy.url().to_owned())].into();
        let api = Api::with(Setup { environment, ..Setup::default() }).await;
        proxy.set_upstream(&api.stack.ready.dynamodb).await;
        crowd(&api, count, 1).await;
        for text in ["kestrel", "person 000500", "smith harbour", "person7@company-7.example", ""] {
            let request = || send(api.authorized("GET", &searching(text)));
            request().await;
            proxy.heal();
            let started = Instant::now();
            let answer = request().await.json();
            let took = started.elapsed();
            let units: f64 = proxy.heal().iter().map(|call| call.capacity).sum();
            println!("{count} contacts, {text:?}: {took:?}, {units} units, {}", answer["meta"]);
        }
    }
}
