//! A row, from what the file says to what can be stored. A [`Row`] holds no wrong value.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, Utc};
use shared::leads::{Activity, Lead};
use uuid::Uuid;

use super::field::Field;
use super::normal;

/// Where a row stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its first line, from 1.
    pub line: u64,
    /// Its bytes.
    pub span: Range<u64>,
}

/// A row that is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The row.
    pub place: Place,
    /// Why.
    pub reason: String,
}

/// The filled fields of a row as the file has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRow {
    /// Fields of the lead.
    pub lead: BTreeMap<Field, String>,
    /// Fields of each activity.
    pub activities: Vec<BTreeMap<Field, String>>,
}

/// A row that can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub place: Place,
    /// What it says of the lead, whose identifier is still open.
    pub lead: Lead,
    /// What it says of activities.
    pub activities: Vec<NewActivity>,
}

/// An activity whose identifier is still open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewActivity {
    /// The identifier that the file gives, if it does.
    pub given_id: Option<String>,
    /// The rest.
    pub activity: Activity,
}

/// What a row is measured by.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The time of the import.
    pub now: DateTime<Utc>,
    /// The country of national phone numbers.
    pub country_code: Option<u16>,
}

const MAX_BODY_BYTES: usize = 8 * 1024;

/// The fields of one lead or one activity, and what is wrong with them so far.
struct Reading<'a> {
    fields: &'a BTreeMap<Field, String>,
    /// What to call the fields: "" or "activity 2: ".
    of: String,
    wrong: Vec<String>,
}

impl<'a> Reading<'a> {
    fn filled(&self, field: Field) -> Option<&'a str> {
        self.fields.get(&field).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn note<T>(&mut self, read: Result<T, String>) -> Option<T> {
        read.map_err(|reason| self.wrong.push(format!("{}{reason}", self.of))).ok()
    }

    /// One line of at most `limit` characters.
    fn line(&mut self, field: Field, limit: usize) -> Option<String> {
        let text = self.filled(field)?.split_whitespace().collect::<Vec<_>>().join(" ");
        let read = match text.chars().count() {
            count if count > limit => Err(format!("{field} is longer than {limit} characters")),
            _ if text.chars().any(char::is_control) => Err(format!("{field} contains control characters")),
            _ => Ok(text),
        };
        self.note(read)
    }

    /// A word of a small vocabulary: lower case, spaces as `_`.
    fn word(&mut self, field: Field) -> Option<String> {
        self.line(field, 40).map(|text| text.to_lowercase().replace(' ', "_"))
    }
}

impl RawRow {
    /// The row, if nothing is wrong with it; otherwise everything that is.
    pub fn check(&self, place: Place, rules: Rules) -> Result<Row, Rejection> {
        let mut reading = Reading { fields: &self.lead, of: String::new(), wrong: Vec::new() };
        let lead = lead(&mut reading, rules);
        let mut wrong = reading.wrong;
        if lead.identities().next().is_none() && wrong.is_empty() {
            wrong.push("needs an external_ref, an email or a phone".to_owned());
        }
        let mut activities = Vec::with_capacity(self.activities.len());
        for (index, fields) in self.activities.iter().enumerate() {
            let of = if self.activities.len() > 1 { format!("activity {}: ", index + 1) } else { String::new() };
            let mut reading = Reading { fields, of, wrong: Vec::new() };
            activities.extend(activity(&mut reading, rules));
            wrong.append(&mut reading.wrong);
        }
        if wrong.is_empty() {
            Ok(Row { place, lead, activities })
        } else {
            Err(Rejection { place, reason: wrong.join("; ") })
        }
    }
}

fn lead(reading: &mut Reading, rules: Rules) -> Lead {
    let (first, last) = (reading.line(Field::FirstName, 200), reading.line(Field::LastName, 200));
    let parts: Vec<_> = first.into_iter().chain(last).collect();
    let joined = (!parts.is_empty()).then(|| parts.join(" "));
    Lead {
        lead_id: Uuid::nil(),
        external_ref: reading.line(Field::ExternalRef, 200),
        full_name: reading.line(Field::FullName, 200).or(joined).and_then(|name| {
            let fits = name.chars().count() <= 200;
            reading.note(if fits { Ok(name) } else { Err("full_name is longer than 200 characters".to_owned()) })
        }),
        email: reading.filled(Field::Email).and_then(|text| reading.note(normal::email(text))),
        phone: reading.filled(Field::Phone).and_then(|text| reading.note(normal::phone(text, rules.country_code))),
        linkedin: reading.line(Field::Linkedin, 500),
        job_title: reading.line(Field::JobTitle, 200),
        company_name: reading.line(Field::CompanyName, 200),
        stage: reading.line(Field::Stage, 100),
    }
}

