//! A row, from what the file says to what can be stored. A [`LeadRow`] holds no wrong value.
//!
//! A wrong value is left out and the row is kept. With a wrong type, time or title of an activity the whole activity is
//! left out, because these identify it in the next import. A row is rejected only if its lead is not certain: the
//! strongest filled identity has to be valid. A weaker one may be wrong, because the stronger one finds the lead; a
//! wrong strong one could lead to somebody else, such as by a switchboard's number.

use shared::crm::leads::Direction;
use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::crm::leads::{Activity, Lead};
use uuid::Uuid;

use super::field::Field;
use super::moment::{DateOrder, moment};
use super::normal;

/// Where a row stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its first line, from 1.
    pub line: u64,
    pub span: Range<u64>,
}

/// A row that is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub place: Place,
    pub reason: String,
}

/// Something that a kept row says and that was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Warning {
    /// The row's first line, from 1.
    pub line: u64,
    pub reason: String,
}

/// Why a row is rejected whose bytes are no text.
pub const NOT_UTF_8: &str = "is not UTF-8";

/// Fields with their text, or with the reason why the file has none that could be one.
pub type Fields = BTreeMap<Field, Result<String, String>>;

/// The filled fields of a row as the file has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRow {
    pub lead: Fields,
    /// Fields of each activity, or why it is none.
    pub activities: Vec<Result<Fields, String>>,
}

/// A row that can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    pub place: Place,
    pub row: T,
    /// What was left out of it, and why.
    pub left_out: Vec<String>,
}

impl<T> Placed<T> {
    /// The warnings about a kept row.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        self.left_out.iter().map(|reason| Warning { line: self.place.line, reason: reason.clone() })
    }
}

/// A row about a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadRow {
    /// The lead, whose identifier is still open.
    pub lead: Lead,
    pub activities: Vec<NewActivity>,
}

/// An activity whose identifier is still open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewActivity {
    /// The identifier in the file, if there is one.
    pub given_id: Option<String>,
    pub activity: Activity,
}

#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub now: DateTime<Utc>,
    /// The country of national phone numbers.
    pub country_code: Option<u16>,
    /// Which part comes first in a date with slashes.
    pub date_order: Option<DateOrder>,
}

const MAX_BODY_BYTES: usize = 8 * 1024;

/// The fields of one lead, prospect or activity, and what is wrong with them so far.
pub struct Reading<'a> {
    fields: &'a Fields,
    pub wrong: Vec<String>,
}

impl<'a> Reading<'a> {
    pub fn new(fields: &'a Fields) -> Self {
        Self { fields, wrong: Vec::new() }
    }

    /// Whether the file says something in this field, be it right or wrong.
    pub fn has(&self, field: Field) -> bool {
        self.fields.get(&field).is_some_and(|read| read.as_ref().map_or(true, |text| !text.trim().is_empty()))
    }

    /// What the file says in this field.
    pub fn filled(&mut self, field: Field) -> Option<&'a str> {
        let text = self.note(self.fields.get(&field)?.as_ref().map_err(String::clone))?;
        Some(text.trim()).filter(|text| !text.is_empty())
    }

    /// The value, or the reason why it could not be read.
    pub fn note<T>(&mut self, read: Result<T, String>) -> Option<T> {
        read.map_err(|reason| self.wrong.push(reason)).ok()
    }

    /// One line of at most `limit` characters.
    pub fn line(&mut self, field: Field, limit: usize) -> Option<String> {
        let text = self.filled(field)?.split_whitespace().collect::<Vec<_>>().join(" ");
        let read = match text.chars().count() {
            count if count > limit => Err(format!("{field} is longer than {limit} characters")),
            _ if text.chars().any(char::is_control) => Err(format!("{field} contains control characters")),
            _ => Ok(text),
        };
        self.note(read)
    }

    /// The full name, or one of its parts, or both.
    pub fn full_name(&mut self) -> Option<String> {
        let (first, last) = (self.line(Field::FirstName, 200), self.line(Field::LastName, 200));
        let parts: Vec<_> = first.into_iter().chain(last).collect();
        let joined = (!parts.is_empty()).then(|| parts.join(" "));
        let name = self.line(Field::FullName, 200).or(joined)?;
        let fits = name.chars().count() <= 200;
        self.note(if fits { Ok(name) } else { Err("full_name is longer than 200 characters".to_owned()) })
    }

    /// A word of a small vocabulary: lower case, spaces as `_`.
    fn word(&mut self, field: Field) -> Option<String> {
        self.line(field, 40).map(|text| text.to_lowercase().replace(' ', "_"))
    }
}

