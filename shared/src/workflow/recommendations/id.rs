//! Identifiers of recommendations.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Identifies a recommendation. It is also the content of queue messages about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecommendationId {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The recommendation.
    pub recommendation_id: Uuid,
}
