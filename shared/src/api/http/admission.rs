//! The steps before the work: authenticate the key and parse the request.

use std::borrow::Cow;
use std::io::Read;

use super::Request;
use super::arrival::Arrival;
use super::call::{Call, Endpoint, parse};
use super::events::Events;
use super::gate::Gate;
use super::request::Input;
use crate::base::problem::{Code, Problem};
use crate::workspace::accounts::Admission;
use crate::workspace::auth::{ApiKey, Rate};
use crate::workspace::idempotency::{Claimed, IdempotencyKey};
use flate2::read::MultiGzDecoder;
use http::header::{self, HeaderMap};
use lambda_http::RequestExt;
use serde_json::{Value, json};
use tracing::field::display;

/// Authenticates the key and parses the request, in the documented order.
pub(super) async fn admit<E: Endpoint>(
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
            let unit = if seconds == 1 { "second" } else { "seconds" };
            let message = format!("Request rate limit exceeded. Retry after {seconds} {unit}.");
            return Err(Problem::new(Code::RateLimited, message).retry_after(seconds));
        }
    };

    let input = Input {
        body: if has_body { json_body(&plain_body(request, E::MAX_BODY)?, E::BODY_IS_OPTIONAL)? } else { Value::Null },
        query: query(request),
        path: request.path_parameters().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        prefer: prefer(request.headers()),
    };
    let key = idempotency_key(request).map(|key| key.or_else(|| events.key().cloned()));
    let claimed = key.map(|key| {
        let (route, method, path) = (&arrival.route, request.method().as_str(), &arrival.path);
        key.map(|key| Claimed::new(record.workspace_id, route, &key, method, path, &input.body))
    });
    let parsed = parse(endpoint, input);
    let (claimed, parsed) = (claimed?, parsed?);
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

pub(super) fn prefer(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|value| value.trim().to_ascii_lowercase()).collect()
}

pub(super) fn check_size_and_type(request: &Request, most: usize) -> Result<(), Problem> {
    let length = body_bytes(request.body()).len();
    if length > most {
        return Err(too_large(length, most));
    }
    if !matches!(encoding(request.headers()).as_str(), "" | "identity" | "gzip" | "x-gzip") {
        let message = "send the body without a Content-Encoding, or with Content-Encoding: gzip";
        return Err(Problem::new(Code::UnsupportedMediaType, message));
    }
    let Some(declared) = request.headers().get(header::CONTENT_TYPE) else { return Ok(()) };
    let declared = declared.to_str().unwrap_or_default().to_ascii_lowercase();
    let (essence, parameters) = declared.split_once(';').unwrap_or((&declared, ""));
    let is_json = essence.trim() == "application/json"
        || (essence.starts_with("application/") && essence.trim().ends_with("+json"));
    let is_utf8 = parameters.split(';').all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim() == "charset" => {
            matches!(value.trim().trim_matches('"'), "utf-8" | "utf8")
        }
        _ => true,
    });
    if is_json && is_utf8 {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "send JSON in UTF-8, with Content-Type: application/json"))
}

/// The bytes of a body. API Gateway may pass it as text or in base64.
pub fn body_bytes(body: &lambda_http::Body) -> &[u8] {
    match body {
        lambda_http::Body::Text(text) => text.as_bytes(),
        lambda_http::Body::Binary(bytes) => bytes,
        _ => &[],
    }
}

fn too_large(length: usize, most: usize) -> Problem {
    let message = format!("the body has {length} bytes; this route takes at most {most}");
    Problem::new(Code::PayloadTooLarge, message)
}

fn encoding(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    value.unwrap_or_default().trim().to_ascii_lowercase()
}

/// The body without its content encoding, of at most `most` bytes (RFC 9110, section 8.4).
fn plain_body(request: &Request, most: usize) -> Result<Cow<'_, [u8]>, Problem> {
    let bytes = body_bytes(request.body());
    if !encoding(request.headers()).ends_with("gzip") {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut plain = Vec::new();
    // No more is unpacked, however much there is.
    let unpacked = MultiGzDecoder::new(bytes).take(most as u64 + 1).read_to_end(&mut plain);
    let length = unpacked.map_err(|_| Problem::new(Code::Validation, "the body is not valid gzip"))?;
    if length > most { Err(too_large(length, most)) } else { Ok(Cow::Owned(plain)) }
}

/// Parses the body. serde_json's messages do not quote it: they say only what was expected and where.
fn json_body(bytes: &[u8], is_optional: bool) -> Result<Value, Problem> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        if is_optional {
            return Ok(json!({}));
        }
        return Err(Problem::new(Code::Validation, "the request needs a JSON body"));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::new(Code::Validation, format!("the body is not valid JSON: {error}")))
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<ApiKey> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { key.trim().parse().ok() } else { None }
}

#[track_caller]
pub(super) fn invalid_key() -> Problem {
    Problem::new(Code::InvalidKey, "invalid or expired API key; send Authorization: Bearer wbk_…")
}

pub(super) fn idempotency_key(request: &Request) -> Result<Option<IdempotencyKey>, Problem> {
    if request.method() != http::Method::POST {
        return Ok(None);
    }
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    IdempotencyKey::parse(value.as_bytes()).map(Some).map_err(|complaint| Problem::field("Idempotency-Key", complaint))
}

pub(super) fn query(request: &Request) -> Vec<(String, String)> {
    let parameters = request.query_string_parameters();
    parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
