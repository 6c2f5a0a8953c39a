//! `POST /v1/activities`: records an activity of a contact.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json, MAX_INGESTED};
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::base::time::Timestamp;
use shared::crm::conversations::incoming::moment;
use shared::crm::leads::{Activity, ActivityKind, Direction, Leads};
use shared::outreach::policy::{self, Outcome};
use shared::parsed_text;
use shared::workflow::outcomes::Outcomes;
use shared::workspace::auth::Permission;
use shared::workspace::idempotency::Claimed;
use uuid::Uuid;

/// An activity that is to be recorded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ActivityGiven")]
pub struct NewActivity {
    /// The contact.
    pub contact_id: Uuid,
    /// Your identifier for it.
    pub activity_id: Option<Uuid>,
    /// What it is, such as `email`, `call`, `meeting` or `note`.
    #[serde(rename = "type")]
    pub kind: Word,
    /// When, from five years ago until tomorrow; by default now.
    pub occurred_at: Option<OccurredAt>,
    /// Who started it: the contact (inbound) or your team (outbound).
    pub direction: Option<Direction>,
    /// What came of it, such as `replied`.
    #[schemars(length(max = 100))]
    pub outcome: Option<String>,
    /// Subject or title.
    #[schemars(length(max = 500))]
    pub title: Option<String>,
    /// Text or notes.
    #[schemars(length(max = 8_192))]
    pub body: Option<String>,
}

/// What an activity is, in a word.
#[derive(Clone, Debug)]
pub struct Word(ActivityKind);

parsed_text!(Word, Word::parse, "must be a word of at most 40 lower-case letters, digits and _", {
    "type": "string",
    "pattern": "^[a-z0-9_]{1,40}$",
});

impl Word {
    fn parse(text: &str) -> Option<Self> {
        let is_word = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        (is_word && (1..=40).contains(&text.len())).then(|| Self(text.into()))
    }
}

/// When an activity happened, to the millisecond.
#[derive(Clone, Copy, Debug)]
pub struct OccurredAt(DateTime<Utc>);

const A_TIME: &str = "must be a time such as 2026-04-15T09:30:00Z, from five years ago until tomorrow";

parsed_text!(OccurredAt, |text| moment(text).map(OccurredAt), A_TIME, {"type": "string", "format": "date-time"});

/// An activity that was recorded.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ActivityRecorded {
    /// Its identifier.
    pub activity_id: Uuid,
    /// The contact.
    pub contact_id: Uuid,
    /// What it is.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub kind: ActivityKind,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Whether it was recorded before.
    pub duplicate: bool,
}

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct PostActivity {
    clock: Clock,
    random: Random,
    leads: Leads,
    #[context(Outcomes::new(context, crate::FUNCTION.name)?)]
    outcomes: Outcomes,
    once: ExactlyOnce,
}

impl PostActivity {
    /// From five years ago until tomorrow.
    fn is_plausible(&self, at: DateTime<Utc>) -> bool {
        let now = self.clock.now();
        (now - TimeDelta::days(5 * 365 + 1)..=now + TimeDelta::days(1)).contains(&at)
    }
}

impl Endpoint for PostActivity {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = Json<NewActivity>;
    type Answer = ActivityRecorded;

    fn check(&self, Json(new): &Self::Request) -> Result<(), Problem> {
        match new.occurred_at {
            Some(OccurredAt(at)) if !self.is_plausible(at) => Err(Problem::field("occurred_at", A_TIME)),
            _ => Ok(()),
        }
    }

    async fn handle(&self, call: &Call, Json(new): Self::Request) -> Result<Answered<ActivityRecorded>, Problem> {
        let contact_id = new.contact_id;
        // A retry of a request that was worked, though its answer was lost, makes the same activity.
        let activity_id = new.activity_id.or_else(|| call.claimed.as_ref().map(Claimed::id));
        let activity = Activity {
            opens_window: false,
            activity_id: activity_id.unwrap_or_else(|| self.random.uuid()),
            kind: new.kind.0,
            occurred_at: new.occurred_at.map_or_else(|| self.clock.now(), |at| at.0),
            direction: new.direction,
            outcome: new.outcome,
            title: new.title,
            body: new.body,
        };
        let work = async {
            if self.leads.lead(call.workspace_id, contact_id).await?.is_none() {
                return Err(Problem::lead_not_found("contact_id"));
            }
            let new = self.leads.put_new_activity(call.workspace_id, contact_id, &activity).await?;
            let is_answer = activity.direction == Some(Direction::Inbound)
                || activity.outcome.as_deref().is_some_and(|outcome| Outcome::named(outcome).success() >= Some(1.0));
            if let (true, Some(channel)) = (is_answer, policy::channel_named(activity.kind.as_str())) {
                let lead = (call.workspace_id, contact_id);
                self.outcomes.replied(lead, channel, activity.occurred_at).await?;
            }
            call.success(ActivityRecorded {
                activity_id: activity.activity_id,
                contact_id,
                kind: activity.kind.clone(),
                occurred_at: activity.occurred_at.into(),
                duplicate: !new,
            })
        };
        self.once.for_free(call, work).await
    }
}
