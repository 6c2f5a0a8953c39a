//! A proxy before DynamoDB or SQS that records calls, and makes chosen ones fail before or after they are applied, be
//! throttled, conflict or be slow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use http::{HeaderMap, Uri};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::dice::Dice;
use crate::permissions::Permissions;
use crate::proxy::{Upstream, denied, response};
use crate::server::Server;

/// The path of a caller that is to be killed.
const DOOMED: &str = "/doomed";

/// A way in which a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not applied; the answer is 500.
    Before,
    /// Applied; the answer is 500.
    After,
    /// Not applied; the answer is `ThrottlingException`.
    Throttle,
    /// Not applied; the answer is a conflict with another transaction. Reads do not conflict.
    Conflict,
    /// Applied; the answer comes after every timeout.
    Slow,
}

impl Fault {
    pub const ALL: [Self; 5] = [Self::Before, Self::After, Self::Throttle, Self::Conflict, Self::Slow];

    /// Draws a fault or none. `Slow` is rare, because it delays the whole run.
    fn draw(dice: &Dice, per_mille: u32) -> Option<Self> {
        let happens = dice.below(1_000) < per_mille as usize;
        let fault = *dice.one_of(&Self::ALL)?;
        happens.then_some(if fault == Self::Slow && dice.below(20) > 0 { Self::After } else { fault })
    }
}

/// A call that came to the proxy.
#[derive(Clone, Debug)]
pub struct ProxyCall {
    /// Such as `UpdateItem`.
    pub operation: String,
    /// Empty for an operation on several tables.
    pub table: String,
    /// The time of arrival.
    pub from: Instant,
    /// The time of the answer.
    pub until: Instant,
    /// In capacity units.
    pub capacity: f64,
}

#[derive(Default)]
struct Plan {
    /// The index of the first failing call, the number of failing calls after it, and the fault.
    faults: Option<(usize, usize, Fault)>,
    calls: Vec<ProxyCall>,
    /// The minimum duration of every call.
    delay: Duration,
    /// Failing calls in a thousand, with the dice that choose the faults.
    storm: Option<(Dice, u32)>,
}

/// The last call of a caller that is to be killed or paused.
struct Doom {
    /// The number of calls before it.
    left: usize,
    /// Whether the last call is applied.
    is_applied: bool,
    reached: oneshot::Sender<()>,
    /// Ends the pause; a dropped sender never does.
    let_go: oneshot::Receiver<()>,
}

#[derive(Clone)]
struct Shared {
    plan: Arc<Mutex<Plan>>,
    doom: Arc<Mutex<Option<Doom>>>,
    injected: Arc<Mutex<BTreeMap<String, usize>>>,
    upstream: Upstream,
    permissions: Permissions,
    /// Whether the calls of scheduled functions count and fail too.
    with_schedules: bool,
}

pub struct FaultProxy {
    server: Server,
    shared: Shared,
}

impl FaultProxy {
    /// Starts a proxy that leaves out the calls of scheduled functions.
    pub async fn start() -> Self {
        Self::listen(false).await
    }

    /// Starts a proxy that records the calls of scheduled functions too, and makes them fail.
    pub async fn of_schedules() -> Self {
        Self::listen(true).await
    }

    async fn listen(with_schedules: bool) -> Self {
        let (plan, doom, injected, upstream) = Default::default();
        let shared = Shared { plan, doom, injected, upstream, permissions: Permissions::of_project(), with_schedules };
        let app = axum::Router::new().fallback(pass).with_state(shared.clone());
        Self { server: Server::start(app).await, shared }
    }

    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Sets the upstream, and waits until the first runs of the stack's schedules are over, because tests count calls.
    pub async fn set_upstream(&self, url: &str) {
        self.shared.upstream.set(url);
        // Longer than the SDK waits between two attempts.
        let still = Duration::from_millis(500);
        tokio::time::sleep(still).await;
        while !self.heal().is_empty() {
            tokio::time::sleep(still).await;
        }
    }

    /// Makes call `first`, counted from now and from 0, and the `more` calls after it fail.
    pub fn fail(&self, first: usize, more: usize, fault: Fault) {
        *self.shared.plan.lock().expect("plan") = Plan { faults: Some((first, more, fault)), ..Plan::default() };
    }

    /// Delays every call as a network does, so that calls that do not wait for each other overlap.
    pub fn slow_down(&self, delay: Duration) {
        *self.shared.plan.lock().expect("plan") = Plan { delay, ..Plan::default() };
    }

    /// Makes so many of a thousand calls fail, with faults from the dice.
    pub fn storm(&self, dice: Dice, per_mille: u32) {
        *self.shared.plan.lock().expect("plan") = Plan { storm: Some((dice, per_mille)), ..Plan::default() };
    }

    /// The proxy's address for a caller that is to be killed.
    pub fn doomed_url(&self) -> String {
        format!("{}{DOOMED}", self.url())
    }

