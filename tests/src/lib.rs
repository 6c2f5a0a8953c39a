//! The harness of the integration tests: each test gets its own stack in memory, with a workspace, a key, credits and a
//! lead. There are also a scripted model, and a proxy that injects faults between the functions and DynamoDB.

pub mod binaries;
pub mod breaking;
pub mod description;
pub mod dice;
pub mod fault_proxy;
pub mod faults;
pub mod leads_api;
pub mod measurement;
pub mod meta;
pub mod observed;
pub mod permissions;
pub mod proxy;
pub mod runtime_api;
pub mod scripted_model;
pub mod server;
pub mod sites;

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Once;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use local::{Options, RealModel, Stack, Template};
use serde_json::{Value, json};
use shared::base::clock::{Clock, Random};
use shared::base::context::{Context, FromContext};
use shared::base::environment::Environment;
use shared::base::observe::metrics::Metrics;
use shared::base::store::StoreError;
use shared::clients::http_client::http_client;
use shared::crm::leads::{Activity, Lead, Leads};
use shared::workspace::accounts::{Accounts, KeyRecord, Workspace};
use shared::workspace::auth::{ApiKey, Permission, Quota};
use shared::workspace::credits::{Balance, Ledger};
use uuid::{Uuid, uuid};

pub use fault_proxy::{Fault, FaultProxy};
use permissions::{PermissionProxy, Permissions};
pub use scripted_model::{ModelReply, ScriptedModel};

/// The example contact; every test workspace has it.
pub const CONTACT: Uuid = uuid!("123e4567-e89b-12d3-a456-426614174000");

pub const SUGGEST: &str = "/v1/ai/suggest-followups";

pub const FOLLOW_UP: &str = "/api/agents/sales/leadFollowUp";

/// The project's folder.
pub fn project() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The text of the project's template.
pub fn template() -> String {
    std::fs::read_to_string(project().join("template.yaml")).expect("template.yaml")
}

/// A template as `local` reads it, with something for each parameter without a default.
pub fn parsed(template: &str) -> Template {
    let parameters = ["LlmBaseUrl", "LlmModel", "LlmApiKeySecret"].map(|name| (name.to_owned(), "x".to_owned()));
    Template::parse(template, &HashMap::from(parameters)).expect("a template")
}

/// The options of a test's stack.
#[derive(Default)]
pub struct Setup {
    /// The composer if `None`.
    pub model: Option<RealModel>,
    /// Variables of every function.
    pub environment: HashMap<String, String>,
    /// The folder for the data; `None` keeps it in memory.
    pub data: Option<PathBuf>,
    pub clock: Clock,
    /// The destination of the functions' metrics.
    pub metrics: Metrics,
    /// The project's template if `None`.
    pub template: Option<String>,
    /// Skips the check of permissions, for benchmarks, which would measure it too.
    pub without_policies: bool,
}

impl Setup {
    /// Conversations are scored after ten quiet years, so in no test of old messages.
    pub fn without_scoring() -> Self {
        let environment = HashMap::from([("QUIET_SECONDS".to_owned(), "315360000".to_owned())]);
        Self { environment, ..Self::default() }
    }
}

