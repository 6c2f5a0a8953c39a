//! What can go wrong with a request, as one type, and the one table that says how each dialect
//! names it (contract, section 2).

use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::Location;

use serde_json::{Map, Value, json};

use crate::api::http::dialect::Dialect;

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
    /// The status and the machine-readable code in a dialect. `leads` has no codes; it shows the
    /// status's reason phrase.
    pub fn rendered(self, dialect: Dialect) -> (u16, &'static str) {
        #[rustfmt::skip]
        let (leadlex, agents, followup, leads) = match self {
            Self::Validation | Self::IdentityTaken | Self::TaskNotPending => ((400, "validation_error"), (400, "INVALID_REQUEST"), (400, "INVALID_REQUEST"), 400),
            Self::NoSuchRoute | Self::NotFound => ((404, "not_found"), (404, "NOT_FOUND"), (404, "NOT_FOUND"), 404),
            Self::MethodNotAllowed => ((405, "method_not_allowed"), (405, "METHOD_NOT_ALLOWED"), (405, "METHOD_NOT_ALLOWED"), 405),
            Self::PayloadTooLarge => ((413, "payload_too_large"), (413, "PAYLOAD_TOO_LARGE"), (413, "PAYLOAD_TOO_LARGE"), 413),
            Self::UnsupportedMediaType => ((415, "unsupported_media_type"), (415, "UNSUPPORTED_MEDIA_TYPE"), (415, "UNSUPPORTED_MEDIA_TYPE"), 415),
            Self::InvalidKey => ((401, "invalid_key"), (401, "INVALID_API_KEY"), (401, "INVALID_TOKEN"), 401),
            Self::InsufficientPermissions => ((403, "insufficient_permissions"), (403, "INSUFFICIENT_PERMISSIONS"), (403, "INSUFFICIENT_PERMISSIONS"), 403),
            Self::InvalidInput => ((400, "validation_error"), (400, "INVALID_INPUT"), (400, "INVALID_REQUEST"), 400),
            Self::InvalidPhoneNumber => ((400, "validation_error"), (400, "INVALID_PHONE_NUMBER"), (400, "INVALID_REQUEST"), 400),
            Self::NoChannelsConfigured => ((400, "validation_error"), (400, "NO_CHANNELS_CONFIGURED"), (400, "INVALID_REQUEST"), 400),
            Self::NoValidChannelsForLead => ((400, "validation_error"), (400, "NO_VALID_CHANNELS_FOR_LEAD"), (400, "INVALID_REQUEST"), 400),
            Self::SiteNotFound => ((404, "not_found"), (404, "SITE_NOT_FOUND"), (404, "NOT_FOUND"), 404),
            Self::AgentNotFound => ((404, "not_found"), (404, "AGENT_NOT_FOUND"), (404, "NOT_FOUND"), 404),
            Self::CommandNotFound => ((404, "not_found"), (404, "COMMAND_NOT_FOUND"), (404, "NOT_FOUND"), 404),
            Self::RecommendationNotFound => ((404, "not_found"), (404, "RECOMMENDATION_NOT_FOUND"), (404, "RECOMMENDATION_NOT_FOUND"), 404),
            Self::Conflict => ((409, "conflict"), (409, "CONFLICT"), (409, "CONFLICT"), 409),
            Self::PiiBlocked => ((422, "pii_blocked"), (422, "PII_BLOCKED"), (422, "PII_BLOCKED"), 422),
            Self::ChannelNotEligible => ((422, "channel_not_eligible"), (422, "CHANNEL_NOT_ELIGIBLE"), (422, "CHANNEL_NOT_ELIGIBLE"), 422),
            Self::InsufficientData => ((422, "insufficient_data"), (422, "INSUFFICIENT_DATA"), (422, "INSUFFICIENT_DATA"), 422),
            Self::NoContentGenerated => ((502, "ai_unavailable"), (500, "NO_CONTENT_GENERATED"), (500, "AI_SERVICE_UNAVAILABLE"), 500),
            Self::NoValidChannels => ((502, "ai_unavailable"), (500, "NO_VALID_CHANNELS"), (500, "AI_SERVICE_UNAVAILABLE"), 500),
            Self::LeadNotFound => ((404, "not_found"), (404, "LEAD_NOT_FOUND"), (404, "LEAD_NOT_FOUND"), 404),
            Self::IdempotencyConflict => ((409, "idempotency_conflict"), (409, "IDEMPOTENCY_CONFLICT"), (409, "IDEMPOTENCY_CONFLICT"), 409),
            Self::IdempotencyKeyReused => ((422, "idempotency_key_reused"), (422, "IDEMPOTENCY_KEY_REUSED"), (422, "IDEMPOTENCY_KEY_REUSED"), 422),
            Self::InsufficientCredits => ((402, "insufficient_credits"), (402, "INSUFFICIENT_CREDITS"), (402, "INSUFFICIENT_CREDITS"), 402),
            Self::RateLimited => ((429, "rate_limited"), (429, "RATE_LIMITED"), (429, "RATE_LIMIT_EXCEEDED"), 429),
            Self::AiUnavailable | Self::AiUnusable => ((502, "ai_unavailable"), (500, "SALES_COMMAND_FAILED"), (500, "AI_SERVICE_UNAVAILABLE"), 500),
            Self::ServiceUnavailable | Self::AiLeftAlone => ((503, "service_unavailable"), (503, "SYSTEM_ERROR"), (503, "SERVICE_UNAVAILABLE"), 503),
            Self::Internal => ((500, "internal_error"), (500, "SYSTEM_ERROR"), (500, "AI_SERVICE_UNAVAILABLE"), 500),
        };
        match dialect {
            Dialect::Leadlex => leadlex,
            Dialect::Agents => agents,
            Dialect::Followup => followup,
            Dialect::Leads => {
                (leads, http::StatusCode::from_u16(leads).ok().and_then(|s| s.canonical_reason()).unwrap_or("Error"))
            }
        }
    }

    /// Whether an answer with this code is kept under an idempotency key (contract, section 4):
    /// only a refusal by the work itself, which a retry would meet again.
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

    /// The `details` of the error body, if there is anything to say.
    pub fn details(&self, dialect: Dialect) -> Option<Value> {
        let mut details = self.extra.clone();
        if !self.fields.is_empty() {
            details.insert("fields".to_owned(), json!(self.fields));
            let missing: Vec<_> = self.fields.iter().filter(|(_, why)| *why == MISSING).map(|(name, _)| name).collect();
            if dialect == Dialect::Followup && !missing.is_empty() {
                details.insert("missing_fields".to_owned(), json!(missing));
            }
        }
        if let (Code::RateLimited, Dialect::Followup, Some(seconds)) = (self.code, dialect, self.retry_after) {
            details.insert("retry_after_seconds".to_owned(), json!(seconds));
        }
        (!details.is_empty()).then_some(Value::Object(details))
    }
}

