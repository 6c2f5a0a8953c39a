//! `POST /v1/ai/suggest-followups`: suggests follow-up actions for a contact from its recent activity
//! (docs/behaviour.md, "Suggestions"). Costs 2 credits.
//!
//! In this order: the fields are checked (400), the contact and its activity are read (404), the
//! idempotency key is claimed and the credits are held (409, 422, 402) while the contact's messages
//! are read (503), the model is asked (502), the charge is posted and the answer stored.

mod activity_summary;
mod channel;
pub mod operations;
mod suggestion;

use std::sync::Arc;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::api::exactly_once::{ExactlyOnce, Work};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json};
use shared::api::lambda::Definition;
use shared::base::clock::Clock;
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::clients::llm::{Model, Prompt};
use shared::crm::conversations::Conversations;
use shared::crm::leads::{Activity, History, Leads};
use shared::outreach::gate::Basis;
use shared::outreach::writing::said;
use shared::workspace::accounts::Accounts;
use shared::workspace::auth::Permission;
use shared::workspace::credits::Action;
use uuid::Uuid;

pub use activity_summary::activity_summary;
pub use channel::{SUGGESTED, Suggested};
pub use operations::operations;
use shared::base::channel::Channel;
pub use suggestion::{Suggestion, Suggestions};

/// What is asked for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SuggestFollowupsRequest")]
pub struct Request {
    /// The contact to suggest follow-ups for.
    pub contact_id: Uuid,
    /// How many suggestions at most.
    #[serde(default = "usual_count")]
    #[schemars(with = "Option<u32>", range(min = 1, max = 10))]
    pub count: u32,
    /// How many days back activity counts as recent.
    #[serde(default = "usual_days")]
    #[schemars(with = "Option<u32>", range(min = 1, max = 3_650))]
    pub lookback_days: u32,
    /// The channels that may be suggested; by default all.
    #[schemars(length(min = 1))]
    pub channels: Option<Vec<Suggested>>,
}

fn usual_count() -> u32 {
    3
}

fn usual_days() -> u32 {
    60
}

impl Request {
    /// The channels that may be suggested, each once.
    fn channels(&self) -> Vec<Channel> {
        let Some(asked) = &self.channels else { return SUGGESTED.to_vec() };
        let mut channels = Vec::new();
        for Suggested(channel) in asked {
            if !channels.contains(channel) {
                channels.push(*channel);
            }
        }
        channels
    }
}

/// The `data` of the response: suggestions for a contact.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SuggestedFollowups")]
pub struct Data {
    /// The suggestions, the most useful first.
    suggestions: Vec<Suggestion>,
    /// The activity that the suggestions rest on, in a sentence.
    activity_summary: String,
    /// The balance after this call.
    credits_remaining: u64,
}

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::endpoint::<SuggestFollowups>("suggest-followups");

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct SuggestFollowups {
    clock: Clock,
    accounts: Accounts,
    leads: Leads,
    conversations: Conversations,
    once: ExactlyOnce,
    model: Model,
}

impl Endpoint for SuggestFollowups {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteAi;
    type Request = Json<Request>;
    type Answer = Data;

    async fn handle(&self, call: &Call, Json(request): Self::Request) -> Result<Answered<Data>, Problem> {
        let since = self.clock.now() - TimeDelta::days(i64::from(request.lookback_days));
        let (prices, sites, history, ready) = tokio::join!(
            self.accounts.prices(call.workspace_id),
            self.accounts.sites(call.workspace_id),
            self.leads.history(call.workspace_id, request.contact_id, since),
            self.model.ready(),
        );
        let Some(mut history) = history? else {
            return self.once.refuse(call, Problem::lead_not_found("contact_id")).await;
        };
        let charge = (Action::SuggestFollowups, Action::SuggestFollowups.price(&prices?));
        let basis = Basis::of(&history.lead, &sites?);
        let rows = history.rows.clone();
        // A contact without conversations makes no call here.
        let messages = self.conversations.touches(&rows, since);
        let work = |work: Arc<Work>, messages| async move {
            let ready = ready?;
            history.take(messages?, since);
            let channels = request.channels();
            let summary = activity_summary(&history, request.lookback_days, self.clock.now());
            let prompt = self.prompt((request.count, &channels), &history, (&summary, request.lookback_days));
            let basis = basis.knowing(&said(&prompt.facts));
            let check = |suggestions: Suggestions| suggestions.checked(request.count, &channels, &basis);
            let (suggestions, balance) =
                tokio::join!(self.model.complete(ready, &prompt, call.deadline, check), work.balance(call));
            let data = Data {
                suggestions: suggestions?.suggestions,
                activity_summary: summary,
                credits_remaining: balance?.available,
            };
            // The answer does not name its contact; an erasure of the contact has to find it.
            Ok(call.success(data)?.about(request.contact_id))
        };
        self.once.charged(call, charge, messages, work).await
    }
}

/// How many of the newest activities the model sees.
const SHOWN: usize = 50;

impl SuggestFollowups {
    /// The complete input of the model: facts of this one lead, without its addresses and numbers.
    fn prompt(
        &self,
        (count, channels): (u32, &[Channel]),
        history: &History,
        (summary, lookback_days): (&str, u32),
    ) -> Prompt {
        let lead = &history.lead;
        let now = self.clock.now();
        let told = |activity: &Activity| {
            json!({
                "date": activity.occurred_at.format("%A %Y-%m-%d").to_string(),
                "days_ago": (now.date_naive() - activity.occurred_at.date_naive()).num_days(),
                "type": activity.kind,
                "direction": activity.direction,
                "outcome": activity.outcome,
                "title": activity.title,
                "text": activity.body,
            })
        };
        let names = |channels: &[Channel]| channels.iter().copied().map(channel::name).collect::<Vec<_>>();
        let reachable_by: Vec<_> = SUGGESTED.into_iter().filter(|channel| channel::reaches(*channel, lead)).collect();
        let activity: Vec<Value> = history.recent.iter().take(SHOWN).map(told).collect();
        Prompt {
            name: "suggest_followups",
            instructions: include_str!("../../../shared/prompts/suggest-followups.md"),
            facts: json!({
                "today": now.format("%A %Y-%m-%d").to_string(),
                "asked": {"count": count, "channels": names(channels)},
                "contact": {
                    "name": lead.full_name,
                    "job_title": lead.job_title,
                    "company": lead.company_name,
                    "stage": lead.stage,
                    "reachable_by": names(&reachable_by),
                },
                "lookback_days": lookback_days,
                "activity_summary": summary,
                "activity": activity,
                "last_touch_before": history.earlier.as_ref().filter(|earlier| earlier.is_touch()).map(told),
            }),
        }
    }
}