fn activity(reading: &mut Reading, rules: Rules) -> Option<NewActivity> {
    let kind = reading.word(Field::ActivityType);
    if kind.is_none() && reading.wrong.is_empty() {
        reading.note::<()>(Err("an activity needs a type".to_owned()));
    }
    let occurred_at = match reading.filled(Field::ActivityDate) {
        Some(text) => {
            let read = normal::moment(text, rules.now);
            reading.note(read.map_err(|reason| format!("the activity's date {reason}")))
        }
        None => reading.note(Err("an activity needs a date".to_owned())),
    };
    let direction = reading.word(Field::ActivityDirection).and_then(|word| reading.note(direction(&word)));
    let (outcome, title) = (reading.word(Field::ActivityOutcome), reading.line(Field::ActivityTitle, 500));
    let body = reading.filled(Field::ActivityBody).and_then(|text| {
        let fits = text.len() <= MAX_BODY_BYTES;
        reading.note(if fits { Ok(text.to_owned()) } else { Err("activity_body is longer than 8 KB".to_owned()) })
    });
    let given_id = reading.line(Field::ActivityId, 200);
    let (kind, occurred_at) = (kind?, occurred_at?);
    let activity = Activity { activity_id: Uuid::nil(), kind, occurred_at, direction, outcome, title, body };
    Some(NewActivity { given_id, activity })
}

fn direction(word: &str) -> Result<String, String> {
    match word {
        "inbound" | "incoming" | "received" | "in" => Ok("inbound".to_owned()),
        "outbound" | "outgoing" | "sent" | "out" => Ok("outbound".to_owned()),
        _ => Err("activity_direction is neither inbound nor outbound".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lead: &[(Field, &str)], activities: &[&[(Field, &str)]]) -> Result<Row, String> {
        let fields = |pairs: &[(Field, &str)]| pairs.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
        let raw = RawRow { lead: fields(lead), activities: activities.iter().map(|pairs| fields(pairs)).collect() };
        let rules = Rules { now: "2026-06-01T12:00:00Z".parse().unwrap(), country_code: None };
        raw.check(Place { line: 2, span: 0..0 }, rules).map_err(|rejection| rejection.reason)
    }

    #[test]
    fn names_are_joined_and_spaces_are_tidied() {
        let row = check(&[(Field::FirstName, " Jane "), (Field::LastName, "van  Dyk"), (Field::Email, "J@X.org")], &[]);
        let lead = row.unwrap().lead;
        assert_eq!(lead.full_name.as_deref(), Some("Jane van Dyk"));
        assert_eq!(lead.email.as_deref(), Some("j@x.org"));
    }

    #[test]
    fn a_full_name_wins_over_its_parts() {
        let row = check(&[(Field::FirstName, "J"), (Field::FullName, "Jane Doe"), (Field::ExternalRef, "1")], &[]);
        assert_eq!(row.unwrap().lead.full_name.as_deref(), Some("Jane Doe"));
    }

    #[test]
    fn a_row_needs_an_identity() {
        let reason = "needs an external_ref, an email or a phone";
        assert_eq!(check(&[(Field::FullName, "Jane"), (Field::Email, "  ")], &[]).unwrap_err(), reason);
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let long = "x".repeat(201);
        let reason = check(&[(Field::Email, "jane"), (Field::Phone, "12"), (Field::FullName, &long)], &[]).unwrap_err();
        for part in ["email has no @", "phone does not have", "full_name is longer than 200"] {
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn an_activity_is_brought_to_its_vocabulary() {
        let activity: &[_] = &[
            (Field::ActivityType, "Cold Call"),
            (Field::ActivityDate, "2026-05-01"),
            (Field::ActivityDirection, "OUTGOING"),
            (Field::ActivityOutcome, "No Response"),
        ];
        let row = check(&[(Field::ExternalRef, "1")], &[activity]).unwrap();
        let activity = &row.activities[0].activity;
        assert_eq!(activity.kind, "cold_call");
        assert_eq!(activity.direction.as_deref(), Some("outbound"));
        assert_eq!(activity.outcome.as_deref(), Some("no_response"));
    }

    #[test]
    fn a_wrong_activity_rejects_the_row_and_is_numbered() {
        let good: &[_] = &[(Field::ActivityType, "call"), (Field::ActivityDate, "2026-05-01")];
        let reason = |activity: &[(Field, &str)]| check(&[(Field::ExternalRef, "1")], &[good, activity]).unwrap_err();
        let body = "x".repeat(MAX_BODY_BYTES + 1);
        assert_eq!(reason(&[(Field::ActivityType, "call")]), "activity 2: an activity needs a date");
        assert_eq!(reason(&[(Field::ActivityDate, "2026-05-01")]), "activity 2: an activity needs a type");
        assert!(reason(&[good[0], good[1], (Field::ActivityBody, &body)]).contains("longer than 8 KB"));
        assert!(reason(&[good[0], (Field::ActivityDate, "2019-01-01")]).contains("five years ago"));
    }
}
