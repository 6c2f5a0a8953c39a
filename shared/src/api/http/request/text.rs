//! Texts of requests that become something else: times and UUIDs.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

/// A UUID of any version, in any case, as the documents write it. `Uuid` reads other forms too.
pub fn uuid(text: &str) -> Option<Uuid> {
    Some(text).filter(|text| text.len() == 36).and_then(|text| text.parse().ok())
}

/// Makes a type of a request's text: what reads it, what it has to be, and its schema. `Deserialize` complains in
/// those words, whatever comes instead of the text. Types `as` one name share a schema in the description of the API;
/// without a name, each field has the schema in its place.
#[macro_export]
macro_rules! parsed_text {
    ($type:ty, $parse:expr, $complaint:expr, $schema:tt) => {
        $crate::parsed_text!(@ $type, "", $parse, $complaint, $schema);
    };
    ($type:ty as $name:literal, $parse:expr, $complaint:expr, $schema:tt) => {
        $crate::parsed_text!(@ $type, $name, $parse, $complaint, $schema);
    };
    (@ $type:ty, $name:literal, $parse:expr, $complaint:expr, $schema:tt) => {
        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let given = <::serde_json::Value as ::serde::Deserialize>::deserialize(deserializer)?;
                let parsed: Option<Self> = given.as_str().and_then($parse);
                parsed.ok_or_else(|| ::serde::de::Error::custom($complaint))
            }
        }

        impl ::schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                $name.is_empty()
            }

            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                if $name.is_empty() { stringify!($type).into() } else { $name.into() }
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                let mut schema = ::schemars::json_schema!($schema);
                schema.insert("x-complaint".to_owned(), $complaint.into());
                schema
            }
        }
    };
}

/// The moment from which something is shown. A date without a time means the whole UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since(pub DateTime<Utc>);

/// The moment before which something is shown. A date, as well as a time, is itself included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until(pub DateTime<Utc>);

const A_MOMENT: &str = "must be a date such as 2025-01-31 or a time such as 2025-01-31T09:30:00Z";

macro_rules! moment_or_day {
    ($type:ident, $parse:expr) => {
        parsed_text!($type as "MomentOrDay", |text| $parse(text).map($type), A_MOMENT, {
            "description": "A day in UTC such as 2026-11-20, or a time such as 2026-11-20T09:30:00Z.",
            "anyOf": [
                {"description": "The whole day, in UTC.", "type": "string", "format": "date"},
                {"description": "A time.", "type": "string", "format": "date-time"},
            ],
        });
    };
}

moment_or_day!(Since, since);
moment_or_day!(Until, until);

fn since(text: &str) -> Option<DateTime<Utc>> {
    day(text).or_else(|| time(text))
}

fn until(text: &str) -> Option<DateTime<Utc>> {
    match day(text) {
        Some(day) => day.checked_add_signed(TimeDelta::days(1)),
        None => time(text)?.checked_add_signed(TimeDelta::milliseconds(1)),
    }
}

fn day(text: &str) -> Option<DateTime<Utc>> {
    text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc())
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    // A plus in a query is a space; in a time it can only be an offset.
    DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok().map(|at| at.to_utc())
}
