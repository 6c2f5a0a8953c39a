//! Audit events: every change of a recommendation, with its author and details.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Origin, Recommendation, Status};
use crate::base::time::{Timestamp, timestamp};

/// The author of a change: an API key, or a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The API key of a request, by its identifier.
    Key(Uuid),
    /// A function that acts on its own, by its name.
    Function(&'static str),
}

impl Actor {
    /// The author as stored and shown: `key:<id>` or `function:<name>`.
    pub fn text(self) -> String {
        match self {
            Self::Key(key_id) => format!("key:{key_id}"),
            Self::Function(name) => format!("function:{name}"),
        }
    }
}

/// A change of a recommendation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEvent {
    /// The recommendation's version after the change.
    pub version: u64,
    /// The time of the change.
    pub at: Timestamp,
    /// The author: `key:` and the identifier of the API key, or `function:` and the function's name.
    pub actor: String,
    /// The change, such as `approved`.
    pub action: String,
    /// The recommendation's status after the change.
    pub status: Status,
    /// Details of the change: identifiers, versions, categories and counts.
    pub details: Map<String, Value>,
}

impl AuditEvent {
    pub(super) fn of(after: &Recommendation, actor: Actor, action: &str, details: Value) -> Self {
        Self {
            version: after.version,
            at: after.updated_at.into(),
            actor: actor.text(),
            action: action.to_owned(),
            status: after.status,
            details: details.as_object().cloned().unwrap_or_default(),
        }
    }
}

/// The origin of a recommendation, without texts that people wrote.
pub(super) fn origin(origin: &Origin) -> Value {
    match origin {
        Origin::FollowUp { command_id, site_id, agent_id, visitor_id, begun_at: _ } => {
            json!({"command_id": command_id, "site_id": site_id, "agent_id": agent_id, "visitor_id": visitor_id})
        }
        Origin::Engagement(asked) => json!({
            "events_of_the_request": asked.engagement_history.len(),
            "has_summary": asked.recent_activity_summary.is_some(),
            "last_engagement_date": asked.last_engagement_date.map(timestamp),
            "follows": asked.follows.as_ref().map(|follows| follows.recommendation_id),
        }),
        Origin::Campaign { campaign_id, task_id } => json!({"campaign_id": campaign_id, "task_id": task_id}),
    }
}
