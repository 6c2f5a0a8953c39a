//! A finished answer, before the headers that every answer gets.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::base::problem::Problem;
use crate::workspace::idempotency::Stored;

/// Status and body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The JSON body, or nothing.
    pub body: String,
    /// What the body is.
    pub content_type: &'static str,
    /// For an error that is not replayed: its code in the `Leadlex` dialect, which the metrics use.
    pub code: Option<&'static str>,
    /// Whether it was given before, to a request with the same idempotency key.
    pub replayed: bool,
    /// How long to wait before trying again, in seconds.
    pub retry_after: Option<u64>,
    /// The methods of the route, where the request used another.
    pub allow: Option<String>,
    /// The preference that was honoured (RFC 7240).
    pub preference_applied: Option<String>,
    /// The lead that the body tells of, where it may not say so.
    pub about: Option<Uuid>,
}

impl Reply {
    /// An answer made now.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::whole(status, body.to_string())
    }

    /// A success without an envelope.
    #[track_caller]
    pub fn of(body: &impl Serialize) -> Result<Self, Problem> {
        serde_json::to_string(body).map(|body| Self::whole(200, body)).map_err(Problem::internal)
    }

    /// An answer made now, of a JSON body.
    pub(super) fn whole(status: u16, body: String) -> Self {
        Self { replayed: false, ..Self::replayed(status, body) }
    }

    /// A bare text.
    pub fn text(status: u16, body: String) -> Self {
        Self { replayed: false, content_type: "text/plain", ..Self::replayed(status, body) }
    }

    /// An answer made before, to the byte.
    pub fn replayed(status: u16, body: String) -> Self {
        Self {
            status,
            body,
            content_type: "application/json",
            code: None,
            replayed: true,
            retry_after: None,
            allow: None,
            preference_applied: None,
            about: None,
        }
    }

    /// What is kept of it under an idempotency key.
    pub fn stored(&self) -> Stored {
        Stored { status: self.status, body: self.body.clone(), about: self.about }
    }
}
