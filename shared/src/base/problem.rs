//! What can go wrong with a request, as one type. How each dialect names it is in `api::http::statuses`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::Location;

use serde_json::{Map, Value};

/// The kinds of failure that a client can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Malformed or missing input.
    Validation,
    /// An identity of the contact belongs to another contact of the workspace. It reads like
    /// [`Code::Validation`], but is found out by the work itself.
    IdentityTaken,
    /// No such route.
    NoSuchRoute,
    /// The route exists with another method.
    MethodNotAllowed,
    /// The body is larger than the route takes.
    PayloadTooLarge,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// No key, or one that is unknown, expired or revoked.
    InvalidKey,
    /// The key lacks the route's permission.
    InsufficientPermissions,
    /// An identifier that is no UUID.
    InvalidInput,
    /// A phone number with too few digits.
    InvalidPhoneNumber,
    /// The site has neither e-mail nor WhatsApp.
    NoChannelsConfigured,
    /// None of the site's channels reaches the lead.
    NoValidChannelsForLead,
    /// The lead is not in this workspace.
    LeadNotFound,
    /// The site is not in this workspace.
    SiteNotFound,
    /// The agent is not one of the site's, or the site has none.
    AgentNotFound,
    /// The command is not in this workspace.
    CommandNotFound,
    /// The recommendation is not in this workspace.
    RecommendationNotFound,
    /// The list, the campaign, the task or the conversation is not in this workspace.
    NotFound,
    /// Somebody has decided on the task already. It reads like [`Code::Validation`], but is found out by the
    /// work itself.
    TaskNotPending,
    /// Somebody else has decided meanwhile, or this is not decided here.
    Conflict,
    /// A text holds personal data of somebody else.
    PiiBlocked,
    /// The lead cannot be reached by this channel now.
    ChannelNotEligible,
    /// Too little is known of the lead's engagement.
    InsufficientData,
    /// The model wrote nothing that could be used.
    NoContentGenerated,
    /// The model wrote nothing for a channel that reaches the lead.
    NoValidChannels,
    /// Another request with the same idempotency key is still running.
    IdempotencyConflict,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// The balance does not cover the price.
    InsufficientCredits,
    /// The key's quota is used up.
    RateLimited,
    /// The model failed after retries.
    AiUnavailable,
    /// The model answered, and nothing of it can be used. It reads like [`Code::AiUnavailable`], but another lead's
    /// facts may be answered well.
    AiUnusable,
    /// A store or queue cannot be reached.
    ServiceUnavailable,
    /// The model's breaker is open. It reads like [`Code::ServiceUnavailable`], but a person can do the work.
    AiLeftAlone,
    /// A bug.
    Internal,
}

impl Code {
    /// Whether an answer with this code is stored under an idempotency key: only a permanent error of the work itself,
    /// which a retry would repeat (docs/behaviour.md, "Retries").
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

/// A refusal or failure: what the client is told, and, apart from it, what the log is told.
#[derive(Debug)]
pub struct Problem {
    /// The kind of failure.
    pub code: Code,
    /// What to do about it, for the client: no personal data, no internals.
    pub message: String,
    /// Wrong fields and why, shown as `details.fields`.
    pub fields: BTreeMap<String, String>,
    /// What else the `details` hold.
    pub extra: Map<String, Value>,
    /// After how many seconds a retry makes sense, shown as `Retry-After`.
    pub retry_after: Option<u64>,
    /// The methods that the route has, shown as `Allow`.
    pub allow: Option<String>,
    /// The cause, for the log only. It may hold identifiers, never personal data.
    pub cause: Option<String>,
    /// Where in the code the problem was made, for the log only.
    pub at: &'static Location<'static>,
}

impl Problem {
    /// A problem of any kind.
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

    /// One wrong field. `complaint` completes the sentence "`field` …", as in "must be a UUID".
    #[track_caller]
    pub fn field(field: &str, complaint: &str) -> Self {
        Self::fields(BTreeMap::from([(field.to_owned(), complaint.to_owned())]))
    }

    /// One or more wrong fields, each with its complaint.
    #[track_caller]
    pub fn fields(fields: BTreeMap<String, String>) -> Self {
        let sentences: Vec<_> = fields.iter().map(|(field, complaint)| format!("{field} {complaint}")).collect();
        Self { fields, ..Self::new(Code::Validation, sentences.join("; ")) }
    }

    /// The lead is not in the caller's workspace.
    #[track_caller]
    pub fn lead_not_found(field: &str) -> Self {
        Self::new(Code::LeadNotFound, format!("no contact with this {field} in this workspace"))
    }

    /// The workspace has fewer credits than the call costs.
    #[track_caller]
    pub fn short_of_credits(price: u32, available: u64) -> Self {
        Self::new(
            Code::InsufficientCredits,
            format!("this call costs {price} credits and the workspace has {available}; add credits and retry"),
        )
    }

    /// A store, queue or model that should answer soon again.
    #[track_caller]
    pub fn unavailable(cause: impl Display) -> Self {
        Self::new(Code::ServiceUnavailable, "the service is temporarily unavailable; retry after a few seconds")
            .retry_after(5)
            .because(cause)
    }

    /// A bug: something that the code holds impossible.
    #[track_caller]
    pub fn internal(cause: impl Display) -> Self {
        Self::new(Code::Internal, "an unexpected error occurred; report it with the request id").because(cause)
    }

    /// The same as a more exact kind of failure.
    #[must_use]
    pub fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// Adds something to the error body's `details`.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: Value) -> Self {
        self.extra.insert(name.to_owned(), value);
        self
    }

    /// Adds the private cause.
    #[must_use]
    pub fn because(self, cause: impl Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    /// Adds when to try again, in seconds; at least one.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds.max(1)), ..self }
    }
}

/// The complaint about a field that has to be there and is not.
pub const MISSING: &str = "is required";
