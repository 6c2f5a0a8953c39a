//! A request, and what every answer to any request has to be like.

use serde_json::Value;

use super::world::MARKS;
use crate::Answer;

/// A request of a client.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What it is, in the summary.
    pub kind: &'static str,
    /// Whose.
    pub tenant: usize,
    /// Method.
    pub method: &'static str,
    /// The route as the template has it.
    pub route: &'static str,
    /// What stands in the route's braces.
    pub at: Vec<(&'static str, String)>,
    /// The query, without its question mark.
    pub query: String,
    /// The body.
    pub body: Value,
    /// The idempotency key.
    pub key: Option<String>,
    /// The header `Prefer`.
    pub prefer: Option<&'static str>,
    /// What this request is about, by which its effect is found again.
    pub about: String,
}

impl Asked {
    /// A request without a body.
    pub fn new(kind: &'static str, tenant: usize, method: &'static str, route: &'static str) -> Self {
        let (at, query, body, key, prefer, about) = Default::default();
        Self { kind, tenant, method, route, at, query, body, key, prefer, about }
    }

    /// With something in the braces of the route.
    #[must_use]
    pub fn at(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.at.push((name, value.into()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(self, body: Value) -> Self {
        Self { body, ..self }
    }

    /// With a query.
    #[must_use]
    pub fn query(self, query: impl Into<String>) -> Self {
        Self { query: query.into(), ..self }
    }

    /// With what it is about.
    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    /// The path, without the query.
    pub fn raw_path(&self) -> String {
        let filled = |path: String, (name, value): &(&str, String)| path.replace(&format!("{{{name}}}"), value);
        self.at.iter().fold(self.route.to_owned(), filled)
    }

    /// The path with the query.
    pub fn path(&self) -> String {
        let (path, query) = (self.raw_path(), &self.query);
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }

    /// What is wrong with an answer, whatever was asked: its form, its code, or that it knows of another workspace.
    /// `is_stormy` is whether anything failed meanwhile.
    pub fn wrong_with(&self, answer: &Answer, is_stormy: bool) -> Option<String> {
        let lower = answer.text.to_lowercase();
        for (tenant, mark) in MARKS.iter().enumerate() {
            if tenant != self.tenant && lower.contains(mark) {
                return Some(format!("an answer of one workspace holds what is another's: {mark}"));
            }
        }
        if answer.status >= 500 && !is_stormy {
            return Some("a 5xx while nothing fails".to_owned());
        }
        if self.route.starts_with("/webhooks/") {
            return (!matches!(answer.status, 200 | 503))
                .then(|| "a webhook is answered otherwise than 200 or 503".to_owned());
        }
        if answer.header("x-request-id").is_empty() {
            return Some("no X-Request-ID".to_owned());
        }
        let Ok(body) = serde_json::from_str::<Value>(&answer.text) else { return Some("no JSON".to_owned()) };
        if answer.status < 300 {
            let is_right = match self.dialect() {
                Dialect::Leadlex => !body["data"].is_null(),
                Dialect::Agents => body["success"] == true && body["data"].is_object(),
                Dialect::Followup => body.is_object(),
                Dialect::Leads => {
                    body["success"] == true && !body["data"].is_null() && body["correlationId"].is_string()
                }
            };
            let limits =
                ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-policy", "ratelimit"];
            return match limits.iter().find(|name| answer.header(name).is_empty()) {
                Some(name) => Some(format!("no {name}")),
                None => (!is_right).then(|| "a success in another envelope".to_owned()),
            };
        }
        if matches!(answer.status, 429 | 503)
            && self.dialect() != Dialect::Agents
            && answer.header("retry-after").is_empty()
        {
            return Some("no Retry-After".to_owned());
        }
        let (code, message) = match self.dialect() {
            Dialect::Leads => (&body["error"], &body["message"]),
            _ => (&body["error"]["code"], &body["error"]["message"]),
        };
        let (Some(code), Some(message)) = (code.as_str(), message.as_str()) else {
            return Some("an error in another envelope".to_owned());
        };
        if self.dialect() == Dialect::Agents && body["success"] != false {
            return Some("an error in another envelope".to_owned());
        }
        let message = message.to_lowercase();
        if MARKS.iter().any(|mark| message.contains(mark)) {
            return Some("an error message with personal data".to_owned());
        }
        let documented = self.dialect().codes();
        (!documented.contains(&(answer.status, code))).then(|| "a status and code that are not documented".to_owned())
    }

    fn dialect(&self) -> Dialect {
        if self.route.starts_with("/api/agents/") {
            Dialect::Agents
        } else if self.route.starts_with("/api/v1/") {
            Dialect::Followup
        } else if self.route.starts_with("/users/") {
            Dialect::Leads
        } else {
            Dialect::Leadlex
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Leadlex,
    Agents,
    Followup,
    Leads,
}

impl Dialect {
    /// The documented statuses and codes (docs/behaviour.md, "Errors"), without the codes that stand only for a bug.
    fn codes(self) -> &'static [(u16, &'static str)] {
        match self {
            Self::Leadlex => &[
                (400, "validation_error"),
                (401, "invalid_key"),
                (402, "insufficient_credits"),
                (403, "insufficient_permissions"),
                (404, "not_found"),
                (409, "idempotency_conflict"),
                (409, "conflict"),
                (422, "idempotency_key_reused"),
                (429, "rate_limited"),
                (502, "ai_unavailable"),
                (503, "service_unavailable"),
            ],
            Self::Agents => &[
                (400, "INVALID_REQUEST"),
                (400, "INVALID_INPUT"),
                (400, "INVALID_PHONE_NUMBER"),
                (400, "NO_CHANNELS_CONFIGURED"),
                (400, "NO_VALID_CHANNELS_FOR_LEAD"),
                (403, "INSUFFICIENT_PERMISSIONS"),
                (404, "SITE_NOT_FOUND"),
                (404, "LEAD_NOT_FOUND"),
                (404, "AGENT_NOT_FOUND"),
                (404, "COMMAND_NOT_FOUND"),
                (409, "IDEMPOTENCY_CONFLICT"),
                (422, "IDEMPOTENCY_KEY_REUSED"),
                (500, "SALES_COMMAND_FAILED"),
                (500, "NO_CONTENT_GENERATED"),
                (500, "NO_VALID_CHANNELS"),
                (503, "SYSTEM_ERROR"),
            ],
            Self::Followup => &[
                (400, "INVALID_REQUEST"),
                (403, "INSUFFICIENT_PERMISSIONS"),
                (404, "LEAD_NOT_FOUND"),
                (404, "RECOMMENDATION_NOT_FOUND"),
                (409, "CONFLICT"),
                (409, "IDEMPOTENCY_CONFLICT"),
                (422, "CHANNEL_NOT_ELIGIBLE"),
                (422, "INSUFFICIENT_DATA"),
                (422, "PII_BLOCKED"),
                (422, "IDEMPOTENCY_KEY_REUSED"),
                (500, "AI_SERVICE_UNAVAILABLE"),
                (503, "SERVICE_UNAVAILABLE"),
            ],
            Self::Leads => &[
                (400, "Bad Request"),
                (403, "Forbidden"),
                (404, "Not Found"),
                (409, "Conflict"),
                (503, "Service Unavailable"),
            ],
        }
    }
}
