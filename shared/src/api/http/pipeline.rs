//! The request pipeline, in the order of the contract (section 2): request id → size and content
//! type → key → permission and rate limit → body and idempotency key → the endpoint → envelope and
//! headers. Where the client asked for events, and the endpoint streams, the headers go with the first event.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use lambda_http::Request;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tracing::Instrument;
use tracing::field::{Empty, display};
use uuid::Uuid;

use super::body::Body;
use super::dialect::{Dialect, LEADLEX_BASE, Stamp};
use super::events::{EVENT_STREAM, Events, last, prefers_events};
use super::fields::uuid;
use super::reply::Reply;
use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::observe::invocation::carried;
use crate::base::observe::metrics;
use crate::base::observe::traces::{Of, Subsegment};
use crate::base::problem::{Code, Problem};
use crate::workspace::accounts::{Accounts, Admission};
use crate::workspace::auth::{ApiKey, Permission, Rate};
use crate::workspace::idempotency::{Claimed, IdempotencyKey};

/// A response, as the Lambda runtime or the gateway sends it.
pub type Response = http::Response<Body>;

/// The largest body that a route takes unless it says otherwise: 256 KiB.
const MAX_BODY: usize = 256 * 1024;

/// The largest body that ingestion takes: 5 MB.
pub const MAX_INGESTED: usize = 5_000_000;

/// How long a request may take where nothing says until when: less than API Gateway waits.
const DEFAULT_TIME: TimeDelta = TimeDelta::seconds(29);

/// A deadline before 2001 is the constant that cargo-lambda's emulator sends, and means none.
const FIRST_CREDIBLE_DEADLINE_MS: i64 = 978_307_200_000;

/// One documented endpoint: what a function crate implements.
pub trait Endpoint: Send + Sync + 'static {
    /// The envelope it answers in.
    const DIALECT: Dialect;
    /// The permission it asks for.
    const PERMISSION: Permission;
    /// The largest body it takes, in bytes.
    const MAX_BODY: usize = MAX_BODY;
    /// Whether it sends events while it works, to a client that asks for them.
    const STREAMS: bool = false;
    /// Whether its body may be left out; then it counts as an empty object.
    const BODY_IS_OPTIONAL: bool = false;
    /// Its parsed request.
    type Request: Send + 'static;

    /// Reads and checks the request; everything wrong with it is one 400.
    fn parse(&self, input: &Input) -> Result<Self::Request, Problem>;

    /// Does the work.
    fn handle(&self, call: &Call, request: Self::Request) -> impl Future<Output = Result<Reply, Problem>> + Send;
}

/// A request's content, before it is checked.
#[derive(Debug)]
pub struct Input {
    /// The JSON body; `null` where the method has none.
    pub body: Value,
    /// The query, decoded, in its order.
    pub query: Vec<(String, String)>,
    /// The variable parts of the path, decoded, by their name in the route.
    pub path: HashMap<String, String>,
    /// The values of `Prefer` (RFC 7240), in their order.
    pub prefer: Vec<String>,
}

impl Input {
    /// A UUID in the path.
    #[track_caller]
    pub fn uuid_in_path(&self, name: &str) -> Result<Uuid, Problem> {
        uuid(self.in_path(name)).ok_or_else(|| Problem::field(name, "must be a UUID"))
    }

