//! An endpoint, and the call that it handles.

use super::answer::{Answer, Answered, Page};
use super::dialect::{Dialect, Stamp};
use super::events::Events;
use super::reply::Reply;
use super::request::{self, FromRequest, Input};
use crate::base::problem::{Code, Problem};
use crate::workspace::auth::Permission;
use crate::workspace::idempotency::Claimed;
use chrono::{DateTime, Utc};
use serde::Serialize;
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
    /// The kind of problem that a malformed request is.
    const MALFORMED: Code = Code::Validation;
    /// What it takes.
    type Request: FromRequest;
    /// What it answers with.
    type Answer: Answer;

    /// Checks what goes beyond single fields: those that depend on each other or on the time.
    fn check(&self, _request: &Self::Request) -> Result<(), Problem> {
        Ok(())
    }

    /// Does the work.
    fn handle(
        &self,
        call: &Call,
        request: Self::Request,
    ) -> impl Future<Output = Result<Answered<Self::Answer>, Problem>> + Send;
}

/// Reads and checks a request; everything wrong with its fields is one problem.
pub(super) fn parse<E: Endpoint>(endpoint: &E, input: Input) -> Result<E::Request, Problem> {
    let request = request::parse(input, E::MALFORMED).map_err(|problem| E::DIALECT.malformed(problem))?;
    endpoint.check(&request).map(|()| request)
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
    #[track_caller]
    pub fn success<T: Serialize>(&self, data: T) -> Result<Answered<T>, Problem> {
        self.answer(&data, None::<()>).map(Answered::from)
    }

    /// A 200 with a part of a list.
    #[track_caller]
    pub fn page<D: Serialize, M: Serialize>(&self, page: Page<D, M>) -> Result<Answered<Page<D, M>>, Problem> {
        self.answer(&page.data, Some(page.meta)).map(Answered::from)
    }

    #[track_caller]
    fn answer(&self, data: &impl Serialize, meta: Option<impl Serialize>) -> Result<Reply, Problem> {
        let body = self.dialect.success(data, meta, &self.stamp).map_err(Problem::internal)?;
        Ok(Reply::whole(200, body))
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
