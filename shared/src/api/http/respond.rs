//! The answer to a request: its envelope, headers, log line and metrics.

use super::arrival::Arrival;
use super::body::Body;
use super::call::refusal;
use super::dialect::Dialect;
use super::events::EVENT_STREAM;
use super::reply::Reply;
use crate::base::observe::metrics;
use crate::base::observe::traces::Subsegment;
use crate::base::problem::Problem;
use crate::workspace::auth::Rate;
use chrono::{DateTime, Utc};
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// A response in the form of the Lambda runtime and the gateway.
pub type Response = http::Response<Body>;

/// Builds the response of a request, and writes its one log line.
pub(super) fn finish(
    dialect: Dialect,
    arrival: &Arrival,
    result: Result<Reply, Problem>,
    rate: Option<Rate>,
    now: DateTime<Utc>,
) -> Response {
    let reply = settle(dialect, arrival, result, now);
    respond_whole(dialect, arrival, reply, rate, now)
}

/// The reply to a request, with its one log line and its metrics.
pub(super) fn settle(dialect: Dialect, arrival: &Arrival, result: Result<Reply, Problem>, now: DateTime<Utc>) -> Reply {
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

/// The head of an event stream that ends with this reply. Its status is always 200, because a problem is an event.
pub(super) fn in_events(reply: &Reply) -> Reply {
    Reply { status: 200, content_type: EVENT_STREAM, body: String::new(), retry_after: None, ..reply.clone() }
}

pub(super) fn respond_whole(
    dialect: Dialect,
    arrival: &Arrival,
    mut reply: Reply,
    rate: Option<Rate>,
    now: DateTime<Utc>,
) -> Response {
    let body = Body::whole(std::mem::take(&mut reply.body));
    respond(dialect, arrival, &reply, rate, now, body)
}

pub(super) fn respond(
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
        // Tells proxies to pass each event on at once.
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
    if let Some(location) = &reply.location {
        set("location", location);
    }
    if reply.status == 401 {
        // RFC 9110, section 15.5.2, and RFC 6750, section 3.
        set("www-authenticate", "Bearer realm=\"lead-followup\"");
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

/// Ends the request's subsegment of the trace.
pub(super) fn ended(mut part: Subsegment, response: Response) -> Response {
    part.answered(response.status().as_u16());
    response
}
