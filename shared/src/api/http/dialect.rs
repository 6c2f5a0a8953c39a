//! The envelopes of the four groups of routes (docs/behaviour.md, "Requests and answers" and "Errors").

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use crate::base::problem::{MISSING, Problem};
use crate::base::time::timestamp;

/// The group of routes, which determines the envelope.
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

/// A second base path, under which the routes of `/v1` also answer.
pub const LEADLEX_BASE: &str = "/functions/v1/api-gateway";

/// The parts of an envelope besides its content.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The time of the answer.
    pub at: DateTime<Utc>,
    /// The correlation id, for the `Leads` dialect.
    pub correlation_id: String,
}

impl Dialect {
    /// A success body with `data`, and for a page of a list `meta`.
    pub fn success(
        self,
        data: &impl Serialize,
        meta: Option<impl Serialize>,
        stamp: &Stamp,
    ) -> serde_json::Result<String> {
        match self {
            Self::Leadlex => serde_json::to_string(&LeadlexBody { data, meta }),
            Self::Agents => serde_json::to_string(&AgentsBody { success: true, data }),
            Self::Followup => serde_json::to_string(data),
            Self::Leads => serde_json::to_string(&LeadsBody {
                success: true,
                data,
                timestamp: timestamp(stamp.at),
                correlation_id: &stamp.correlation_id,
                pagination: meta,
            }),
        }
    }

    /// Words the error for a malformed request as this dialect does.
    pub(super) fn malformed(self, mut problem: Problem) -> Problem {
        let mut fields = problem.fields.iter();
        if let (Self::Followup, Some((field, complaint)), None) = (self, fields.next(), fields.next())
            && complaint == MISSING
        {
            problem.message = format!("Required field {field} is missing.");
        }
        problem
    }

    /// Takes the `data` out of a success body.
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

/// The success body of `/v1/**`.
#[derive(Serialize)]
struct LeadlexBody<'a, D, M> {
    data: &'a D,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<M>,
}

/// The success body of `/api/agents/**`.
#[derive(Serialize)]
struct AgentsBody<'a, D> {
    success: bool,
    data: &'a D,
}

/// The success body of `/users/**`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LeadsBody<'a, D, M> {
    success: bool,
    data: &'a D,
    timestamp: String,
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<M>,
}
