//! Rows of a JSON Lines file: one object a line.

use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::Record;
use super::field::{Field, REJECTED_LINE, REJECTED_REASON};
use super::lines::Lines;
use super::row::{Fields, NOT_UTF_8, Place, RawRow};

/// Names and what they stand for; of two for one field the first that is filled counts.
type Known = (&'static str, Field);

static LEAD: LazyLock<Vec<Known>> = LazyLock::new(|| known(include_str!("../../data/lead-fields.txt")));
static ACTIVITY: LazyLock<Vec<Known>> = LazyLock::new(|| known(include_str!("../../data/activity-fields.txt")));

fn known(lines: &'static str) -> Vec<Known> {
    let pairs = lines.lines().filter_map(|line| line.split_once(": "));
    pairs.filter_map(|(name, field)| Some((name, field.parse().ok()?))).collect()
}

/// The next row: its place and its object, or why it holds none.
pub fn next<R: BufRead>(lines: &mut Lines<R>) -> io::Result<Option<(Place, Result<Record, String>)>> {
    let line = lines.next_filled()?;
    Ok(line.map(|line| (Place { line: line.number, span: line.span() }, object(&line.bytes).map(Record::Object))))
}

/// The object of a line, without the columns that a rejects file adds.
fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    let line = std::str::from_utf8(line).map_err(|_| NOT_UTF_8)?;
    let value = serde_json::from_str(line.trim_end()).map_err(|error| match error.is_eof() {
        true => "is not valid JSON: it ends before it is complete".to_owned(),
        false => format!("is not valid JSON at column {}", error.column()),
    })?;
    let Value::Object(mut object) = value else { return Err("is not a JSON object".to_owned()) };
    object.retain(|name, _| ![REJECTED_LINE, REJECTED_REASON].contains(&name.as_str()));
    Ok(object)
}

/// The fields of a lead and its activities. Names that are not known are added to `ignored`.
pub fn lead(mut object: Map<String, Value>, ignored: &mut BTreeSet<String>) -> RawRow {
    let activities = match object.remove("activities") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(activities)) => activities.into_iter().map(|value| activity(value, ignored)).collect(),
        Some(_) => vec![Err("activities is not a list".to_owned())],
    };
    RawRow { lead: fields(object, &LEAD, "", ignored), activities }
}

fn activity(value: Value, ignored: &mut BTreeSet<String>) -> Result<Fields, String> {
    match value {
        Value::Object(activity) => Ok(fields(activity, &ACTIVITY, "activities.", ignored)),
        _ => Err("an activity is not a JSON object".to_owned()),
    }
}

fn fields(mut object: Map<String, Value>, known: &[Known], within: &str, ignored: &mut BTreeSet<String>) -> Fields {
    let mut fields = Fields::new();
    for (name, field) in known {
        let text = match object.remove(*name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) if text.trim().is_empty() => continue,
            Some(Value::String(text)) => Ok(text),
            // Identifiers and phone numbers are often written as numbers.
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(_) => Err(format!("{within}{name} is not a text")),
        };
        fields.entry(*field).or_insert(text);
    }
    ignored.extend(object.into_iter().map(|(name, _)| format!("{within}{name}")));
    fields
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(line: &[u8], ignored: &mut BTreeSet<String>) -> Result<RawRow, String> {
        object(line).map(|object| lead(object, ignored))
    }

    proptest! {
        #[test]
        fn no_line_makes_it_fail(line in "\\PC{0,80}", name in "\\PC{0,12}", value in "\\PC{0,12}") {
            let of_anything = serde_json::json!({"email": value, "activities": [{"type": value, name: value}, value]});
            for line in [line, of_anything.to_string()] {
                let mut ignored = BTreeSet::new();
                if let Err(reason) = parse(line.as_bytes(), &mut ignored) {
                    prop_assert!(reason.starts_with("is not"), "{reason}");
                }
            }
        }
    }

    fn read(line: &str) -> (Result<RawRow, String>, Vec<String>) {
        let mut ignored = BTreeSet::new();
        (parse(line.as_bytes(), &mut ignored), ignored.into_iter().collect())
    }

    fn text(text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }

    #[test]
    fn a_lead_and_its_activities_are_read() {
        let (row, ignored) = read(
            r#"{"external_ref": 7, "email": "a@x.org", "phone": null, "owner": 1, "activities": [{"type": "call", "occurred_at": "2026-01-31", "mood": ""}]}"#,
        );
        let row = row.unwrap();
        assert_eq!(row.lead[&Field::ExternalRef], text("7"));
        assert!(!row.lead.contains_key(&Field::Phone));
        assert_eq!(row.activities[0].as_ref().unwrap()[&Field::ActivityType], text("call"));
        assert_eq!(ignored, ["activities.mood", "owner"]);
    }

    #[test]
    fn the_short_names_of_fields_are_read_and_give_way_to_the_long_ones() {
        let (row, ignored) =
            read(r#"{"title": "CEO", "company": "Acme", "name": "J", "full_name": "Jane", "company_name": " "}"#);
        let lead = row.unwrap().lead;
        assert_eq!(lead[&Field::FullName], text("Jane"));
        assert_eq!(lead[&Field::JobTitle], text("CEO"));
        assert_eq!(lead[&Field::CompanyName], text("Acme"));
        assert!(ignored.is_empty());
    }

    #[test]
    fn what_is_not_a_row_says_why() {
        for (line, reason) in [
            ("{\"email\": \n", "is not valid JSON: it ends before it is complete"),
            ("{\"email\": nonsense}\n", "is not valid JSON at column 12"),
            ("[]", "is not a JSON object"),
        ] {
            assert_eq!(read(line).0.unwrap_err(), reason, "{line}");
        }
        assert_eq!(parse(b"{\"email\": \"\xe9\"}", &mut BTreeSet::new()).unwrap_err(), NOT_UTF_8);
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_wrong_by_itself() {
        let row = |line| read(line).0.unwrap();
        let wrong = |reason: &str| reason.to_owned();
        assert_eq!(row(r#"{"email": ["a"]}"#).lead[&Field::Email], Err(wrong("email is not a text")));
        assert_eq!(row(r#"{"activities": {}}"#).activities, [Err(wrong("activities is not a list"))]);
        assert_eq!(row(r#"{"activities": [1]}"#).activities, [Err(wrong("an activity is not a JSON object"))]);
    }
}
