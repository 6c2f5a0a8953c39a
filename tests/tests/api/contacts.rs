//! Recording contacts and activities, and the suggestions made from them.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::workspace::auth::Permission;
use tests::{Answer, Api, CONTACT, send};
use uuid::Uuid;

async fn post(api: &Api, path: &str, body: &Value) -> Answer {
    send(api.authorized("POST", path).json(body)).await
}

#[tokio::test]
async fn a_contact_is_created_found_again_by_each_identity_and_updated() {
    let api = Api::start().await;
    let first = json!({"external_ref": "LD-2048", "full_name": "Ada Byron", "email": "Ada@Engine.Example", "phone": "+44 20 7946 0958", "job_title": "Founder", "company_name": "Engines"});
    let created = post(&api, "/v1/contacts", &first).await.json()["data"].clone();
    assert_eq!(
        (&created["status"], &created["email"], &created["phone"]),
        (&json!("created"), &json!("ada@engine.example"), &json!("+442079460958"))
    );
    assert_eq!(post(&api, "/v1/contacts", &first).await.json()["data"]["status"], "unchanged");
    for (identity, stage) in [
        (json!({"external_ref": "LD-2048"}), "a"),
        (json!({"email": "ADA@engine.example"}), "b"),
        (json!({"phone": "0044 20 7946 0958"}), "c"),
    ] {
        let mut body = identity;
        body["stage"] = json!(stage);
        let updated = post(&api, "/functions/v1/api-gateway/v1/contacts", &body).await.json()["data"].clone();
        assert_eq!(
            (&updated["status"], &updated["contact_id"], &updated["stage"]),
            (&json!("updated"), &created["contact_id"], &json!(stage))
        );
        // What is not given stays.
        assert_eq!((&updated["full_name"], &updated["job_title"]), (&json!("Ada Byron"), &json!("Founder")));
    }
}

#[tokio::test]
async fn an_identity_of_another_contact_is_refused_and_named() {
    let api = Api::start().await;
    post(&api, "/v1/contacts", &json!({"external_ref": "1", "email": "one@x.example"})).await;
    post(&api, "/v1/contacts", &json!({"external_ref": "2", "email": "two@x.example"})).await;
    let answer = post(&api, "/v1/contacts", &json!({"external_ref": "1", "email": "two@x.example"})).await;
    assert_eq!(answer.code(), (400, "validation_error".to_owned()));
    assert!(answer.json()["error"]["details"]["fields"]["email"].is_string(), "{}", answer.text);
    // An address that was given up is free.
    post(&api, "/v1/contacts", &json!({"external_ref": "2", "email": "new@x.example"})).await;
    assert_eq!(
        post(&api, "/v1/contacts", &json!({"external_ref": "1", "email": "two@x.example"})).await.json()["data"]["status"],
        "updated"
    );
}

#[tokio::test]
async fn a_refused_identity_is_replayed_also_once_it_is_free() {
    let api = Api::start().await;
    post(&api, "/v1/contacts", &json!({"external_ref": "1", "email": "one@x.example"})).await;
    post(&api, "/v1/contacts", &json!({"external_ref": "2", "email": "two@x.example"})).await;
    let body = json!({"external_ref": "1", "email": "two@x.example"});
    let ask = || send(api.authorized("POST", "/v1/contacts").header("Idempotency-Key", "taken").json(&body));
    let first = ask().await;
    assert_eq!(first.code(), (400, "validation_error".to_owned()));
    post(&api, "/v1/contacts", &json!({"external_ref": "2", "email": "new@x.example"})).await;
    let second = ask().await;
    assert_eq!((second.status, second.header("idempotent-replayed"), &second.text), (400, "true", &first.text));
}

#[tokio::test]
async fn two_people_with_one_switchboard_number_are_not_made_one() {
    let api = Api::start().await;
    let phone = "+44 20 7946 0958";
    let first = post(&api, "/v1/contacts", &json!({"external_ref": "1", "full_name": "Ada", "phone": phone})).await;
    let second = post(&api, "/v1/contacts", &json!({"external_ref": "2", "full_name": "Bob", "phone": phone})).await;
    assert_eq!(second.code(), (400, "validation_error".to_owned()));
    let kept = post(&api, "/v1/contacts", &json!({"external_ref": "1"})).await.json()["data"].clone();
    assert_eq!((&kept["status"], &kept["full_name"]), (&json!("unchanged"), &json!("Ada")));
    assert_eq!(kept["contact_id"], first.json()["data"]["contact_id"]);
}

