//! The error type of all requests. `api::http::statuses` gives each error its name in each dialect.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::Location;

use serde_json::{Map, Value};

/// The kinds of errors that a client can distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Malformed or missing input.
    Validation,
    /// An identity of the contact belongs to another contact of the workspace. Shown like `Validation`, but detected
    /// while the request is carried out, not when its body is checked.
    IdentityTaken,
    /// There is no such route.
    NoSuchRoute,
    /// The route exists, but not with this method.
    MethodNotAllowed,
    /// The body exceeds the route's size limit.
    PayloadTooLarge,
    /// The body's content type is not JSON.
    UnsupportedMediaType,
    /// The key is missing, unknown, expired or revoked.
    InvalidKey,
    /// The key lacks the route's permission.
    InsufficientPermissions,
    /// An identifier is not a UUID.
    InvalidInput,
    /// A phone number has too few digits.
    InvalidPhoneNumber,
    /// The site has neither e-mail nor WhatsApp.
    NoChannelsConfigured,
    /// None of the site's channels reaches the lead.
    NoValidChannelsForLead,
    /// The lead is not in this workspace.
    LeadNotFound,
    /// The site is not in this workspace.
    SiteNotFound,
    /// The agent does not belong to the site, or the site has none.
    AgentNotFound,
    /// The command is not in this workspace.
    CommandNotFound,
    /// The recommendation is not in this workspace.
    RecommendationNotFound,
    /// The list, the campaign, the task or the conversation is not in this workspace.
    NotFound,
    /// A person has already decided on the task. Shown like [`Code::Validation`], but detected during the work.
    TaskNotPending,
    /// Another decision came first, or the current status does not allow this decision.
    Conflict,
    /// The text holds another person's data.
    PiiBlocked,
    /// The channel does not reach the lead now.
    ChannelNotEligible,
    /// The lead has too few engagement events.
    InsufficientData,
    /// The model wrote nothing usable.
    NoContentGenerated,
    /// The model wrote nothing usable for any channel that reaches the lead.
    NoValidChannels,
    /// Another request with the same idempotency key is still running.
    IdempotencyConflict,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// The balance does not cover the price.
    InsufficientCredits,
    /// The key's rate limit is used up.
    RateLimited,
    /// The model failed after retries.
    AiUnavailable,
    /// The model answered, but nothing in its answer is usable. Shown like [`Code::AiUnavailable`]; the model may still
    /// answer well for another lead.
    AiUnusable,
    /// A store or queue is unreachable.
    ServiceUnavailable,
    /// The model's circuit breaker is open. Shown like [`Code::ServiceUnavailable`], but a person can do the work
    /// instead.
    AiCircuitOpen,
    /// A bug.
    Internal,
}

impl Code {
    /// Whether the model failed, so that a person can do the work instead.
    pub fn is_model_failure(self) -> bool {
        matches!(self, Self::AiUnavailable | Self::AiUnusable | Self::AiCircuitOpen)
    }

    /// Whether an answer with this code is stored under an idempotency key: true only for permanent errors that occur
    /// during the work, because a retry would fail in the same way (docs/behaviour.md, "Retries").
    pub fn is_kept(self) -> bool {
        matches!(
            self,
            Self::LeadNotFound
                | Self::IdentityTaken
                | Self::SiteNotFound
                | Self::AgentNotFound
                | Self::NoChannelsConfigured
                | Self::NoValidChannelsForLead
                | Self::RecommendationNotFound
                | Self::NotFound
                | Self::TaskNotPending
                | Self::PiiBlocked
                | Self::ChannelNotEligible
                | Self::InsufficientData
        )
    }
}

/// An error: its public part for the client, and its private part for the log.
#[derive(Debug)]
pub struct Problem {
    /// The kind of error.
    pub code: Code,
    /// What is wrong and what to do, for the client. It holds no personal data and no internals.
    pub message: String,
    /// The invalid fields and their complaints, shown as `details.fields`.
    pub fields: BTreeMap<String, String>,
    /// Further entries of `details`.
    pub extra: Map<String, Value>,
    /// The seconds until a retry makes sense, shown as `Retry-After`.
    pub retry_after: Option<u64>,
    /// The methods that the route supports, shown as `Allow`.
    pub allow: Option<String>,
    /// The cause, for the log only. It may hold identifiers, but no personal data.
    pub cause: Option<String>,
    /// The place in the code that created the problem, for the log only.
    pub at: &'static Location<'static>,
}

impl Problem {
    /// A problem of any kind, without details.
    #[track_caller]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: BTreeMap::new(),
            extra: Map::new(),
            retry_after: None,
            allow: None,
            cause: None,
            at: Location::caller(),
        }
    }

    /// A problem with one field. `complaint` completes the sentence "`field` …", as in "must be a UUID".
    #[track_caller]
    pub fn field(field: &str, complaint: &str) -> Self {
        Self::fields(BTreeMap::from([(field.to_owned(), complaint.to_owned())]))
    }

    /// A problem with one or more fields, each with its complaint.
    #[track_caller]
    pub fn fields(fields: BTreeMap<String, String>) -> Self {
        let sentences: Vec<_> = fields.iter().map(|(field, complaint)| format!("{field} {complaint}")).collect();
        Self { fields, ..Self::new(Code::Validation, sentences.join("; ")) }
    }

    /// The error for a lead that is not in the caller's workspace.
    #[track_caller]
    pub fn lead_not_found(field: &str) -> Self {
        Self::new(Code::LeadNotFound, format!("no contact with this {field} in this workspace"))
    }

    /// The error for a balance that is lower than the price.
    #[track_caller]
    pub fn short_of_credits(price: u32, available: u64) -> Self {
        Self::new(
            Code::InsufficientCredits,
            format!("this call costs {price} credits and the workspace has {available}; add credits and retry"),
        )
    }

    /// The error for a store, queue or model that is temporarily unreachable.
    #[track_caller]
    pub fn unavailable(cause: impl Display) -> Self {
        Self::new(Code::ServiceUnavailable, "the service is temporarily unavailable; retry after a few seconds")
            .retry_after(5)
            .because(cause)
    }

    /// The error for a bug: a state that the code assumes impossible.
    #[track_caller]
    pub fn internal(cause: impl Display) -> Self {
        Self::new(Code::Internal, "an unexpected error occurred; report it with the request id").because(cause)
    }

    /// Replaces the code by a more specific one.
    #[must_use]
    pub fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// Adds an entry to the error body's `details`.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: Value) -> Self {
        self.extra.insert(name.to_owned(), value);
        self
    }

    /// Sets the private cause.
    #[must_use]
    pub fn because(self, cause: impl Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    /// Sets the seconds until a retry makes sense; at least one.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds.max(1)), ..self }
    }
}

/// The complaint about a required field that is missing.
pub const MISSING: &str = "is required";
