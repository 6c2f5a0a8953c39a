//! The answer to a repeated request with an Idempotency-Key, and its cost (docs/behaviour.md, "Retries").

use shared::base::context::FromContext;
use std::time::Duration;

use chrono::TimeDelta;
use functions::sweeper::Sweeper;
use futures_util::future::join_all;
use serde_json::json;
use shared::workspace::auth::Permission;
use tests::{Api, CONTACT, ModelReply, SUGGEST, ScriptedModel, send, suggestion, try_send};
use uuid::Uuid;

fn good() -> ModelReply {
    ModelReply::suggestions(&[suggestion("email")])
}

#[tokio::test]
async fn a_repeated_request_is_replayed_to_the_byte_and_not_charged_again() {
    let model = ScriptedModel::start(vec![good(), ModelReply::suggestions(&[suggestion("linkedin")])]).await;
    let api = Api::with_model(&model).await;
    let first = api.suggest_once("a").await;
    let second = api.suggest_once("a").await;
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(first.text, second.text);
    assert_eq!((first.header("idempotent-replayed"), second.header("idempotent-replayed")), ("", "true"));
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_eq!(model.requests().len(), 1);
    assert_eq!(api.verified_balance().await.spent, 2);
}

#[tokio::test]
async fn the_quoted_form_the_base_path_and_another_spelling_are_the_same_request() {
    let api = Api::start().await;
    let first = api.suggest_once("a").await;
    let body = format!("{{ \"count\" : 3 , \"contact_id\":\"{CONTACT}\"}}");
    let reordered = |path: &str, key: &str, body: String| {
        send(
            api.authorized("POST", path)
                .header("Idempotency-Key", key)
                .header("Content-Type", "application/json")
                .body(body),
        )
    };
    let quoted = reordered(SUGGEST, "\"a\"", json!({"contact_id": CONTACT}).to_string()).await;
    let based =
        reordered(&format!("/functions/v1/api-gateway{SUGGEST}"), "a", json!({"contact_id": CONTACT}).to_string())
            .await;
    assert_eq!((&quoted.text, &based.text), (&first.text, &first.text));
    let other_key = reordered(SUGGEST, "b", body.clone()).await;
    let spaced = reordered(SUGGEST, "b", format!("{{\"contact_id\":\"{CONTACT}\",\"count\":3}}")).await;
    assert_eq!((spaced.header("idempotent-replayed"), &spaced.text), ("true", &other_key.text));
    assert_eq!(api.verified_balance().await.spent, 4);
}