/// A running API, and direct access to its tables.
pub struct Api {
    pub stack: Stack,
    pub clock: Clock,
    /// The workspace that `key` belongs to.
    pub workspace: Uuid,
    /// A key with every permission and a quota that no test exhausts by accident.
    pub key: String,
    client: reqwest::Client,
    _policies: Vec<PermissionProxy>,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The text of a header; empty without one.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in ASCII"))
    }

    /// The status and code of an error.
    pub fn code(&self) -> (u16, String) {
        (self.status, self.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// Retries work on a table while it is unavailable: calls can time out while a dozen stacks start on one thread.
async fn retry<T>(what: &str, work: impl AsyncFn() -> Result<T, StoreError>) -> T {
    for _ in 0..20 {
        match work().await {
            Err(StoreError::Unavailable(_)) => {}
            result => return result.expect(what),
        }
    }
    panic!("{what}: the table does not answer");
}

impl Api {
    /// A stack with the composer.
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// A stack with a scripted model, and a timeout of a second for each attempt.
    pub async fn with_model(model: &ScriptedModel) -> Self {
        let environment = HashMap::from([("LLM_ATTEMPT_SECONDS".to_owned(), "1".to_owned())]);
        Self::with(Setup { model: Some(model.as_model()), environment, ..Setup::default() }).await
    }

    /// A stack without automatic scoring, for tests of leads with old messages.
    pub async fn without_scoring() -> Self {
        Self::with(Setup::without_scoring()).await
    }

    pub async fn with(mut setup: Setup) -> Self {
        let clock = setup.clock.clone();
        let mut policies = Vec::new();
        if !setup.without_policies {
            let permissions = setup.template.as_deref().map_or_else(Permissions::of_project, Permissions::of);
            for endpoint in ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS"] {
                if let Entry::Vacant(unset) = setup.environment.entry(endpoint.to_owned()) {
                    let proxy = PermissionProxy::start(permissions.clone()).await;
                    unset.insert(proxy.url().to_owned());
                    policies.push((endpoint, proxy));
                }
            }
        }
        let stack = start(setup).await;
        for (endpoint, proxy) in &policies {
            let ready = &stack.ready;
            proxy.set_upstream(if endpoint.ends_with("SQS") { &ready.sqs } else { &ready.dynamodb });
        }
        let policies = policies.into_iter().map(|(_, proxy)| proxy).collect();
        let client = client();
        let mut api = Self { stack, clock, workspace: Uuid::nil(), key: String::new(), client, _policies: policies };
        api.workspace = api.new_workspace(1_000).await;
        api.key = api.new_key(api.workspace, &Permission::ALL, |_| {}).await;
        api
    }

    /// The functions' context with other values for these variables, for code that a test runs itself.
    pub fn context(&self, variables: &[(&str, &str)]) -> Context {
        let more = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::from_iter(self.stack.variables.clone().into_iter().chain(more));
        Context::new(environment, self.clock.clone(), Random::from_os()).expect("a context")
    }

    /// The gateway's address.
    pub fn url(&self) -> &str {
        self.stack.url()
    }

    /// Creates a workspace with credits and the example contact.
    pub async fn new_workspace(&self, credits: u32) -> Uuid {
        let workspace_id = Random::from_os().uuid();
        let now = self.clock.now();
        let workspace = Workspace {
            workspace_id,
            name: "Test".to_owned(),
            prices: Default::default(),
            webhook: None,
            created_at: now,
        };
        retry("a workspace", async || self.accounts().put_workspace(&workspace).await).await;
        if credits > 0 {
            let grant = async || self.ledger().grant(workspace_id, workspace_id, credits, "test", now).await;
            retry("a grant", grant).await;
        }
        let contact = [document_contact(now)];
        retry("a lead", async || self.leads().load(workspace_id, &contact).await).await;
        workspace_id
    }

    /// Sets a workspace's own price of an action.
    pub async fn set_price(&self, workspace: Uuid, action: &str, price: u32) {
        let mut workspace = self.accounts().workspace(workspace).await.expect("a look").expect("a workspace");
        workspace.prices.insert(action.to_owned(), price);
        retry("a price", async || self.accounts().put_workspace(&workspace).await).await;
    }

    /// Creates a key of a workspace.
    pub async fn new_key(
        &self,
        workspace: Uuid,
        permissions: &[Permission],
        change: impl FnOnce(&mut KeyRecord),
    ) -> String {
        let random = Random::from_os();
        let key = ApiKey::generate(&random);
        let permissions: BTreeSet<_> = permissions.iter().copied().collect();
        let mut record = KeyRecord::new(&key, random.uuid(), workspace, permissions, self.clock.now());
        record.quota = Quota { per_minute: 100_000, per_day: 1_000_000 };
        change(&mut record);
        retry("a key", async || self.accounts().put_key(&record).await).await;
        key.reveal().to_owned()
    }

    pub fn accounts(&self) -> Accounts {
        Accounts::new(&self.stack.context).expect("accounts")
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.stack.context).expect("credits")
    }

    pub fn leads(&self) -> Leads {
        Leads::new(&self.stack.context).expect("leads")
    }

    /// The balance of the test's workspace.
    pub async fn balance(&self) -> Balance {
        self.ledger().balance(self.workspace).await.expect("a balance")
    }

    /// The balance of the test's workspace; panics unless its ledger adds up.
    pub async fn verified_balance(&self) -> Balance {
        assert_eq!(self.ledger().verify(self.workspace).await.expect("a verification"), []);
        let balance = self.balance().await;
        assert_eq!(balance.granted, balance.available + balance.held + balance.spent);
        balance
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.url()))
    }

    /// A request with the test's key.
    pub fn authorized(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request(method, path).bearer_auth(&self.key)
    }

    /// A GET with the test's key.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.authorized("GET", path)).await
    }

    /// A call of suggest-followups with the test's key.
    pub async fn suggest(&self, body: &Value) -> Answer {
        send(self.authorized("POST", SUGGEST).json(body)).await
    }

    /// Calls suggest-followups for the example contact, with an idempotency key.
    pub async fn suggest_once(&self, idempotency_key: &str) -> Answer {
        let request = self.authorized("POST", SUGGEST).header("Idempotency-Key", idempotency_key);
        send(request.json(&json!({"contact_id": CONTACT}))).await
    }
}

