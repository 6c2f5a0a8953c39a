//! What is broken: a stack whose stores, queues and model can fail, whose workers are run and killed by hand, and
//! three workspaces that must not learn of each other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use lambda_http::LambdaEvent;
use local::Event;
use serde_json::{Value, json};
use shared::api::lambda::Function;
use shared::base::channel::Channel;
use shared::base::clock::{Clock, Random};
use shared::base::context::{Context, FromContext};
use shared::crm::prospects::{OwnProspects, Prospect};
use shared::workspace::accounts::{Agent, ChannelAccount, KeyRecord, Role, Site, Workspace};
use shared::workspace::auth::{ApiKey, Permission, Quota};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::asked::Asked;
use super::flaky_model::FlakyModel;
use super::mailbox::{Letter, Mailbox};
use crate::dice::Dice;
use crate::meta::signature;
use crate::{Answer, Api, FaultProxy, Setup};

/// A word for each workspace that stands in everything personal that it has, and nowhere else.
pub const MARKS: [&str; 3] = ["aardwolf", "bandicoot", "capybara"];

/// How much the first two have, and the last, which runs out of it.
const CREDITS: [u32; 3] = [1_000_000, 1_000_000, 60];

/// What no log, queue message or error may hold: the words, and how all their phone numbers begin.
pub fn personal() -> Vec<String> {
    let numbers = (0..MARKS.len()).map(phones);
    MARKS.iter().map(|word| (*word).to_owned()).chain(numbers).collect()
}

/// How the phone numbers of a workspace's leads begin.
fn phones(tenant: usize) -> String {
    format!("49151100{}", tenant + 1)
}

/// The phone number of this serial number.
pub fn phone(tenant: usize, serial: usize) -> String {
    format!("{}{:04}", phones(tenant), serial % 10_000)
}

/// A workspace, and how it is reached.
pub struct Tenant {
    /// Its identifier.
    pub id: Uuid,
    /// A key with every permission.
    pub key: String,
    /// A key that may read only.
    pub reader: String,
    /// A site with every channel and both agents.
    pub site: Uuid,
    /// What Meta calls its number.
    pub number_id: String,
}

/// The stack, and all that goes wrong with it.
pub struct World {
    /// The API.
    pub api: Api,
    /// Before DynamoDB.
    pub store: FaultProxy,
    /// Instead of SQS.
    pub mailbox: Mailbox,
    /// Before the composer.
    pub model: FlakyModel,
    /// The workspaces.
    pub tenants: Vec<Tenant>,
    /// Whether things fail now.
    pub is_stormy: AtomicBool,
    held_up: AtomicUsize,
    workers: Crew,
    doomed: Mutex<Crew>,
    client: reqwest::Client,
}

/// Every function, built from one configuration.
struct Crew {
    by_route: HashMap<String, Function>,
    by_queue: HashMap<String, Function>,
    scheduled: BTreeMap<String, Function>,
}

/// What becomes of a function or worker in the middle of its work.
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    /// How many calls it makes to the store before.
    pub calls: usize,
    /// Whether the next one is applied.
    pub is_applied: bool,
    /// How it goes on.
    pub then: Then,
}

/// How it goes on after that call.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// Not at all: it is dropped.
    Killed,
    /// Not at all, and whoever asked it has no patience: after this time the same is asked again, and may be held up
    /// there.
    AskedAgain(TimeDelta, Option<TimeDelta>),
    /// It stands still for this time, and the sweeper runs; then it goes on as if nothing had happened.
    StandsStill(TimeDelta),
}

/// What became of a message, or of a request to whoever was killed.
pub enum Ended<T> {
    /// It was worked off.
    Done(T),
    /// It failed, and comes again.
    Failed,
    /// Whoever worked on it was killed.
    Killed,
}

