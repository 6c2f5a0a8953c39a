//! Types that are parsed from a text in a request, such as times and UUIDs.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use schemars::Schema;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

use crate::api::schema::{PARSER, WORDS};
use crate::base::problem::Problem;

/// Reads a UUID of any version, in any case, only in the form of 36 characters; `Uuid` reads other forms too.
pub fn uuid(text: &str) -> Option<Uuid> {
    Some(text).filter(|text| text.len() == 36).and_then(|text| text.parse().ok())
}

/// A type that is parsed from a text in a request.
pub trait ParsedText: Sized + 'static {
    /// The complaint for any invalid value; `None` if the parser words its own.
    const WORDS: Option<&'static str>;

    /// Parses the text, or returns the complaint.
    fn parsed(text: &str) -> Result<Self, &'static str>;
}

type Check = fn(&str) -> Result<(), &'static str>;

/// The parser's check for each type whose schema was made.
static CHECKS: RwLock<BTreeMap<&'static str, Check>> = RwLock::new(BTreeMap::new());

/// The complaint about a text with this schema, if its type is parsed from a text.
pub(super) fn complaint(schema: &Value, text: &str) -> Option<&'static str> {
    let checks = CHECKS.read().unwrap_or_else(PoisonError::into_inner);
    checks.get(schema[PARSER].as_str()?)?(text).err()
}

/// Deserializes a type from a text.
#[doc(hidden)]
pub fn deserialize<'de, T: ParsedText, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let given = Value::deserialize(deserializer)?;
    let parsed = given.as_str().map_or(Err(T::WORDS.unwrap_or("must be a text")), T::parsed);
    parsed.map_err(D::Error::custom)
}

/// A schema that names the check for its texts.
#[doc(hidden)]
pub fn checked<T: ParsedText>(mut schema: Schema) -> Schema {
    let name = std::any::type_name::<T>();
    CHECKS.write().unwrap_or_else(PoisonError::into_inner).insert(name, |text| T::parsed(text).map(drop));
    schema.insert(PARSER.to_owned(), name.into());
    if let Some(words) = T::WORDS {
        schema.insert(WORDS.to_owned(), words.into());
    }
    schema
}

/// Implements a type that is parsed from a text in a request: its parser, its complaint and its schema. `Deserialize`
/// uses the complaint for every invalid value; after `try`, it uses the parser's own complaints. Types `as` one name
/// share a schema in the API's description; without a name, each field has the schema inline.
#[macro_export]
macro_rules! parsed_text {
    ($type:ty, try $parse:expr, $schema:tt) => {
        $crate::parsed_text!(@ $type, "", |text| Ok(text).and_then($parse), None, $schema);
    };
    ($type:ty, $parse:expr, $complaint:expr, $schema:tt) => {
        $crate::parsed_text!(
            @ $type, "", |text| Some(text).and_then($parse).ok_or($complaint), Some($complaint), $schema
        );
    };
    ($type:ty as $name:literal, $parse:expr, $complaint:expr, $schema:tt) => {
        $crate::parsed_text!(
            @ $type, $name, |text| Some(text).and_then($parse).ok_or($complaint), Some($complaint), $schema
        );
    };
    (@ $type:ty, $name:literal, $parse:expr, $words:expr, $schema:tt) => {
        impl $crate::api::http::request::ParsedText for $type {
            const WORDS: Option<&'static str> = $words;

            fn parsed(text: &str) -> Result<Self, &'static str> {
                Ok(text).and_then($parse)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::api::http::request::deserialize(deserializer)
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
                $crate::api::http::request::checked::<Self>(::schemars::json_schema!($schema))
            }
        }
    };
}

/// The start of a period, inclusive. A date without a time means the start of the UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since(pub DateTime<Utc>);

/// The end of a period, exclusive. It is parsed so that the given date or time is included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until(pub DateTime<Utc>);

/// Refuses a period that ends before it starts.
pub fn period(from_date: Option<Since>, to_date: Option<Until>) -> Result<(), Problem> {
    match (from_date, to_date) {
        (Some(from), Some(until)) if from.0 >= until.0 => Err(Problem::field("from_date", "must not be after to_date")),
        _ => Ok(()),
    }
}

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
    // In a query, a plus is decoded to a space; in a time it can only belong to the offset.
    DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok().map(|at| at.to_utc())
}
