//! Traces for AWS X-Ray. Lambda records the function itself. This module adds the calls to stores, queues, providers
//! and models, each as a subsegment that goes to the X-Ray daemon in its own datagram ("Sending segment documents to
//! the X-Ray daemon" and "AWS X-Ray segment documents", AWS X-Ray Developer Guide).
//!
//! ```text
//! the function (by Lambda)
//! └── POST /v1/ai/suggest-followups, or message
//!     ├── DynamoDB: operation and table
//!     ├── SQS: operation and queue
//!     ├── chat MODEL: prompt, its version, tokens
//!     └── SecretsManager, SES, WhatsApp, Twilio, prospects, webhook
//! ```
//!
//! The function does not wait for the daemon, and does not fail without it. A subsegment holds no item, key or text;
//! [`Subsegment`] shows everything it can hold. An invocation that is not sampled costs nothing.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::base::clock::Random;
use crate::base::observe::invocation::{Invocation, Observer, current, within};

/// The maximum number of subsegments of an invocation. A trace holds some hundreds of them, and a campaign makes
/// thousands of calls.
const MOST: u32 = 300;

/// The maximum length of a name or value, in characters. It keeps a document far below the 64 KB of a datagram.
const LONGEST: usize = 200;

/// The header before each document in a datagram.
const HEADER: &str = "{\"format\": \"json\", \"version\": 1}\n";

/// The X-Ray daemon.
#[derive(Debug)]
pub(crate) struct Daemon {
    socket: UdpSocket,
    address: SocketAddr,
}

impl Daemon {
    /// The daemon at an address such as `host:port` or `udp:host:port`. `None` if the address is invalid.
    pub fn new(addresses: &str) -> Option<Self> {
        let mut addresses = addresses.split_whitespace();
        let address = addresses.find_map(|address| address.strip_prefix("udp:").unwrap_or(address).parse().ok())?;
        let any = match address {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any).ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(Self { socket, address })
    }

    fn send(&self, document: &Value) {
        // A lost trace has no other consequence.
        drop(self.socket.send_to(format!("{HEADER}{document}").as_bytes(), self.address));
    }
}

/// A sampled trace that an invocation adds subsegments to.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    root: Arc<str>,
    parent: String,
    /// How many more subsegments the invocation may add.
    left: Arc<AtomicU32>,
}

impl Trace {
    /// Reads a tracing header. `None` if the trace is not sampled.
    pub fn read(header: &str) -> Option<Self> {
        let part = |name: &str| {
            header
                .split(';')
                .find_map(|part| part.trim().split_once('=').filter(|(key, _)| *key == name))
                .map(|at| at.1)
        };
        let is_hex =
            |text: &str, digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (root, parent) = (part("Root")?, part("Parent")?);
        let (time, unique) = root.strip_prefix("1-")?.split_once('-')?;
        let is_sound = is_hex(time, 8) && is_hex(unique, 24) && is_hex(parent, 16);
        (is_sound && part("Sampled") == Some("1")).then(|| Self {
            root: root.into(),
            parent: parent.to_owned(),
            left: Arc::new(AtomicU32::new(MOST)),
        })
    }
}

/// The tracing header for messages that the current invocation sends.
pub(crate) fn header() -> Option<String> {
    let trace = current()?.trace?;
    Some(format!("Root={};Parent={};Sampled=1", trace.root, trace.parent))
}

/// The kind of work that a subsegment records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The function's own work.
    Function,
    /// A call to an AWS service.
    Aws,
    /// A call to another service.
    Remote,
}

/// A part of an invocation, which ends when it is dropped. Empty if the invocation is not traced.
#[derive(Debug)]
pub struct Subsegment(pub(super) Option<Box<Open>>);

#[derive(Debug)]
pub(super) struct Open {
    observer: Arc<Observer>,
    trace: Trace,
    id: String,
    began: DateTime<Utc>,
    since: Instant,
    document: Value,
}

impl Subsegment {
    /// Starts a part of the current invocation, or of the subsegment whose [`Subsegment::around`] is running. A call to
    /// another service that is dropped before its answer counts as a fault.
    pub fn begin(name: &str, of: Of) -> Self {
        let Some(Invocation { observer, trace: Some(trace) }) = current() else { return Self(None) };
        let one_less = |left: u32| left.checked_sub(1);
        if trace.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err() {
            return Self(None);
        }
        let id = identifier(&observer.random);
        let mut document = json!({
            "name": clean(name), "id": id, "trace_id": *trace.root, "parent_id": trace.parent, "type": "subsegment",
        });
        match of {
            Of::Function => {}
            Of::Aws => document["namespace"] = json!("aws"),
            Of::Remote => document["namespace"] = json!("remote"),
        }
        let began = observer.clock.now();
        let mut begun = Self(Some(Box::new(Open { observer, trace, id, began, since: Instant::now(), document })));
        if of != Of::Function {
            begun.failed("cut short");
        }
        begun
    }

