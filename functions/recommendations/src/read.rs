//! One recommendation, and what was done with it.

use serde_json::json;
use shared::api::http::{Call, Dialect, Input, RawEndpoint, Reply};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::workflow::recommendations::{AuditEvent, Recommendation, RecommendationId, Recommendations};
use shared::workspace::auth::Permission;
use uuid::Uuid;

/// A recommendation of the caller's workspace.
pub(crate) async fn found(
    recommendations: &Recommendations,
    call: &Call,
    recommendation_id: Uuid,
) -> Result<Recommendation, Problem> {
    let id = RecommendationId { workspace_id: call.workspace_id, recommendation_id };
    let found = recommendations.get(id).await?;
    found.ok_or_else(|| Problem::new(Code::RecommendationNotFound, "no recommendation with this id in this workspace"))
}

/// `GET /api/v1/ai/followup/recommendations/{id}`.
#[derive(Clone, Debug, FromContext)]
pub struct GetRecommendation {
    recommendations: Recommendations,
}

impl RawEndpoint for GetRecommendation {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Uuid;

    fn parse(&self, input: &Input) -> Result<Uuid, Problem> {
        input.uuid_in_path("id")
    }

    async fn handle(&self, call: &Call, id: Uuid) -> Result<Reply, Problem> {
        Ok(call.raw_success(found(&self.recommendations, call, id).await?.shown()))
    }
}

/// `GET /api/v1/ai/followup/recommendations/{id}/audit`.
#[derive(Clone, Debug, FromContext)]
pub struct GetAudit {
    recommendations: Recommendations,
}

impl RawEndpoint for GetAudit {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Uuid;

    fn parse(&self, input: &Input) -> Result<Uuid, Problem> {
        input.uuid_in_path("id")
    }

    async fn handle(&self, call: &Call, id: Uuid) -> Result<Reply, Problem> {
        let found = found(&self.recommendations, call, id).await?;
        let events = self.recommendations.events(found.id).await?;
        let events: Vec<_> = events.iter().map(AuditEvent::shown).collect();
        Ok(call.raw_success(json!({"recommendation_id": id, "events": events})))
    }
}