    /// A variable part of the path; empty if the route has none of this name.
    pub fn in_path(&self, name: &str) -> &str {
        self.path.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// A request that passed the gate: who calls, and how to answer.
#[derive(Debug)]
pub struct Call {
    /// The request's id, in every answer and log line.
    pub request_id: Uuid,
    /// Whose data it may touch.
    pub workspace_id: Uuid,
    /// The key it came with.
    pub key_id: Uuid,
    /// Until when it has to be answered.
    pub deadline: DateTime<Utc>,
    /// Its idempotency key, if it came with one.
    pub claimed: Option<Claimed>,
    /// What the client is to see before the reply is there.
    pub events: Events,
    dialect: Dialect,
    stamp: Stamp,
}

impl Call {
    /// A 200 with `data` in the dialect's envelope.
    pub fn success(&self, data: Value) -> Reply {
        Reply::json(200, &self.dialect.success(data, None, &self.stamp))
    }

    /// A 200 with one page of a list.
    pub fn page(&self, data: Value, meta: Value) -> Reply {
        Reply::json(200, &self.dialect.success(data, Some(meta), &self.stamp))
    }

    /// A refusal as an answer, to be kept.
    pub fn refusal(&self, problem: &Problem) -> Reply {
        refusal(self.dialect, problem, &self.stamp)
    }
}

fn refusal(dialect: Dialect, problem: &Problem, stamp: &Stamp) -> Reply {
    let (status, _) = problem.code.rendered(dialect);
    Reply {
        code: Some(problem.code.rendered(Dialect::Leadlex).1),
        retry_after: problem.retry_after,
        allow: problem.allow.clone(),
        ..Reply::json(status, &dialect.failure(problem, stamp))
    }
}

/// What stands before every endpoint: the keys, the time and fresh identifiers.
#[derive(Clone, Debug, FromContext)]
pub struct Gate {
    accounts: Accounts,
    clock: Clock,
    random: Random,
}

impl Gate {
    /// Answers a request that no endpoint takes.
    pub(super) fn refuse(&self, dialect: Dialect, request: &Request, problem: Problem) -> Response {
        answer(&self.clock, &self.random, dialect, request, Err(problem))
    }
}

/// Answers one request; never fails, and turns every problem and panic into a response.
pub async fn serve<E: Endpoint>(gate: &Gate, endpoint: &Arc<E>, request: Request) -> Response {
    serve_route(gate, endpoint, request, None).await
}

/// As [`serve`], for a caller who has found the route: method and path template.
pub(super) async fn serve_route<E: Endpoint>(
    gate: &Gate,
    endpoint: &Arc<E>,
    request: Request,
    route: Option<(&str, &str)>,
) -> Response {
    let arrival = Arrival::new(gate.clock.now(), gate.random.uuid(), &request, route);
    let part = arrival.traced();
    let response = part.around(serve_arrival(gate, endpoint, request, arrival)).await;
    ended(part, response)
}

async fn serve_arrival<E: Endpoint>(gate: &Gate, endpoint: &Arc<E>, request: Request, arrival: Arrival) -> Response {
    let span = tracing::info_span!("request", request_id = %arrival.request_id, route = arrival.route, key_id = Empty);
    let mut rate = None;
    let (events, mut sent) = match E::STREAMS && prefers_events(request.headers()) {
        true => Events::read(),
        false => (Events::default(), unbounded_channel().1),
    };
    let admitted = admit(gate, endpoint.as_ref(), &arrival, &request, &mut rate, events.clone());
    let (call, parsed) = match guarded(admitted).instrument(span.clone()).await {
        Ok(admitted) => admitted,
        Err(problem) => {
            let _entered = span.enter();
            return finish(E::DIALECT, &arrival, Err(problem), rate, gate.clock.now());
        }
    };

    let endpoint = Arc::clone(endpoint);
    let work = async move { guarded(endpoint.handle(&call, parsed)).await };
    let mut work = Box::pin(work.instrument(span.clone()));
    // What is finished before anybody waited is answered at once, with everything that the reply says.
    let first = tokio::select! {
        biased;
        result = &mut work => {
            let _entered = span.enter();
            let now = gate.clock.now();
            let reply = settle(E::DIALECT, &arrival, result, now);
            let said: Vec<u8> = std::iter::from_fn(|| sent.try_recv().ok()).flatten().collect();
            if said.is_empty() && !(events.are_wanted() && reply.status < 400) {
                return respond_whole(E::DIALECT, &arrival, reply, rate, now);
            }
            let whole = Body::whole([said, last(E::DIALECT, &reply).into_bytes()].concat());
            return respond(E::DIALECT, &arrival, &in_events(&reply), rate, now, whole);
        }
        Some(first) = sent.recv() => first,
    };
    let now = gate.clock.now();
    let begun = in_events(&Reply::text(200, String::new()));
    let response = respond(E::DIALECT, &arrival, &begun, rate, now, Body::coming(first, sent));
    let clock = gate.clock.clone();
    let rest = async move {
        let result = work.await;
        let reply = settle(E::DIALECT, &arrival, result, clock.now());
        events.send_last(E::DIALECT, &reply);
    };
    // Whether anybody still reads is no concern of the work.
    tokio::spawn(carried(rest.instrument(span)));
    response
}

/// Ends a request's part of its trace.
fn ended(mut part: Subsegment, response: Response) -> Response {
    part.answered(response.status().as_u16());
    response
}

/// Work whose panic is a problem like others.
async fn guarded<T>(work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let result = AssertUnwindSafe(work).catch_unwind().await;
    result.unwrap_or_else(|_| Err(Problem::internal("a handler panicked")))
}

/// Answers a request that belongs to no endpoint: no key is asked for.
pub fn answer(
    clock: &Clock,
    random: &Random,
    dialect: Dialect,
    request: &Request,
    result: Result<Reply, Problem>,
) -> Response {
    let arrival = Arrival::new(clock.now(), random.uuid(), request, None);
    let span = tracing::info_span!("request", request_id = %arrival.request_id, route = arrival.route);
    let _entered = span.enter();
    let part = arrival.traced();
    ended(part, finish(dialect, &arrival, result, None, clock.now()))
}

/// Answers a request that proves itself in another way than by a key, such as a provider's signature.
/// As [`serve`], it never fails.
pub async fn serve_open(
    clock: &Clock,
    random: &Random,
    dialect: Dialect,
    request: &Request,
    work: impl Future<Output = Result<Reply, Problem>> + Send,
) -> Response {
    let arrival = Arrival::new(clock.now(), random.uuid(), request, None);
    let span = tracing::info_span!("request", request_id = %arrival.request_id, route = arrival.route);
    let part = arrival.traced();
    let work = async {
        let result = guarded(work).await;
        finish(dialect, &arrival, result, None, clock.now())
    };
    let response = part.around(work.instrument(span)).await;
    ended(part, response)
}

/// What is known of a request before its key is.
#[derive(Debug)]
struct Arrival {
    at: DateTime<Utc>,
    request_id: Uuid,
    correlation_id: Option<String>,
    /// Method and path template, as in `template.yaml`, without the LeadLex base path. Never the
    /// path itself, which may hold a phone number and is logged nowhere.
    route: String,
    path: String,
    deadline: DateTime<Utc>,
}

impl Arrival {
    fn new(at: DateTime<Utc>, request_id: Uuid, request: &Request, known: Option<(&str, &str)>) -> Self {
        let raw = request.raw_http_path();
        let path = without_base(if raw.is_empty() { request.uri().path() } else { raw }).to_owned();
        let route = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                context.route_key.as_deref().and_then(|key| key.split_once(' '))
            }
            _ => None,
        };
        // A function's own address knows no routes, nor does cargo-lambda's emulator.
        let route = route
            .or(known)
            .map_or_else(|| "$default".to_owned(), |(method, template)| format!("{method} {}", without_base(template)));
        let correlation_id = request.headers().get("x-correlation-id").and_then(|value| value.to_str().ok());
        let correlation_id = correlation_id
            .filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(str::to_owned);
        let given = request.lambda_context_ref().and_then(|context| i64::try_from(context.deadline).ok());
        let deadline = given
            .filter(|deadline| *deadline >= FIRST_CREDIBLE_DEADLINE_MS)
            .and_then(DateTime::from_timestamp_millis)
            .unwrap_or(at + DEFAULT_TIME);
        Self { at, request_id, correlation_id, route, path, deadline }
    }