#[tokio::test]
async fn the_key_with_another_request_is_422() {
    let api = Api::start().await;
    assert_eq!(api.suggest_once("a").await.status, 200);
    let request = api.authorized("POST", SUGGEST).header("Idempotency-Key", "a");
    let answer = send(request.json(&json!({"contact_id": CONTACT, "count": 4}))).await;
    assert_eq!(answer.code(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(api.verified_balance().await.spent, 2);
}

#[tokio::test]
async fn a_key_belongs_to_its_workspace() {
    let api = Api::start().await;
    assert_eq!(api.suggest_once("a").await.status, 200);
    let rival = api.new_workspace(10).await;
    let key = api.new_key(rival, &Permission::ALL, |_| {}).await;
    let request = api.request("POST", SUGGEST).bearer_auth(key).header("Idempotency-Key", "a");
    let answer = send(request.json(&json!({"contact_id": CONTACT, "count": 5}))).await;
    assert_eq!((answer.status, answer.json()["data"]["credits_remaining"].clone()), (200, json!(8)));
}

#[tokio::test]
async fn a_malformed_key_is_400() {
    let api = Api::start().await;
    let long = "k".repeat(256);
    for key in ["", "\"\"", "a b", "\"open", long.as_str()] {
        let answer = api.suggest_once(key).await;
        assert_eq!(answer.code(), (400, "validation_error".to_owned()), "{key}");
        assert!(answer.json()["error"]["details"]["fields"]["Idempotency-Key"].is_string());
    }
    let bytes = reqwest::header::HeaderValue::from_bytes(b"caf\xc3\xa9").unwrap();
    let request =
        api.authorized("POST", SUGGEST).header("Idempotency-Key", bytes).json(&json!({"contact_id": CONTACT}));
    assert_eq!(send(request).await.status, 400);
    assert_eq!(api.suggest_once(&"k".repeat(255)).await.status, 200);
}

#[tokio::test]
async fn fifty_requests_at_once_with_one_key_are_charged_and_worked_once() {
    let model = ScriptedModel::start(vec![ModelReply::After(Duration::from_millis(200), Box::new(good()))]).await;
    let api = Api::with_model(&model).await;
    let answers = join_all((0..50).map(|_| api.suggest_once("storm"))).await;
    let done: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert!(!done.is_empty());
    assert!(done.iter().all(|answer| answer.text == done[0].text));
    assert_eq!(done.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.code(), (409, "idempotency_conflict".to_owned()));
        assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    }
    assert_eq!(model.requests().len(), 1);
    assert_eq!(api.verified_balance().await.spent, 2);
    assert_eq!(api.suggest_once("storm").await.text, done[0].text);
}

#[tokio::test]
async fn a_404_of_the_work_is_kept_and_replayed() {
    let api = Api::start().await;
    let lead_id = Uuid::from_u128(77);
    let ask = || {
        send(api.authorized("POST", SUGGEST).header("Idempotency-Key", "gone").json(&json!({"contact_id": lead_id})))
    };
    let first = ask().await;
    assert_eq!(first.code(), (404, "not_found".to_owned()));
    let lead = shared::crm::leads::Lead { lead_id, ..Default::default() };
    api.leads().load(api.workspace, &[(lead, Vec::new())]).await.unwrap();
    let second = ask().await;
    assert_eq!((second.status, second.header("idempotent-replayed"), &second.text), (404, "true", &first.text));
    assert_eq!(api.verified_balance().await.spent, 0);
}

#[tokio::test]
async fn a_replay_outlives_the_lead() {
    let api = Api::start().await;
    let first = api.suggest_once("a").await;
    delete_contact(&api).await;
    assert_eq!(api.suggest_once("a").await.text, first.text);
    assert_eq!(api.suggest_once("b").await.status, 404);
}

#[tokio::test]
async fn a_402_is_not_kept_so_that_a_topped_up_workspace_may_retry() {
    let api = Api::start().await;
    let poor = api.new_workspace(1).await;
    let key = api.new_key(poor, &Permission::ALL, |_| {}).await;
    let ask = || {
        send(
            api.request("POST", SUGGEST)
                .bearer_auth(&key)
                .header("Idempotency-Key", "a")
                .json(&json!({"contact_id": CONTACT})),
        )
    };
    assert_eq!(ask().await.status, 402);
    api.ledger().grant(poor, Uuid::from_u128(1), 5, "top-up", api.clock.now()).await.unwrap();
    let answer = ask().await;
    assert_eq!((answer.status, answer.json()["data"]["credits_remaining"].clone()), (200, json!(4)));
}

#[tokio::test]
async fn a_5xx_is_not_kept() {
    let model = ScriptedModel::start(vec![ModelReply::Status(401, "{}".to_owned()), good()]).await;
    let api = Api::with_model(&model).await;
    assert_eq!(api.suggest_once("a").await.code(), (502, "ai_unavailable".to_owned()));
    assert_eq!(api.verified_balance().await.available, 1_000);
    let retried = api.suggest_once("a").await;
    assert_eq!((retried.status, retried.header("idempotent-replayed")), (200, ""));
    assert_eq!(api.verified_balance().await.spent, 2);
}

#[tokio::test]
async fn a_key_stands_for_its_request_for_24_hours_whether_or_not_ttl_has_deleted_it() {
    let api = Api::start().await;
    let first = api.suggest_once("a").await;
    api.clock.advance(TimeDelta::hours(23) + TimeDelta::minutes(59));
    assert_eq!(api.suggest_once("a").await.text, first.text);
    api.clock.advance(TimeDelta::minutes(1));
    let anew = api.suggest_once("a").await;
    assert_eq!((anew.status, anew.header("idempotent-replayed")), (200, ""));
    assert_eq!(api.verified_balance().await.spent, 4);
}

async fn delete_contact(api: &Api) {
    let key = |name: &str, value: String| (name.to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(value));
    let item = [key("pk", format!("W#{}#L#{CONTACT}", api.workspace)), key("sk", "lead".to_owned())];
    let deleted = api.stack.context.dynamodb.delete_item().table_name("lead-followup-leads").set_key(Some(item.into()));
    deleted.send().await.unwrap();
}

/// A request whose function dies while the model is thinking: the client is left without an answer,
/// the claim and the hold are left behind.
async fn abandoned(api: &Api) {
    let request = api.authorized("POST", SUGGEST).header("Idempotency-Key", "a").json(&json!({"contact_id": CONTACT}));
    let asked = tokio::spawn(try_send(request));
    while api.balance().await.held == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asked.abort();
}

/// A stack whose first process hangs in its model call; what it left behind is the second's.
async fn successor(data: &std::path::Path) -> (Api, ScriptedModel) {
    let silent = ScriptedModel::start(vec![ModelReply::Silence]).await;
    let first =
        Api::with(tests::Setup { data: Some(data.to_owned()), model: Some(silent.as_model()), ..Default::default() })
            .await;
    abandoned(&first).await;
    let (workspace, key) = (first.workspace, first.key.clone());
    first.stack.stop().await;
    let model = ScriptedModel::start(vec![good()]).await;
    let mut second =
        Api::with(tests::Setup { data: Some(data.to_owned()), model: Some(model.as_model()), ..Default::default() })
            .await;
    (second.workspace, second.key) = (workspace, key);
    (second, model)
}

#[tokio::test]
async fn a_dead_handlers_claim_is_409_until_its_lease_ends_and_then_taken_over_without_a_second_charge() {
    let folder = tempfile::tempdir().unwrap();
    let (api, model) = successor(folder.path()).await;
    assert_eq!(api.balance().await.held, 2);
    assert_eq!(api.suggest_once("a").await.code(), (409, "idempotency_conflict".to_owned()));
    api.clock.advance(TimeDelta::seconds(40));
    let taken = api.suggest_once("a").await;
    assert_eq!((taken.status, taken.json()["data"]["credits_remaining"].clone()), (200, json!(998)), "{}", taken.text);
    assert_eq!(model.requests().len(), 1);
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held, balance.spent), (998, 0, 2));
    assert_eq!(api.suggest_once("a").await.text, taken.text);
}

