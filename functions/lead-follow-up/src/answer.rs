//! The answer of the endpoint: the messages, and the status of each phase.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use shared::base::channel::{Channel, FollowedUp};
use shared::outreach::writing::Messages;
use shared::workflow::commands::StepView;
use shared::workflow::commands::{Command, Status};
use uuid::Uuid;

use crate::facts::Subject;

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FollowUp {
    /// A message for each medium: refined, if the copywriter is done.
    pub messages: Messages,
    /// The media that the AI model wrote nothing usable for.
    #[schemars(with = "Vec<FollowedUp>")]
    pub not_written: Vec<Channel>,
    /// What is known of the lead.
    pub lead: FollowedLead,
    /// The commands.
    pub command_ids: CommandIds,
    /// The recommendation of each message, for a reviewer.
    #[schemars(with = "BTreeMap<String, Uuid>")]
    pub recommendation_ids: BTreeMap<Channel, Uuid>,
    /// The steps of the sequence, at most five: the first is one of `messages`, each later one is written and proposed
    /// when it is due. Empty without a `followUpInterval` that can be read.
    pub steps: Vec<StepView>,
    /// The copywriter's progress; null if the site has none.
    pub refinement: Option<Refinement>,
}

/// What is known of a lead.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FollowedLead {
    /// Name.
    pub name: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// Job title.
    pub position: Option<String>,
    /// The lead's pain points.
    pub pain_points: Option<Vec<String>>,
    /// The budget.
    pub budget_range: Option<String>,
    /// The site.
    pub sites: FollowedSite,
    /// The interactions with the lead: those of the request, unchanged, or the stored ones, newest first.
    #[schemars(with = "Vec<Map<String, Value>>")]
    pub interaction_history: Vec<Value>,
    /// The request's fields about the follow-up.
    pub preferences: Preferences,
    /// The stage and all other fields of `leadData`.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// A site.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FollowedSite {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// What a request says of a follow-up.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Preferences {
    /// Products or services of interest.
    pub product_interest: Vec<String>,
    /// Such as `email`.
    pub follow_up_type: Option<String>,
    /// Such as `3 days`.
    pub follow_up_interval: Option<String>,
    /// The number to write to on WhatsApp.
    pub phone_number: Option<String>,
}

/// The commands of a follow-up.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CommandIds {
    /// The sales agent's.
    pub sales: Uuid,
    /// The copywriter's; null if the site has no active copywriter.
    pub copywriter: Option<Uuid>,
}

/// Where the copywriter stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refinement {
    /// Whether it is done.
    pub status: RefinementStatus,
    /// Its command.
    pub command_id: Uuid,
    /// Where to look for it.
    pub url: String,
}

/// Whether the copywriter is done.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RefinementStatus {
    /// Not yet.
    Pending,
    /// It is.
    Completed,
    /// It failed; the sales agent's messages stand.
    Failed,
}

impl FollowUp {
    /// The answer at `now`, with the copywriter's messages if there are some.
    pub fn of(subject: &Subject<'_>, sales: &Command, refining: Option<&Command>, now: DateTime<Utc>) -> Self {
        let messages = refining.and_then(|command| command.messages.as_ref()).or(sales.messages.as_ref());
        let is_missing = |medium: &&Channel| messages.is_none_or(|messages| messages.of(**medium).is_none());
        Self {
            not_written: subject.media.iter().filter(is_missing).copied().collect(),
            steps: StepView::planned(sales, messages),
            messages: messages.cloned().unwrap_or_default(),
            lead: subject.shown(now),
            command_ids: CommandIds {
                sales: sales.id.command_id,
                copywriter: refining.map(|command| command.id.command_id),
            },
            recommendation_ids: sales.recommendations.clone(),
            refinement: refining.map(Refinement::of),
        }
    }
}

impl Refinement {
    fn of(command: &Command) -> Self {
        let status = match command.status {
            Status::Queued | Status::Running => RefinementStatus::Pending,
            Status::Completed => RefinementStatus::Completed,
            Status::Failed | Status::Stopped => RefinementStatus::Failed,
        };
        let command_id = command.id.command_id;
        Self { status, command_id, url: format!("/api/agents/commands/{command_id}") }
    }
}