impl World {
    /// Starts everything, with nothing failing.
    pub async fn start(seed: u64) -> Self {
        let (model, mailbox, store) =
            (FlakyModel::start().await, Mailbox::start(&personal()).await, FaultProxy::of_schedules().await);
        let variables = [
            ("AWS_ENDPOINT_URL_DYNAMODB", store.url()),
            ("AWS_ENDPOINT_URL_SQS", mailbox.url()),
            ("LLM_ATTEMPT_SECONDS", "1"),
        ];
        let environment = HashMap::from(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut api = Api::with(Setup { model: Some(model.as_model()), environment, ..Setup::default() }).await;
        let client = crate::client();
        store.set_upstream(&api.stack.ready.dynamodb).await;
        let mut tenants = Vec::new();
        for tenant in 0..MARKS.len() {
            tenants.push(settle(&api, tenant).await);
        }
        (api.workspace, api.key) = (tenants[0].id, tenants[0].key.clone());
        let crew = |store_url: &str, seed: u64| {
            let mut variables = api.stack.variables.clone();
            variables.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), store_url.to_owned());
            Crew::new(&variables, &api.clock, &Random::seeded(seed))
        };
        let (workers, doomed) = (crew(store.url(), seed), Mutex::new(crew(&store.doomed_url(), seed + 1)));
        let (is_stormy, held_up) = Default::default();
        Self { held_up, workers, doomed, api, store, mailbox, model, tenants, is_stormy, client }
    }

    /// From now on, so many of a thousand calls fail.
    pub fn storm(&self, seed: u64, per_mille: u32) {
        self.is_stormy.store(true, Ordering::SeqCst);
        self.store.storm(Dice::of(seed, 1), per_mille);
        self.mailbox.storm(Dice::of(seed, 2), per_mille);
        self.model.storm(Dice::of(seed, 3), per_mille * 4);
    }

    /// From now on nothing fails.
    pub async fn heal(&self) {
        self.store.heal();
        self.mailbox.heal();
        self.model.heal();
        let behaviour = format!("{}/behaviour", self.api.stack.ready.providers);
        self.client.delete(behaviour).send().await.expect("the providers");
        self.is_stormy.store(false, Ordering::SeqCst);
    }

    /// What was made to go wrong so far, and how often.
    pub fn injected(&self) -> BTreeMap<String, usize> {
        let mut all = self.store.injected();
        all.extend(self.mailbox.injected().into_iter().chain(self.model.injected()).map(|(w, n)| (w.to_owned(), n)));
        all.insert("function or worker: held up".to_owned(), self.held_up.load(Ordering::SeqCst));
        all
    }

    /// Sends a request as a client does.
    pub async fn send(&self, asked: &Asked) -> Result<Answer, reqwest::Error> {
        let method = asked.method.parse().expect("a method");
        let request = self.client.request(method, format!("{}{}", self.api.url(), asked.path()));
        let mut request = request.timeout(Duration::from_secs(60));
        for (name, value) in self.headers(asked) {
            request = request.header(name, value);
        }
        if asked.method != "GET" && asked.method != "DELETE" {
            request = request.body(asked.body.to_string());
        }
        crate::try_send(request).await
    }

    fn headers(&self, asked: &Asked) -> Vec<(String, String)> {
        let tenant = &self.tenants[asked.tenant];
        let mut headers = vec![(CONTENT_TYPE.to_string(), "application/json".to_owned())];
        if asked.route.starts_with("/webhooks/") {
            headers.push(("x-hub-signature-256".to_owned(), signature(asked.body.to_string().as_bytes())));
        } else {
            let key = if asked.kind == "without permission" { &tenant.reader } else { &tenant.key };
            headers.push((AUTHORIZATION.to_string(), format!("Bearer {key}")));
        }
        headers.extend(asked.key.iter().map(|key| ("idempotency-key".to_owned(), key.clone())));
        headers.extend(asked.prefer.iter().map(|prefer| ("prefer".to_owned(), (*prefer).to_owned())));
        headers
    }

    /// Sends a request to a function that comes to this end.
    pub async fn send_to_doomed(
        &self,
        asked: &Asked,
        fate: Fate,
        meanwhile: impl Future<Output = ()>,
    ) -> Ended<Answer> {
        let crew = self.doomed.lock().await;
        let route = format!("{} {}", asked.method, asked.route);
        let Some(Function::Http(http)) = crew.by_route.get(&route) else { panic!("no function for {route}") };
        let headers: serde_json::Map<_, _> =
            self.headers(asked).into_iter().map(|(name, value)| (name, json!(value))).collect();
        let parameters: serde_json::Map<_, _> =
            asked.at.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let now = self.api.clock.now();
        let event = json!({
            "version": "2.0", "routeKey": route, "rawPath": asked.raw_path(), "rawQueryString": asked.query,
            "headers": headers, "pathParameters": parameters, "body": asked.body.to_string(), "isBase64Encoded": false,
            "requestContext": {
                "accountId": "0", "apiId": "local", "domainName": "localhost", "domainPrefix": "localhost",
                "http": {"method": asked.method, "path": asked.raw_path(), "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
                "requestId": Random::from_os().uuid(), "routeKey": route, "stage": "$default",
                "time": "20/Nov/2026:00:00:00 +0000", "timeEpoch": now.timestamp_millis(),
            },
        });
        use lambda_http::RequestExt;
        let request = lambda_http::request::from_str(&event.to_string()).expect("an event");
        let mut context = lambda_http::Context::default();
        context.deadline = (now + TimeDelta::seconds(29)).timestamp_millis().unsigned_abs();
        let working = http.answer(request.with_lambda_context(context));
        let Some(response) = self.until(working, fate, meanwhile).await else { return Ended::Killed };
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(axum::body::Body::new(body), usize::MAX).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body).into_owned();
        Ended::Done(Answer { status: parts.status.as_u16(), headers: parts.headers, text })
    }

    /// Whatever a doomed function or worker gives, if it lives to do so; what is done while it stands still.
    async fn until<T>(
        &self,
        working: impl Future<Output = T>,
        fate: Fate,
        meanwhile: impl Future<Output = ()>,
    ) -> Option<T> {
        let (is_reached, go) = self.store.doom(fate.calls, fate.is_applied);
        tokio::pin!(working);
        tokio::select! {
            biased;
            done = &mut working => {
                self.store.spare();
                return Some(done);
            }
            Ok(()) = is_reached => {}
        }
        let Then::StandsStill(time) = fate.then else { return None };
        self.held_up.fetch_add(1, Ordering::SeqCst);
        self.api.clock.advance(time);
        meanwhile.await;
        let _ = go.send(());
        Some(working.await)
    }

    /// Has a message worked off; by somebody who comes to that end, if one is given.
    pub async fn work(&self, letter: &Letter, fate: Option<Fate>, meanwhile: impl Future<Output = ()>) -> Ended<()> {
        let event = json!({"Records": [{"messageId": "m", "body": letter.body}]});
        let event = LambdaEvent::new(event, Default::default());
        let of = |crew: &Crew| match crew.by_queue.get(&letter.queue) {
            Some(Function::Queue(worker)) => Arc::clone(worker),
            _ => panic!("nobody takes {}", letter.queue),
        };
        let outcome = match fate {
            None => of(&self.workers)(event).await,
            Some(fate) => {
                let crew = self.doomed.lock().await;
                let Some(outcome) = self.until(of(&crew)(event), fate, meanwhile).await else { return Ended::Killed };
                outcome
            }
        };
        match outcome {
            Ok(response) if response["batchItemFailures"] == json!([]) => Ended::Done(()),
            _ => Ended::Failed,
        }
    }

    /// Runs what a schedule runs: `sweeper` or `score-due`. Whether it went well.
    pub async fn run(&self, name: &str) -> bool {
        let Some(Function::Schedule(run)) = self.workers.scheduled.get(name) else { panic!("no schedule of {name}") };
        run(LambdaEvent::new(json!(null), Default::default())).await.is_ok()
    }

    /// The names of the queues.
    pub fn queues(&self) -> Vec<&str> {
        let mut queues: Vec<_> = self.workers.by_queue.keys().map(String::as_str).collect();
        queues.sort_unstable();
        queues
    }

    /// The items of a table, by the name of its variable.
    pub async fn scan(&self, table: &str) -> Vec<Value> {
        self.scan_for(table, json!({})).await
    }

    /// Those items of a table that a request's filter lets through.
    pub async fn scan_for(&self, table: &str, mut request: Value) -> Vec<Value> {
        let ready = &self.api.stack.ready;
        request["TableName"] = json!(ready.environment[table]);
        crate::scan_for(&ready.dynamodb, request).await
    }
}

