//! The request body (seeds/followup-recommendation.md, "JSON Body"), checked.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::Value;
use shared::api::http::Fields;
use shared::base::problem::{MISSING, Problem};
use shared::workflow::recommendations::{Asked, Event};

/// How many events a request may bring.
const MOST_EVENTS: usize = 200;

/// The request, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The lead: its UUID, or the reference that the customer knows it by, such as `LD-2048`.
    pub lead_id: String,
    /// What else is said.
    pub asked: Asked,
}

impl Request {
    /// Reads and checks a body.
    pub fn parse(body: &Value) -> Result<Self, Problem> {
        let mut fields = Fields::of(body)?;
        let lead_id = fields.required_id("lead_id", 128);
        let account_tier = fields.optional_text("account_tier", 64);
        let last_engagement_date = fields.parsed("last_engagement_date", "must be a date such as 2026-04-20", moment);
        let recent_activity_summary = fields.optional_text("recent_activity_summary", 5_000);
        let history = fields.any("engagement_history");
        let (engagement_history, mut complaints) = match history.map(events) {
            None => (Vec::new(), BTreeMap::new()),
            Some(Ok(events)) => (events, BTreeMap::new()),
            Some(Err(complaints)) => (Vec::new(), complaints),
        };
        if let Err(problem) = fields.finish() {
            // A body that is none has no fields to name.
            if problem.fields.is_empty() {
                return Err(problem);
            }
            complaints.extend(problem.fields);
        }
        if !complaints.is_empty() {
            return Err(problem(complaints));
        }
        let asked =
            Asked { account_tier, last_engagement_date, engagement_history, recent_activity_summary, follows: None };
        Ok(Self { lead_id, asked })
    }
}

/// One problem; what is missing is said as the document does.
fn problem(complaints: BTreeMap<String, String>) -> Problem {
    let missing: Vec<_> = complaints.iter().filter(|(_, complaint)| *complaint == MISSING).collect();
    let message = match (&missing[..], complaints.len()) {
        ([(field, _)], 1) => Some(format!("Required field {field} is missing.")),
        _ => None,
    };
    let mut problem = Problem::fields(complaints);
    problem.message = message.unwrap_or(problem.message);
    problem
}

fn events(given: &Value) -> Result<Vec<Event>, BTreeMap<String, String>> {
    let complaint = |field: String, complaint: &str| BTreeMap::from([(field, complaint.to_owned())]);
    let list = given.as_array().filter(|events| events.len() <= MOST_EVENTS);
    let list = list.ok_or_else(|| {
        complaint("engagement_history".to_owned(), &format!("must be a list of at most {MOST_EVENTS} events"))
    })?;
    let mut events = Vec::new();
    for (index, event) in list.iter().enumerate() {
        let name = |field: &str| format!("engagement_history[{index}].{field}");
        let text = |field: &str| {
            let text = event[field].as_str().filter(|text| !text.trim().is_empty() && text.chars().count() <= 64);
            text.map(str::to_owned).ok_or_else(|| match event[field].is_null() {
                true => complaint(name(field), MISSING),
                false => complaint(name(field), "must be a string of at most 64 characters"),
            })
        };
        let date = match &event["date"] {
            Value::Null => None,
            date => {
                let date = date.as_str().and_then(moment);
                Some(date.ok_or_else(|| complaint(name("date"), "must be a date such as 2026-04-20"))?)
            }
        };
        events.push(Event { kind: text("type")?, outcome: text("outcome")?, date });
    }
    Ok(events)
}

/// A date, or a time with its offset.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let day = text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    day.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::api::http::Dialect;

    use super::*;

    #[test]
    fn the_documents_body_is_read_and_a_missing_lead_is_said_in_its_words() {
        let request = Request::parse(&json!({
            "lead_id": "LD-2048",
            "account_tier": "mid-market",
            "last_engagement_date": "2026-04-20",
            "engagement_history": [
                {"type": "email", "outcome": "opened"},
                {"type": "phone_call", "outcome": "no_response"},
                {"type": "sms", "outcome": "replied"},
            ],
            "recent_activity_summary": "Requested pricing information during product demo.",
        }))
        .unwrap();
        assert_eq!((request.lead_id.as_str(), request.asked.engagement_history.len()), ("LD-2048", 3));
        assert_eq!(
            request.asked.last_engagement_date.map(|at| at.to_rfc3339()),
            Some("2026-04-20T00:00:00+00:00".to_owned())
        );
        let missing = Request::parse(&json!({})).unwrap_err();
        assert_eq!(missing.message, "Required field lead_id is missing.");
        assert_eq!(missing.details(Dialect::Followup).unwrap()["missing_fields"], json!(["lead_id"]));
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        for (body, field) in [
            (json!({"lead_id": 5}), "lead_id"),
            (json!({"lead_id": "x", "last_engagement_date": "soon"}), "last_engagement_date"),
            (json!({"lead_id": "x", "engagement_history": {}}), "engagement_history"),
            (json!({"lead_id": "x", "engagement_history": [5]}), "engagement_history[0].type"),
            (json!({"lead_id": "x", "engagement_history": [{"type": "sms"}]}), "engagement_history[0].outcome"),
            (
                json!({"lead_id": "x", "engagement_history": [{"type": "sms", "outcome": "replied", "date": "x"}]}),
                "engagement_history[0].date",
            ),
            (json!({"lead_id": "x", "account_tier": 5}), "account_tier"),
            (json!({"lead_id": "x", "tier": "y"}), "tier"),
        ] {
            let problem = Request::parse(&body).unwrap_err();
            assert!(problem.fields.contains_key(field), "{body}: {:?}", problem.fields);
        }
    }
}
