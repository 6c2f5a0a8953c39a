//! How a time is written.

use chrono::{DateTime, SecondsFormat, Utc};

/// ISO 8601, UTC, milliseconds, `Z`: how every time is shown and stored.
pub fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