impl RawRow {
    /// The row, without what is wrong with it, and that; if no identity is right, everything that is wrong.
    pub fn check(&self, rules: Rules) -> Result<(LeadRow, Vec<String>), String> {
        let mut reading = Reading::new(&self.lead);
        let lead = lead(&mut reading, rules);
        let strongest =
            [(Field::ExternalRef, &lead.external_ref), (Field::Email, &lead.email), (Field::Phone, &lead.phone)]
                .into_iter()
                .find(|(field, _)| reading.has(*field));
        let is_somebodys = strongest.is_some_and(|(_, read)| read.is_some());
        let mut wrong = Vec::new();
        if strongest.is_none() {
            wrong.push("needs a reference (record id), an e-mail address or a phone number".to_owned());
        }
        wrong.append(&mut reading.wrong);
        let mut left_out: Vec<_> = wrong.iter().map(|reason| format!("{reason}; left out")).collect();
        let mut activities = Vec::with_capacity(self.activities.len());
        for (index, fields) in self.activities.iter().enumerate() {
            let of = if self.activities.len() > 1 { format!("activity {}: ", index + 1) } else { String::new() };
            let (read, reasons) = activity(fields, rules);
            wrong.extend(reasons.iter().map(|reason| format!("{of}{reason}")));
            match read {
                Some(_) => left_out.extend(reasons.iter().map(|reason| format!("{of}{reason}; left out"))),
                None => left_out.push(format!("{of}{}; the activity is left out", reasons.join("; "))),
            }
            activities.extend(read);
        }
        match is_somebodys {
            true => Ok((LeadRow { lead, activities }, left_out)),
            false => Err(wrong.join("; ")),
        }
    }
}

fn lead(reading: &mut Reading, rules: Rules) -> Lead {
    Lead {
        lead_id: Uuid::nil(),
        external_ref: reading.line(Field::ExternalRef, 200),
        full_name: reading.full_name(),
        email: reading.filled(Field::Email).and_then(|text| reading.note(normal::email(text))),
        phone: reading.filled(Field::Phone).and_then(|text| reading.note(normal::phone(text, rules.country_code))),
        linkedin: reading.line(Field::Linkedin, 500),
        job_title: reading.line(Field::JobTitle, 200),
        company_name: reading.line(Field::CompanyName, 200),
        stage: reading.line(Field::Stage, 100),
    }
}

/// An activity without what is wrong with it, and that. `None` if too little is left.
fn activity(fields: &Result<Fields, String>, rules: Rules) -> (Option<NewActivity>, Vec<String>) {
    let fields = match fields {
        Ok(fields) => fields,
        Err(reason) => return (None, vec![reason.clone()]),
    };
    let mut reading = Reading::new(fields);
    for (field, reason) in
        [(Field::ActivityType, "an activity needs a type"), (Field::ActivityDate, "an activity needs a date")]
    {
        reading.note(if reading.has(field) { Ok(()) } else { Err(reason.to_owned()) });
    }
    let given_id = reading.line(Field::ActivityId, 200);
    let kind = reading.word(Field::ActivityType);
    let occurred_at = reading.filled(Field::ActivityDate).and_then(|text| {
        let read = moment(text, rules.date_order, rules.now);
        reading.note(read.map_err(|reason| format!("the activity's date {reason}")))
    });
    let title = reading.line(Field::ActivityTitle, 500);
    let is_known = reading.wrong.is_empty();
    let direction = reading.filled(Field::ActivityDirection).and_then(|text| reading.note(direction(text)));
    let outcome = reading.word(Field::ActivityOutcome);
    let body = reading.filled(Field::ActivityBody).and_then(|text| {
        let fits = text.len() <= MAX_BODY_BYTES;
        reading.note(if fits { Ok(text.to_owned()) } else { Err("activity_body is longer than 8 KB".to_owned()) })
    });
    let activity = match (kind, occurred_at) {
        (Some(kind), Some(occurred_at)) if is_known => {
            let activity = Activity {
                opens_window: false,
                activity_id: Uuid::nil(),
                kind: kind.into(),
                occurred_at,
                direction,
                outcome,
                title,
                body,
            };
            Some(NewActivity { given_id, activity })
        }
        _ => None,
    };
    (activity, reading.wrong)
}

