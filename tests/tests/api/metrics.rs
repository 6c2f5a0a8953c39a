//! Every metric is counted once, in lines that CloudWatch Logs can read ("Specification: Embedded metric format",
//! Amazon CloudWatch User Guide), and no line holds anything personal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lambda_http::LambdaEvent;
use serde_json::{Value, json};
use shared::api::lambda::Function;
use shared::base::observe::metrics::{ALL, Metrics, NAMESPACE};
use tests::observed::Lines;
use tests::{Api, CONTACT, ModelReply, ScriptedModel, Setup, send, suggestion};
use uuid::Uuid;

/// Fails unless the line is in the format, and gives its metrics: their names, units and sets of dimensions.
fn checked(line: &Value) -> Vec<(String, String, Value)> {
    let head = &line["_aws"];
    assert!(head["Timestamp"].as_i64().is_some_and(|time| time > 1_600_000_000_000), "{line}");
    let mut metrics = Vec::new();
    for directive in head["CloudWatchMetrics"].as_array().expect("directives") {
        assert_eq!(directive["Namespace"], NAMESPACE);
        for name in directive["Dimensions"].as_array().expect("sets").iter().flat_map(|set| set.as_array().unwrap()) {
            let value = line[name.as_str().unwrap()].as_str().unwrap_or_default();
            assert!((1..=1024).contains(&value.len()) && value.is_ascii(), "{name}: {line}");
            assert!(Uuid::parse_str(value).is_err(), "{name}: {line}");
        }
        for metric in directive["Metrics"].as_array().expect("metrics") {
            let (name, unit) = (metric["Name"].as_str().unwrap(), metric["Unit"].as_str().unwrap());
            assert!(line[name].is_u64(), "{name}: {line}");
            assert!(["Count", "Milliseconds"].contains(&unit), "{line}");
            metrics.push((name.to_owned(), unit.to_owned(), directive["Dimensions"].clone()));
        }
    }
    assert!((1..=100).contains(&metrics.len()), "{line}");
    metrics
}

/// The sum of a metric over the lines that say so.
fn sum(lines: &[Value], metric: &str, says: &[(&str, &str)]) -> u64 {
    let fits = |line: &&Value| says.iter().all(|(name, value)| line[*name] == *value);
    lines.iter().filter(fits).filter_map(|line| line[metric].as_u64()).sum()
}