    /// The request as a part of its trace, which can be found by what the answer says its id is.
    fn traced(&self) -> Subsegment {
        let mut part = Subsegment::begin(&self.route, Of::Function);
        part.annotate("request_id", self.request_id.to_string());
        part
    }

    fn stamp(&self, at: DateTime<Utc>) -> Stamp {
        let correlation_id = self.correlation_id.clone().unwrap_or_else(|| self.request_id.to_string());
        Stamp { at, correlation_id }
    }
}

/// A path without the LeadLex base path.
pub(super) fn without_base(path: &str) -> &str {
    path.strip_prefix(LEADLEX_BASE).filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// Everything before the work: who calls, and what is asked.
async fn admit<E: Endpoint>(
    gate: &Gate,
    endpoint: &E,
    arrival: &Arrival,
    request: &Request,
    rate: &mut Option<Rate>,
    events: Events,
) -> Result<(Call, E::Request), Problem> {
    let has_body = !matches!(*request.method(), http::Method::GET | http::Method::HEAD | http::Method::DELETE);
    if has_body {
        check_size_and_type(request, E::MAX_BODY)?;
    }

    let key = bearer(request.headers()).ok_or_else(invalid_key)?;
    let record = match gate.accounts.admit(&key, E::PERMISSION, arrival.at).await? {
        Admission::Granted(record, counted) => {
            *rate = Some(counted);
            tracing::Span::current().record("key_id", display(record.key_id));
            record
        }
        Admission::Unknown => return Err(invalid_key()),
        Admission::Forbidden(counted) => {
            *rate = Some(counted);
            return Err(Problem::new(
                Code::InsufficientPermissions,
                format!("this API key lacks the permission {}", E::PERMISSION),
            ));
        }
        Admission::Exhausted(counted) => {
            *rate = Some(counted);
            let seconds = counted.retry_after(arrival.at);
            let message = format!("request rate limit exceeded; retry after {seconds} seconds");
            return Err(Problem::new(Code::RateLimited, message).retry_after(seconds));
        }
    };

    let input = Input {
        body: if has_body { json_body(request.body(), E::BODY_IS_OPTIONAL)? } else { Value::Null },
        query: query(request),
        path: request.path_parameters().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        prefer: prefer(request.headers()),
    };
    let parsed = endpoint.parse(&input);
    let idempotency_key = idempotency_key(request)?;
    let parsed = parsed?;
    let claimed = idempotency_key.map(|key| {
        Claimed::new(record.workspace_id, &arrival.route, &key, request.method().as_str(), &arrival.path, &input.body)
    });
    let call = Call {
        request_id: arrival.request_id,
        workspace_id: record.workspace_id,
        key_id: record.key_id,
        deadline: arrival.deadline,
        claimed,
        events,
        dialect: E::DIALECT,
        stamp: arrival.stamp(arrival.at),
    };
    Ok((call, parsed))
}

fn prefer(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|value| value.trim().to_ascii_lowercase()).collect()
}

