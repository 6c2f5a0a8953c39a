//! A proxy between the functions and DynamoDB, or SQS, that counts calls, and makes chosen ones fail
//! before or after they are applied, be throttled, conflict or be slow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use http::{HeaderMap, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::dice::Dice;
use crate::permissions::{self, Permissions, denied, response};

/// What a caller that is to be killed puts behind the proxy's address.
const DOOMED: &str = "/doomed";

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not applied; the answer is 500.
    Before,
    /// It is applied; the answer is 500.
    After,
    /// It is not applied; the answer is that there are too many.
    Throttle,
    /// It is not applied; the answer is that another transaction was there. Reads do not conflict.
    Conflict,
    /// It is applied, and the answer comes later than anybody waits.
    Slow,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 5] = [Self::Before, Self::After, Self::Throttle, Self::Conflict, Self::Slow];

    /// None, or one of them; what is slow holds everybody up, and is rare.
    fn by_chance(dice: &Dice, per_mille: u32) -> Option<Self> {
        let happens = dice.below(1_000) < per_mille as usize;
        let fault = *dice.one_of(&Self::ALL)?;
        happens.then_some(if fault == Self::Slow && dice.below(20) > 0 { Self::After } else { fault })
    }
}

impl Shared {
    /// The doom of a caller whose last call this is.
    fn last_call(&self) -> Option<Doom> {
        let mut doom = self.doom.lock().expect("doom");
        match doom.as_mut() {
            Some(doom) if doom.left > 0 => {
                doom.left -= 1;
                None
            }
            _ => doom.take(),
        }
    }
}

/// One call, as the proxy saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The operation, such as `UpdateItem`.
    pub operation: String,
    /// The table; empty for an operation on several.
    pub table: String,
    /// When it came.
    pub from: Instant,
    /// When it was answered.
    pub until: Instant,
    /// Capacity units that it consumed.
    pub capacity: f64,
}

#[derive(Default)]
struct Plan {
    /// The first call to fail, how many after it do so too, and how.
    faults: Option<(usize, usize, Fault)>,
    seen: Vec<Seen>,
    /// How long every call takes at least.
    delay: Duration,
    /// How many of a thousand calls fail, each in a way of its own.
    storm: Option<(Dice, u32)>,
}

