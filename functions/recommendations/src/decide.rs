//! Decisions that send nothing: reject, snooze, and what waits in the manual queue.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Call, Dialect, Fields, Input, RawEndpoint, Reply};
use shared::base::clock::Clock;
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::problem::{Code, Problem};
use shared::base::queue::Queue;
use shared::base::time::timestamp;
use shared::workflow::recommendations::{Actor, Decided, Recommendation, Recommendations, Refused, Status};
use shared::workspace::auth::Permission;
use uuid::Uuid;

use crate::read::found;

/// The longest that something is left out of the list.
const LONGEST_SNOOZE: TimeDelta = TimeDelta::days(90);

/// Which recommendation is decided on, and the version that the caller has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    pub(crate) id: Uuid,
    pub(crate) version: Option<u64>,
}

impl About {
    pub(crate) fn read(input: &Input, fields: &mut Fields<'_>) -> Result<Self, Problem> {
        let version = fields.integer("version", 1..=u32::MAX, 0);
        Ok(Self { id: input.uuid_in_path("id")?, version: (version > 0).then_some(u64::from(version)) })
    }

    /// The recommendation, if it is still the version that the caller has seen.
    pub(crate) async fn found(self, all: &Recommendations, call: &Call) -> Result<Recommendation, Problem> {
        let found = found(all, call, self.id).await?;
        match self.version {
            Some(seen) if seen != found.version => Err(outdated(found.status).detail("version", json!(found.version))),
            _ => Ok(found),
        }
    }
}

fn outdated(status: Status) -> Problem {
    let message = "somebody has changed this recommendation since; read it again and decide anew";
    Problem::new(Code::Conflict, message).detail("status", json!(status))
}

/// What was decided, or why not: a second decision is a conflict.
pub(crate) fn decided(decided: Decided, before: &Recommendation) -> Result<Recommendation, Problem> {
    decided.map_err(|refused| refusal(refused, before))
}

pub(crate) fn refusal(refused: Refused, before: &Recommendation) -> Problem {
    match refused {
        Refused::Outdated => outdated(before.status),
        Refused::NotOpen(status) => {
            let message = format!("the recommendation is {}; this can no longer be decided on it", status.name());
            Problem::new(Code::Conflict, message).detail("status", json!(status))
        }
    }
}

pub(crate) fn answer(call: &Call, after: &Recommendation) -> Reply {
    call.raw_success(after.shown())
}

/// Sends a recommendation to its queue. What is not sent, the sweeper sends.
pub(crate) async fn send(queue: &Queue, after: &Recommendation) {
    if let Err(error) = queue.send(&[after.id]).await {
        tracing::warn!(recommendation_id = %after.id.recommendation_id, cause = %error, "left to the sweeper");
    }
}

/// `POST /api/v1/ai/followup/recommendations/{id}/reject`.
#[derive(Clone, Debug, FromContext)]
pub struct Reject {
    recommendations: Recommendations,
    once: ExactlyOnce,
    #[context(Queue::new(context, "ANALYSIS_QUEUE_URL")?)]
    queue: Queue,
}

impl RawEndpoint for Reject {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::WriteAi;
    /// Which, and why.
    type Request = (About, String);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let mut fields = Fields::of(&input.body)?;
        let request = (About::read(input, &mut fields)?, fields.required_text("reason", 1_000));
        fields.finish().map(|()| request)
    }

    async fn handle(&self, call: &Call, (about, reason): Self::Request) -> Result<Reply, Problem> {
        let work = async {
            let before = about.found(&self.recommendations, call).await?;
            let after = self.recommendations.reject(&before, &reason, Actor::Key(call.key_id)).await?;
            let after = decided(after, &before)?;
            if after.is_queued() {
                send(&self.queue, &after).await;
            }
            Ok(answer(call, &after))
        };
        self.once.for_free(call, work).await
    }
}

/// `POST /api/v1/ai/followup/recommendations/{id}/snooze`.
#[derive(Clone, Debug, FromContext)]
pub struct Snooze {
    clock: Clock,
    recommendations: Recommendations,
    once: ExactlyOnce,
}

impl RawEndpoint for Snooze {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::WriteAi;
    /// Which, and until when.
    type Request = (About, DateTime<Utc>);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let (now, mut fields) = (self.clock.now(), Fields::of(&input.body)?);
        let about = About::read(input, &mut fields)?;
        let latest = timestamp(now + LONGEST_SNOOZE);
        let complaint = format!("must be a time such as 2025-01-31T09:30:00Z, from now until {latest}");
        let until = fields.required("until", &complaint, |text| {
            let until = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
            (until > now && until <= now + LONGEST_SNOOZE).then_some(until)
        });
        fields.finish()?;
        Ok((about, until.unwrap_or(now)))
    }

    async fn handle(&self, call: &Call, (about, until): Self::Request) -> Result<Reply, Problem> {
        let work = async {
            let before = about.found(&self.recommendations, call).await?;
            let after = self.recommendations.snooze(&before, until, Actor::Key(call.key_id)).await?;
            decided(after, &before).map(|after| answer(call, &after))
        };
        self.once.for_free(call, work).await
    }
}

/// `POST /api/v1/ai/followup/recommendations/{id}/resolve` and `…/requeue`: an item of the manual queue is
/// closed, or handed back to the model.
#[derive(Clone, Debug)]
pub struct LeaveManualQueue {
    recommendations: Recommendations,
    once: ExactlyOnce,
    queue: Queue,
    is_handed_back: bool,
}

impl LeaveManualQueue {
    /// The endpoint that closes an item.
    pub fn resolve(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self { is_handed_back: false, ..Self::hand_back(context)? })
    }

    /// The endpoint that hands an item back.
    pub fn hand_back(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self {
            recommendations: Recommendations::new(context)?,
            once: ExactlyOnce::new(context)?,
            queue: Queue::new(context, "ANALYSIS_QUEUE_URL")?,
            is_handed_back: true,
        })
    }
}

impl RawEndpoint for LeaveManualQueue {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::WriteAi;
    type Request = About;

    fn parse(&self, input: &Input) -> Result<About, Problem> {
        let mut fields = Fields::of(&input.body)?;
        let about = About::read(input, &mut fields)?;
        fields.finish().map(|()| about)
    }

    async fn handle(&self, call: &Call, about: About) -> Result<Reply, Problem> {
        let work = async {
            let before = about.found(&self.recommendations, call).await?;
            let actor = Actor::Key(call.key_id);
            let after = match self.is_handed_back {
                true => self.recommendations.hand_back(&before, actor).await?,
                false => self.recommendations.resolve(&before, actor).await?,
            };
            let after = decided(after, &before)?;
            if after.is_queued() {
                send(&self.queue, &after).await;
            }
            Ok(answer(call, &after))
        };
        self.once.for_free(call, work).await
    }
}
