//! Server-sent events as an answer ("Server-sent events", HTML Standard).
//!
//! A streaming endpoint sends events while it works, and returns its reply as usual. A client that asked for events
//! gets them, and then the reply as `done` or a problem as `error`. Other clients get only the reply. A problem before
//! the first event is an ordinary error with its status.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::HeaderMap;
use http::header::ACCEPT;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use super::dialect::Dialect;
use super::reply::Reply;
use crate::workspace::idempotency::IdempotencyKey;

/// The content type of an answer in events.
pub const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// The channel for an endpoint's events; `None` if the client did not ask for events.
#[derive(Clone, Debug, Default)]
pub struct Events(Option<Arc<Channel>>);

#[derive(Debug)]
struct Channel {
    sender: UnboundedSender<Bytes>,
    /// The idempotency key of a request that names none. Every event's id contains it, so that a client that reconnects
    /// with `Last-Event-ID` sends the same request again.
    key: IdempotencyKey,
    sent: AtomicU64,
}

impl Events {
    /// An open channel, and the receiver of its events. `new` is the key of a request that does not continue another.
    pub(super) fn read(headers: &HeaderMap, new: Uuid) -> (Self, UnboundedReceiver<Bytes>) {
        let (sender, receiver) = unbounded_channel();
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.rsplit_once('/'));
        let last = last.and_then(|(key, _)| IdempotencyKey::parse(key.as_bytes()).ok());
        let key = last.unwrap_or_else(|| IdempotencyKey::from(new));
        (Self(Some(Arc::new(Channel { sender, key, sent: AtomicU64::new(0) }))), receiver)
    }

    /// The idempotency key of the request, unless it names one itself.
    pub(super) fn key(&self) -> Option<&IdempotencyKey> {
        self.0.as_ref().map(|channel| &channel.key)
    }

    /// Whether the client asked for events.
    pub fn are_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Sends an event if the client asked for events. It never waits and never fails: the work does not depend on the
    /// reader.
    pub fn send(&self, name: &str, data: &Value) {
        self.send_event(|id| event(id, name, &data.to_string()));
    }

    /// Sends the reply as the last event.
    pub(super) fn send_last(&self, dialect: Dialect, reply: &Reply) {
        self.send_event(|id| last(dialect, reply, id));
    }

    fn send_event(&self, event: impl FnOnce(&str) -> String) {
        if let Some(channel) = &self.0 {
            drop(channel.sender.send(event(&self.next_id()).into()));
        }
    }

    /// The id of the next event: the key and the event's number.
    pub(super) fn next_id(&self) -> String {
        self.0.as_ref().map_or_else(String::new, |channel| {
            format!("{}/{}", channel.key, channel.sent.fetch_add(1, Ordering::Relaxed) + 1)
        })
    }
}

/// Formats one event. `data` is JSON without line breaks.
fn event(id: &str, name: &str, data: &str) -> String {
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
}

/// The last event of a stream: the reply's data with the end mark, or its error body.
pub(super) fn last(dialect: Dialect, reply: &Reply, id: &str) -> String {
    if reply.status >= 400 {
        return event(id, "error", &reply.body);
    }
    let body = serde_json::from_str(&reply.body).unwrap_or_default();
    format!("{}data: [DONE]\n\n", event(id, "done", &dialect.content(body).to_string()))
}

/// Whether a request prefers events over JSON (RFC 9110, section 12.5.1). With equal weights, the first type wins; a
/// wildcard means JSON.
pub(super) fn prefers_events(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut best = (0.0, false);
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let is_events = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "text/event-stream" => true,
            "application/json" => false,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight: f32 = weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
        if weight > best.0 {
            best = (weight, is_events);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_for_those_who_ask_for_them() {
        for (accept, expected) in [
            ("text/event-stream", true),
            ("Text/Event-Stream;charset=utf-8", true),
            ("text/event-stream, application/json", true),
            ("text/event-stream, */*", true),
            ("text/event-stream;q=0.9, text/html", true),
            ("application/json;q=0.5, text/event-stream;q=0.6", true),
            ("application/json, text/event-stream", false),
            ("text/event-stream;q=0.8, application/json", false),
            ("text/event-stream;q=0", false),
            ("text/event-stream;q=x", false),
            ("application/json", false),
            ("text/*", false),
            ("*/*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(prefers_events(&headers), expected, "{accept}");
        }
        assert!(!prefers_events(&HeaderMap::new()));
    }

    #[test]
    fn a_stream_ends_with_the_reply_or_the_problem() {
        let done = last(Dialect::Leadlex, &Reply::json(200, &json!({"data": {"response": "a\nb"}})), "k/2");
        assert_eq!(done, "id: k/2\nevent: done\ndata: {\"response\":\"a\\nb\"}\n\ndata: [DONE]\n\n");
        let error = last(Dialect::Leadlex, &Reply::json(502, &json!({"error": {"code": "x"}})), "k/1");
        assert_eq!(error, "id: k/1\nevent: error\ndata: {\"error\":{\"code\":\"x\"}}\n\n");
    }
}
