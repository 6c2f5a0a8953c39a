//! A finished answer, without the headers that every answer gets.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::base::problem::Problem;
use crate::workspace::idempotency::Stored;

/// The status, body and special headers of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, usually JSON; may be empty.
    pub body: String,
    /// The content type of the body.
    pub content_type: &'static str,
    /// For an error that is not replayed: its code in the `Leadlex` dialect, which the metrics use.
    pub code: Option<&'static str>,
    /// Whether the reply was stored under an idempotency key and is replayed.
    pub replayed: bool,
    /// The seconds until a retry makes sense.
    pub retry_after: Option<u64>,
    /// The methods of the route, if the request used another.
    pub allow: Option<String>,
    /// The address that the request should go to.
    pub location: Option<String>,
    /// The preference that was applied (RFC 7240).
    pub preference_applied: Option<String>,
    /// The lead that the body is about, if it may not name it.
    pub about: Option<Uuid>,
}

impl Reply {
    /// A new reply with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::whole(status, body.to_string())
    }

    /// A success without an envelope.
    #[track_caller]
    pub fn of(body: &impl Serialize) -> Result<Self, Problem> {
        serde_json::to_string(body).map(|body| Self::whole(200, body)).map_err(Problem::internal)
    }

    /// A new reply with a serialized JSON body.
    pub(super) fn whole(status: u16, body: String) -> Self {
        Self { replayed: false, ..Self::replayed(status, body) }
    }

    /// A reply with a plain text.
    pub fn text(status: u16, body: String) -> Self {
        Self { replayed: false, content_type: "text/plain", ..Self::replayed(status, body) }
    }

    /// Sends the same request, with its method and body, to another address (RFC 9110, section 15.4.9).
    pub fn redirect(location: String) -> Self {
        Self { location: Some(location), ..Self::text(308, String::new()) }
    }

    /// A replay of a stored reply, byte for byte.
    pub fn replayed(status: u16, body: String) -> Self {
        Self {
            status,
            body,
            content_type: "application/json",
            code: None,
            replayed: true,
            retry_after: None,
            allow: None,
            location: None,
            preference_applied: None,
            about: None,
        }
    }

    /// The part that is stored under an idempotency key.
    pub fn stored(&self) -> Stored {
        Stored { status: self.status, body: self.body.clone(), about: self.about }
    }
}