    /// Whether the subsegment is recorded.
    pub fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// Adds an annotation, by which traces can be found.
    pub fn annotate(&mut self, key: &str, value: impl Into<Value>) {
        self.say("annotations", key, value.into());
    }

    /// Adds a detail of a call to an AWS service.
    pub fn aws(&mut self, key: &str, value: impl Into<Value>) {
        self.say("aws", key, value.into());
    }

    fn say(&mut self, part: &str, key: &str, value: Value) {
        let Some(open) = &mut self.0 else { return };
        open.document[part][key] = match value {
            Value::String(text) => Value::String(short(&text)),
            other => other,
        };
    }

    /// Records the status of the answer.
    pub fn answered(&mut self, status: u16) {
        let Some(open) = &mut self.0 else { return };
        if let Some(document) = open.document.as_object_mut() {
            for told in ["error", "throttle", "fault", "cause"] {
                document.remove(told);
            }
        }
        open.document["http"] = json!({"response": {"status": status}});
        match status {
            429 => {
                open.document["error"] = json!(true);
                open.document["throttle"] = json!(true);
            }
            400..500 => open.document["error"] = json!(true),
            500.. => open.document["fault"] = json!(true),
            _ => {}
        }
    }

    /// Records that there was no answer.
    pub fn failed(&mut self, what: &str) {
        if let Some(open) = &mut self.0 {
            open.document["fault"] = json!(true);
        }
        self.because(what);
    }

    /// Records an error's code.
    pub fn because(&mut self, code: &str) {
        let Some(open) = &mut self.0 else { return };
        let id = identifier(&open.observer.random);
        open.document["cause"] = json!({"exceptions": [{"id": id, "type": short(code), "remote": true}]});
    }

    /// Records that the service throttled the call.
    pub fn throttled(&mut self) {
        if let Some(open) = &mut self.0 {
            open.document["throttle"] = json!(true);
        }
    }

    /// Runs work whose subsegments become parts of this one.
    pub async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(open) = &self.0 else { return work.await };
        let trace = Trace { parent: open.id.clone(), ..open.trace.clone() };
        within(Invocation { observer: Arc::clone(&open.observer), trace: Some(trace) }, work).await
    }
}

impl Drop for Subsegment {
    fn drop(&mut self) {
        let Some(open) = &mut self.0 else { return };
        let began = open.began.timestamp_micros() as f64 / 1e6;
        open.document["start_time"] = json!(began);
        open.document["end_time"] = json!(began + open.since.elapsed().as_secs_f64());
        if let Some(daemon) = &open.observer.daemon {
            daemon.send(&open.document);
        }
    }
}

/// A random identifier of sixteen hexadecimal digits.
fn identifier(random: &Random) -> String {
    HEXLOWER.encode(&random.uuid().as_bytes()[..8])
}

/// Removes the characters that X-Ray does not allow in a name.
fn clean(name: &str) -> String {
    let is_taken = |character: &char| character.is_alphanumeric() || " _.:/%&#=+\\-@".contains(*character);
    name.chars().filter(is_taken).take(LONGEST).collect()
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_if_it_is_sampled_and_sound() {
        let sound = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1|b:0";
        let trace = Trace::read(sound).unwrap();
        assert_eq!((&*trace.root, &*trace.parent), ("1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8"));
        for (from, to) in [("Sampled=1", "Sampled=0"), ("Sampled=1", ""), ("Parent=5", "Parent="), ("1-5759", "1-x759")]
        {
            assert!(Trace::read(&sound.replace(from, to)).is_none(), "{to}");
        }
        assert!(Trace::read("").is_none());
    }

    #[test]
    fn the_daemons_address_is_read_in_both_forms() {
        let address = |text: &str| Daemon::new(text).map(|daemon| daemon.address.to_string());
        assert_eq!(address("127.0.0.1:2000").as_deref(), Some("127.0.0.1:2000"));
        assert_eq!(address("tcp:127.0.0.1:2000 udp:127.0.0.2:2001").as_deref(), Some("127.0.0.2:2001"));
        assert_eq!(address("somewhere"), None);
    }

    #[test]
    fn a_name_holds_what_x_ray_takes() {
        assert_eq!(clean("chat gpt-4.1-mini"), "chat gpt-4.1-mini");
        assert_eq!(clean("a\"b\u{1f600}\nc"), "abc");
        assert_eq!(clean(&"x".repeat(300)).len(), LONGEST);
    }
}