/// The caller that dies with one of its calls.
struct Doom {
    /// How many calls it makes before.
    left: usize,
    /// Whether the last call is applied.
    is_applied: bool,
    died: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Shared {
    plan: Arc<Mutex<Plan>>,
    doom: Arc<Mutex<Option<Doom>>>,
    injected: Arc<Mutex<BTreeMap<String, usize>>>,
    upstream: Arc<OnceLock<String>>,
    client: reqwest::Client,
    permissions: Permissions,
    /// Whether what the stack's timers ask is part of the flow under test.
    with_schedules: bool,
}

/// A running proxy.
pub struct FaultProxy {
    url: String,
    shared: Shared,
    task: JoinHandle<()>,
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FaultProxy {
    /// Starts a proxy whose upstream is named later, because a stack has to know the proxy first.
    pub async fn start() -> Self {
        Self::listen(false).await
    }

    /// As [`FaultProxy::start`]; the calls of scheduled functions count and fail as all others.
    pub async fn of_schedules() -> Self {
        Self::listen(true).await
    }

    async fn listen(with_schedules: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (plan, doom, injected, upstream) = Default::default();
        let permissions = Permissions::of_project();
        let client = crate::client();
        let shared = Shared { plan, doom, injected, upstream, client, permissions, with_schedules };
        let app = axum::Router::new().fallback(pass).with_state(shared.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self { url, shared, task }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Names what is behind it, and waits until the first runs of the stack's schedules are
    /// over, because a test counts calls.
    pub async fn set_upstream(&self, url: &str) {
        self.shared.upstream.set(url.to_owned()).expect("one upstream");
        // Longer than the SDK waits between two attempts.
        let still = Duration::from_millis(500);
        tokio::time::sleep(still).await;
        while !self.heal().is_empty() {
            tokio::time::sleep(still).await;
        }
    }

    /// From now on, call `first` (counted from now, from 0) and the `more` calls after it fail.
    pub fn fail(&self, first: usize, more: usize, fault: Fault) {
        *self.shared.plan.lock().expect("plan") = Plan { faults: Some((first, more, fault)), ..Plan::default() };
    }

    /// From now on, every call goes through but takes so long, as over a network: calls that do not
    /// wait for each other overlap.
    pub fn slow_down(&self, delay: Duration) {
        *self.shared.plan.lock().expect("plan") = Plan { delay, ..Plan::default() };
    }

    /// From now on, so many of a thousand calls fail, each in the way that the dice have.
    pub fn storm(&self, dice: Dice, per_mille: u32) {
        *self.shared.plan.lock().expect("plan") = Plan { storm: Some((dice, per_mille)), ..Plan::default() };
    }

    /// The address of a caller that is to be killed.
    pub fn doomed_url(&self) -> String {
        format!("{}{DOOMED}", self.url)
    }

    /// The caller at [`FaultProxy::doomed_url`] makes so many calls; the next is applied or not, and says so here
    /// instead of being answered: then the caller is to be dropped.
    pub fn doom(&self, calls: usize, is_applied: bool) -> oneshot::Receiver<()> {
        let (died, death) = oneshot::channel();
        *self.shared.doom.lock().expect("doom") = Some(Doom { left: calls, is_applied, died });
        death
    }

    /// The caller lives on.
    pub fn spare(&self) {
        *self.shared.doom.lock().expect("doom") = None;
    }

    /// How often calls were made to fail so far, by the way.
    pub fn injected(&self) -> BTreeMap<String, usize> {
        self.shared.injected.lock().expect("injected").clone()
    }

    /// From now on, every call goes through; gives the calls since the last change of plan.
    pub fn heal(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.shared.plan.lock().expect("plan")).seen
    }
}

async fn pass(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> http::Response<Body> {
    let from = Instant::now();
    let operation = headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.split_once('.'));
    let operation = operation.map(|(_, name)| name.to_owned()).unwrap_or_default();
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(refused) = shared.permissions.refused(&headers, &request) {
        return denied(&refused);
    }
    let index = request["IndexName"].as_str().unwrap_or_default();
    if !shared.with_schedules && ["held", "unscored", "due"].contains(&index) {
        return forward(&shared, &headers, request).await.0;
    }
    if uri.path().starts_with(DOOMED)
        && let Some(doom) = shared.last_call()
    {
        if doom.is_applied {
            forward(&shared, &headers, request).await;
        }
        let _ = doom.died.send(());
        // Nobody waits for the answer of a caller that is dropped.
        return std::future::pending().await;
    }
    if request["QueueUrl"].is_null() {
        request["ReturnConsumedCapacity"] = json!("TOTAL");
    }
    let table = request["TableName"].as_str().unwrap_or_default().to_owned();
    let is_read = matches!(operation.as_str(), "GetItem" | "Query");
    let transaction = request["TransactItems"].as_array().map(Vec::len);
    let (index, fault, delay) = {
        let mut plan = shared.plan.lock().expect("plan");
        let index = plan.seen.len();
        plan.seen.push(Seen { operation, table, from, until: from, capacity: 0.0 });
        let fault =
            plan.faults.filter(|(first, more, _)| (*first..=first + more).contains(&index)).map(|(_, _, fault)| fault);
        let stormy = plan.storm.as_ref().and_then(|(dice, per_mille)| Fault::by_chance(dice, *per_mille));
        (index, fault.or(stormy), plan.delay)
    };
    if let Some(fault) = fault {
        *shared.injected.lock().expect("injected").entry(format!("store: {fault:?}").to_lowercase()).or_default() += 1;
    }
    tokio::time::sleep(delay).await;
    let failed = || error(500, "InternalServerError", &Value::Null);
    let response = match fault {
        Some(Fault::Before) => failed(),
        Some(Fault::Throttle) => error(400, "ThrottlingException", &Value::Null),
        Some(Fault::Conflict) => match transaction {
            Some(writes) => {
                // The last condition fails too, as it may while the other transaction commits.
                let code = |write| match write {
                    0 => "TransactionConflict",
                    _ if write + 1 == writes => "ConditionalCheckFailed",
                    _ => "None",
                };
                let reasons: Vec<_> = (0..writes).map(|write| json!({ "Code": code(write) })).collect();
                error(400, "TransactionCanceledException", &json!(reasons))
            }
            None if is_read => forward(&shared, &headers, request).await.0,
            None => error(400, "TransactionConflictException", &Value::Null),
        },
        Some(Fault::After) => {
            forward(&shared, &headers, request).await;
            failed()
        }
        Some(Fault::Slow) => {
            let (response, _) = forward(&shared, &headers, request).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            response
        }
        None => {
            let (response, capacity) = forward(&shared, &headers, request).await;
            if let Some(seen) = shared.plan.lock().expect("plan").seen.get_mut(index) {
                seen.capacity = capacity;
            }
            response
        }
    };
    if let Some(seen) = shared.plan.lock().expect("plan").seen.get_mut(index) {
        seen.until = Instant::now();
    }
    response
}

async fn forward(shared: &Shared, headers: &HeaderMap, request: Value) -> (http::Response<Body>, f64) {
    let sent = permissions::forward(&shared.client, &shared.upstream, headers.clone(), request.to_string());
    let (status, body) = sent.await;
    let parsed: Value = serde_json::from_slice(&body).unwrap_or_default();
    let units = |consumed: &Value| consumed["CapacityUnits"].as_f64().unwrap_or_default();
    let capacity = match &parsed["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        one => units(one),
    };
    (response(status, body), capacity)
}

fn error(status: u16, code: &str, reasons: &Value) -> http::Response<Body> {
    let mut body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected", "Message": "injected"});
    if !reasons.is_null() {
        body["CancellationReasons"] = reasons.clone();
    }
    response(status, body.to_string())
}
