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

/// The default limit of a body: 256 KiB.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// The limit of a body for ingestion: 5 MB.
pub const MAX_INGESTED: usize = 5_000_000;

/// An endpoint of the API. A function crate implements it.
pub trait Endpoint: Send + Sync + 'static {
    /// The dialect of its answers.
    const DIALECT: Dialect;
    /// The permission that a key needs.
    const PERMISSION: Permission;
    /// The limit of the body, in bytes.
    const MAX_BODY: usize = MAX_BODY;
    /// Whether the endpoint sends events to clients that ask for them.
    const STREAMS: bool = false;
    /// Whether the body may be missing; then it counts as an empty object.
    const BODY_IS_OPTIONAL: bool = false;
    /// The code for a malformed request.
    const MALFORMED: Code = Code::Validation;
    /// The parts of the request that it reads.
    type Request: FromRequest;
    /// The type of its answer.
    type Answer: Answer;

    /// Checks conditions across fields, or that depend on the time.
    fn check(&self, _request: &Self::Request) -> Result<(), Problem> {
        Ok(())
    }

    /// Handles one call.
    fn handle(
        &self,
        call: &Call,
        request: Self::Request,
    ) -> impl Future<Output = Result<Answered<Self::Answer>, Problem>> + Send;
}

/// Parses and checks a request. All invalid fields become one problem.
pub(super) fn parse<E: Endpoint>(endpoint: &E, input: Input) -> Result<E::Request, Problem> {
    let request = request::parse(input, E::MALFORMED).map_err(|problem| E::DIALECT.malformed(problem))?;
    endpoint.check(&request).map(|()| request)
}

/// A request that passed the gate.
#[derive(Debug)]
pub struct Call {
    /// The request's id, which every answer and log line has.
    pub request_id: Uuid,
    /// The workspace of the key. The handler may use only its data.
    pub workspace_id: Uuid,
    /// The id of the key.
    pub key_id: Uuid,
    /// The time by which the answer must be sent.
    pub deadline: DateTime<Utc>,
    /// The claim of the request's idempotency key; `None` without a key.
    pub claimed: Option<Claimed>,
    /// The channel for events before the reply.
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

    /// A 200 with a page of a list.
    #[track_caller]
    pub fn page<D: Serialize, M: Serialize>(&self, page: Page<D, M>) -> Result<Answered<Page<D, M>>, Problem> {
        self.answer(&page.data, Some(page.meta)).map(Answered::from)
    }

    #[track_caller]
    fn answer(&self, data: &impl Serialize, meta: Option<impl Serialize>) -> Result<Reply, Problem> {
        let body = self.dialect.success(data, meta, &self.stamp).map_err(Problem::internal)?;
        Ok(Reply::whole(200, body))
    }

    /// A permanent error as a reply, which can be stored.
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