/// The complaint about a field that has to be there and is not.
pub const MISSING: &str = "is required";

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract's table, section 2, as far as this project's routes go.
    const TABLE: [(Code, [(u16, &str); 4]); 15] = {
        use Code::*;
        [
            (
                Validation,
                [(400, "validation_error"), (400, "INVALID_REQUEST"), (400, "INVALID_REQUEST"), (400, "Bad Request")],
            ),
            (
                IdentityTaken,
                [(400, "validation_error"), (400, "INVALID_REQUEST"), (400, "INVALID_REQUEST"), (400, "Bad Request")],
            ),
            (
                InvalidKey,
                [(401, "invalid_key"), (401, "INVALID_API_KEY"), (401, "INVALID_TOKEN"), (401, "Unauthorized")],
            ),
            (
                InsufficientPermissions,
                [
                    (403, "insufficient_permissions"),
                    (403, "INSUFFICIENT_PERMISSIONS"),
                    (403, "INSUFFICIENT_PERMISSIONS"),
                    (403, "Forbidden"),
                ],
            ),
            (LeadNotFound, [(404, "not_found"), (404, "LEAD_NOT_FOUND"), (404, "LEAD_NOT_FOUND"), (404, "Not Found")]),
            (
                InvalidInput,
                [(400, "validation_error"), (400, "INVALID_INPUT"), (400, "INVALID_REQUEST"), (400, "Bad Request")],
            ),
            (
                InvalidPhoneNumber,
                [
                    (400, "validation_error"),
                    (400, "INVALID_PHONE_NUMBER"),
                    (400, "INVALID_REQUEST"),
                    (400, "Bad Request"),
                ],
            ),
            (SiteNotFound, [(404, "not_found"), (404, "SITE_NOT_FOUND"), (404, "NOT_FOUND"), (404, "Not Found")]),
            (AgentNotFound, [(404, "not_found"), (404, "AGENT_NOT_FOUND"), (404, "NOT_FOUND"), (404, "Not Found")]),
            (
                IdempotencyConflict,
                [
                    (409, "idempotency_conflict"),
                    (409, "IDEMPOTENCY_CONFLICT"),
                    (409, "IDEMPOTENCY_CONFLICT"),
                    (409, "Conflict"),
                ],
            ),
            (
                InsufficientCredits,
                [
                    (402, "insufficient_credits"),
                    (402, "INSUFFICIENT_CREDITS"),
                    (402, "INSUFFICIENT_CREDITS"),
                    (402, "Payment Required"),
                ],
            ),
            (
                RateLimited,
                [
                    (429, "rate_limited"),
                    (429, "RATE_LIMITED"),
                    (429, "RATE_LIMIT_EXCEEDED"),
                    (429, "Too Many Requests"),
                ],
            ),
            (
                AiUnavailable,
                [
                    (502, "ai_unavailable"),
                    (500, "SALES_COMMAND_FAILED"),
                    (500, "AI_SERVICE_UNAVAILABLE"),
                    (500, "Internal Server Error"),
                ],
            ),
            (
                ServiceUnavailable,
                [
                    (503, "service_unavailable"),
                    (503, "SYSTEM_ERROR"),
                    (503, "SERVICE_UNAVAILABLE"),
                    (503, "Service Unavailable"),
                ],
            ),
            (
                Internal,
                [
                    (500, "internal_error"),
                    (500, "SYSTEM_ERROR"),
                    (500, "AI_SERVICE_UNAVAILABLE"),
                    (500, "Internal Server Error"),
                ],
            ),
        ]
    };

    #[test]
    fn each_code_has_the_contracts_rendering_in_each_dialect() {
        for (code, expected) in TABLE {
            let dialects = [Dialect::Leadlex, Dialect::Agents, Dialect::Followup, Dialect::Leads];
            assert_eq!(dialects.map(|dialect| code.rendered(dialect)), expected, "{code:?}");
        }
    }

    #[test]
    fn details_name_the_fields_and_in_followup_what_is_missing_and_when_to_retry() {
        let fields =
            BTreeMap::from([("a".to_owned(), MISSING.to_owned()), ("b".to_owned(), "must be a UUID".to_owned())]);
        let problem = Problem::fields(fields.clone());
        assert_eq!(problem.details(Dialect::Leadlex), Some(json!({ "fields": fields })));
        assert_eq!(problem.details(Dialect::Followup), Some(json!({ "fields": fields, "missing_fields": ["a"] })));
        let limited = Problem::new(Code::RateLimited, "slow down").retry_after(30);
        assert_eq!(limited.details(Dialect::Followup), Some(json!({ "retry_after_seconds": 30 })));
        assert_eq!(limited.details(Dialect::Agents), None);
    }
}
