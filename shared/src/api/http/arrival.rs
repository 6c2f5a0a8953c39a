//! The facts about a request before its key is checked.

use super::Request;
use super::dialect::{LEADLEX_BASE, Stamp};
use crate::base::observe::traces::{Of, Subsegment};
use chrono::{DateTime, TimeDelta, Utc};
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use uuid::Uuid;

/// The facts about a request before its key is checked.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) at: DateTime<Utc>,
    pub(super) request_id: Uuid,
    pub(super) correlation_id: Option<String>,
    /// Method and path template, as in `template.yaml`, without the base path. Never the path itself, which may hold a
    /// phone number and is never logged.
    pub(super) route: String,
    pub(super) path: String,
    pub(super) deadline: DateTime<Utc>,
}

impl Arrival {
    pub(super) fn new(at: DateTime<Utc>, request_id: Uuid, request: &Request, known: Option<(&str, &str)>) -> Self {
        let raw = request.raw_http_path();
        let path = without_base(if raw.is_empty() { request.uri().path() } else { raw }).to_owned();
        let route = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                context.route_key.as_deref().and_then(|key| key.split_once(' '))
            }
            _ => None,
        };
        // Requests to the function URL have no route, nor do those from cargo-lambda's emulator.
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

    /// The request's subsegment of the trace, annotated with its request id.
    pub(super) fn traced(&self) -> Subsegment {
        let mut part = Subsegment::begin(&self.route, Of::Function);
        part.annotate("request_id", self.request_id.to_string());
        part
    }

    pub(super) fn stamp(&self, at: DateTime<Utc>) -> Stamp {
        let correlation_id = self.correlation_id.clone().unwrap_or_else(|| self.request_id.to_string());
        Stamp { at, correlation_id }
    }
}

/// Removes the base path of `/v1` routes from a path.
pub(super) fn without_base(path: &str) -> &str {
    path.strip_prefix(LEADLEX_BASE).filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// The time limit of a request without a deadline; shorter than API Gateway's.
pub(super) const DEFAULT_TIME: TimeDelta = TimeDelta::seconds(29);

/// Earlier deadlines count as none: cargo-lambda's emulator sends a constant before 2001.
pub(super) const FIRST_CREDIBLE_DEADLINE_MS: i64 = 978_307_200_000;
