//! Fields, limits, errors and credits of suggest-followups (docs/behaviour.md, "Suggestions").

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::crm::leads::Lead;
use shared::workspace::auth::Permission;
use tests::{Api, CONTACT, ModelReply, SUGGEST, ScriptedModel, activity, send, suggestion};
use uuid::Uuid;

#[tokio::test]
async fn the_documents_request_gets_the_documents_answer() {
    let api = Api::start().await;
    let answer = api.suggest(&json!({"contact_id": CONTACT, "count": 3})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    let data = &answer.json()["data"];
    let names: Vec<_> = data.as_object().unwrap().keys().collect();
    assert_eq!(names, ["suggestions", "activity_summary", "credits_remaining"]);
    assert_eq!(data["credits_remaining"], 998);
    let last_touch = (api.clock.now() - TimeDelta::days(2)).format("%Y-%m-%d");
    assert_eq!(
        data["activity_summary"],
        format!(
            "3 emails and 1 meeting with Jane in the last 14 days; last touch was a discovery call on {last_touch}."
        )
    );
    let first = &data["suggestions"][0];
    let names: Vec<_> = first.as_object().unwrap().keys().collect();
    assert_eq!(names, ["type", "title", "reason", "suggested_when", "draft_body", "confidence"]);
    assert_eq!(
        (&first["type"], &first["title"], &first["suggested_when"]),
        (&json!("email"), &json!("Share fee proposal"), &json!("Today"))
    );
    assert!(first["reason"].as_str().unwrap().starts_with("Jane asked for pricing"));
    assert!(first["draft_body"].as_str().unwrap().starts_with("Hi Jane"));
    let second = &data["suggestions"][1];
    assert_eq!((&second["type"], &second["title"]), (&json!("meeting"), &json!("Schedule legal review session")));
    assert_eq!(second["draft_body"], Value::Null);
}

#[tokio::test]
async fn the_documented_base_path_reaches_the_same_endpoint() {
    let api = Api::start().await;
    let path = format!("/functions/v1/api-gateway{SUGGEST}");
    let answer = send(api.authorized("POST", &path).json(&json!({"contact_id": CONTACT}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        send(api.authorized("GET", "/functions/v1/api-gateway/v1/credits")).await.json()["data"]["balance"],
        998
    );
}

#[tokio::test]
async fn each_suggestion_has_the_documented_types() {
    let api = Api::start().await;
    let data = api.suggest(&json!({"contact_id": CONTACT, "count": 10})).await.json()["data"].clone();
    assert_eq!(data["suggestions"].as_array().unwrap().len(), 10);
    for suggestion in data["suggestions"].as_array().unwrap() {
        let channel = suggestion["type"].as_str().unwrap();
        assert!(["email", "call", "meeting", "linkedin", "whatsapp"].contains(&channel));
        for text in ["title", "reason", "suggested_when"] {
            assert!(!suggestion[text].as_str().unwrap().is_empty());
        }
        assert_eq!(suggestion["draft_body"].is_null(), matches!(channel, "call" | "meeting"), "{suggestion}");
        assert!((0.0..=1.0).contains(&suggestion["confidence"].as_f64().unwrap()));
    }
}

#[tokio::test]
async fn three_suggestions_are_the_default_and_one_to_ten_the_limits() {
    let api = Api::start().await;
    let count = |answer: tests::Answer| answer.json()["data"]["suggestions"].as_array().map(Vec::len);
    assert_eq!(count(api.suggest(&json!({"contact_id": CONTACT})).await), Some(3));
    assert_eq!(count(api.suggest(&json!({"contact_id": CONTACT, "count": null})).await), Some(3));
    for number in [1, 10] {
        assert_eq!(count(api.suggest(&json!({"contact_id": CONTACT, "count": number})).await), Some(number));
    }
    for wrong in [json!(0), json!(11), json!(-1), json!(2.5), json!("3"), json!(true), json!([3])] {
        let answer = api.suggest(&json!({"contact_id": CONTACT, "count": wrong})).await;
        assert_eq!(answer.code(), (400, "validation_error".to_owned()), "{wrong}");
        assert_eq!(answer.json()["error"]["details"]["fields"]["count"], "must be a whole number from 1 to 10");
    }
    assert_eq!(api.balance().await.spent, 8);
}

#[tokio::test]
async fn sixty_days_are_looked_back_by_default_and_one_to_365_are_the_limits() {
    let api = Api::start().await;
    let now = api.clock.now();
    let lead_id = Uuid::from_u128(7);
    let lead = Lead { lead_id, full_name: Some("Ada Byron".to_owned()), ..Lead::default() };
    let activities = [59, 61, 364, 3_649].map(|days| activity(now, "call", days, "Status", "Spoke."));
    api.leads().load(api.workspace, &[(lead, activities.to_vec())]).await.unwrap();
    let mut summaries = BTreeMap::new();
    for days in [json!(null), json!(1), json!(62), json!(365), json!(3_650)] {
        let answer = api.suggest(&json!({"contact_id": lead_id, "lookback_days": days})).await;
        summaries.insert(days.to_string(), answer.json()["data"]["activity_summary"].as_str().unwrap().to_owned());
    }
    assert!(summaries["null"].starts_with("1 call with Ada in the last 60 days;"), "{summaries:?}");
    assert!(summaries["1"].starts_with("No activity with Ada in the last 1 day; last touch was"), "{summaries:?}");
    assert!(summaries["62"].starts_with("2 calls with Ada in the last 62 days;"), "{summaries:?}");
    assert!(summaries["365"].starts_with("3 calls with Ada in the last 365 days;"), "{summaries:?}");
    assert!(summaries["3650"].starts_with("4 calls with Ada in the last 3650 days;"), "{summaries:?}");
    for wrong in [json!(0), json!(3_651), json!("60"), json!(1.5)] {
        let answer = api.suggest(&json!({"contact_id": lead_id, "lookback_days": wrong})).await;
        assert_eq!(
            answer.json()["error"]["details"]["fields"]["lookback_days"],
            "must be a whole number from 1 to 3650"
        );
    }
}

#[tokio::test]
async fn only_whitelisted_channels_are_suggested() {
    let api = Api::start().await;
    for channels in [json!(["whatsapp"]), json!(["call", "meeting"]), json!(["linkedin", "email", "email"])] {
        let answer = api.suggest(&json!({"contact_id": CONTACT, "count": 10, "channels": channels})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        for suggestion in answer.json()["data"]["suggestions"].as_array().unwrap() {
            assert!(channels.as_array().unwrap().contains(&suggestion["type"]), "{suggestion}");
        }
    }
    for wrong in
        [json!([]), json!(["fax"]), json!(["email", 1]), json!("email"), json!({"email": true}), json!(["Email"])]
    {
        let answer = api.suggest(&json!({"contact_id": CONTACT, "channels": wrong})).await;
        assert_eq!(answer.code(), (400, "validation_error".to_owned()), "{wrong}");
        assert!(answer.json()["error"]["details"]["fields"]["channels"].is_string(), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_missing_or_malformed_contact_id_is_a_validation_error() {
    let api = Api::start().await;
    for (body, complaint) in [
        (json!({}), "is required"),
        (json!({"contact_id": null}), "is required"),
        (json!({"contact_id": "123"}), "must be a UUID"),
        (json!({"contact_id": 5}), "must be a UUID"),
        (json!({"contact_id": "123e4567e89b12d3a456426614174000"}), "must be a UUID"),
        (json!({"contact_id": "123e4567-e89b-12d3-a456-42661417400g"}), "must be a UUID"),
    ] {
        let answer = api.suggest(&body).await;
        assert_eq!(answer.code(), (400, "validation_error".to_owned()), "{body}");
        assert_eq!(answer.json()["error"]["details"]["fields"], json!({"contact_id": complaint}));
        assert_eq!(answer.json()["error"]["message"], format!("contact_id {complaint}"));
    }
    assert_eq!(api.balance().await.available, 1_000);
}

#[tokio::test]
async fn a_contact_id_is_found_in_any_case() {
    let api = Api::start().await;
    let answer = api.suggest(&json!({"contact_id": CONTACT.to_string().to_uppercase()})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let api = Api::start().await;
    let answer = api.suggest(&json!({"count": 99, "channels": ["fax"], "lookback": 3})).await;
    let fields = answer.json()["error"]["details"]["fields"].clone();
    let names: Vec<_> = fields.as_object().unwrap().keys().collect();
    assert_eq!(names, ["channels", "contact_id", "count", "lookback"]);
    assert_eq!(
        fields["lookback"],
        "is not a field of this request; known are contact_id, count, lookback_days, channels"
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_a_validation_error() {
    let api = Api::start().await;
    let deep = "[".repeat(100_000);
    for body in ["", "   ", "{", "[]", "null", "\"x\"", "{\"contact_id\": }", "nul", deep.as_str()] {
        let request = api.authorized("POST", SUGGEST).header("Content-Type", "application/json").body(body.to_owned());
        assert_eq!(send(request).await.code(), (400, "validation_error".to_owned()), "{:.40}", body);
    }
    let not_utf8 =
        api.authorized("POST", SUGGEST).header("Content-Type", "application/json").body(vec![b'"', 0xff, b'"']);
    assert_eq!(send(not_utf8).await.code(), (400, "validation_error".to_owned()));
}

#[tokio::test]
async fn a_contact_of_another_workspace_is_not_found() {
    let api = Api::start().await;
    let theirs = Uuid::from_u128(99);
    let rival = api.new_workspace(10).await;
    api.leads().load(rival, &[(Lead { lead_id: theirs, ..Lead::default() }, Vec::new())]).await.unwrap();
    let stolen = api.suggest(&json!({"contact_id": theirs})).await;
    let unknown = api.suggest(&json!({"contact_id": Uuid::from_u128(98)})).await;
    assert_eq!(stolen.code(), (404, "not_found".to_owned()));
    // Nothing tells the one from the other.
    assert_eq!(stolen.text, unknown.text);
    assert_eq!(api.balance().await.available, 1_000);
}

#[tokio::test]
async fn an_exhausted_balance_is_402_and_nothing_is_taken() {
    let api = Api::start().await;
    let poor = api.new_workspace(1).await;
    let key = api.new_key(poor, &Permission::ALL, |_| {}).await;
    let answer = send(api.request("POST", SUGGEST).bearer_auth(&key).json(&json!({"contact_id": CONTACT}))).await;
    assert_eq!(answer.code(), (402, "insufficient_credits".to_owned()));
    assert_eq!(
        answer.json()["error"]["message"],
        "this call costs 2 credits and the workspace has 1; add credits and retry"
    );
    let balance = api.ledger().balance(poor).await.unwrap();
    assert_eq!((balance.available, balance.held, balance.spent), (1, 0, 0));
}

#[tokio::test]
async fn a_workspace_that_never_had_credits_is_402() {
    let api = Api::start().await;
    let empty = api.new_workspace(0).await;
    let key = api.new_key(empty, &Permission::ALL, |_| {}).await;
    let answer = send(api.request("POST", SUGGEST).bearer_auth(&key).json(&json!({"contact_id": CONTACT}))).await;
    assert_eq!(answer.code(), (402, "insufficient_credits".to_owned()));
}

#[tokio::test]
async fn each_call_costs_two_credits_and_tells_the_balance_after_it() {
    let api = Api::start().await;
    for expected in [998, 996, 994] {
        assert_eq!(api.suggest(&json!({"contact_id": CONTACT})).await.json()["data"]["credits_remaining"], expected);
    }
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held, balance.spent), (994, 0, 6));
}

#[tokio::test]
async fn a_workspace_may_have_a_price_of_its_own() {
    let api = Api::start().await;
    for (price, remaining) in [(7, 993), (0, 993)] {
        api.set_price(api.workspace, "suggest_followups", price).await;
        assert_eq!(api.suggest(&json!({"contact_id": CONTACT})).await.json()["data"]["credits_remaining"], remaining);
    }
    api.verified_balance().await;
}

#[tokio::test]
async fn a_contact_without_any_activity_still_gets_suggestions_and_is_said_to_have_none() {
    let api = Api::start().await;
    let lead_id = Uuid::from_u128(5);
    api.leads().load(api.workspace, &[(Lead { lead_id, ..Lead::default() }, Vec::new())]).await.unwrap();
    let data = api.suggest(&json!({"contact_id": lead_id})).await.json()["data"].clone();
    assert_eq!(
        data["activity_summary"],
        "No activity with this contact in the last 60 days; nothing before is on record."
    );
    assert_eq!(data["suggestions"].as_array().unwrap().len(), 3);
    assert!(data["suggestions"][0]["reason"].as_str().unwrap().contains("No activity"), "{data}");
}

#[tokio::test]
async fn a_lead_with_hundreds_of_activities_is_counted_to_the_last() {
    let api = Api::start().await;
    let (now, lead_id) = (api.clock.now(), Uuid::from_u128(6));
    let lead = Lead { lead_id, full_name: Some("Busy Bee".to_owned()), ..Lead::default() };
    let activities = (0..250).map(|index| activity(now, "call", index / 10, "Status", "Spoke.")).collect();
    api.leads().load(api.workspace, &[(lead, activities)]).await.unwrap();
    let data = api.suggest(&json!({"contact_id": lead_id})).await.json()["data"].clone();
    assert!(
        data["activity_summary"].as_str().unwrap().starts_with("250 calls with Busy in the last 30 days;"),
        "{data}"
    );
}

#[tokio::test]
async fn the_model_sees_this_leads_facts_and_no_address_or_number() {
    let model = ScriptedModel::start(vec![ModelReply::suggestions(&[suggestion("email")])]).await;
    let api = Api::with_model(&model).await;
    let other = Lead { lead_id: Uuid::from_u128(3), full_name: Some("Someone Else".to_owned()), ..Lead::default() };
    let now = api.clock.now();
    api.leads()
        .load(api.workspace, &[(other, vec![activity(now, "email", 1, "Private matter", "Not for Jane.")])])
        .await
        .unwrap();
    assert_eq!(api.suggest(&json!({"contact_id": CONTACT})).await.status, 200);
    let request = model.requests().remove(0);
    assert_eq!(request["model"], "scripted");
    assert_eq!(request["response_format"]["json_schema"]["strict"], true);
    let facts = request["messages"][1]["content"].as_str().unwrap();
    for told in ["Jane Smith", "Acme Inc.", "Discovery call", "Marketing Director", "How do you charge?"] {
        assert!(facts.contains(told), "{told} is missing in {facts}");
    }
    let whole = request.to_string();
    for hidden in ["jane@acme.example", "2025550142", "Someone Else", "Private matter", "Not for Jane"] {
        assert!(!whole.contains(hidden), "{hidden} was shown to the model");
    }
}

#[tokio::test]
async fn the_replys_schema_is_strict_all_the_way_down() {
    let model = ScriptedModel::start(vec![ModelReply::suggestions(&[suggestion("email")])]).await;
    let api = Api::with_model(&model).await;
    api.suggest(&json!({"contact_id": CONTACT})).await;
    let schema = model.requests()[0]["response_format"]["json_schema"]["schema"].clone();
    let item = &schema["properties"]["suggestions"]["items"];
    for object in [&schema, item] {
        assert_eq!(object["additionalProperties"], false, "{schema}");
        let properties: Vec<_> = object["properties"].as_object().unwrap().keys().collect();
        let required: Vec<_> =
            object["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(properties, required);
    }
    assert_eq!(item["properties"]["type"]["enum"], json!(["email", "call", "meeting", "linkedin", "whatsapp"]));
}