fn check_size_and_type(request: &Request, most: usize) -> Result<(), Problem> {
    let length = body_bytes(request.body()).len();
    if length > most {
        let message = format!("the body has {length} bytes; this route takes at most {most}");
        return Err(Problem::new(Code::PayloadTooLarge, message));
    }
    let Some(declared) = request.headers().get(header::CONTENT_TYPE) else { return Ok(()) };
    let declared = declared.to_str().unwrap_or_default().to_ascii_lowercase();
    let (essence, parameters) = declared.split_once(';').unwrap_or((&declared, ""));
    let is_json = essence.trim() == "application/json"
        || (essence.starts_with("application/") && essence.trim().ends_with("+json"));
    let is_utf8 = parameters.split(';').all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim() == "charset" => value.trim().trim_matches('"') == "utf-8",
        _ => true,
    });
    if is_json && is_utf8 {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "send JSON in UTF-8, with Content-Type: application/json"))
}

/// A body as it was sent: API Gateway may hand it over as text or in base64.
pub fn body_bytes(body: &lambda_http::Body) -> &[u8] {
    match body {
        lambda_http::Body::Text(text) => text.as_bytes(),
        lambda_http::Body::Binary(bytes) => bytes,
        _ => &[],
    }
}

/// serde_json's messages say what was expected and where; they do not quote the body.
fn json_body(body: &lambda_http::Body, is_optional: bool) -> Result<Value, Problem> {
    let bytes = body_bytes(body);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        if is_optional {
            return Ok(json!({}));
        }
        return Err(Problem::new(Code::Validation, "the request needs a JSON body"));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::new(Code::Validation, format!("the body is not valid JSON: {error}")))
}

