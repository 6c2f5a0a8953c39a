//! The DynamoDB units and model tokens of each call, measured with data like the demo's and compared with the table in
//! docs/cost.md. `cargo test -p tests --test api cost:: -- --nocapture` prints the table again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::Uri;
use local::RealModel;
use serde_json::{Value, json};
use shared::base::channel::Channel;
use shared::workspace::accounts::Role;
use tests::meta::{PHONE, USER, text, whatsapp};
use tests::{Api, CONTACT, FOLLOW_UP, FaultProxy, SUGGEST, Setup, project, send};
use tokio::net::TcpListener;

const RECOMMENDATION: &str = "/api/v1/ai/followup/recommendation";
const RECOMMENDATIONS: &str = "/api/v1/ai/followup/recommendations";

/// Read units, write units, tokens that the model read, and that it wrote.
type Units = [f64; 4];

/// Passes calls of a model on, and keeps what they used.
#[derive(Clone)]
struct Relay {
    upstream: String,
    used: Arc<Mutex<[f64; 2]>>,
    client: reqwest::Client,
}

impl Relay {
    async fn start(upstream: &str) -> (Self, RealModel) {
        let relay = Self {
            upstream: upstream.trim_end_matches("/v1").to_owned(),
            used: Arc::default(),
            client: tests::client(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let app = Router::new().fallback(pass).with_state(relay.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (relay, RealModel { base_url, key: "any".to_owned(), name: "composer".to_owned() })
    }
}

async fn pass(State(relay): State<Relay>, uri: Uri, body: Bytes) -> ([(&'static str, String); 1], String) {
    let request = relay.client.post(format!("{}{}", relay.upstream, uri.path()));
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let text = answer.text().await.unwrap();
    let number = |name: &str| {
        let after = text.rsplit(&format!("\"{name}\":")).next().filter(|after| after.len() < text.len());
        let digits: String = after.unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<f64>().unwrap_or_default()
    };
    let mut used = relay.used.lock().unwrap();
    used[0] += number("prompt_tokens");
    used[1] += number("completion_tokens");
    drop(used);
    ([("content-type", kind)], text)
}

struct Meter {
    api: Api,
    proxy: FaultProxy,
    relay: Relay,
    rows: BTreeMap<&'static str, Units>,
}

impl Meter {
    /// Does something, waits until the workers behind it have nothing left to do, and notes what it all took.
    async fn measure<T>(&mut self, name: &'static str, call: impl AsyncFn(&Api) -> T) -> T {
        self.proxy.heal();
        *self.relay.used.lock().unwrap() = [0.0; 2];
        let done = call(&self.api).await;
        let mut calls = Vec::new();
        loop {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let more = self.proxy.heal();
            if more.is_empty() {
                break;
            }
            calls.extend(more);
        }
        let of = |reads: bool| {
            let is_read = |operation: &str| matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan");
            calls.iter().filter(|call| is_read(&call.operation) == reads).map(|call| call.capacity).sum::<f64>()
        };
        let [read, written] = *self.relay.used.lock().unwrap();
        self.rows.insert(name, [of(true), of(false), read, written]);
        done
    }
}

async fn posted(api: &Api, path: &str, body: &Value) -> Value {
    let answer = send(api.authorized("POST", path).json(body)).await;
    assert!(answer.status < 300, "{path}: {}", answer.text);
    answer.json()
}

async fn got(api: &Api, path: &str) -> Value {
    let answer = api.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.json()
}

/// The rows of the page's table of units, by their first column.
fn documented() -> BTreeMap<String, Units> {
    let page = std::fs::read_to_string(project().join("docs/cost.md")).unwrap();
    let rows = page.lines().skip_while(|line| !line.starts_with("| call | read units")).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let number = |place: usize| cells[place].replace(',', "").parse().unwrap();
            (cells[1].to_owned(), [number(2), number(3), number(4), number(5)])
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_consumes_what_the_table_of_costs_says() {
    let composer = Api::start().await;
    let (relay, model) = Relay::start(&composer.stack.ready.model).await;
    let setup = Setup { model: Some(model), ..Setup::without_scoring() };
    let (api, proxy) = Api::behind_a_proxy(setup).await;
    let staff = api.staff((true, true), &[Role::Sales, Role::Copywriter]).await;
    api.channel(api.workspace, Channel::Whatsapp, PHONE).await;
    // So that every instance knows the key.
    got(&api, "/v1/credits").await;
    let mut meter = Meter { api, proxy, relay, rows: BTreeMap::new() };

    meter.measure("suggest-followups", async |api| posted(api, SUGGEST, &json!({"contact_id": CONTACT})).await).await;
    meter.measure("suggest-followups, with an idempotency key", async |api| api.suggest_once("a").await).await;
    meter.measure("the same again, replayed", async |api| api.suggest_once("a").await).await;
    meter
        .measure("leadFollowUp, with its copywriter", async |api| {
            let request = api.authorized("POST", FOLLOW_UP).header("Prefer", "respond-async");
            assert_eq!(send(request.json(&json!({"siteId": staff.site, "leadId": CONTACT}))).await.status, 200);
        })
        .await;
    let made = meter
        .measure("recommendation", async |api| posted(api, RECOMMENDATION, &json!({"lead_id": CONTACT})).await)
        .await;
    let id = made["recommendation_id"].as_str().unwrap().to_owned();
    meter
        .measure("approve, deliver and its report", async |api| {
            let draft = json!({"channel": "email", "draft_title": "A call?", "draft_message": "Hi Jane,\n\na call?"});
            posted(api, &format!("{RECOMMENDATIONS}/{id}/approve"), &draft).await
        })
        .await;
    let list = posted(&meter.api, "/v1/lists", &json!({"name": "Q1 Leads"})).await["data"]["list_id"].clone();
    let chat = async |api: &Api, message: &str| {
        posted(api, "/v1/lexi/chat", &json!({"message": message, "context": {"list_id": list}})).await
    };
    meter.measure("a message to Lexi", async |api| chat(api, "Hello, what can you do?").await).await;
    meter.measure("a message to Lexi that looks something up", async |api| chat(api, "Show me my lists").await).await;
    let task = meter
        .measure("a message to Lexi that proposes", async |api| chat(api, "Create a list called Q2 Leads").await)
        .await["data"]["task_id"]
        .clone();
    meter
        .measure("approve a task that changes a list", async |api| {
            posted(api, &format!("/v1/lexi/tasks/{}/approve", task.as_str().unwrap()), &json!({})).await
        })
        .await;
    meter
        .measure("POST /v1/contacts, a new one", async |api| {
            let contact = json!({"full_name": "Robin Ray", "email": "robin@ray.example", "phone": "+12025550199"});
            posted(api, "/v1/contacts", &contact).await
        })
        .await;
    let delivered = whatsapp(&[text("wamid.1", "16505551234", "Kerry", "Hi")]);
    meter.measure("a WhatsApp message, of a new lead", async |api| api.deliver(&delivered).await).await;
    let delivered = whatsapp(&[text("wamid.2", "16505551234", "Kerry", "Are you there?")]);
    meter.measure("a WhatsApp message, of a known lead", async |api| api.deliver(&delivered).await).await;
    let leads = format!("/users/{USER}/leads");
    for (name, path) in [
        ("GET a list of leads, warm", leads.clone()),
        ("GET the statistics, warm", format!("{leads}/stats")),
        ("GET one lead", format!("{leads}/16505551234")),
        ("GET its messages", format!("{leads}/16505551234/messages")),
        ("GET recommendations", format!("{RECOMMENDATIONS}?status=delivered")),
        ("GET credits", "/v1/credits".to_owned()),
    ] {
        got(&meter.api, &path).await;
        // What changed in the last half minute is read again each time.
        meter.api.clock.advance(chrono::TimeDelta::minutes(1));
        got(&meter.api, &path).await;
        meter.measure(name, async |api| got(api, &path).await).await;
    }

    let documented = documented();
    let mut wrong = Vec::new();
    for (name, units) in &meter.rows {
        let [reads, writes, read, written] = units.map(|unit| format!("{unit}"));
        println!("| {name} | {reads} | {writes} | {read} | {written} |");
        // Calls that overlap may have to be repeated.
        let near = |(is, says): (&f64, &f64)| (is - says).abs() <= says * 0.3 + 2.0;
        if !documented.get(*name).is_some_and(|says| units.iter().zip(says).all(near)) {
            wrong.push(format!("{name}: {units:?}, and not {:?}", documented.get(*name)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(documented.len(), meter.rows.len(), "rows that nobody measured");
}
