//! Audit events: what was done with a recommendation, by whom, and with what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Origin, Recommendation, Status};
use crate::base::time::{Timestamp, timestamp};

/// Who did something: an API key, or a function by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The key of a request.
    Key(Uuid),
    /// A function that works by itself.
    Function(&'static str),
}

impl Actor {
    /// As it is stored and shown.
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
    /// The version that the recommendation has since.
    pub version: u64,
    /// When it was done.
    pub at: Timestamp,
    /// Who: `key:` and the key's identifier, or `function:` and its name.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// The status since then.
    pub status: Status,
    /// What explains it: identifiers, versions, categories and counts.
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

/// What a recommendation comes from, without anything that people wrote.
pub(super) fn origin(origin: &Origin) -> Value {
    match origin {
        Origin::FollowUp { command_id, site_id, agent_id, visitor_id } => {
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
