//! `POST /v1/activities`: something happened with a contact.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Call, Dialect, Fields, Input, MAX_INGESTED, RawEndpoint, Reply};
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::time::timestamp;
use shared::crm::conversations::incoming::moment;
use shared::crm::leads::{Activity, ActivityKind, Direction, Leads};
use shared::outreach::policy::{self, Outcome};
use shared::workflow::outcomes::Outcomes;
use shared::workspace::auth::Permission;
use shared::workspace::idempotency::Claimed;
use uuid::Uuid;

/// The request, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    contact_id: Uuid,
    activity_id: Option<Uuid>,
    /// Its identifier is given when it is stored.
    activity: Activity,
}

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct PostActivity {
    clock: Clock,
    random: Random,
    leads: Leads,
    #[context(Outcomes::new(context, crate::NAME)?)]
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

impl RawEndpoint for PostActivity {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = Request;

    fn parse(&self, input: &Input) -> Result<Request, Problem> {
        let mut fields = Fields::of(&input.body)?;
        let contact_id = fields.required_uuid("contact_id");
        let activity_id = fields.parsed("activity_id", "must be a UUID", |text| Uuid::parse_str(text).ok());
        let kind = fields.required("type", "must be a word of at most 40 lower-case letters, digits and _", |kind| {
            let word = kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            (word && (1..=40).contains(&kind.len())).then(|| ActivityKind::from(kind))
        });
        let occurred_at = fields.parsed(
            "occurred_at",
            "must be a time such as 2026-04-15T09:30:00Z, from five years ago until tomorrow",
            |text| moment(text).filter(|at| self.is_plausible(*at)),
        );
        let direction = fields.parsed("direction", "must be inbound or outbound", |direction| direction.parse().ok());
        let outcome = fields.optional_text("outcome", 100);
        let title = fields.optional_text("title", 500);
        let body = fields.optional_text("body", 8_192);
        fields.finish()?;
        let Some(kind) = kind else { return Err(Problem::new(Code::Internal, "a checked activity lacks a field")) };
        let activity = Activity {
            opens_window: false,
            activity_id: Uuid::nil(),
            kind,
            occurred_at: occurred_at.unwrap_or_else(|| self.clock.now()),
            direction,
            outcome,
            title,
            body,
        };
        Ok(Request { contact_id, activity_id, activity })
    }

    async fn handle(&self, call: &Call, request: Request) -> Result<Reply, Problem> {
        let Request { contact_id, activity_id, activity } = request;
        // A retry of a request that was worked, though its answer was lost, makes the same activity.
        let activity_id = activity_id.or_else(|| call.claimed.as_ref().map(Claimed::id));
        let activity = Activity { activity_id: activity_id.unwrap_or_else(|| self.random.uuid()), ..activity };
        let work = async {
            if self.leads.lead(call.workspace_id, contact_id).await?.is_none() {
                return Err(Problem::lead_not_found("contact_id"));
            }
            let new = self.leads.put_new_activity(call.workspace_id, contact_id, &activity).await?;
            let is_answer = activity.direction == Some(Direction::Inbound)
                || activity.outcome.as_deref().is_some_and(|outcome| Outcome::named(outcome).success() >= Some(1.0));
            if let (true, Some(channel)) = (is_answer, policy::channel_named(activity.kind.as_str())) {
                let lead = (call.workspace_id, contact_id);
                self.outcomes.replied(lead, channel.into(), activity.occurred_at).await?;
            }
            Ok(call.raw_success(json!({
                "activity_id": activity.activity_id,
                "contact_id": contact_id,
                "type": activity.kind,
                "occurred_at": timestamp(activity.occurred_at),
                "duplicate": !new,
            })))
        };
        self.once.for_free(call, work).await
    }
}
