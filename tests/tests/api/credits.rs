//! The ledger, and `GET /v1/credits` (docs/behaviour.md, "Credits").

use std::collections::HashMap;

use chrono::TimeDelta;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use shared::base::clock::Random;
use shared::base::store::{Table, Transacted};
use shared::workspace::auth::Permission;
use shared::workspace::credits::{Action, Balance, Operation};
use tests::{Api, CONTACT, SUGGEST, send};
use uuid::Uuid;

#[tokio::test]
async fn two_hundred_requests_at_once_on_credits_for_sixty_charge_exactly_sixty() {
    let api = Api::start().await;
    let workspace = api.new_workspace(120).await;
    let key = api.new_key(workspace, &Permission::ALL, |_| {}).await;
    let ask = || send(api.request("POST", SUGGEST).bearer_auth(&key).json(&json!({"contact_id": CONTACT})));
    let answers = join_all((0..200).map(|_| ask())).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!(
        (count(200), count(402)),
        (60, 140),
        "{:?}",
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>()
    );
    let balance = api.ledger().balance(workspace).await.unwrap();
    assert_eq!((balance.available, balance.held, balance.spent), (0, 0, 120));
    assert_eq!(api.ledger().verify(workspace).await.unwrap(), []);
}

#[tokio::test]
async fn credits_are_shown_with_the_latest_entries_first() {
    let api = Api::start().await;
    for _ in 0..3 {
        api.clock.advance(TimeDelta::seconds(1));
        assert_eq!(api.suggest(&json!({"contact_id": CONTACT})).await.status, 200);
    }
    let answer = api.get("/v1/credits").await;
    let body = answer.json();
    assert_eq!(body["meta"], json!({"page": 1, "per_page": 20, "total": 4}));
    let data = &body["data"];
    assert_eq!(
        (&data["balance"], &data["held"], &data["spent"], &data["granted"]),
        (&json!(994), &json!(0), &json!(6), &json!(1000))
    );
    let kinds: Vec<_> = data["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["kind"].as_str().unwrap(), entry["amount"].as_u64().unwrap()))
        .collect();
    assert_eq!(kinds, [("charge", 2), ("charge", 2), ("charge", 2), ("grant", 1000)]);
    assert_eq!(data["entries"][0]["action"], "suggest_followups");
    assert!(data["entries"][0]["created_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn pages_of_entries_put_together_are_all_of_them() {
    let api = Api::start().await;
    for number in 0..7_u128 {
        api.ledger()
            .grant(
                api.workspace,
                Uuid::from_u128(number),
                1,
                "more",
                api.clock.now() + TimeDelta::seconds(i64::try_from(number).unwrap()),
            )
            .await
            .unwrap();
    }
    let whole = api.get("/v1/credits?per_page=100").await.json()["data"]["entries"].as_array().unwrap().clone();
    assert_eq!(whole.len(), 8);
    let mut pages = Vec::new();
    for page in 1..=4 {
        let body = api.get(&format!("/v1/credits?page={page}&per_page=3")).await.json();
        assert_eq!(body["meta"], json!({"page": page, "per_page": 3, "total": 8}));
        pages.extend(body["data"]["entries"].as_array().unwrap().clone());
    }
    assert_eq!(pages, whole);
}

#[tokio::test]
async fn page_and_per_page_are_checked_and_other_parameters_refused() {
    let api = Api::start().await;
    for (query, field) in [
        ("page=0", "page"),
        ("page=x", "page"),
        ("per_page=0", "per_page"),
        ("per_page=101", "per_page"),
        ("per_page=%2B5", "per_page"),
        ("page=", "page"),
        ("color=blue", "color"),
    ] {
        let answer = api.get(&format!("/v1/credits?{query}")).await;
        assert_eq!(answer.code(), (400, "validation_error".to_owned()), "{query}");
        assert!(answer.json()["error"]["details"]["fields"][field].is_string());
    }
    // A route without parameters knows none.
    let answer = api.get("/v1/lists/5eed0000-0000-4000-8000-000000000009?page=1").await;
    assert_eq!(
        answer.json()["error"]["details"]["fields"]["page"],
        "is not a parameter of this request; known are none"
    );
    // What is no name may be somebody's, and is not repeated.
    let personal = api.get("/v1/credits?jane@acme.example").await;
    assert!(personal.status == 400 && !personal.text.contains("jane"), "{}", personal.text);
}

#[tokio::test]
async fn a_grant_with_the_same_id_is_granted_once() {
    let api = Api::start().await;
    for _ in 0..3 {
        api.ledger().grant(api.workspace, Uuid::from_u128(1), 50, "gift", api.clock.now()).await.unwrap();
        api.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(api.verified_balance().await.granted, 1_050);
}

#[tokio::test]
async fn verify_finds_a_balance_that_was_tampered_with() {
    let api = Api::start().await;
    let key = |name: &str, value: String| (name.to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(value));
    let item = [key("pk", format!("W#{}", api.workspace)), key("sk", "balance".to_owned())];
    let update =
        api.stack.context.dynamodb.update_item().table_name("lead-followup-credits").set_key(Some(item.into()));
    let three = aws_sdk_dynamodb::types::AttributeValue::N("3".to_owned());
    update.update_expression("ADD available :three").expression_attribute_values(":three", three).send().await.unwrap();
    let found = api.ledger().verify(api.workspace).await.unwrap();
    assert_eq!((found.len(), found[0].field, found[0].balance, found[0].recomputed), (1, "available", 1_003, 1_000));
}

/// What the ledger is told in the state-machine test.
#[derive(Clone, Debug)]
enum Step {
    Grant(u32),
    Hold(u8, u32),
    Post(u8),
    Void(u8),
    Extend(u8),
    /// Moves the clock, then sweeps.
    Sweep(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..50_u32).prop_map(Step::Grant),
        (0..8_u8, 1..20_u32).prop_map(|(id, amount)| Step::Hold(id, amount)),
        (0..8_u8).prop_map(Step::Post),
        (0..8_u8).prop_map(Step::Void),
        (0..8_u8).prop_map(Step::Extend),
        (0..200_i64).prop_map(Step::Sweep),
    ];
    prop::collection::vec(step, 1..40)
}

/// What an operation should be, as the model of the ledger knows it.
#[derive(Clone, Debug, PartialEq)]
enum Known {
    Held { amount: u32, until: i64 },
    Resolved,
}

#[test]
fn the_ledger_agrees_with_its_model_after_any_steps() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let api = runtime.block_on(Api::start());
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&steps(), |steps| {
        let (found, expected) = runtime.block_on(run_steps(&api, &steps));
        prop_assert_eq!(found, expected);
        Ok(())
    });
    outcome.unwrap();
}

async fn run_steps(api: &Api, steps: &[Step]) -> (Vec<(bool, Balance)>, Vec<(bool, Balance)>) {
    let (ledger, context, random) = (api.ledger(), &api.stack.context, Random::from_os());
    let workspace = random.uuid();
    let ids: Vec<Uuid> = (0..8).map(|_| random.uuid()).collect();
    let mut operations: HashMap<u8, Operation> = HashMap::new();
    let mut known: HashMap<u8, Known> = HashMap::new();
    let mut model = Balance::default();
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for step in steps {
        let now = api.clock.now();
        let until = now.timestamp_millis() + 60_000;
        let write = async |writes: Vec<_>| {
            matches!(
                Table::named(context, "CREDITS_TABLE").unwrap().transact(writes).await.unwrap(),
                Transacted::Applied
            )
        };
        let (applied, should) = match step {
            Step::Grant(amount) => {
                ledger.grant(workspace, random.uuid(), *amount, "test", now).await.unwrap();
                model.available += u64::from(*amount);
                model.granted += u64::from(*amount);
                model.entries += 1;
                (true, true)
            }
            Step::Hold(id, amount) => {
                let operation =
                    Operation::new(ids[usize::from(*id)], workspace, Action::SuggestFollowups, *amount, until, now);
                let should = !known.contains_key(id) && model.available >= u64::from(*amount);
                let applied = write(ledger.hold(&operation).unwrap().to_vec()).await;
                if should {
                    model.available -= u64::from(*amount);
                    model.held += u64::from(*amount);
                    known.insert(*id, Known::Held { amount: *amount, until });
                    operations.insert(*id, operation);
                }
                (applied, should)
            }
            Step::Post(id) | Step::Void(id) | Step::Extend(id) => {
                let Some(operation) = operations.get_mut(id) else { continue };
                let held = known.get(id).cloned();
                let should = matches!(held, Some(Known::Held { .. }));
                let Known::Held { amount, .. } = held.unwrap_or(Known::Resolved) else {
                    let writes = match step {
                        Step::Post(_) => ledger.post(operation, now).unwrap().to_vec(),
                        Step::Void(_) => ledger.void(operation, now).unwrap().to_vec(),
                        _ => vec![ledger.extend(operation)],
                    };
                    found.push((write(writes).await, ledger.balance(workspace).await.unwrap()));
                    expected.push((false, Balance { version: found.last().unwrap().1.version, ..model }));
                    continue;
                };
                let applied = match step {
                    Step::Post(_) => {
                        model.spent += u64::from(amount);
                        write(ledger.post(operation, now).unwrap().to_vec()).await
                    }
                    Step::Void(_) => {
                        model.available += u64::from(amount);
                        write(ledger.void(operation, now).unwrap().to_vec()).await
                    }
                    _ => {
                        operation.hold_expires = until + 60_000;
                        known.insert(*id, Known::Held { amount, until: until + 60_000 });
                        write(vec![ledger.extend(operation)]).await
                    }
                };
                if !matches!(step, Step::Extend(_)) {
                    model.held -= u64::from(amount);
                    model.entries += 1;
                    known.insert(*id, Known::Resolved);
                }
                (applied, should)
            }
            Step::Sweep(seconds) => {
                api.clock.advance(TimeDelta::seconds(*seconds));
                let now = api.clock.now();
                ledger.void_expired(now).await.unwrap();
                for held in known.values_mut() {
                    if let Known::Held { amount, until } = *held
                        && until <= now.timestamp_millis()
                    {
                        model.held -= u64::from(amount);
                        model.available += u64::from(amount);
                        model.entries += 1;
                        *held = Known::Resolved;
                    }
                }
                (true, true)
            }
        };
        found.push((applied, ledger.balance(workspace).await.unwrap()));
        expected.push((should, Balance { version: found.last().unwrap().1.version, ..model }));
        assert_eq!(model.granted, model.available + model.held + model.spent);
        assert_eq!(ledger.verify(workspace).await.unwrap(), []);
    }
    (found, expected)
}