#[tokio::test]
async fn a_contact_is_checked_field_by_field() {
    let api = Api::start().await;
    for (body, field) in [
        (json!({"full_name": "Nobody"}), "email"),
        (json!({"email": "no address"}), "email"),
        (json!({"email": "a@b.example", "phone": "12"}), "phone"),
        (json!({"email": "a@b.example", "phone": "020 7946 0958"}), "phone"),
        (json!({"email": "a@b.example", "full_name": 5}), "full_name"),
        (json!({"email": "a@b.example", "nickname": "x"}), "nickname"),
    ] {
        let answer = post(&api, "/v1/contacts", &body).await;
        assert_eq!(answer.code(), (400, "validation_error".to_owned()), "{body}");
        assert!(answer.json()["error"]["details"]["fields"][field].is_string(), "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn eight_clients_that_create_one_contact_make_one() {
    let api = Api::start().await;
    let body = json!({"email": "same@x.example", "full_name": "Same"});
    let answers = join_all((0..8).map(|_| post(&api, "/v1/contacts", &body))).await;
    let ids: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| answer.json()["data"]["contact_id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(answers.iter().filter(|answer| answer.json()["data"]["status"] == "created").count(), 1);
}

#[tokio::test]
async fn a_bulk_request_has_a_result_for_each_row() {
    let api = Api::start().await;
    let body =
        json!({"contacts": [{"email": "a@x.example"}, {"email": "wrong"}, 5, {"external_ref": "r", "full_name": "R"}]});
    let rows = post(&api, "/v1/contacts/bulk", &body).await.json()["data"]["results"].as_array().unwrap().clone();
    let statuses: Vec<_> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["created", "error", "error", "created"]);
    assert_eq!((&rows[1]["index"], &rows[1]["error"]["code"]), (&json!(1), &json!("validation_error")));
    assert!(rows[1]["error"]["fields"]["email"].is_string());
    let again = post(&api, "/v1/contacts/bulk", &body).await.json()["data"]["results"].clone();
    assert_eq!((&again[0]["status"], &again[0]["contact_id"]), (&json!("unchanged"), &rows[0]["contact_id"]));
    let many = |count: usize| json!({"contacts": (0..count).map(|index| json!({"external_ref": format!("b{index}")})).collect::<Vec<_>>()});
    assert_eq!(post(&api, "/v1/contacts/bulk", &many(500)).await.status, 200);
    for wrong in [many(501), many(0), json!({}), json!({"contacts": "x"})] {
        assert_eq!(post(&api, "/v1/contacts/bulk", &wrong).await.code(), (400, "validation_error".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_one_contact_are_applied_in_their_order() {
    let api = Api::start().await;
    // Every second row is of one contact, by an identity that an earlier row has told.
    let known = [
        json!({"external_ref": "r", "email": "r@x.example"}),
        json!({"email": "r@x.example", "phone": "+442079460958"}),
        json!({"phone": "+442079460958"}),
    ];
    let contact = |index: usize| {
        let mut contact = known[index / 2 % 3].clone();
        if index % 2 == 1 {
            contact = json!({"external_ref": format!("other{index}")});
        }
        contact["stage"] = json!(format!("stage {index}"));
        contact
    };
    let body = json!({"contacts": (0..80).map(contact).collect::<Vec<_>>()});
    let rows = post(&api, "/v1/contacts/bulk", &body).await.json()["data"]["results"].as_array().unwrap().clone();
    for (index, row) in rows.iter().enumerate() {
        let first = index % 2 == 1 || index == 0;
        assert_eq!(
            (&row["index"], &row["status"], &row["stage"]),
            (&json!(index), &json!(if first { "created" } else { "updated" }), &json!(format!("stage {index}")))
        );
        assert_eq!(row["contact_id"] == rows[0]["contact_id"], index % 2 == 0);
    }
    let stands = post(&api, "/v1/contacts", &json!({"external_ref": "r"})).await.json()["data"].clone();
    assert_eq!((&stands["status"], &stands["stage"]), (&json!("unchanged"), &json!("stage 78")));
}

#[tokio::test]
async fn activities_of_a_contact_become_its_history() {
    let api = Api::start().await;
    let contact = post(&api, "/v1/contacts", &json!({"email": "ada@engine.example", "full_name": "Ada Byron"})).await;
    let contact_id = contact.json()["data"]["contact_id"].clone();
    let at = shared::base::time::timestamp(api.clock.now() - TimeDelta::days(1));
    let activity = json!({"contact_id": contact_id, "activity_id": Uuid::from_u128(1), "type": "call", "occurred_at": at, "direction": "inbound", "outcome": "answered", "title": "Pricing call", "body": "Asked for a quote."});
    assert_eq!(post(&api, "/v1/activities", &activity).await.json()["data"]["duplicate"], false);
    assert_eq!(post(&api, "/v1/activities", &activity).await.json()["data"]["duplicate"], true);
    // The id decides, also where the time differs.
    let mut later = activity.clone();
    later["occurred_at"] = json!(shared::base::time::timestamp(api.clock.now()));
    assert_eq!(post(&api, "/v1/activities", &later).await.json()["data"]["duplicate"], true);
    let suggested = api.suggest(&json!({"contact_id": contact_id})).await.json()["data"].clone();
    assert!(
        suggested["activity_summary"]
            .as_str()
            .unwrap()
            .starts_with("1 call with Ada in the last 7 days; last touch was a pricing call"),
        "{suggested}"
    );
}

#[tokio::test]
async fn a_repeated_request_with_an_idempotency_key_is_replayed() {
    let api = Api::start().await;
    let at_most_once =
        |path: &str, body: Value| send(api.authorized("POST", path).header("Idempotency-Key", "k").json(&body));
    for (path, body) in [
        ("/v1/contacts", json!({"email": "a@x.example"})),
        ("/v1/contacts/bulk", json!({"contacts": [{"email": "b@x.example"}]})),
        ("/v1/activities", json!({"contact_id": CONTACT, "type": "note", "body": "Once."})),
    ] {
        let first = at_most_once(path, body.clone()).await;
        let second = at_most_once(path, body).await;
        assert_eq!(
            (first.status, second.status, second.header("idempotent-replayed")),
            (200, 200, "true"),
            "{path}: {}",
            first.text
        );
        assert_eq!(first.text, second.text);
    }
    let other = at_most_once("/v1/contacts", json!({"email": "c@x.example"})).await;
    assert_eq!(other.code(), (422, "idempotency_key_reused".to_owned()));
    let history =
        api.leads().history(api.workspace, CONTACT, api.clock.now() - TimeDelta::days(1)).await.unwrap().unwrap();
    assert_eq!(history.recent.iter().filter(|activity| activity.kind.as_str() == "note").count(), 1);
}

#[tokio::test]
async fn an_activity_is_checked_and_needs_a_contact_of_the_workspace() {
    let api = Api::start().await;
    let at = |days: i64| shared::base::time::timestamp(api.clock.now() + TimeDelta::days(days));
    for (name, wrong) in [
        ("contact_id", json!("x")),
        ("activity_id", json!("x")),
        ("type", json!("")),
        ("type", json!("Phone Call")),
        ("occurred_at", json!("soon")),
        ("occurred_at", json!(at(2))),
        ("occurred_at", json!(at(-6 * 365))),
        ("direction", json!("sideways")),
        ("title", json!("x".repeat(501))),
        ("body", json!("x".repeat(8_193))),
    ] {
        let mut body = json!({"contact_id": CONTACT, "type": "note"});
        body[name] = wrong;
        let answer = post(&api, "/v1/activities", &body).await;
        assert_eq!(answer.code(), (400, "validation_error".to_owned()), "{body}");
        assert!(answer.json()["error"]["details"]["fields"][name].is_string(), "{}", answer.text);
    }
    assert_eq!(
        post(&api, "/v1/activities", &json!({"contact_id": Uuid::nil(), "type": "note"})).await.code(),
        (404, "not_found".to_owned())
    );
    let rival = api.new_workspace(0).await;
    let theirs = Uuid::from_u128(8);
    api.leads()
        .load(rival, &[(shared::crm::leads::Lead { lead_id: theirs, ..Default::default() }, Vec::new())])
        .await
        .unwrap();
    assert_eq!(post(&api, "/v1/activities", &json!({"contact_id": theirs, "type": "note"})).await.status, 404);
    let reader = api.new_key(api.workspace, &[Permission::ReadLeads], |_| {}).await;
    for path in ["/v1/contacts", "/v1/contacts/bulk", "/v1/activities"] {
        assert_eq!(
            send(api.request("POST", path).bearer_auth(&reader).json(&json!({}))).await.code(),
            (403, "insufficient_permissions".to_owned())
        );
    }
}
