//! The origin of a recommendation.

use super::Draft;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The origin of a recommendation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A request to leadFollowUp.
    FollowUp {
        /// The sales specialist's command.
        command_id: Uuid,
        /// The site of the lead.
        site_id: Uuid,
        /// The agent in whose name it is written.
        agent_id: Uuid,
        /// The lead's visitor identifier on the site; null if unknown.
        #[serde(skip_serializing_if = "Option::is_none")]
        visitor_id: Option<Uuid>,
        /// When the sequence began of which it is a later step; null if it is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        begun_at: Option<DateTime<Utc>>,
    },
    /// A request for a recommendation from the lead's engagement.
    Engagement(Asked),
    /// A campaign to the contacts of a list.
    Campaign {
        /// The campaign.
        campaign_id: Uuid,
        /// The approved task that started the campaign.
        task_id: Uuid,
    },
}

/// The content of a request for a recommendation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The account's tier, such as `mid-market`; null if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_tier: Option<String>,
    /// The last engagement, used if none is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_engagement_date: Option<DateTime<Utc>>,
    /// Further events, in addition to the stored ones.
    #[serde(default)]
    pub engagement_history: Vec<Event>,
    /// A summary of the recent activity; null if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recent_activity_summary: Option<String>,
    /// The rejected recommendation that this one replaces; null without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
}

/// One event of an engagement history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RequestedEvent")]
pub struct Event {
    /// The type, such as `email`, `phone_call` or `sms`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The outcome, such as `opened`, `no_response` or `replied`.
    pub outcome: String,
    /// The time of the event; null if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<DateTime<Utc>>,
}

/// A rejected recommendation that a new one replaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follows {
    /// Its identifier.
    pub recommendation_id: Uuid,
    /// Why the reviewer rejected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
}