/// A model that replies as it is told to.
async fn model() -> (ScriptedModel, Arc<Mutex<Vec<ModelReply>>>) {
    let replies = Arc::new(Mutex::new(Vec::<ModelReply>::new()));
    let told = Arc::clone(&replies);
    let next = move |_: &Value| {
        let mut told = told.lock().unwrap();
        if told.len() > 1 { told.remove(0) } else { told[0].clone() }
    };
    (ScriptedModel::start(vec![ModelReply::By(Arc::new(next))]).await, replies)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_is_counted_once_and_readable() {
    let lines = Lines::default();
    let (model, replies) = model().await;
    let tell = |told: Vec<ModelReply>| *replies.lock().unwrap() = told;
    let environment = HashMap::from([("STACK_NAME".to_owned(), "lead-followup-test".to_owned())]);
    let metrics = Metrics::to(lines.clone());
    let api = Api::with(Setup { model: Some(model.as_model()), environment, metrics, ..Setup::default() }).await;
    let (contact, nobody) = (json!({"contact_id": CONTACT}), json!({"contact_id": Uuid::from_u128(1)}));

    // Two replies, of which the first breaks a rule.
    tell(vec![ModelReply::Text("no JSON".to_owned()), ModelReply::suggestions(&[suggestion("email")])]);
    assert_eq!(api.suggest_once("a").await.status, 200);
    assert_eq!(api.suggest_once("a").await.status, 200);
    assert_eq!(api.suggest(&nobody).await.status, 404);
    assert_eq!(api.get("/users/me/leads/+12025550142").await.status, 404);
    assert_eq!(send(api.request("GET", "/v1/credits")).await.status, 401);
    assert_eq!(api.get("/nowhere").await.status, 404);

    let message = "Hi Jane, write to peter@elsewhere.example.";
    let reply = json!({"reasoning_summary": "Jane asked.", "draft_title": "Prices", "draft_message": message});
    tell(vec![ModelReply::Text(reply.to_string())]);
    let path = "/api/v1/ai/followup/recommendation";
    let blocked =
        send(api.authorized("POST", path).json(&json!({"lead_id": CONTACT, "recent_activity_summary": message}))).await;
    assert_eq!((blocked.status, &blocked.json()["status"]), (200, &json!("blocked_pii")), "{}", blocked.text);

    for status in [401, 500, 500, 500, 500] {
        tell(vec![ModelReply::Status(status, "{}".to_owned())]);
        assert_eq!(api.suggest(&contact).await.status, 502);
    }
    assert_eq!(api.suggest(&contact).await.status, 503);

    let queue = local::sqs::client(&api.stack.ready.sqs);
    let queue = queue.send_message().queue_url(&api.stack.ready.environment["SCORING_QUEUE_URL"]);
    queue.message_body("jane@acme.example").send().await.unwrap();
    for _ in 0..200 {
        if lines.text().contains("MessagesFailed") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let all = lines.json();
    let seen: BTreeMap<_, _> =
        all.iter().flat_map(checked).map(|(name, unit, dimensions)| (name, (unit, dimensions))).collect();
    let expected =
        ALL.iter().map(|metric| (metric.name.to_owned(), (metric.unit.to_owned(), json!(metric.dimensions))));
    assert_eq!(seen, expected.collect());
    assert!(all.iter().all(|line| line["Stack"] == "lead-followup-test"));

    let suggest = [("Function", "suggest-followups")];
    assert_eq!(sum(&all, "Requests", &suggest), 9);
    assert_eq!(sum(&all, "ServerErrors", &suggest), 6);
    assert_eq!(sum(&all, "ClientErrors", &suggest), 1);
    assert_eq!(sum(&all, "Requests", &[]), 13);
    assert_eq!(sum(&all, "ClientErrors", &[]), 4);
    for (code, count) in [("ai_unavailable", 5), ("service_unavailable", 1), ("not_found", 3), ("invalid_key", 1)] {
        assert_eq!(sum(&all, "Errors", &[("Code", code)]), count, "{code}");
    }
    // The blocked draft was refused twice.
    let of_model = [("Model", "scripted")];
    for (metric, count) in [("ModelFailures", 13), ("ModelRepliesRefused", 3), ("BreakerOpened", 1)] {
        assert_eq!(sum(&all, metric, &of_model), count, "{metric}");
    }
    assert!(sum(&all, "ModelTokensIn", &of_model) > 0 && sum(&all, "ModelTokensOut", &of_model) > 0);
    assert_eq!(all.iter().filter(|line| line["ModelLatency"].is_u64()).count(), 17);
    let action = [("Action", "suggest_followups")];
    assert_eq!(sum(&all, "CreditsCharged", &action), api.verified_balance().await.spent);
    assert_eq!((sum(&all, "CreditsCharged", &[]), sum(&all, "HoldsVoided", &action)), (2, 6));
    assert_eq!(sum(&all, "DraftsBlocked", &[]), 1);
    assert!(sum(&all, "MessagesFailed", &[("Function", "lead-scorer")]) >= 1);

    let text = lines.text();
    let ids = [CONTACT.to_string(), api.workspace.to_string(), "12025550142".to_owned()];
    for personal in
        ["Jane", "jane", "acme", "peter", "Smith", api.key.as_str()].into_iter().chain(ids.iter().map(String::as_str))
    {
        assert!(!text.contains(personal), "{personal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_the_sweeper_voids_and_a_stream_are_counted_as_others() {
    let lines = Lines::default();
    let api = Api::with(Setup { metrics: Metrics::to(lines.clone()), ..Setup::default() }).await;
    let chat = api.authorized("POST", "/v1/lexi/chat").header("accept", "text/event-stream");
    let streamed = send(chat.json(&json!({"message": "Hello"}))).await;
    assert!(streamed.text.ends_with("data: [DONE]\n\n"), "{}", streamed.text);
    let now = api.clock.now();
    let operation = shared::workspace::credits::Operation::new(
        Uuid::from_u128(5),
        api.workspace,
        shared::workspace::credits::Action::ProspectSearch,
        5,
        now.timestamp_millis(),
        now,
    );
    let table = shared::base::store::Table::named(&api.stack.context, "CREDITS_TABLE").unwrap();
    table.transact(api.ledger().hold(&operation).unwrap()).await.unwrap();
    let sweeper = functions::build("sweeper", &api.stack.context).unwrap();
    let Some(Function::Schedule(sweep)) = sweeper else { panic!("the sweeper runs on a schedule") };
    sweep(LambdaEvent::new(json!(null), Default::default())).await.unwrap();
    let all = lines.json();
    assert_eq!(sum(&all, "HoldsVoided", &[("Action", "prospect_search"), ("Function", "sweeper")]), 1);
    assert_eq!(sum(&all, "CreditsCharged", &[("Action", "lexi_message")]), 1);
    assert_eq!(sum(&all, "Requests", &[("Function", "lexi-chat")]), 1);
}

#[test]
fn the_page_lists_every_metric_as_it_is() {
    let page = std::fs::read_to_string(tests::project().join("docs/observing.md")).unwrap();
    let rows: BTreeSet<Vec<String>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').skip(1).take(3).map(|cell| cell.trim().replace('`', "")).collect())
        .collect();
    let dimensions = |sets: &[&[&str]]| sets.iter().map(|set| set.join(" + ")).collect::<Vec<_>>().join("; ");
    let expected =
        ALL.iter().map(|metric| vec![metric.name.to_owned(), metric.unit.to_owned(), dimensions(metric.dimensions)]);
    assert_eq!(rows, expected.collect());
}