impl Crew {
    fn new(variables: &BTreeMap<String, String>, clock: &Clock, random: &Random) -> Self {
        let template = crate::parsed(&crate::template());
        let mut crew = Self { by_route: HashMap::new(), by_queue: HashMap::new(), scheduled: BTreeMap::new() };
        for declared in template.functions().expect("functions") {
            // Each may do what its role allows, and no more.
            let own = [("AWS_ACCESS_KEY_ID".to_owned(), declared.name.clone())];
            let environment = variables.clone().into_iter().chain(own).collect();
            let context = Context::new(environment, clock.clone(), random.clone()).expect("a context");
            let function = functions::build(&declared.name, &context).expect("a configuration").expect("a function");
            for event in declared.events {
                match event {
                    Event::Route { method, path } => {
                        crew.by_route.insert(format!("{method} {path}"), function.clone());
                    }
                    Event::Queue { queue, .. } => {
                        crew.by_queue.insert(queue, function.clone());
                    }
                    Event::Every(_) => {
                        crew.scheduled.insert(declared.name.clone(), function.clone());
                    }
                }
            }
        }
        crew
    }
}

/// Makes a workspace: credits, keys, a site with its channels and agents, and prospects.
async fn settle(api: &Api, tenant: usize) -> Tenant {
    let (random, now, mark) = (Random::from_os(), api.clock.now(), MARKS[tenant]);
    let id = random.uuid();
    let workspace = Workspace {
        workspace_id: id,
        name: mark.to_owned(),
        prices: Default::default(),
        webhook: None,
        created_at: now,
    };
    api.accounts().put_workspace(&workspace).await.expect("a workspace");
    api.ledger().grant(id, id, CREDITS[tenant], "test", now).await.expect("a grant");
    let key = async |permissions: &[Permission]| {
        let key = ApiKey::generate(&random);
        let permissions = permissions.iter().copied().collect();
        let mut record = KeyRecord::new(&key, random.uuid(), id, permissions, now);
        record.quota = Quota { per_minute: 1_000_000, per_day: 10_000_000 };
        api.accounts().put_key(&record).await.expect("a key");
        key.reveal().to_owned()
    };
    let number_id = format!("10000{tenant}");
    let site = Site {
        site_id: random.uuid(),
        name: format!("The {mark} shop"),
        url: format!("https://{mark}.example"),
        email: Some(format!("sales@{mark}.example")),
        whatsapp: Some(number_id.clone()),
        sms: Some(format!("+1202555019{tenant}")),
        created_at: now,
    };
    api.accounts().put_site(id, &site).await.expect("a site");
    for role in [Role::Sales, Role::Copywriter] {
        let agent = Agent {
            agent_id: random.uuid(),
            site_id: site.site_id,
            name: "Robin".to_owned(),
            role,
            user_id: random.uuid(),
            active: true,
            created_at: now,
        };
        api.accounts().put_agent(id, &agent).await.expect("an agent");
    }
    let channel = ChannelAccount {
        platform: Channel::Whatsapp,
        channel_id: number_id.clone(),
        workspace_id: id,
        user_id: "me".to_owned(),
        agent_id: Some("agent-1".to_owned()),
        agent_name: Some("Ava".to_owned()),
        created_at: now,
    };
    api.accounts().put_channel(&channel).await.expect("accounts").expect("a free channel");
    let prospects: Vec<_> = (0..12)
        .map(|number| Prospect {
            prospect_id: format!("p{number}"),
            full_name: format!("Pat {mark}"),
            job_title: "CEO".to_owned(),
            company_name: format!("{mark} and {number}"),
            industry: "law firms".to_owned(),
            city: Some("New York".to_owned()),
            email: Some(format!("pat{number}@{mark}.example")),
            ..Prospect::default()
        })
        .collect();
    OwnProspects::new(&api.stack.context).expect("prospects").load(id, &prospects).await.expect("prospects");
    let (key, reader) = (key(&Permission::ALL).await, key(&[Permission::ReadLeads, Permission::ReadAi]).await);
    Tenant { id, key, reader, site: site.site_id, number_id }
}
