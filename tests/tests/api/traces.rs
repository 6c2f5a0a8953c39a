//! What X-Ray's daemon is told of an invocation: the calls it makes, and nothing that they carry; and that nothing
//! depends on the daemon.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use shared::base::context::{Context, FromContext};
use shared::base::queue::{Consumer, Queue, consume};
use shared::base::store::StoreError;
use shared::crm::leads::Leads;
use tests::observed::{Daemon, PARENT, SAMPLED};
use tests::{Api, CONTACT, ModelReply, SUGGEST, ScriptedModel, Setup, send};

async fn traced_by(address: &str) -> Api {
    let environment = HashMap::from([("AWS_XRAY_DAEMON_ADDRESS".to_owned(), address.to_owned())]);
    Api::with(Setup { environment, ..Setup::default() }).await
}

fn suggest(api: &Api, trace: &str) -> reqwest::RequestBuilder {
    let request = api.authorized("POST", SUGGEST).header("x-amzn-trace-id", trace);
    request.json(&json!({"contact_id": CONTACT, "count": 2}))
}

/// Name, operation and tables, without the stack's name.
fn told(part: &Value) -> String {
    let aws = &part["aws"];
    let short = |table: &Value| table.as_str().unwrap_or_default().rsplit('-').next().unwrap_or_default().to_owned();
    let mut words = vec![part["name"].as_str().unwrap().to_owned()];
    words.extend(aws["operation"].as_str().map(str::to_owned));
    words.extend(aws["table_name"].is_string().then(|| short(&aws["table_name"])));
    words.extend(aws["table_names"].as_array().into_iter().flatten().map(short));
    words.join(" ")
}