#[tokio::test]
async fn a_takeover_that_is_refused_gives_back_what_its_predecessor_held() {
    let folder = tempfile::tempdir().unwrap();
    let (api, _model) = successor(folder.path()).await;
    delete_contact(&api).await;
    api.clock.advance(TimeDelta::seconds(40));
    assert_eq!(api.suggest_once("a").await.status, 404);
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held, balance.spent), (1_000, 0, 0));
    assert_eq!(api.suggest_once("a").await.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn the_sweeper_voids_a_dead_handlers_hold_and_the_key_may_still_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let (api, _model) = successor(folder.path()).await;
    let sweeper = Sweeper::new(&api.stack.context).unwrap();
    assert_eq!(sweeper.sweep().await.unwrap(), 0);
    api.clock.advance(TimeDelta::seconds(120));
    // The stack's own sweeper runs by the minute and may have been first.
    sweeper.sweep().await.unwrap();
    assert_eq!(sweeper.sweep().await.unwrap(), 0);
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held, balance.spent, balance.entries), (1_000, 0, 0, 2));
    let answer = api.suggest_once("a").await;
    assert_eq!((answer.status, api.verified_balance().await.spent), (200, 2));
}

#[tokio::test]
async fn an_owner_that_was_overtaken_can_neither_complete_nor_release() {
    let slow = ModelReply::After(Duration::from_millis(700), Box::new(good()));
    let model =
        ScriptedModel::start(vec![slow.clone(), slow, ModelReply::suggestions(&[suggestion("whatsapp")])]).await;
    let environment = std::collections::HashMap::from([("LLM_ATTEMPT_SECONDS".to_owned(), "5".to_owned())]);
    let api = Api::with(tests::Setup { model: Some(model.as_model()), environment, ..Default::default() }).await;
    let overtaken = async {
        let answer = api.suggest_once("a").await;
        // Either the successor's answer, or word that it is still at work.
        assert!(answer.status == 409 || answer.header("idempotent-replayed") == "true", "{answer:?}");
    };
    let successor = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        api.clock.advance(TimeDelta::seconds(40));
        let answer = api.suggest_once("a").await;
        assert_eq!((answer.status, answer.header("idempotent-replayed")), (200, ""), "{}", answer.text);
    };
    tokio::join!(overtaken, successor);
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held, balance.spent), (998, 0, 2));
}
