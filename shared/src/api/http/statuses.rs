//! The status and code of each error in each dialect (docs/behaviour.md, "Errors").

use serde_json::{Value, json};

use super::dialect::Dialect;
use crate::base::problem::{Code, MISSING, Problem};

impl Code {
    /// The status and the code in a dialect. `Leads` has no codes and shows the status's reason phrase.
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
            Self::ServiceUnavailable | Self::AiCircuitOpen => ((503, "service_unavailable"), (503, "SYSTEM_ERROR"), (503, "SERVICE_UNAVAILABLE"), 503),
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
}

impl Problem {
    /// The `details` of the error body, if there are any.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The expected statuses and codes, by dialect (docs/behaviour.md, "Errors").
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
