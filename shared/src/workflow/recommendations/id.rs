//! Which recommendation, and which attempt at delivering it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which recommendation; also what a message of its queues says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecommendationId {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The recommendation.
    pub recommendation_id: Uuid,
}