fn bearer(headers: &HeaderMap) -> Option<ApiKey> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { key.trim().parse().ok() } else { None }
}

#[track_caller]
fn invalid_key() -> Problem {
    Problem::new(Code::InvalidKey, "invalid or expired API key; send Authorization: Bearer wbk_…")
}

fn idempotency_key(request: &Request) -> Result<Option<IdempotencyKey>, Problem> {
    if request.method() != http::Method::POST {
        return Ok(None);
    }
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    IdempotencyKey::parse(value.as_bytes()).map(Some).map_err(|complaint| Problem::field("Idempotency-Key", complaint))
}

fn query(request: &Request) -> Vec<(String, String)> {
    let parameters = request.query_string_parameters();
    parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Envelope, headers and the one log line of a request.
fn finish(
    dialect: Dialect,
    arrival: &Arrival,
    result: Result<Reply, Problem>,
    rate: Option<Rate>,
    now: DateTime<Utc>,
) -> Response {
    let reply = settle(dialect, arrival, result, now);
    respond_whole(dialect, arrival, reply, rate, now)
}

/// The reply to a request, its one log line and its metrics.
fn settle(dialect: Dialect, arrival: &Arrival, result: Result<Reply, Problem>, now: DateTime<Utc>) -> Reply {
    let ms = (now - arrival.at).num_milliseconds();
    let reply = match result {
        Ok(reply) => {
            tracing::info!(status = reply.status, replayed = reply.replayed, ms, "answered");
            reply
        }
        Err(problem) => {
            let reply = refusal(dialect, &problem, &arrival.stamp(now));
            let (code, cause) = (problem.code.rendered(dialect).1, problem.cause.as_deref().unwrap_or_default());
            if reply.status >= 500 {
                tracing::error!(status = reply.status, code, cause, at = %problem.at, ms, "failed");
            } else {
                tracing::info!(status = reply.status, code, ms, "refused");
            }
            reply
        }
    };
    let mut values = vec![
        (metrics::REQUESTS, 1),
        (metrics::LATENCY, ms.max(0).unsigned_abs()),
        (metrics::SERVER_ERRORS, u64::from(reply.status >= 500)),
        (metrics::CLIENT_ERRORS, u64::from((400..500).contains(&reply.status))),
    ];
    let mut said = vec![("Route", arrival.route.as_str())];
    if let Some(code) = reply.code {
        values.push((metrics::ERRORS, 1));
        said.push(("Code", code));
    }
    metrics::record(&values, &said);
    reply
}

/// The head of an answer in events that ends with this reply. Its status is 200: a problem is an event.
fn in_events(reply: &Reply) -> Reply {
    Reply { status: 200, content_type: EVENT_STREAM, body: String::new(), retry_after: None, ..reply.clone() }
}

fn respond_whole(
    dialect: Dialect,
    arrival: &Arrival,
    mut reply: Reply,
    rate: Option<Rate>,
    now: DateTime<Utc>,
) -> Response {
    let body = Body::whole(std::mem::take(&mut reply.body));
    respond(dialect, arrival, &reply, rate, now, body)
}

fn respond(
    dialect: Dialect,
    arrival: &Arrival,
    reply: &Reply,
    rate: Option<Rate>,
    now: DateTime<Utc>,
    body: Body,
) -> Response {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("content-type", reply.content_type);
    set("cache-control", "no-store");
    if reply.content_type == EVENT_STREAM {
        // So that a proxy hands each event on at once.
        set("x-accel-buffering", "no");
    }
    set("x-request-id", &arrival.request_id.to_string());
    for (name, value) in rate.iter().flat_map(|rate| rate.headers(now)) {
        set(name, &value);
    }
    if dialect == Dialect::Leads {
        set("x-correlation-id", &arrival.stamp(now).correlation_id);
    }
    if reply.replayed {
        set("idempotent-replayed", "true");
    }
    if let Some(seconds) = reply.retry_after {
        set("retry-after", &seconds.to_string());
    }
    if let Some(allow) = &reply.allow {
        set("allow", allow);
    }
    if let Some(preference) = &reply.preference_applied {
        set("preference-applied", preference);
    }

    let mut response = http::Response::new(body);
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}
