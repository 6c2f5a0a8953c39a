//! Decisions that send nothing: reject, snooze, resolve and requeue.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json, Path};
use shared::base::clock::Clock;
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::problem::{Code, Problem};
use shared::base::queue::Queue;
use shared::base::time::timestamp;
use shared::parsed_text;
use shared::workflow::recommendations::{
    Actor, Decided, Recommendation, RecommendationView, Recommendations, Refused, Status,
};
use shared::workspace::auth::Permission;

use crate::read::{RecommendationPath, found};

/// The longest snooze.
const LONGEST_SNOOZE: TimeDelta = TimeDelta::days(90);

/// The version that the caller has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Version(
    #[schemars(range(min = 1), extend("x-complaint" = "must be a whole number from 1 to 4294967295"))] u32,
);

/// The recommendation, if it is still the version that the caller has seen.
pub(crate) async fn seen(
    recommendations: &Recommendations,
    call: &Call,
    path: RecommendationPath,
    version: Option<Version>,
) -> Result<Recommendation, Problem> {
    let found = found(recommendations, call, path).await?;
    match version {
        Some(Version(seen)) if u64::from(seen) != found.version => {
            Err(outdated(found.status).detail("version", json!(found.version)))
        }
        _ => Ok(found),
    }
}

fn outdated(status: Status) -> Problem {
    let message = "somebody has changed this recommendation since; read it again and decide anew";
    Problem::new(Code::Conflict, message).detail("status", json!(status))
}

/// The decided recommendation, or the problem: a second decision is a conflict.
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

/// Sends a recommendation to its queue. If that fails, the sweeper sends it.
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

/// Why a recommendation is not wanted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectRequest {
    /// The version that you have seen. If somebody has changed the recommendation since, the answer is 409.
    pub version: Option<Version>,
    /// Why the recommendation is rejected.
    #[schemars(length(max = 1_000), regex(pattern = r"\S"))]
    pub reason: String,
}

impl Endpoint for Reject {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::WriteAi;
    type Request = (Path<RecommendationPath>, Json<RejectRequest>);
    type Answer = RecommendationView;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (Path(path), Json(RejectRequest { version, reason })) = request;
        let work = async {
            let before = seen(&self.recommendations, call, path, version).await?;
            let after = self.recommendations.reject(&before, &reason, Actor::Key(call.key_id)).await?;
            let after = decided(after, &before)?;
            if after.is_queued() {
                send(&self.queue, &after).await;
            }
            call.success(after.into())
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

/// How long a recommendation is snoozed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnoozeRequest {
    /// The version that you have seen. If somebody has changed the recommendation since, the answer is 409.
    pub version: Option<Version>,
    /// Until when, from now until 90 days from now.
    pub until: SnoozeEnd,
}

/// The time at which a snoozed recommendation comes back to the list.
#[derive(Clone, Copy, Debug)]
pub struct SnoozeEnd(DateTime<Utc>);

parsed_text!(SnoozeEnd, snooze_end, "must be a time such as 2025-01-31T09:30:00Z", {
    "type": "string",
    "format": "date-time",
});

fn snooze_end(text: &str) -> Option<SnoozeEnd> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| SnoozeEnd(at.to_utc()))
}

impl Endpoint for Snooze {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::WriteAi;
    type Request = (Path<RecommendationPath>, Json<SnoozeRequest>);
    type Answer = RecommendationView;

    fn check(&self, (_, Json(request)): &Self::Request) -> Result<(), Problem> {
        let (now, SnoozeEnd(until)) = (self.clock.now(), request.until);
        let latest = now + LONGEST_SNOOZE;
        if until > now && until <= latest {
            return Ok(());
        }
        let complaint = format!("must be a time such as 2025-01-31T09:30:00Z, from now until {}", timestamp(latest));
        Err(Problem::field("until", &complaint))
    }

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (Path(path), Json(SnoozeRequest { version, until: SnoozeEnd(until) })) = request;
        let work = async {
            let before = seen(&self.recommendations, call, path, version).await?;
            let after = self.recommendations.snooze(&before, until, Actor::Key(call.key_id)).await?;
            call.success(decided(after, &before)?.into())
        };
        self.once.for_free(call, work).await
    }
}

/// `POST /api/v1/ai/followup/recommendations/{id}/resolve` and `…/requeue`: closes an item of the manual queue, or
/// returns it to the model.
#[derive(Clone, Debug, FromContext)]
pub struct LeaveManualQueue {
    recommendations: Recommendations,
    once: ExactlyOnce,
    #[context(Queue::new(context, "ANALYSIS_QUEUE_URL")?)]
    queue: Queue,
    #[context(true)]
    is_handed_back: bool,
}

impl LeaveManualQueue {
    /// The endpoint that closes an item.
    pub fn resolve(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self { is_handed_back: false, ..Self::new(context)? })
    }
}

/// A decision without parameters.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    /// The version that you have seen. If somebody has changed the recommendation since, the answer is 409.
    pub version: Option<Version>,
}

impl Endpoint for LeaveManualQueue {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::WriteAi;
    type Request = (Path<RecommendationPath>, Json<DecisionRequest>);
    type Answer = RecommendationView;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (Path(path), Json(DecisionRequest { version })) = request;
        let work = async {
            let before = seen(&self.recommendations, call, path, version).await?;
            let actor = Actor::Key(call.key_id);
            let after = match self.is_handed_back {
                true => self.recommendations.hand_back(&before, actor).await?,
                false => self.recommendations.resolve(&before, actor).await?,
            };
            let after = decided(after, &before)?;
            if after.is_queued() {
                send(&self.queue, &after).await;
            }
            call.success(after.into())
        };
        self.once.for_free(call, work).await
    }
}