/// The stand-in for the providers.
impl Api {
    /// Sets its behaviour for the next sends.
    pub async fn providers_do(&self, behaviour: &Value) {
        let url = format!("{}/behaviour", self.stack.ready.providers);
        let answer = send(self.client.post(url).json(behaviour)).await;
        assert!(answer.status < 300, "{}", answer.text);
    }

    /// The accepted messages, newest first.
    pub async fn outbox(&self) -> Vec<Value> {
        let outbox = send(self.client.get(format!("{}/outbox", self.stack.ready.providers))).await.json();
        outbox["messages"].as_array().or(outbox.as_array()).expect("messages").clone()
    }
}

/// The HTTP client that the functions share too: creating one takes longer than most requests.
pub fn client() -> reqwest::Client {
    http_client().expect("a client")
}

/// Starts a stack on free ports, without demo data.
pub async fn start(setup: Setup) -> Stack {
    let options = Options {
        template: setup.template.unwrap_or_else(template),
        data: setup.data,
        model: setup.model,
        environment: setup.environment,
        clock: setup.clock,
        metrics: setup.metrics,
        ..Options::default()
    };
    Stack::start(options).await.expect("the stack starts")
}

/// Sends a request, and checks the answer against the API's description.
pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    try_send(request).await.expect("an answer")
}

/// As [`send`], for a server that may be gone.
pub async fn try_send(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let (client, request) = request.build_split();
    let request = request?;
    let (method, path) = (request.method().to_string(), request.url().path().to_owned());
    let response = client.execute(request).await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let answer = Answer { status, headers, text: response.text().await? };
    remember(&format!("{method} {path}: {status} {}", answer.text));
    description::check(&method, &path, &answer);
    Ok(answer)
}

thread_local! {
    /// The last answer to this thread.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has an assertion that fails print the last answer too: a wrong status alone does not say why.
fn remember(answer: &str) {
    static PRINTED: Once = Once::new();
    PRINTED.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            usual(panic);
            LAST.with_borrow(|last| eprintln!("the last answer: {last}"));
        }));
    });
    LAST.set(answer.to_owned());
}

/// The stored items of a table.
pub async fn scan(dynamodb: &str, table: &str) -> Vec<Value> {
    scan_for(dynamodb, json!({ "TableName": table })).await
}

/// The stored items that a `Scan` request selects.
pub(crate) async fn scan_for(dynamodb: &str, mut request: Value) -> Vec<Value> {
    let mut items = Vec::new();
    loop {
        let sent = client()
            .post(dynamodb)
            .header("x-amz-target", "DynamoDB_20120810.Scan")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            // The emulator requires a signature, and does not verify it.
            .header("authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0");
        let mut page = send(sent.body(request.to_string())).await.json();
        items.append(page["Items"].as_array_mut().expect("items"));
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
        if request["ExclusiveStartKey"].is_null() {
            return items;
        }
    }
}

/// Jane, with three e-mails and a discovery call in the last 14 days.
pub fn document_contact(now: DateTime<Utc>) -> (Lead, Vec<Activity>) {
    let lead = Lead {
        lead_id: CONTACT,
        full_name: Some("Jane Smith".to_owned()),
        email: Some("jane@acme.example".to_owned()),
        phone: Some("+12025550142".to_owned()),
        job_title: Some("Marketing Director".to_owned()),
        company_name: Some("Acme Inc.".to_owned()),
        ..Lead::default()
    };
    let activities = vec![
        activity(
            now,
            "meeting",
            2,
            "Discovery call",
            "Jane asked for pricing; wants a proposal. Next step: legal review.",
        ),
        activity(now, "email", 5, "Re: Introduction", "How do you charge?"),
        activity(now, "email", 9, "Two times", "Thursday or Friday?"),
        activity(now, "email", 13, "Introduction", "Who we are."),
    ];
    (lead, activities)
}

/// An activity some days before `now`.
pub fn activity(now: DateTime<Utc>, kind: &str, days: i64, title: &str, body: &str) -> Activity {
    Activity {
        opens_window: false,
        activity_id: Random::from_os().uuid(),
        kind: kind.into(),
        occurred_at: now - TimeDelta::days(days),
        direction: None,
        outcome: None,
        title: Some(title.to_owned()),
        body: Some(body.to_owned()),
    }
}

/// A suggestion as a model writes it.
pub fn suggestion(channel: &str) -> Value {
    json!({
        "type": channel,
        "title": "Share fee proposal",
        "reason": "Jane asked for pricing.",
        "suggested_when": "Today",
        "draft_body": "Hi Jane, please find our proposal attached.",
        "confidence": 0.9,
    })
}
