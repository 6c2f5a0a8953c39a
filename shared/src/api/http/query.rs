//! Reading query parameters, so that one answer names everything that is wrong with them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::base::problem::Problem;

/// The parameters of a query. Those that nobody reads are ignored.
#[derive(Debug)]
pub struct RawQuery<'a> {
    given: &'a [(String, String)],
    complaints: BTreeMap<String, String>,
}

impl<'a> RawQuery<'a> {
    /// The parameters as they came, decoded.
    pub fn of(given: &'a [(String, String)]) -> Self {
        Self { given, complaints: BTreeMap::new() }
    }

    /// The text of a parameter.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.given.iter().find(|(given, _)| given == name).map(|(_, text)| text.as_str())
    }

    /// What `parse` makes of a parameter; `complaint` completes the sentence "`name` …".
    pub fn parsed<T>(&mut self, name: &str, complaint: impl Display, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let parsed = parse(text);
        if parsed.is_none() {
            self.complaints.insert(name.to_owned(), complaint.to_string());
        }
        parsed
    }

    /// A whole number within `range`, or `default`.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<u32>, default: u32) -> u32 {
        self.optional_integer(name, range).unwrap_or(default)
    }

    /// A whole number within `range`.
    pub fn optional_integer(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let complaint = match *range.end() {
            u32::MAX => format!("must be a whole number, at least {}", range.start()),
            end => format!("must be a whole number from {} to {end}", range.start()),
        };
        self.parsed(name, complaint, |text| whole(text).filter(|number| range.contains(number)))
    }

    /// `limit`: at least 1, and taken down to `most`.
    pub fn limit(&mut self, default: u32, most: u32) -> u32 {
        self.integer("limit", 1..=u32::MAX, default).min(most)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.parsed(name, "must be true or false", |text| text.parse().ok())
    }

    /// What `parse` knows, separated by commas. `known` completes the complaint "must be one or more
    /// of …".
    pub fn list<T: Ord, C: FromIterator<T>>(
        &mut self,
        name: &str,
        known: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<C> {
        let complaint = format!("must be one or more of {known}, separated by commas");
        self.parsed(name, complaint, |text| text.split(',').map(|part| parse(part.trim())).collect())
    }

    /// The moment from which, or (`until`) before which something is shown. A date without a time
    /// means the whole UTC day, both ends inclusive.
    pub fn moment(&mut self, name: &str, until: bool) -> Option<DateTime<Utc>> {
        self.parsed(name, "must be a date such as 2025-01-31 or a time such as 2025-01-31T09:30:00Z", |text| {
            if let Ok(day) = text.parse::<NaiveDate>() {
                let day = if until { day.succ_opt()? } else { day };
                return Some(day.and_time(NaiveTime::MIN).and_utc());
            }
            // A plus in a query is a space; in a time it can only be an offset.
            let at = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok()?.to_utc();
            Some(if until { at + TimeDelta::milliseconds(1) } else { at })
        })
    }

    /// Notes that a parameter does not go with another.
    pub fn complain(&mut self, name: &str, complaint: &str) {
        self.complaints.insert(name.to_owned(), complaint.to_owned());
    }

    /// Every complaint in one problem.
    #[track_caller]
    pub fn finish(self) -> Result<(), Problem> {
        if self.complaints.is_empty() { Ok(()) } else { Err(Problem::fields(self.complaints)) }
    }
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawPage {
    /// Its number, from 1.
    pub number: usize,
    /// How many it has: 1 to 100, by default 20.
    pub size: usize,
}

impl RawPage {
    /// `page` and `per_page`. A page far out would read everything before it.
    pub fn of(query: &mut RawQuery<'_>) -> Self {
        let number = query.integer("page", 1..=1_000, 1) as usize;
        Self { number, size: query.integer("per_page", 1..=100, 20) as usize }
    }

    /// How many there are before it.
    pub fn skip(self) -> usize {
        (self.number - 1) * self.size
    }

    /// The `meta` of an answer whose list has so many.
    pub fn meta(self, total: usize) -> Value {
        json!({"page": self.number, "per_page": self.size, "total": total})
    }
}

/// A whole number; one that is too large for its type is as large as that has, because it is still one.
fn whole(text: &str) -> Option<u32> {
    let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| text.parse().unwrap_or(u32::MAX))
}