    /// Stops the caller at [`FaultProxy::doomed_url`] after so many calls: the next is applied or not, and notifies the
    /// receiver instead of being answered. Then the test drops the caller, or sends for the answer; a call that was not
    /// applied is applied then.
    pub fn doom(&self, calls: usize, is_applied: bool) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((reached, is_reached), (go, let_go)) = (oneshot::channel(), oneshot::channel());
        *self.shared.doom.lock().expect("doom") = Some(Doom { left: calls, is_applied, reached, let_go });
        (is_reached, go)
    }

    /// Takes the last [`FaultProxy::doom`] back.
    pub fn spare(&self) {
        *self.shared.doom.lock().expect("doom") = None;
    }

    /// The number of failed calls by fault.
    pub fn injected(&self) -> BTreeMap<String, usize> {
        self.shared.injected.lock().expect("injected").clone()
    }

    /// Lets every call through from now on, and returns the calls since the last change of plan.
    pub fn heal(&self) -> Vec<ProxyCall> {
        std::mem::take(&mut *self.shared.plan.lock().expect("plan")).calls
    }
}

async fn pass(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> http::Response<Body> {
    let from = Instant::now();
    let operation = headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.split_once('.'));
    let operation = operation.map(|(_, name)| name.to_owned()).unwrap_or_default();
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(reason) = shared.permissions.refusal(&headers, &request) {
        return denied(&reason);
    }
    let index = request["IndexName"].as_str().unwrap_or_default();
    if !shared.with_schedules && ["held", "unscored", "due"].contains(&index) {
        return shared.forward(&headers, &request).await.0;
    }
    if uri.path().starts_with(DOOMED)
        && let Some(doom) = shared.last_call()
    {
        return shared.pause(doom, &headers, &request).await;
    }
    if request["QueueUrl"].is_null() {
        request["ReturnConsumedCapacity"] = json!("TOTAL");
    }
    let is_read = matches!(operation.as_str(), "GetItem" | "Query");
    let table = request["TableName"].as_str().unwrap_or_default().to_owned();
    let (index, fault, delay) = shared.record(ProxyCall { operation, table, from, until: from, capacity: 0.0 });
    tokio::time::sleep(delay).await;
    let (response, capacity) = match fault {
        None => shared.forward(&headers, &request).await,
        Some(fault) => (shared.fail(fault, is_read, &headers, &request).await, 0.0),
    };
    if let Some(call) = shared.plan.lock().expect("plan").calls.get_mut(index) {
        call.until = Instant::now();
        call.capacity = capacity;
    }
    response
}

impl Shared {
    /// Takes the doom if this is the last call of its caller.
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

    /// Holds the last call of a doomed caller until the test sends for the answer.
    async fn pause(&self, doom: Doom, headers: &HeaderMap, request: &Value) -> http::Response<Body> {
        let answer = async || self.forward(headers, request).await.0;
        let applied = if doom.is_applied { Some(answer().await) } else { None };
        let _ = doom.reached.send(());
        if doom.let_go.await.is_err() {
            // The test drops the caller.
            return std::future::pending().await;
        }
        match applied {
            Some(applied) => applied,
            None => answer().await,
        }
    }

    /// Records a call, and returns its index, fault and delay by the plan.
    fn record(&self, call: ProxyCall) -> (usize, Option<Fault>, Duration) {
        let mut plan = self.plan.lock().expect("plan");
        let index = plan.calls.len();
        plan.calls.push(call);
        let planned =
            plan.faults.filter(|(first, more, _)| (*first..=first + more).contains(&index)).map(|(_, _, fault)| fault);
        let stormy = plan.storm.as_ref().and_then(|(dice, per_mille)| Fault::draw(dice, *per_mille));
        let fault = planned.or(stormy);
        if let Some(fault) = fault {
            let name = format!("store: {fault:?}").to_lowercase();
            *self.injected.lock().expect("injected").entry(name).or_default() += 1;
        }
        (index, fault, plan.delay)
    }

    async fn fail(&self, fault: Fault, is_read: bool, headers: &HeaderMap, request: &Value) -> http::Response<Body> {
        let failure = || error(500, "InternalServerError", &Value::Null);
        match fault {
            Fault::Before => failure(),
            Fault::After => {
                self.forward(headers, request).await;
                failure()
            }
            Fault::Throttle => error(400, "ThrottlingException", &Value::Null),
            Fault::Conflict => match request["TransactItems"].as_array().map(Vec::len) {
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
                None if is_read => self.forward(headers, request).await.0,
                None => error(400, "TransactionConflictException", &Value::Null),
            },
            Fault::Slow => {
                let (response, _) = self.forward(headers, request).await;
                tokio::time::sleep(Duration::from_secs(3)).await;
                response
            }
        }
    }

    /// Sends a call on, and returns its answer with the capacity units that it consumed.
    async fn forward(&self, headers: &HeaderMap, request: &Value) -> (http::Response<Body>, f64) {
        let (status, body) = self.upstream.forward(headers.clone(), request.to_string()).await;
        let parsed: Value = serde_json::from_slice(&body).unwrap_or_default();
        let units = |consumed: &Value| consumed["CapacityUnits"].as_f64().unwrap_or_default();
        let capacity = match &parsed["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().map(units).sum(),
            one => units(one),
        };
        (response(status, body), capacity)
    }
}

fn error(status: u16, code: &str, reasons: &Value) -> http::Response<Body> {
    let mut body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected", "Message": "injected"});
    if !reasons.is_null() {
        body["CancellationReasons"] = reasons.clone();
    }
    response(status, body.to_string())
}
