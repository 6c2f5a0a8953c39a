//! Reading query parameters, so that one answer names everything that is wrong with them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::problem::Problem;

/// The parameters of a query. Those that nobody reads are ignored.
#[derive(Debug)]
pub struct Query<'a> {
    given: &'a [(String, String)],
    complaints: BTreeMap<String, String>,
}

impl<'a> Query<'a> {
    /// The parameters as they came, decoded.
    pub fn of(given: &'a [(String, String)]) -> Self {
        Self { given, complaints: BTreeMap::new() }
    }

    /// A whole number within `range`, or `default`.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<u32>, default: u32) -> u32 {
        let Some((_, text)) = self.given.iter().find(|(given, _)| given == name) else { return default };
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| plain && range.contains(number));
        number.unwrap_or_else(|| {
            let complaint = format!("must be a whole number from {} to {}", range.start(), range.end());
            self.complaints.insert(name.to_owned(), complaint);
            default
        })
    }

    /// Every complaint in one problem.
    #[track_caller]
    pub fn finish(self) -> Result<(), Problem> {
        if self.complaints.is_empty() { Ok(()) } else { Err(Problem::fields(self.complaints)) }
    }
}
