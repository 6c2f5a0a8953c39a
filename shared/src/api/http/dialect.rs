//! The four envelopes of the documented APIs (contract, section 1).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::base::problem::Problem;
use crate::base::time::timestamp;

/// Which documented API a route belongs to, and so which envelope it answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `/v1/**`: `{"data": …}` and `{"error": {code, message, details?}}`.
    Leadlex,
    /// `/api/agents/**`: `{"success": true, "data": …}`.
    Agents,
    /// `/api/v1/ai/followup/**`: the bare object.
    Followup,
    /// `/users/**`: `{"success", "data", "pagination"?, "timestamp", "correlationId"}`.
    Leads,
}

/// The base path under which the LeadLex documents publish their routes.
pub const LEADLEX_BASE: &str = "/functions/v1/api-gateway";

/// What an envelope needs besides its content.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Time of the answer.
    pub at: DateTime<Utc>,
    /// Correlation id of the `leads` dialect.
    pub correlation_id: String,
}

impl Dialect {
    /// A success body. `data` is the document's `data` object; `meta` is what a list adds to it.
    pub fn success(self, data: Value, meta: Option<Value>, stamp: &Stamp) -> Value {
        match (self, meta) {
            (Self::Leadlex, None) => json!({ "data": data }),
            (Self::Leadlex, Some(meta)) => json!({ "data": data, "meta": meta }),
            (Self::Agents, _) => json!({ "success": true, "data": data }),
            (Self::Followup, _) => data,
            (Self::Leads, meta) => {
                let mut body = json!({
                    "success": true,
                    "data": data,
                    "timestamp": timestamp(stamp.at),
                    "correlationId": stamp.correlation_id,
                });
                if let Some(pagination) = meta {
                    body["pagination"] = pagination;
                }
                body
            }
        }
    }

    /// The `data` of a success body.
    pub fn content(self, mut body: Value) -> Value {
        match self {
            Self::Followup => body,
            _ => body["data"].take(),
        }
    }

    /// An error body.
    pub fn failure(self, problem: &Problem, stamp: &Stamp) -> Value {
        let (_, code) = problem.code.rendered(self);
        if self == Self::Leads {
            return json!({
                "error": code,
                "message": problem.message,
                "timestamp": timestamp(stamp.at),
                "correlationId": stamp.correlation_id,
            });
        }
        let mut error = json!({ "code": code, "message": problem.message });
        if let Some(details) = problem.details(self) {
            error["details"] = details;
        }
        match self {
            Self::Agents => json!({ "success": false, "error": error }),
            _ => json!({ "error": error }),
        }
    }
}
