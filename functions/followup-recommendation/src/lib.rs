//! `POST /api/v1/ai/followup/recommendation`: recommends the next action, channel and draft for a lead, for a person
//! to review (docs/behaviour.md, "Recommendations").
//!
//! In this order: the body is checked (400), the lead is looked up (404), its engagement is counted (422), the
//! idempotency key is claimed (409, 422, 402), the model is asked, and the recommendation is stored with its audit
//! event. If the model gives nothing usable, an item of the manual queue and the manager's notification are stored
//! before the answer 500.

pub mod operations;
mod request;

use std::sync::Arc;

use serde_json::json;
use shared::api::exactly_once::{ExactlyOnce, Work};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json};
use shared::api::lambda::Definition;
use shared::base::clock::Clock;
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::crm::leads::{Lead, Leads};
use shared::outreach::reach::Reach;
use shared::workflow::analysis::{Analysis, Proposal, enough};
use shared::workflow::notifications::Notifications;
use shared::workflow::recommendations::{
    Actor, Asked, Recommendation, RecommendationId, RecommendationView, Recommendations, Status,
};
use shared::workspace::accounts::Accounts;
use shared::workspace::auth::Permission;
use shared::workspace::credits::Action;
use uuid::Uuid;

pub use operations::operations;
pub use request::Request;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::endpoint::<FollowupRecommendation>("followup-recommendation");

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct FollowupRecommendation {
    clock: Clock,
    accounts: Accounts,
    leads: Leads,
    once: ExactlyOnce,
    analysis: Analysis,
    recommendations: Recommendations,
    notifications: Notifications,
}

impl Endpoint for FollowupRecommendation {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::WriteAi;
    type Request = Json<Request>;
    type Answer = RecommendationView;

    fn check(&self, Json(request): &Self::Request) -> Result<(), Problem> {
        // It becomes part of a key.
        match request.lead_id.len() > 128 {
            true => Err(Problem::field("lead_id", "must have at most 128 bytes in UTF-8")),
            false => Ok(()),
        }
    }

    async fn handle(&self, call: &Call, Json(request): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let lead_id = request.lead_id.clone();
        let asked = request.asked();
        let (reach, prices, ready) = tokio::join!(
            self.reach(call.workspace_id, lead_id, &asked),
            self.accounts.prices(call.workspace_id),
            self.analysis.ready(),
        );
        let Some(reach) = reach? else {
            let problem = Problem::new(Code::LeadNotFound, "No lead record exists for the provided lead_id.");
            return self.once.refuse(call, problem).await;
        };
        let id = self.recommendations.identifier(call.workspace_id);
        if let Err(problem) = enough(&reach, &asked, self.clock.now()) {
            return self.too_little(call, id, &reach, problem).await;
        }
        let charge = (Action::Recommendation, Action::Recommendation.price(&prices?));
        let work = |work: Arc<Work>, ()| async move {
            // A request that takes the work over keeps its id.
            let id = RecommendationId { recommendation_id: work.id(), ..id };
            let actor = Actor::Key(call.key_id);
            if work.is_taken_over()
                // What the predecessor made stands, also where it cannot be read now.
                && let Some(made) = self.recommendations.get(id).await.inspect_err(|_| work.keep())?
            {
                if made.status == Status::Manual {
                    let message = "the AI model gave no usable answer; a person has been asked";
                    let problem = Problem::new(Code::AiUnavailable, message);
                    return Err(in_manual_queue(problem, made.id.recommendation_id));
                }
                work.keep();
                pay(&work, &made);
                return call.success(shown(made));
            }
            let analysed = match ready {
                Ok(ready) => self.analysis.recommend(ready, id, (&reach, &asked), call.deadline).await,
                Err(problem) => Err(problem),
            };
            match analysed {
                Ok(Proposal { recommendation, notifications }) => {
                    work.keep();
                    if !self.recommendations.make(&recommendation, actor, &notifications).await? {
                        return Err(Problem::unavailable("a predecessor stored the same work meanwhile"));
                    }
                    pay(&work, &recommendation);
                    call.success(shown(recommendation))
                }
                // A table that cannot be reached keeps no queue either.
                Err(problem) if !problem.code.is_model_failure() => Err(problem),
                Err(problem) => {
                    let for_people = self.analysis.for_people(id, &reach, &asked, &problem).await;
                    let Proposal { recommendation, notifications } = &for_people;
                    let recommendation_id =
                        self.recommendations.hand_to_people(recommendation, actor, notifications).await?;
                    tracing::warn!(%recommendation_id, "a recommendation waits in the manual queue");
                    Err(in_manual_queue(problem, recommendation_id))
                }
            }
        };
        self.once.charged(call, charge, async {}, work).await
    }
}

impl FollowupRecommendation {
    /// The lead with this UUID or reference, with its history.
    async fn reach(&self, workspace_id: Uuid, lead_id: String, asked: &Asked) -> Result<Option<Reach>, Problem> {
        let found = match shared::api::http::uuid(&lead_id) {
            Some(uuid) => Some(uuid),
            None => {
                let named = Lead { external_ref: Some(lead_id), ..Lead::default() };
                self.leads.find(workspace_id, &named).await?
            }
        };
        let Some(found) = found else { return Ok(None) };
        Ok(self.analysis.reach(workspace_id, found, asked).await?)
    }
}

impl FollowupRecommendation {
    /// Notifies the representative of the missing data before the client gets the error.
    async fn too_little(
        &self,
        call: &Call,
        id: RecommendationId,
        reach: &Reach,
        problem: Problem,
    ) -> Result<Answered<RecommendationView>, Problem> {
        let notification = self.analysis.complete_lead_data(id, reach, &problem);
        let work = async {
            // Who wants to be left alone has no data to be completed.
            if !reach.is_suppressed {
                self.notifications.record(&notification).await?;
            }
            Err(problem)
        };
        self.once.for_free(call, work).await
    }
}

/// A blocked recommendation has no draft, so it costs nothing.
fn pay(work: &Work, made: &Recommendation) {
    if made.status == Status::BlockedPii {
        work.waive();
    }
}

fn in_manual_queue(problem: Problem, recommendation_id: Uuid) -> Problem {
    problem.detail("recommendation_id", json!(recommendation_id)).detail("status", json!("manual"))
}

/// The answer's view of a recommendation. A blocked draft is shown as an empty text.
fn shown(recommendation: Recommendation) -> RecommendationView {
    let mut view = RecommendationView::from(recommendation);
    if view.draft_message.is_none() {
        view.recommended_channel = view.channel_scores.as_ref().and_then(|scores| Some(scores.first()?.channel));
        view.draft_message = Some(String::new());
    }
    view
}
