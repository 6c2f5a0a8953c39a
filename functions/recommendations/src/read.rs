//! One recommendation, and what was done with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Path};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::workflow::recommendations::{
    AuditEvent, Recommendation, RecommendationId, RecommendationView, Recommendations,
};
use shared::workspace::auth::Permission;
use uuid::Uuid;

/// A recommendation, in the path.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct RecommendationPath {
    /// The recommendation.
    pub id: Uuid,
}

/// A recommendation of the caller's workspace.
pub(crate) async fn found(
    recommendations: &Recommendations,
    call: &Call,
    path: RecommendationPath,
) -> Result<Recommendation, Problem> {
    let id = RecommendationId { workspace_id: call.workspace_id, recommendation_id: path.id };
    let found = recommendations.get(id).await?;
    found.ok_or_else(|| Problem::new(Code::RecommendationNotFound, "no recommendation with this id in this workspace"))
}

/// `GET /api/v1/ai/followup/recommendations/{id}`.
#[derive(Clone, Debug, FromContext)]
pub struct GetRecommendation {
    recommendations: Recommendations,
}

impl Endpoint for GetRecommendation {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Path<RecommendationPath>;
    type Answer = RecommendationView;

    async fn handle(&self, call: &Call, Path(path): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        call.success(found(&self.recommendations, call, path).await?.into())
    }
}

/// `GET /api/v1/ai/followup/recommendations/{id}/audit`.
#[derive(Clone, Debug, FromContext)]
pub struct GetAudit {
    recommendations: Recommendations,
}

/// What was done with a recommendation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Audit {
    /// The recommendation.
    pub recommendation_id: Uuid,
    /// Every change, oldest first.
    pub events: Vec<AuditEvent>,
}

impl Endpoint for GetAudit {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Path<RecommendationPath>;
    type Answer = Audit;

    async fn handle(&self, call: &Call, Path(path): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let found = found(&self.recommendations, call, path).await?;
        let events = self.recommendations.events(found.id).await?;
        call.success(Audit { recommendation_id: path.id, events })
    }
}