/// Which way it went, where the text says one: `inbound` and its like, also as one word of several,
/// as in `INCOMING_EMAIL`. The short `in` and `out` count alone, for "out of office" came in.
fn direction(text: &str) -> Result<Direction, String> {
    let text = text.to_lowercase();
    let of_word = |word: &str| match word {
        "inbound" | "incoming" | "received" => Some(Direction::Inbound),
        "outbound" | "outgoing" | "sent" => Some(Direction::Outbound),
        _ => None,
    };
    let mut found: Vec<_> = text.split(|character: char| !character.is_alphanumeric()).filter_map(of_word).collect();
    found.dedup();
    match (text.as_str(), found.as_slice()) {
        ("in", _) => Ok(Direction::Inbound),
        ("out", _) => Ok(Direction::Outbound),
        (_, [one]) => Ok(*one),
        _ => Err("activity_direction is neither inbound nor outbound".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Checked {
        lead: Lead,
        activities: Vec<NewActivity>,
        left_out: Vec<String>,
    }

    fn check(lead: &[(Field, &str)], activities: &[&[(Field, &str)]]) -> Result<Checked, String> {
        let fields = |pairs: &[(Field, &str)]| -> Fields {
            pairs.iter().map(|(field, text)| (*field, Ok((*text).to_owned()))).collect()
        };
        let activities = activities.iter().map(|pairs| Ok(fields(pairs))).collect();
        let raw = RawRow { lead: fields(lead), activities };
        let rules = Rules { now: "2026-06-01T12:00:00Z".parse().unwrap(), country_code: None, date_order: None };
        let (LeadRow { lead, activities }, left_out) = raw.check(rules)?;
        Ok(Checked { lead, activities, left_out })
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
        let reason = "needs a reference (record id), an e-mail address or a phone number";
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
        assert_eq!(activity.kind.as_str(), "cold_call");
        assert_eq!(activity.direction, Some(Direction::Outbound));
        assert_eq!(activity.outcome.as_deref(), Some("no_response"));
    }

    #[test]
    fn a_wrong_value_beneath_a_right_identity_is_left_out() {
        let long = "x".repeat(201);
        let row = check(&[(Field::Email, "a@x.org"), (Field::Phone, "12"), (Field::FullName, &long)], &[]).unwrap();
        assert_eq!((row.lead.email.as_deref(), row.lead.phone, row.lead.full_name), (Some("a@x.org"), None, None));
        assert_eq!(
            row.left_out,
            ["full_name is longer than 200 characters; left out", "phone does not have 7 to 15 digits; left out"]
        );
        let row = check(&[(Field::ExternalRef, "1"), (Field::Email, "jane")], &[]).unwrap();
        assert_eq!(row.left_out, ["email has no @; left out"]);
    }

    #[test]
    fn a_wrong_identity_above_a_right_one_rejects_the_row() {
        let reason = check(&[(Field::Email, "jane"), (Field::Phone, "+1 415 555 0100")], &[]).unwrap_err();
        assert_eq!(reason, "email has no @");
        assert!(check(&[(Field::ExternalRef, &"x".repeat(201)), (Field::Email, "a@x.org")], &[]).is_err());
    }

    #[test]
    fn a_wrong_activity_is_left_out_and_is_numbered() {
        let good: &[_] = &[(Field::ActivityType, "call"), (Field::ActivityDate, "2026-05-01")];
        let told = |activity: &[(Field, &str)]| {
            let row = check(&[(Field::ExternalRef, "1")], &[good, activity]).unwrap();
            assert_eq!(row.activities.len(), 1);
            row.left_out.join("|")
        };
        assert_eq!(
            told(&[(Field::ActivityType, "call")]),
            "activity 2: an activity needs a date; the activity is left out"
        );
        assert_eq!(
            told(&[(Field::ActivityDate, "2026-05-01")]),
            "activity 2: an activity needs a type; the activity is left out"
        );
        assert!(told(&[good[0], (Field::ActivityDate, "2019-01-01")]).contains("five years ago"));
        assert!(told(&[good[0], (Field::ActivityDate, "01/02/2026")]).contains("--date-order"));
        // Without its title it would be another activity once the title is corrected.
        assert!(told(&[good[0], good[1], (Field::ActivityTitle, &"x".repeat(501))]).contains("activity is left out"));
    }

    #[test]
    fn a_wrong_value_of_an_activity_is_left_out_alone() {
        let body = "x".repeat(MAX_BODY_BYTES + 1);
        let activity: &[_] = &[
            (Field::ActivityType, "call"),
            (Field::ActivityDate, "2026-05-01"),
            (Field::ActivityDirection, "sideways"),
            (Field::ActivityBody, &body),
        ];
        let row = check(&[(Field::ExternalRef, "1")], &[activity]).unwrap();
        assert_eq!(row.activities[0].activity.direction, None);
        assert_eq!(
            row.left_out,
            [
                "activity_direction is neither inbound nor outbound; left out",
                "activity_body is longer than 8 KB; left out"
            ]
        );
    }

    #[test]
    fn a_direction_is_known_by_its_words() {
        for (text, expected) in [
            ("INCOMING_EMAIL", Some(Direction::Inbound)),
            ("Email received", Some(Direction::Inbound)),
            ("In", Some(Direction::Inbound)),
            ("email-sent", Some(Direction::Outbound)),
            ("OUT", Some(Direction::Outbound)),
            ("Outgoing", Some(Direction::Outbound)),
            ("out of office", None),
            ("sent or received", None),
            ("both", None),
        ] {
            assert_eq!(direction(text).ok(), expected, "{text}");
        }
    }
}
