//! What a recommendation comes from.

use super::Draft;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a recommendation comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A request to leadFollowUp.
    FollowUp {
        /// The sales specialist's command.
        command_id: Uuid,
        /// The site that it is written for.
        site_id: Uuid,
        /// The agent that writes.
        agent_id: Uuid,
        /// The visitor as whom the lead was seen on the site.
        #[serde(skip_serializing_if = "Option::is_none")]
        visitor_id: Option<Uuid>,
    },
    /// A request for a recommendation from the lead's engagement.
    Engagement(Asked),
    /// A campaign to the contacts of a list.
    Campaign {
        /// The campaign.
        campaign_id: Uuid,
        /// The task that a person approved.
        task_id: Uuid,
    },
}

/// What a recommendation was asked with, beside the lead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Such as `mid-market`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_tier: Option<String>,
    /// The last engagement, where nothing is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_engagement_date: Option<DateTime<Utc>>,
    /// Events beside those that are stored.
    #[serde(default)]
    pub engagement_history: Vec<Event>,
    /// Recent activity, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recent_activity_summary: Option<String>,
    /// The recommendation that this one follows, and why that one was not wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
}

/// One event of an engagement history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// Such as `email`, `phone_call` or `sms`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Such as `opened`, `no_response` or `replied`.
    pub outcome: String,
    /// When, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<DateTime<Utc>>,
}

/// What a new recommendation makes up for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follows {
    /// The recommendation before.
    pub recommendation_id: Uuid,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
}
