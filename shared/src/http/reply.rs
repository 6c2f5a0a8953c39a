//! A finished answer, before the headers that every answer gets.

use serde_json::Value;

use crate::idempotency::Stored;

/// Status and body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The JSON body, or nothing.
    pub body: String,
    /// Whether it was given before, to a request with the same idempotency key.
    pub replayed: bool,
    /// How long to wait before trying again, in seconds.
    pub retry_after: Option<u64>,
    /// The methods of the route, where the request used another.
    pub allow: Option<String>,
}

impl Reply {
    /// An answer made now.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string(), replayed: false, retry_after: None, allow: None }
    }

    /// An answer made before, to the byte.
    pub fn replayed(status: u16, body: String) -> Self {
        Self { status, body, replayed: true, retry_after: None, allow: None }
    }

    /// What is kept of it under an idempotency key.
    pub fn stored(&self) -> Stored {
        Stored { status: self.status, body: self.body.clone() }
    }
}
