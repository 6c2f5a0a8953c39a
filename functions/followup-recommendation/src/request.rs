//! The request body.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::parsed_text;
use shared::workflow::recommendations::{Asked, Event};

/// What is known of a lead.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RecommendationRequest")]
pub struct Request {
    /// The lead: its UUID, or the reference that you know it by, such as `LD-2048`.
    #[schemars(length(max = 128), regex(pattern = r"\S"))]
    pub lead_id: String,
    /// Such as `enterprise`, `mid-market` or `smb`.
    #[schemars(length(max = 64))]
    pub account_tier: Option<String>,
    /// The date of the last engagement. A stored date takes precedence.
    pub last_engagement_date: Option<EngagementDate>,
    /// Engagement events that are not stored here.
    #[schemars(length(max = 200))]
    pub engagement_history: Option<Vec<EngagementEvent>>,
    /// Recent activity, in words.
    #[schemars(length(max = 5_000))]
    pub recent_activity_summary: Option<String>,
}

/// Something that happened with a lead.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct EngagementEvent {
    /// What, such as `email`, `sms`, `phone_call` or `meeting`.
    #[serde(rename = "type")]
    #[schemars(length(max = 64), regex(pattern = r"\S"))]
    pub kind: String,
    /// What came of it, such as `opened`, `replied` or `no_response`.
    #[schemars(length(max = 64), regex(pattern = r"\S"))]
    pub outcome: String,
    /// When it happened.
    pub date: Option<EngagementDate>,
}

/// The moment of an engagement; a day means its beginning in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngagementDate(pub DateTime<Utc>);

parsed_text!(EngagementDate as "EngagementDate", EngagementDate::of, "must be a date such as 2026-04-20", {
    "description": "A day such as 2026-11-20, or a time such as 2026-11-20T09:30:00Z.",
    "anyOf": [
        {"description": "A day.", "type": "string", "format": "date"},
        {"description": "A time.", "type": "string", "format": "date-time"},
    ],
});

impl EngagementDate {
    fn of(text: &str) -> Option<Self> {
        let day = text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
        day.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())).map(Self)
    }
}

impl Request {
    /// What is said beside the lead.
    pub fn asked(self) -> Asked {
        let event = |event: EngagementEvent| Event {
            kind: event.kind,
            outcome: event.outcome,
            date: event.date.map(|EngagementDate(at)| at),
        };
        Asked {
            account_tier: self.account_tier,
            last_engagement_date: self.last_engagement_date.map(|EngagementDate(at)| at),
            engagement_history: self.engagement_history.into_iter().flatten().map(event).collect(),
            recent_activity_summary: self.recent_activity_summary,
            follows: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::api::http::request::{Complaints, read};

    use super::*;

    fn parsed(body: &Value) -> Result<Request, Complaints> {
        read(body.as_object().unwrap().clone())
    }

    #[test]
    fn the_documents_body_is_read() {
        let request = parsed(&json!({
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
        assert_eq!(request.lead_id, "LD-2048");
        let asked = request.asked();
        assert_eq!(asked.engagement_history.len(), 3);
        assert_eq!(asked.last_engagement_date.map(|at| at.to_rfc3339()), Some("2026-04-20T00:00:00+00:00".to_owned()));
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        for (body, field) in [
            (json!({"lead_id": 5}), "lead_id"),
            (json!({"lead_id": "x", "last_engagement_date": "soon"}), "last_engagement_date"),
            (json!({"lead_id": "x", "engagement_history": {}}), "engagement_history"),
            (json!({"lead_id": "x", "engagement_history": [5]}), "engagement_history[0]"),
            (json!({"lead_id": "x", "engagement_history": [{"type": "sms"}]}), "engagement_history[0].outcome"),
            (
                json!({"lead_id": "x", "engagement_history": [{"type": "sms", "outcome": "replied", "date": "x"}]}),
                "engagement_history[0].date",
            ),
            (json!({"lead_id": "x", "account_tier": 5}), "account_tier"),
            (json!({"lead_id": "x", "tier": "y"}), "tier"),
        ] {
            let complaints = parsed(&body).unwrap_err();
            assert!(complaints.contains_key(field), "{body}: {complaints:?}");
        }
    }
}
