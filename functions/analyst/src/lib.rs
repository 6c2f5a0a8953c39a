//! Receives queue messages that name a recommendation which a person rejected or returned from the manual queue, and
//! makes a new one that takes the reason into account (docs/behaviour.md, "Recommendations").
//!
//! The new recommendation and the old one's new status are one transaction on the old one's version. So a repeated or
//! concurrent message creates only one.

use chrono::TimeDelta;
use shared::api::lambda::Definition;
use shared::base::clock::Clock;
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::queue::Consumer;
use shared::base::store::StoreError;
use shared::workflow::analysis::{Analysis, Proposal, enough};
use shared::workflow::recommendations::{
    Actor, Asked, Follows, Origin, Recommendation, RecommendationId, Recommendations, Status,
};

/// How long one message may take; the function's timeout is above it.
const TIME: TimeDelta = TimeDelta::seconds(50);

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::queue::<Analyst>("analyst");

#[derive(Clone, Debug, FromContext)]
pub struct Analyst {
    clock: Clock,
    recommendations: Recommendations,
    analysis: Analysis,
}

impl Analyst {
    /// Creates the recommendation that replaces `before`, or nothing if there is none to create.
    async fn analyse(&self, before: &Recommendation, asked: &Asked) -> Result<(), Problem> {
        let follows = Follows {
            recommendation_id: before.id.recommendation_id,
            reason: before.rejection_reason.clone(),
            draft: before.draft.clone(),
        };
        let asked = Asked { follows: Some(follows), ..asked.clone() };
        let now = self.clock.now();
        let reach = self.analysis.reach(before.id.workspace_id, before.lead_id, &asked).await?;
        let actor = Actor::Function(FUNCTION.name);
        let Some(reach) = reach else {
            self.recommendations.leave(before, ("lead_not_found", None), actor).await?;
            return Ok(());
        };
        let id = self.recommendations.identifier(before.id.workspace_id);
        let analysed = async {
            enough(&reach, &asked, now)?;
            let ready = self.analysis.ready().await?;
            self.analysis.recommend(ready, id, (&reach, &asked), now + TIME).await
        };
        let analysed = match analysed.await {
            Ok(analysed) => analysed,
            // Whatever there was to say of the lead is gone, or it wants to be left alone.
            Err(problem) if problem.code == Code::InsufficientData => {
                let notification = self.analysis.complete_lead_data(id, &reach, &problem);
                let notification = Some(&notification).filter(|_| !reach.is_suppressed);
                let reason = if reach.is_suppressed { "suppressed" } else { "insufficient_data" };
                self.recommendations.leave(before, (reason, notification), actor).await?;
                return Ok(());
            }
            // Nobody waits for it here, so a person is asked.
            Err(problem) if problem.code.is_model_failure() => {
                self.analysis.for_people(id, &reach, &asked, &problem).await
            }
            Err(problem) => return Err(problem),
        };
        let Proposal { recommendation, notifications } = analysed;
        let is_new = self.recommendations.replace(before, &recommendation, actor, &notifications).await?;
        tracing::info!(recommendation_id = %before.id.recommendation_id, is_new, "analysed again");
        Ok(())
    }
}

impl Consumer for Analyst {
    type Message = RecommendationId;

    async fn try_one(&self, id: RecommendationId) -> Result<(), StoreError> {
        let Some(before) = self.recommendations.get(id).await? else { return Ok(()) };
        let is_wanted = matches!(before.status, Status::Rejected | Status::Requeued) && before.is_queued();
        let Origin::Engagement(asked) = &before.origin else { return Ok(()) };
        if !is_wanted {
            return Ok(());
        }
        self.analyse(&before, asked).await.map_err(|problem| {
            let cause = problem.cause.unwrap_or(problem.message);
            StoreError::Unavailable(format!("a recommendation was not analysed again: {cause}"))
        })
    }
}
