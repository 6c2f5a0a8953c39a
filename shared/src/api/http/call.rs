//! An endpoint, and the call that it handles.

use super::dialect::{Dialect, Stamp};
use super::events::Events;
use super::fields::uuid;
use super::reply::Reply;
use crate::base::problem::Problem;
use crate::workspace::auth::Permission;
use crate::workspace::idempotency::Claimed;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// The largest body that a route takes unless it says otherwise: 256 KiB.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// The largest body that ingestion takes: 5 MB.
pub const MAX_INGESTED: usize = 5_000_000;

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
    pub(super) dialect: Dialect,
    pub(super) stamp: Stamp,
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

pub(super) fn refusal(dialect: Dialect, problem: &Problem, stamp: &Stamp) -> Reply {
    let (status, _) = problem.code.rendered(dialect);
    Reply {
        code: Some(problem.code.rendered(Dialect::Leadlex).1),
        retry_after: problem.retry_after,
        allow: problem.allow.clone(),
        ..Reply::json(status, &dialect.failure(problem, stamp))
    }
}
