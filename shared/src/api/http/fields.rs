//! Reading the fields of a JSON body, so that one answer names everything that is wrong with it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::request::uuid;
use crate::base::problem::{Code, MISSING, Problem};

/// The fields of a request body. Each reader notes a complaint and gives a stand-in where a field
/// is wrong; [`Fields::finish`] turns the complaints into one 400. `null` counts as absent.
#[derive(Debug)]
pub struct Fields<'a> {
    given: &'a Map<String, Value>,
    known: Vec<&'static str>,
    complaints: BTreeMap<String, String>,
}

impl<'a> Fields<'a> {
    /// The fields of `body`, which has to be an object.
    pub fn of(body: &'a Value) -> Result<Self, Problem> {
        match body {
            Value::Object(given) => Ok(Self { given, known: Vec::new(), complaints: BTreeMap::new() }),
            _ => Err(Problem::new(Code::Validation, "the body must be a JSON object")),
        }
    }

    /// A UUID of any version, in any case, that has to be there.
    pub fn required_uuid(&mut self, name: &'static str) -> Uuid {
        let parsed = match self.take(name) {
            None => Err(MISSING),
            Some(value) => value.as_str().and_then(uuid).ok_or("must be a UUID"),
        };
        parsed.unwrap_or_else(|complaint| {
            self.complain(name, complaint);
            Uuid::nil()
        })
    }

    /// A whole number within `range`, or `default`.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<u32>, default: u32) -> u32 {
        let Some(value) = self.take(name) else { return default };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.filter(|number| range.contains(number)).unwrap_or_else(|| {
            self.complain(name, format!("must be a whole number from {} to {}", range.start(), range.end()));
            default
        })
    }

    /// A whole number within `range` that has to be there.
    pub fn required_integer(&mut self, name: &'static str, range: RangeInclusive<u32>) -> u32 {
        let least = *range.start();
        let number = self.integer(name, range, 0);
        if number < least && !self.complaints.contains_key(name) {
            self.complain(name, MISSING);
        }
        number
    }

    /// A text of at most `most` characters that has to be there and is not blank.
    pub fn required_text(&mut self, name: &'static str, most: usize) -> String {
        let given = self.optional_text(name, most);
        if given.is_none() && !self.complaints.contains_key(name) {
            self.complain(name, MISSING);
        }
        given.unwrap_or_default()
    }

    /// An identifier of at most `most` bytes, as it becomes part of a key, that has to be there.
    pub fn required_id(&mut self, name: &'static str, most: usize) -> String {
        let id = self.required_text(name, most);
        if id.len() > most {
            self.complain(name, format!("must have at most {most} bytes in UTF-8"));
        }
        id
    }

    /// A text of at most `most` characters; a blank one counts as absent.
    pub fn optional_text(&mut self, name: &'static str, most: usize) -> Option<String> {
        match self.take(name)? {
            Value::String(text) if text.chars().count() <= most => {
                Some(text.clone()).filter(|text| !text.trim().is_empty())
            }
            _ => {
                self.complain(name, format!("must be a text of at most {most} characters"));
                None
            }
        }
    }

    /// A field whose content the caller checks.
    pub fn any(&mut self, name: &'static str) -> Option<&'a Value> {
        self.take(name)
    }

    /// What `parse` makes of a text; `complaint` says what it has to be.
    pub fn parsed<T>(&mut self, name: &'static str, complaint: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = self.take(name)?;
        let parsed = value.as_str().and_then(parse);
        if parsed.is_none() {
            self.complain(name, complaint);
        }
        parsed
    }

    /// What `normal` makes of a text; a blank one counts as absent, and the error is the complaint.
    pub fn normalised(
        &mut self,
        name: &'static str,
        normal: impl Fn(&str) -> Result<String, &'static str>,
    ) -> Option<String> {
        let text = self.optional_text(name, 500)?;
        match normal(text.trim()) {
            Ok(text) => Some(text),
            Err(complaint) => {
                self.complain(name, complaint);
                None
            }
        }
    }

    /// As [`Fields::parsed`], for what has to be there.
    pub fn required<T>(&mut self, name: &'static str, complaint: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let parsed = self.parsed(name, complaint, parse);
        if parsed.is_none() && !self.complaints.contains_key(name) {
            self.complain(name, MISSING);
        }
        parsed
    }

    /// A list without repetition of what `parse` knows, or `None`. `known` completes the complaint
    /// "must be a list of …".
    pub fn list<T: PartialEq>(
        &mut self,
        name: &'static str,
        known: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = self.take(name)?;
        let mut items = Vec::new();
        for given in value.as_array().map_or(&[][..], Vec::as_slice) {
            match given.as_str().and_then(&parse) {
                Some(item) if items.contains(&item) => {}
                Some(item) => items.push(item),
                None => {
                    items.clear();
                    break;
                }
            }
        }
        if items.is_empty() {
            self.complain(name, format!("must be a list of at least one of {known}"));
        }
        Some(items)
    }

    /// Every complaint in one problem; fields that nobody read are complained about too.
    #[track_caller]
    pub fn finish(mut self) -> Result<(), Problem> {
        for name in self.given.keys().filter(|name| !self.known.contains(&name.as_str())) {
            // Whatever does not look like a name may be somebody's data, and is not shown.
            let is_name = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let shown = if is_name { name.clone() } else { "(unnamed)".to_owned() };
            let known = if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") };
            self.complaints.insert(shown, format!("is not a field of this request; known are {known}"));
        }
        if self.complaints.is_empty() { Ok(()) } else { Err(Problem::fields(self.complaints)) }
    }

    fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.given.get(name).filter(|value| !value.is_null())
    }

    fn complain(&mut self, name: &str, complaint: impl Into<String>) {
        self.complaints.insert(name.to_owned(), complaint.into());
    }
}
