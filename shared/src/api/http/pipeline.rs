//! The request pipeline (docs/behaviour.md, "Order of checks"): request id → size and content type → key →
//! permission and rate limit → body and idempotency key → the endpoint → envelope and headers. If the client asked
//! for events and the endpoint streams, the headers go with the first event.

use super::admission::admit;
use super::arrival::Arrival;
use super::call::Endpoint;
use super::gate::Gate;
use super::respond::{Response, ended, finish, in_events, respond, respond_whole, settle};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
pub use lambda_http::Request;
use tokio::sync::mpsc::unbounded_channel;
use tracing::Instrument;
use tracing::field::Empty;

use super::body::Body;
use super::dialect::Dialect;
use super::events::{Events, last, prefers_events};
use super::reply::Reply;
use crate::base::clock::{Clock, Random};
use crate::base::observe::invocation::carried;
use crate::base::problem::Problem;

/// Answers one request. It never fails: problems and panics become responses.
pub async fn serve<E: Endpoint>(gate: &Gate, endpoint: &Arc<E>, request: Request) -> Response {
    serve_route(gate, endpoint, request, None).await
}

/// Like [`serve`], for a caller that has already found the route (method and path template).
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
        true => Events::read(request.headers(), gate.random.uuid()),
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
    let work = async move { guarded(endpoint.handle(&call, parsed)).await.map(Reply::from) };
    let mut work = Box::pin(work.instrument(span.clone()));
    // If the work finishes before its first event, the answer is an ordinary one, with all headers.
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
            let whole = Body::whole([said, last(E::DIALECT, &reply, &events.next_id()).into_bytes()].concat());
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
    // The work goes on even if the client stops reading.
    tokio::spawn(carried(rest.instrument(span)));
    response
}

/// Turns a panic of the work into a problem.
async fn guarded<T>(work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let result = AssertUnwindSafe(work).catch_unwind().await;
    result.unwrap_or_else(|_| Err(Problem::internal("a handler panicked")))
}

/// Answers a request that belongs to no endpoint, without asking for a key.
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

/// Answers a request that is authenticated by other means than a key, such as a provider's signature. Like [`serve`],
/// it never fails.
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
