//! One operation: a method of a route, with its request and its answers.

use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::api::http::request::{Describe, Parts, describe};
use crate::api::http::{Answer, Dialect, Endpoint, FromRequest};
use crate::base::problem::{Code, Problem};
use crate::workspace::auth::Permission;

use super::refusals::meaning;

/// How a caller authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// With an API key that has this permission.
    Key(Permission),
    /// With a provider's signature in this header.
    Signature(&'static str),
    /// Not at all.
    Open,
}

/// A header of a request.
#[derive(Debug)]
pub(super) struct Parameter {
    pub name: &'static str,
    pub description: &'static str,
    pub schema: Value,
}

/// The body of a request.
pub(super) struct Taken {
    pub media_type: &'static str,
    pub schema: Describe,
    pub is_required: bool,
}

/// The content of a success.
pub(super) enum Content {
    /// The `data` of the dialect's envelope.
    Data(Describe),
    /// A JSON body without an envelope.
    Bare(Describe),
    /// A text with this media type.
    Text(&'static str),
}

/// A method of a route, with everything that the API's description says about it.
pub struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: String,
    pub(super) dialect: Dialect,
    pub(super) access: Access,
    pub(super) parameters: Vec<Parameter>,
    pub(super) path_parts: Option<Describe>,
    pub(super) query: Option<Describe>,
    pub(super) taken: Option<Taken>,
    pub(super) content: Content,
    pub(super) meta: Option<Describe>,
    pub(super) refusals: Vec<Problem>,
    pub(super) is_idempotent: bool,
    pub(super) streams: Option<(&'static str, &'static str)>,
    pub(super) headers: Vec<&'static str>,
    pub(super) is_kept: bool,
    pub(super) next: Vec<Next>,
}

/// A link to a next operation: its id, and the JSON pointer to its parameter in the answer's `data`.
pub(super) struct Next {
    pub id: &'static str,
    pub parameter: &'static str,
    pub pointer: &'static str,
}

impl Operation {
    /// The operation of an endpoint. Method and path are those of `template.yaml`. The endpoint's type supplies the
    /// dialect, permission, request and answer.
    pub fn of<E: Endpoint>(route: &'static str, id: &'static str, summary: &'static str) -> Self {
        let mut operation = Self::bare::<()>(route, id, summary);
        (operation.dialect, operation.access) = (E::DIALECT, Access::Key(E::PERMISSION));
        let Parts { path, query, body } = E::Request::parts();
        (operation.path_parts, operation.query) = (path, query);
        (operation.content, operation.meta) = (Content::Data(E::Answer::DATA), E::Answer::META);
        let mut operation = operation
            .refuses(&[Code::InvalidKey, Code::InsufficientPermissions, Code::RateLimited])
            .refuses(&[Code::Validation, Code::Internal, Code::ServiceUnavailable]);
        let Some(schema) = body else { return operation };
        let is_required = !E::BODY_IS_OPTIONAL;
        operation.taken = Some(Taken { media_type: "application/json", schema, is_required });
        operation.refuses(&[Code::PayloadTooLarge, Code::UnsupportedMediaType])
    }

    /// An operation without a key, whose answer is a `T` without an envelope.
    pub fn bare<T: JsonSchema>(route: &'static str, id: &'static str, summary: &'static str) -> Self {
        let (method, path) = route.split_once(' ').unwrap_or(("GET", route));
        Self {
            method,
            path,
            id,
            summary,
            description: String::new(),
            dialect: Dialect::Leadlex,
            access: Access::Open,
            parameters: Vec::new(),
            path_parts: None,
            query: None,
            taken: None,
            content: Content::Bare(describe::<T>),
            meta: None,
            refusals: Vec::new(),
            is_idempotent: false,
            streams: None,
            headers: Vec::new(),
            is_kept: false,
            next: Vec::new(),
        }
    }

    /// Sets a text with this media type as the answer.
    #[must_use]
    pub fn text(mut self, media_type: &'static str) -> Self {
        self.content = Content::Text(media_type);
        self
    }

    /// Sets the description beyond the summary, in Markdown.
    #[must_use]
    pub fn description(mut self, description: &str) -> Self {
        self.description = description.to_owned();
        self
    }

    /// Adds a request header.
    #[must_use]
    pub fn header(mut self, name: &'static str, description: &'static str, schema: Value) -> Self {
        self.parameters.push(Parameter { name, description, schema });
        self
    }

    /// Sets the query: each field of `T` is a parameter.
    #[must_use]
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(describe::<T>);
        self
    }

    /// Sets the request body's type and media type.
    #[must_use]
    pub fn takes_as<T: JsonSchema>(mut self, media_type: &'static str) -> Self {
        self.taken = Some(Taken { media_type, schema: describe::<T>, is_required: true });
        self
    }

    /// Adds the errors that the operation returns, besides those of every operation with a key.
    #[must_use]
    pub fn refuses(mut self, codes: &[Code]) -> Self {
        self.refusals.extend(codes.iter().map(|code| Problem::new(*code, meaning(*code))));
        self
    }

    /// Adds an error with this operation's own wording, in place of the general one for its code.
    #[must_use]
    pub fn refuses_with(mut self, problem: Problem) -> Self {
        self.refusals.retain(|other| other.code != problem.code);
        self.refusals.push(problem);
        self
    }

    /// Removes an error that similar operations return.
    #[must_use]
    pub fn never(mut self, code: Code) -> Self {
        self.refusals.retain(|problem| problem.code != code);
        self
    }

    /// Declares that the operation supports `Idempotency-Key`.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self.refuses(&[Code::IdempotencyConflict, Code::IdempotencyKeyReused])
    }

    /// Declares that the operation sends events to clients that ask for them.
    #[must_use]
    pub fn streams(mut self, description: &'static str, example: &'static str) -> Self {
        self.streams = Some((description, example));
        self
    }

    /// Declares that a provider's signature in this header authenticates the request.
    #[must_use]
    pub fn signed(mut self, header: &'static str, description: &'static str) -> Self {
        self.access = Access::Signature(header);
        self.header(header, description, json!({"type": "string"}))
    }

    /// Adds a response header that only some answers have.
    #[must_use]
    pub fn answers_header(mut self, name: &'static str) -> Self {
        self.headers.push(name);
        self
    }

    /// Declares that clients may cache the answer and revalidate it with its `ETag`.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.is_kept = true;
        self.header("If-None-Match", "The `ETag` of what is there already.", json!({"type": "string"}))
    }

    /// Adds links to next operations. They have `parameter` in their path, and `pointer` is its JSON pointer in the
    /// answer's `data`.
    #[must_use]
    pub fn followed_by(mut self, operations: &[&'static str], parameter: &'static str, pointer: &'static str) -> Self {
        self.next.extend(operations.iter().map(|id| Next { id, parameter, pointer }));
        self
    }

    /// The method and path, as in `template.yaml`.
    pub fn route(&self) -> (&'static str, &'static str) {
        (self.method, self.path)
    }
}