/// Fails unless each is a whole subsegment ("AWS X-Ray segment documents", AWS X-Ray Developer Guide).
fn check(parts: &[Value]) {
    let known: Vec<&str> = parts.iter().filter_map(|part| part["id"].as_str()).collect();
    for part in parts {
        let is_id =
            |id: &Value| id.as_str().is_some_and(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()));
        assert!(is_id(&part["id"]) && is_id(&part["parent_id"]), "{part}");
        assert_eq!(
            (&part["type"], &part["trace_id"]),
            (&json!("subsegment"), &json!("1-5759e988-bd862e3fe1be46a994272793"))
        );
        let parent = part["parent_id"].as_str().unwrap();
        assert!(parent == PARENT || known.contains(&parent), "{part}");
        let (start, end) = (part["start_time"].as_f64().unwrap(), part["end_time"].as_f64().unwrap());
        assert!(start > 1.6e9 && end >= start && end < start + 60.0, "{part}");
        assert!(part["namespace"].is_null() || part["namespace"] == "aws" || part["namespace"] == "remote", "{part}");
    }
    let mut ids = known.clone();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), parts.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_shown_with_its_calls_and_without_what_they_carry() {
    let daemon = Daemon::start().await;
    let api = traced_by(&daemon.address).await;
    // The first request of an instance learns the key's windows.
    assert_eq!(send(suggest(&api, "")).await.status, 200);
    let answer = send(suggest(&api, SAMPLED).header("Idempotency-Key", "a")).await;
    assert_eq!(answer.status, 200);
    let parts = daemon.all().await;
    check(&parts);

    let whole = parts.last().unwrap();
    assert_eq!((&whole["name"], &whole["parent_id"]), (&json!("POST /v1/ai/suggest-followups"), &json!(PARENT)));
    assert_eq!(whole["annotations"]["request_id"], answer.header("x-request-id"));
    assert_eq!(whole["http"]["response"]["status"], 200);
    let (_, calls) = parts.split_last().unwrap();
    assert!(calls.iter().all(|call| call["parent_id"] == whole["id"]), "{parts:#?}");
    let mut names: Vec<_> = calls.iter().map(told).collect();
    names.sort_unstable();
    let expected = [
        "DynamoDB GetItem accounts",
        "DynamoDB GetItem credits",
        "DynamoDB Query accounts",
        "DynamoDB Query leads",
        "DynamoDB TransactWriteItems credits idempotency",
        "DynamoDB TransactWriteItems credits idempotency",
        "DynamoDB UpdateItem accounts",
        "chat built-in-composer",
    ];
    assert_eq!(names, expected);
    for call in calls.iter().filter(|call| call["namespace"] == "aws") {
        assert_eq!(call["http"]["response"]["status"], 200, "{call}");
        assert!(call["fault"].is_null() && call["error"].is_null() && call["cause"].is_null(), "{call}");
    }
    let chat = calls.iter().find(|call| call["namespace"] == "remote").unwrap();
    let said = &chat["annotations"];
    assert_eq!(
        (&said["gen_ai_request_model"], &said["prompt"]),
        (&json!("built-in-composer"), &json!("suggest_followups"))
    );
    assert_eq!(said["prompt_version"].as_str().unwrap().len(), 12);
    assert!(said["gen_ai_usage_input_tokens"].is_u64() && said["gen_ai_usage_output_tokens"].is_u64(), "{said}");

    let text = json!(parts).to_string();
    let (workspace, contact) = (api.workspace.to_string(), CONTACT.to_string());
    for personal in ["Jane", "Smith", "acme", "2025550142", "pricing", &workspace, &contact, &api.key] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_sampled_is_not_told() {
    let daemon = Daemon::start().await;
    let api = traced_by(&daemon.address).await;
    for trace in ["", "nonsense", &SAMPLED.replace("Sampled=1", "Sampled=0"), &SAMPLED.replace(";Sampled=1", "")] {
        assert_eq!(send(suggest(&api, trace)).await.status, 200);
    }
    assert_eq!(daemon.next().await, None);
    assert_eq!(send(suggest(&api, SAMPLED)).await.status, 200);
    assert!(daemon.next().await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_away_or_takes_nothing_changes_nothing() {
    // One whose port is closed, one that never reads, and one that is no address.
    let closed = Daemon::start().await.address;
    let deaf = Daemon::start().await;
    for address in [closed.as_str(), &deaf.address, "nowhere"] {
        let api = traced_by(address).await;
        let mut answers = BTreeMap::<u16, usize>::new();
        for _ in 0..50 {
            *answers.entry(send(suggest(&api, SAMPLED)).await.status).or_default() += 1;
        }
        assert_eq!(answers, BTreeMap::from([(200, 50)]), "{address}");
        assert_eq!(api.verified_balance().await.spent, 100);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_told_by_whose_they_are() {
    let daemon = Daemon::start().await;
    let model = ScriptedModel::start(vec![ModelReply::Status(401, "{}".to_owned())]).await;
    let environment = HashMap::from([("AWS_XRAY_DAEMON_ADDRESS".to_owned(), daemon.address.clone())]);
    let api = Api::with(Setup { model: Some(model.as_model()), environment, ..Setup::default() }).await;
    assert_eq!(send(suggest(&api, SAMPLED)).await.status, 502);
    let parts = daemon.all().await;
    check(&parts);
    assert_eq!(parts.last().unwrap()["fault"], true);
    let chat = parts.iter().find(|part| part["name"] == "chat scripted").unwrap();
    assert_eq!(
        (&chat["fault"], &chat["cause"]["exceptions"][0]["type"]),
        (&json!(true), &json!("model endpoint: status 401"))
    );

    let poor = api.new_workspace(1).await;
    let key = api.new_key(poor, &shared::workspace::auth::Permission::ALL, |_| {}).await;
    let request = api.request("POST", SUGGEST).bearer_auth(key).header("x-amzn-trace-id", SAMPLED);
    assert_eq!(send(request.json(&json!({"contact_id": CONTACT}))).await.status, 402);
    let parts = daemon.all().await;
    assert_eq!((&parts.last().unwrap()["error"], &parts.last().unwrap()["fault"]), (&json!(true), &Value::Null));
    let held = parts.iter().find(|part| part["aws"]["operation"] == "TransactWriteItems").unwrap();
    assert_eq!((&held["error"], &held["http"]["response"]["status"]), (&json!(true), &json!(400)), "{held}");
    assert_eq!(held["cause"]["exceptions"][0]["type"], "TransactionCanceledException");
    assert!(!json!(parts).to_string().contains(&poor.to_string()));
}

/// A queue that keeps what is sent to it.
async fn queue() -> (String, Arc<Mutex<Vec<Value>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let app = axum::Router::new().fallback(move |body: String| {
        let request: Value = serde_json::from_str(&body).unwrap();
        let done = |entry: &Value| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""});
        let sent: Vec<_> = request["Entries"].as_array().unwrap().iter().map(done).collect();
        noted.lock().unwrap().push(request);
        std::future::ready(json!({"Successful": sent, "Failed": []}).to_string())
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, seen)
}

/// What a function that is traced is built from, with a queue of its own.
fn observed_context(api: &Api, daemon: &Daemon, sqs: &str) -> Context {
    api.context(&[
        ("AWS_ENDPOINT_URL_DYNAMODB", &api.stack.ready.dynamodb),
        ("AWS_ENDPOINT_URL_SQS", sqs),
        ("AWS_XRAY_DAEMON_ADDRESS", &daemon.address),
    ])
}

/// Looks its lead up; fails for what is no lead.
struct Looker {
    leads: Leads,
    workspace: uuid::Uuid,
}

impl Consumer for Looker {
    type Message = uuid::Uuid;

    async fn try_one(&self, lead_id: uuid::Uuid) -> Result<(), StoreError> {
        self.leads.lead(self.workspace, lead_id).await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_goes_on_through_a_queue() {
    let daemon = Daemon::start().await;
    let api = Api::start().await;
    let (url, seen) = queue().await;
    let context = observed_context(&api, &daemon, &url);
    let observer = context.observer("looker");

    let queue = Queue::new(&context, "SCORING_QUEUE_URL").unwrap();
    Arc::clone(&observer).invoked(Some(SAMPLED), queue.send(&[CONTACT])).await.unwrap();
    Arc::clone(&observer).invoked(None, queue.send(&[CONTACT])).await.unwrap();
    let requests = seen.lock().unwrap().clone();
    let header = |request: &Value| request["Entries"][0]["MessageSystemAttributes"]["AWSTraceHeader"].clone();
    assert_eq!(header(&requests[0]), json!({"DataType": "String", "StringValue": SAMPLED}));
    assert_eq!(header(&requests[1]), Value::Null);
    let sent = daemon.all().await;
    check(&sent);
    assert_eq!((sent.len(), told(&sent[0])), (1, "SQS SendMessageBatch".to_owned()));
    assert_eq!(sent[0]["aws"]["queue_url"], json!(api.stack.variables["SCORING_QUEUE_URL"]));

    let looker = Looker { leads: Leads::new(&context).unwrap(), workspace: api.workspace };
    let records = ["good".to_owned(), json!(CONTACT).to_string()].map(|body| json!({"messageId": "m", "body": body}));
    let event = json!({ "Records": records });
    Arc::clone(&observer).invoked(Some(SAMPLED), consume(&looker, &event)).await;
    let parts = daemon.all().await;
    check(&parts);
    let names: Vec<_> = parts.iter().map(told).collect();
    assert_eq!(names, ["message", "DynamoDB GetItem leads", "message"]);
    assert_eq!((&parts[0]["fault"], &parts[2]["fault"]), (&json!(true), &Value::Null));
    assert_eq!(parts[1]["parent_id"], parts[2]["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invocation_tells_of_so_many_calls_and_no_more() {
    let daemon = Daemon::start().await;
    let api = Api::start().await;
    let context = observed_context(&api, &daemon, &api.stack.ready.sqs);
    let observer = context.observer("looker");
    let leads = Leads::new(&context).unwrap();
    let work = async {
        let mut told = 0;
        for _ in 0..310 {
            leads.lead(api.workspace, CONTACT).await.unwrap();
            // Read at once, so that no datagram is lost on the way.
            told += usize::from(tokio::time::timeout(Duration::from_millis(100), daemon.next()).await.is_ok());
        }
        told
    };
    assert_eq!(observer.invoked(Some(SAMPLED), work).await, 300);
}
