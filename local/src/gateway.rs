//! The HTTP API: finds the route of a request, invokes its function with the event of API Gateway, and sends the answer
//! ("Create AWS Lambda proxy integrations for HTTP APIs", payload format version 2.0).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::response::IntoResponse;
use axum::serve::ListenerExt;
use chrono::TimeDelta;
use data_encoding::BASE64;
use futures_util::stream;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Uri};
use lambda_http::RequestExt;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use shared::api::lambda::{Function, Http};
use shared::base::clock::{Clock, Random};
use tokio::net::TcpListener;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use crate::error::LocalError;
use crate::template::{ACCOUNT, Event};

/// API Gateway's limit on a request.
const MAX_REQUEST: usize = 10 * 1024 * 1024;

/// The routes of the template, each with its function.
#[derive(Clone)]
pub struct Gateway {
    routes: Arc<Routes>,
    clock: Clock,
    random: Random,
}

#[derive(Default)]
struct Routes {
    by_path: matchit::Router<HashMap<String, Target>>,
    default: Option<Target>,
}

#[derive(Clone)]
struct Target {
    http: Http,
    route_key: String,
    timeout: Duration,
}

impl Gateway {
    /// Arranges the routes of functions.
    pub fn new<'a>(
        functions: impl Iterator<Item = (&'a Event, &'a Function, Duration)>,
        clock: Clock,
        random: Random,
    ) -> Result<Self, LocalError> {
        let mut by_path: HashMap<&str, HashMap<String, Target>> = HashMap::new();
        let mut routes = Routes::default();
        for (event, function, timeout) in functions {
            let (Event::Route { method, path }, Function::Http(http)) = (event, function) else { continue };
            let http = http.clone();
            if path == "$default" {
                routes.default = Some(Target { http, route_key: path.clone(), timeout });
            } else {
                let target = Target { http, route_key: format!("{method} {path}"), timeout };
                by_path.entry(path).or_default().insert(method.clone(), target);
            }
        }
        for (path, targets) in by_path {
            routes
                .by_path
                .insert(path, targets)
                .map_err(|error| LocalError::Emulator(format!("route {path}: {error}")))?;
        }
        Ok(Self { routes: Arc::new(routes), clock, random })
    }

    /// Serves until the task is dropped.
    pub async fn serve(self, listener: TcpListener) {
        let app =
            axum::Router::new().fallback(handle).with_state(self).into_make_service_with_connect_info::<SocketAddr>();
        // Sends each event at once, without waiting for the acknowledgement of the one before it.
        let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the gateway stopped");
        }
    }

    fn target(&self, method: &Method, path: &str) -> Option<(Target, HashMap<String, String>)> {
        if let Ok(found) = self.routes.by_path.at(path)
            && let Some(target) = found.value.get(method.as_str()).or_else(|| found.value.get("ANY"))
        {
            // API Gateway decodes path parameters.
            let decoded = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
            let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect();
            return Some((target.clone(), parameters));
        }
        self.routes.default.clone().map(|target| (target, HashMap::new()))
    }
}

async fn handle(
    State(gateway): State<Gateway>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: axum::extract::Request,
) -> http::Response<Body> {
    let (head, body) = request.into_parts();
    let origin = head.headers.get(ORIGIN).filter(|origin| is_loopback(origin)).cloned();
    if let Some(origin) = &origin
        && head.method == Method::OPTIONS
        && let Some(method) = head.headers.get(ACCESS_CONTROL_REQUEST_METHOD)
    {
        return preflight(origin, method, head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS));
    }
    let mut response = respond(&gateway, head, body, peer).await;
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        // Without credentials, the wildcard names every header.
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// Whether a page of this machine asks. In AWS, the parameter `AllowedOrigins` names the pages that may ask.
fn is_loopback(origin: &HeaderValue) -> bool {
    let host = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok()?.host().map(str::to_owned));
    host.is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"))
}

/// The answer to the question whether a page may send a request (Fetch Standard, "CORS protocol").
fn preflight(origin: &HeaderValue, method: &HeaderValue, headers: Option<&HeaderValue>) -> http::Response<Body> {
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let allowed = response.headers_mut();
    allowed.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    allowed.insert(ACCESS_CONTROL_ALLOW_METHODS, method.clone());
    if let Some(headers) = headers {
        allowed.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers.clone());
    }
    allowed.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

async fn respond(gateway: &Gateway, head: Parts, body: Body, peer: SocketAddr) -> http::Response<Body> {
    let Ok(body) = axum::body::to_bytes(body, MAX_REQUEST).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let Some((target, parameters)) = gateway.target(&head.method, head.uri.path()) else {
        return plain(StatusCode::NOT_FOUND, "Not Found");
    };
    let event = event(gateway, &target, &parameters, &head, &body, peer);
    let Ok(event) = lambda_http::request::from_str(&event.to_string()) else {
        return plain(StatusCode::BAD_REQUEST, "Bad Request");
    };
    let trace = head.headers.get("x-amzn-trace-id").and_then(|header| header.to_str().ok()).map(str::to_owned);
    let mut context = lambda_http::Context::default();
    let deadline = gateway.clock.now() + TimeDelta::from_std(target.timeout).unwrap_or_default();
    context.xray_trace_id = trace;
    context.deadline = deadline.timestamp_millis().unsigned_abs();
    let until = Instant::now() + target.timeout;
    // As in Lambda, the work goes on when the client disconnects.
    let work = tokio::spawn(target.http.answer(event.with_lambda_context(context)));
    match timeout_at(until, work).await {
        Ok(Ok(response)) => {
            response.map(|body| if body.is_coming() { piecewise(body, until) } else { Body::new(body) })
        }
        Ok(Err(_)) => plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        Err(_) => plain(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out"),
    }
}

/// A body that is sent piece by piece. It is cut off at the deadline, as by a function URL of Lambda.
fn piecewise(body: shared::api::http::Body, until: Instant) -> Body {
    Body::from_stream(stream::try_unfold(body, move |mut body| async move {
        let piece = timeout_at(until, body.next()).await?;
        Ok::<_, Elapsed>(piece.map(|piece| (piece, body)))
    }))
}

fn event(
    gateway: &Gateway,
    target: &Target,
    parameters: &HashMap<String, String>,
    head: &Parts,
    body: &Bytes,
    peer: SocketAddr,
) -> Value {
    let joined = |name| {
        let values = head.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.collect::<Vec<_>>().join(",")
    };
    let headers: HashMap<&str, String> = head.headers.keys().map(|name| (name.as_str(), joined(name))).collect();
    let now = gateway.clock.now();
    let (text, encoded) = match str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (BASE64.encode(body), true),
    };
    json!({
        "version": "2.0",
        "routeKey": target.route_key,
        "rawPath": head.uri.path(),
        "rawQueryString": head.uri.query().unwrap_or_default(),
        "headers": headers,
        "pathParameters": parameters,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": head.method.as_str(),
                "path": head.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": peer.ip(),
                "userAgent": head.headers.get("user-agent").and_then(|agent| agent.to_str().ok()),
            },
            "requestId": gateway.random.uuid(),
            "routeKey": target.route_key,
            "stage": "$default",
            "time": now.format("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.timestamp_millis(),
        },
        "body": text,
        "isBase64Encoded": encoded,
    })
}

/// An error of the gateway itself, in API Gateway's form.
fn plain(status: StatusCode, message: &str) -> http::Response<Body> {
    (status, Json(json!({ "message": message }))).into_response()
}
