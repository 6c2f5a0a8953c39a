//! Rows of a JSON Lines file: one object a line.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::field::{Field, REJECTED_LINE, REJECTED_REASON};
use super::row::RawRow;

const LEAD: [(&str, Field); 8] = [
    ("external_ref", Field::ExternalRef),
    ("full_name", Field::FullName),
    ("email", Field::Email),
    ("phone", Field::Phone),
    ("linkedin", Field::Linkedin),
    ("job_title", Field::JobTitle),
    ("company_name", Field::CompanyName),
    ("stage", Field::Stage),
];

const ACTIVITY: [(&str, Field); 7] = [
    ("activity_id", Field::ActivityId),
    ("type", Field::ActivityType),
    ("occurred_at", Field::ActivityDate),
    ("direction", Field::ActivityDirection),
    ("outcome", Field::ActivityOutcome),
    ("title", Field::ActivityTitle),
    ("body", Field::ActivityBody),
];

/// The fields that a line holds. Names that are not known are added to `ignored`.
///
/// # Errors
/// Why the line is not a row.
pub fn parse(line: &[u8], ignored: &mut BTreeSet<String>) -> Result<RawRow, String> {
    let line = std::str::from_utf8(line).map_err(|_| "is not UTF-8")?;
    let value: Value =
        serde_json::from_str(line).map_err(|error| format!("is not valid JSON at column {}", error.column()))?;
    let Value::Object(mut object) = value else { return Err("is not a JSON object".to_owned()) };
    let activities = match object.remove("activities") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(activities)) => activities,
        Some(_) => return Err("activities is not a list".to_owned()),
    };
    let activities = activities.into_iter().map(|activity| match activity {
        Value::Object(activity) => fields(activity, &ACTIVITY, "activities.", ignored),
        _ => Err("an activity is not a JSON object".to_owned()),
    });
    let activities = activities.collect::<Result<_, _>>()?;
    Ok(RawRow { lead: fields(object, &LEAD, "", ignored)?, activities })
}

fn fields(
    object: Map<String, Value>,
    known: &[(&str, Field)],
    within: &str,
    ignored: &mut BTreeSet<String>,
) -> Result<BTreeMap<Field, String>, String> {
    let mut fields = BTreeMap::new();
    for (name, value) in object {
        let Some((_, field)) = known.iter().find(|(known, _)| *known == name) else {
            if ![REJECTED_LINE, REJECTED_REASON].contains(&name.as_str()) {
                ignored.insert(format!("{within}{name}"));
            }
            continue;
        };
        match value {
            Value::Null => {}
            Value::String(text) => drop(fields.insert(*field, text)),
            // Identifiers and phone numbers are often written as numbers.
            Value::Number(number) => drop(fields.insert(*field, number.to_string())),
            _ => return Err(format!("{within}{name} is not a text")),
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Result<RawRow, String>, Vec<String>) {
        let mut ignored = BTreeSet::new();
        (parse(line.as_bytes(), &mut ignored), ignored.into_iter().collect())
    }

    #[test]
    fn a_lead_and_its_activities_are_read() {
        let (row, ignored) = read(
            r#"{"external_ref": 7, "email": "a@x.org", "phone": null, "owner": 1, "activities": [{"type": "call", "occurred_at": "2026-01-31", "mood": ""}]}"#,
        );
        let row = row.unwrap();
        assert_eq!(row.lead[&Field::ExternalRef], "7");
        assert!(!row.lead.contains_key(&Field::Phone));
        assert_eq!(row.activities[0][&Field::ActivityType], "call");
        assert_eq!(ignored, ["activities.mood", "owner"]);
    }

    #[test]
    fn what_is_not_a_row_says_why() {
        for (line, reason) in [
            ("{\"email\": ", "is not valid JSON at column"),
            ("[]", "is not a JSON object"),
            (r#"{"email": ["a"]}"#, "email is not a text"),
            (r#"{"activities": {}}"#, "activities is not a list"),
            (r#"{"activities": [1]}"#, "an activity is not a JSON object"),
        ] {
            assert!(read(line).0.unwrap_err().starts_with(reason), "{line}");
        }
        assert_eq!(parse(b"{\"email\": \"\xe9\"}", &mut BTreeSet::new()).unwrap_err(), "is not UTF-8");
    }
}
