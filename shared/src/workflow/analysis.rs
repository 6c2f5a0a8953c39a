//! Makes a recommendation from a lead's engagement: the policy computes the channel and the priority, the language
//! model writes the reason and the draft, and the gate checks both.

use crate::crm::leads::Direction;
use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::base::channel::Channel;
use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::problem::{Code, Problem};
use crate::base::store::StoreError;
use crate::base::time::timestamp;
use crate::clients::llm::{Model, Prompt, Ready};
use crate::crm::leads::{Activity, ActivityKind};
use crate::outreach::gate::Gate;
use crate::outreach::policy::{self, Outcome, POLICY_VERSION, Signals, Tier, Touch};
use crate::outreach::rates::Rates;
use crate::outreach::reach::{Reach, Reaching};
use crate::outreach::writing::said;
use crate::workflow::notifications::{Kind, Notification, Role};
use crate::workflow::recommendations::{
    Asked, Assessment, Draft, Event, EventSource, Origin, Recommendation, RecommendationId, Status, UsedEvent,
    WrittenBy,
};

/// The fewest engagement events that a recommendation needs.
pub const FEWEST_EVENTS: usize = 2;

/// The time within which a reply counts as an answer to a message.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::days(14);

/// How far back engagement is read at first; all of it is read if that gives too few events.
const LOOKED_BACK: TimeDelta = TimeDelta::days(365);

/// The number of events that the model sees: the newest.
const SHOWN: usize = 30;

/// The number of events that a reviewer sees: those that count most.
const USED_SHOWN: usize = 100;

/// The maximum length of each text for the model, in characters.
const LONGEST: usize = 2_000;

/// Makes recommendations.
#[derive(Clone, Debug, FromContext)]
pub struct Analysis {
    clock: Clock,
    random: Random,
    reaching: Reaching,
    rates: Rates,
    gate: Gate,
    model: Model,
}

/// The reply of the language model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Reply {
    /// Why this channel and this message were chosen.
    reasoning_summary: String,
    /// The subject line or headline; null without one.
    draft_title: Option<String>,
    /// The text to send.
    draft_message: String,
}

/// A new recommendation with its notifications.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The recommendation, either for review or blocked.
    pub recommendation: Recommendation,
    /// The notifications that it causes.
    pub notifications: Vec<Notification>,
}

/// A lead's engagement events, including those from the request, without duplicates (same type, outcome and date).
pub fn events(reach: &Reach, asked: &Asked, now: DateTime<Utc>) -> BTreeSet<Event> {
    let stored = reach.history.touches(now).map(event);
    let given = asked.engagement_history.iter().cloned();
    given.chain(stored).map(normal).collect()
}

/// An event in normal form, for comparison: normalised texts, and the date without the time.
fn normal(event: Event) -> Event {
    Event {
        kind: plain(&event.kind),
        outcome: plain(&event.outcome),
        date: event.date.map(|date| date.date_naive().and_time(chrono::NaiveTime::MIN).and_utc()),
    }
}

fn plain(word: &str) -> String {
    word.trim().to_lowercase().replace([' ', '-'], "_")
}

/// A stored activity as an event. What the lead wrote is a reply on its channel.
fn event(activity: &Activity) -> Event {
    let otherwise = if activity.direction == Some(Direction::Inbound) { "replied" } else { "sent" };
    Event {
        kind: activity.kind.clone().into(),
        outcome: activity.outcome.clone().unwrap_or_else(|| otherwise.to_owned()),
        date: Some(activity.occurred_at),
    }
}

/// The time of the last engagement. A stored one takes precedence over that of the request.
fn last_engagement(reach: &Reach, asked: &Asked, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let engagements = reach.history.touches(now).filter(|activity| is_engagement(activity));
    engagements.map(|activity| activity.occurred_at).max().or(asked.last_engagement_date)
}

/// Whether the lead did something. Our own messages are touches and no engagement, so that writing to a lead does not
/// raise its priority. Neither does an open, because mail programs open messages on their own.
fn is_engagement(activity: &Activity) -> bool {
    match (activity.direction, &activity.outcome) {
        (Some(Direction::Inbound), _) => true,
        (_, Some(outcome)) => {
            matches!(Outcome::named(outcome), Outcome::Replied | Outcome::MeetingBooked | Outcome::Clicked)
        }
        (direction, None) => match activity.kind {
            ActivityKind::Meeting => true,
            // A call that a CRM records without direction and outcome was a conversation.
            ActivityKind::Call => direction.is_none(),
            _ => false,
        },
    }
}

impl Analysis {
    /// A lead with its events of the last year, or with all its events if those are too few for a recommendation.
    /// `None` if the workspace has no such lead.
    pub async fn reach(&self, workspace_id: Uuid, lead_id: Uuid, asked: &Asked) -> Result<Option<Reach>, StoreError> {
        let now = self.clock.now();
        let reach = self.reaching.reach(workspace_id, lead_id, now - LOOKED_BACK).await?;
        match reach {
            Some(reach) if events(&reach, asked, now).len() < FEWEST_EVENTS => {
                self.reaching.reach(workspace_id, lead_id, DateTime::UNIX_EPOCH).await
            }
            reach => Ok(reach),
        }
    }

    /// Whether the model can be asked now, by its circuit breaker.
    pub async fn ready(&self) -> Result<Ready, Problem> {
        self.model.ready().await
    }

    /// Makes a recommendation until `deadline`.
    ///
    /// # Errors
    /// [`Code::InsufficientData`] if the lead has too few events or no channel reaches it; otherwise the
    /// errors of `Model::complete`.
    pub async fn recommend(
        &self,
        ready: Ready,
        id: RecommendationId,
        (reach, asked): (&Reach, &Asked),
        deadline: DateTime<Utc>,
    ) -> Result<Proposal, Problem> {
        let now = self.clock.now();
        let assessment = self.assess(id.workspace_id, (reach, asked)).await?;
        let Some(channel) = assessment.channel_scores.first().map(|best| best.channel) else {
            return Err(unreachable(events(reach, asked, now).len(), reach));
        };
        let prompt = Prompt {
            name: "recommend_follow_up",
            instructions: include_str!("../../prompts/recommendation.md"),
            facts: facts((reach, asked), channel, &assessment, now),
        };
        let basis = self.gate.basis(id.workspace_id, reach.lead()).await?.knowing(&said(&prompt.facts));
        let check = |reply: Reply| {
            let reasoning = reply.reasoning_summary.clone();
            drafted(&reply, channel).checked(reply, &reasoning, &basis)
        };
        let reply = self.model.complete(ready, &prompt, deadline, check).await?;
        let draft = drafted(&reply, channel);
        let [title, message] = draft.parts();
        let parts = [title, message, ("reasoning_summary", &reply.reasoning_summary)];
        let disclosures = self.gate.check((id.workspace_id, reach.lead()), &basis, &parts).await?;

        let origin = Origin::Engagement(asked.clone());
        let status = if disclosures.is_empty() { Status::PendingReview } else { Status::BlockedPii };
        let mut recommendation = Recommendation::new(id, reach.lead().lead_id, origin, status, now);
        recommendation.assessment = Some(assessment);
        let output = [title.1, message.1, reply.reasoning_summary.as_str()].join("\n");
        recommendation.written_by = Some(WrittenBy {
            input_sha256: Some(sha256(&prompt.facts.to_string())),
            output_sha256: Some(sha256(&output)),
            ..WrittenBy::new(self.model.name(), &prompt.version())
        });
        let alert = recommendation.take_draft(draft, reply.reasoning_summary, &disclosures, self.random.uuid());
        Ok(Proposal { recommendation, notifications: alert.into_iter().collect() })
    }

    /// The channel and priority of a lead, by arithmetic alone: no language model is asked.
    ///
    /// # Errors
    /// As [`enough`], and if the learned rates cannot be read.
    async fn assess(&self, workspace_id: Uuid, (reach, asked): (&Reach, &Asked)) -> Result<Assessment, Problem> {
        let now = self.clock.now();
        let events_found = enough(reach, asked, now)?.len();
        let tier = Tier::named(asked.account_tier.as_deref().unwrap_or_default());
        let sourced = sourced_touches(reach, asked, now);
        let touches: Vec<_> = sourced.iter().map(|(_, touch)| *touch).collect();
        let rates = self.rates.learned(workspace_id).await?;
        let scores = policy::score(&touches, tier, &rates, &reach.channels());
        let Some(best) = scores.first() else { return Err(unreachable(events_found, reach)) };
        let summary = asked.recent_activity_summary.as_deref().unwrap_or_default();
        let priority = policy::prioritise(&Signals {
            probability: best.probability,
            tier,
            last_engagement: last_engagement(reach, asked, now).map(|at| at.date_naive()),
            today: now.date_naive(),
            recent_activity: summary,
        });
        let action = policy::Action::choose(priority.score, &touches);
        Ok(Assessment {
            priority_score: priority.score,
            recommended_action: action.name().to_owned(),
            confidence: rounded(1.0 - (best.interval.1 - best.interval.0)),
            channel_scores: scores,
            factors: priority.contributions,
            policy_version: POLICY_VERSION.to_owned(),
            events: used(&sourced),
        })
    }

    /// The notification that asks the representative to complete a lead's data.
    pub fn complete_lead_data(&self, id: RecommendationId, reach: &Reach, problem: &Problem) -> Notification {
        Notification {
            notification_id: self.random.uuid(),
            workspace_id: id.workspace_id,
            role: Role::Representative,
            kind: Kind::CompleteLeadData,
            lead_id: reach.lead().lead_id,
            recommendation_id: None,
            details: json!(problem.extra),
            created_at: self.clock.now(),
        }
    }

    /// A recommendation for the manual queue, for when the model is unavailable, with the notification for the manager.
    /// It has channel and priority, unless the table with the learned rates fails too.
    pub async fn for_people(&self, id: RecommendationId, reach: &Reach, asked: &Asked, problem: &Problem) -> Proposal {
        let now = self.clock.now();
        let origin = Origin::Engagement(asked.clone());
        let code = problem.code.rendered(crate::api::http::Dialect::Followup).1;
        let mut recommendation = Recommendation::new(id, reach.lead().lead_id, origin, Status::Manual, now);
        recommendation.assessment = self.assess(id.workspace_id, (reach, asked)).await.ok();
        recommendation.failed_with = Some(code.to_owned());
        let notification = Notification {
            notification_id: self.random.uuid(),
            workspace_id: id.workspace_id,
            role: Role::Manager,
            kind: Kind::AiUnavailable,
            lead_id: reach.lead().lead_id,
            recommendation_id: Some(id.recommendation_id),
            details: json!({ "code": code }),
            created_at: now,
        };
        Proposal { recommendation, notifications: vec![notification] }
    }
}

/// Returns the events if there are enough of them and at least one channel reaches the lead.
///
/// # Errors
/// [`Code::InsufficientData`].
pub fn enough(reach: &Reach, asked: &Asked, now: DateTime<Utc>) -> Result<BTreeSet<Event>, Problem> {
    let events = events(reach, asked, now);
    if events.len() < FEWEST_EVENTS {
        return Err(insufficient_engagement(events.len()));
    }
    let touches = touches(reach, asked, now);
    if reach.channels().into_iter().all(|channel| policy::is_closed(channel, &touches)) {
        return Err(unreachable(events.len(), reach));
    }
    Ok(events)
}

/// The error for a lead with only `found` events, too few for a recommendation.
pub fn insufficient_engagement(found: usize) -> Problem {
    let message = "The lead record does not contain enough engagement history to generate a reliable recommendation.";
    insufficient(message, found)
}

fn insufficient(message: &str, found: usize) -> Problem {
    Problem::new(Code::InsufficientData, message)
        .detail("minimum_events_required", json!(FEWEST_EVENTS))
        .detail("events_found", json!(found))
}

fn unreachable(found: usize, reach: &Reach) -> Problem {
    if reach.is_suppressed {
        return insufficient("The lead does not want to be contacted on any channel.", found)
            .detail("is_suppressed", json!(true));
    }
    insufficient("Nothing is known by which the lead can be reached; add an e-mail address or a phone number.", found)
        .detail("missing", json!(["email", "phone"]))
}

/// The touches of each channel, from the request and from stored activities. A stored message without an outcome counts
/// as answered if the lead then writes on the same channel. A lead's message counts as a touch of its own only if it is
/// not an answer; otherwise channels with much chat would score too high.
pub fn touches(reach: &Reach, asked: &Asked, now: DateTime<Utc>) -> Vec<Touch> {
    sourced_touches(reach, asked, now).into_iter().map(|(_, touch)| touch).collect()
}

/// The touches for a reviewer, the newest first.
fn used(sourced: &[(EventSource, Touch)]) -> Vec<UsedEvent> {
    let rounded = |value: f64| (value * 1e6).round() / 1e6;
    let mut used: Vec<_> = sourced
        .iter()
        .map(|(source, touch)| UsedEvent {
            channel: touch.channel,
            outcome: touch.outcome,
            source: *source,
            age_days: touch.age_days,
            weight: rounded(touch.weight()),
        })
        .collect();
    used.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    used.truncate(USED_SHOWN);
    used
}

fn sha256(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}

fn sourced_touches(reach: &Reach, asked: &Asked, now: DateTime<Utc>) -> Vec<(EventSource, Touch)> {
    let known = reach.history.recent.iter().chain(&reach.history.earlier);
    let known: BTreeSet<_> = known.map(|activity| normal(event(activity))).collect();
    let given: BTreeSet<_> = asked.engagement_history.iter().map(|event| normal(event.clone())).collect();
    let given = given.difference(&known);
    let age = |at: DateTime<Utc>| (now.date_naive() - at.date_naive()).num_days() as f64;
    let mut touches: Vec<_> = given
        .filter_map(|event| {
            let channel = policy::channel_named(&event.kind)?;
            let touch = Touch { channel, outcome: Outcome::named(&event.outcome), age_days: event.date.map(age) };
            Some((EventSource::Request, touch))
        })
        .collect();
    let stored = reach.history.touches(now);
    let mut stored: Vec<_> =
        stored.filter_map(|activity| Some((policy::channel_named(activity.kind.as_str())?, activity))).collect();
    stored.sort_by_key(|(_, activity)| activity.occurred_at);
    // What arrived, or was looked at, may still be answered.
    let is_open = |outcome| matches!(outcome, Outcome::Delivered | Outcome::Opened | Outcome::Clicked);
    let is_inbound = |activity: &Activity| activity.direction == Some(Direction::Inbound);
    for (index, (channel, activity)) in stored.iter().enumerate() {
        let within = |one: &Activity, other: &Activity| other.occurred_at - one.occurred_at <= ANSWERED_WITHIN;
        let outcome = match &activity.outcome {
            _ if is_inbound(activity) => {
                let mut before = stored[..index].iter().rev().filter(|(other, _)| other == channel);
                let answers = before.next().is_some_and(|(_, before)| within(before, activity));
                if answers { Outcome::Other } else { Outcome::Replied }
            }
            Some(outcome) if !is_open(Outcome::named(outcome)) => Outcome::named(outcome),
            known => {
                let mut after = stored.iter().skip(index + 1).filter(|(other, _)| other == channel);
                let seen = known.as_deref().map(Outcome::named).filter(|seen| seen.success().is_some());
                match after.next() {
                    Some((_, next)) if is_inbound(next) && within(activity, next) => Outcome::Replied,
                    _ if seen.is_some() => seen.unwrap_or(Outcome::Other),
                    Some((_, next)) if !is_inbound(next) && within(activity, next) => Outcome::Other,
                    _ if now - activity.occurred_at > ANSWERED_WITHIN => Outcome::NoResponse,
                    _ => Outcome::Delivered,
                }
            }
        };
        let touch = Touch { channel: *channel, outcome, age_days: Some(age(activity.occurred_at)) };
        touches.push((EventSource::Stored, touch));
    }
    touches
}

/// The complete input of the language model: the facts of this one lead, without its addresses and numbers.
fn facts((reach, asked): (&Reach, &Asked), channel: Channel, assessment: &Assessment, now: DateTime<Utc>) -> Value {
    let lead = reach.lead();
    let stored = reach.history.until(now).take(SHOWN).map(|activity| activity.told(LONGEST));
    let given = asked
        .engagement_history
        .iter()
        .take(SHOWN)
        .map(|event| json!({"date": event.date.map(timestamp), "type": event.kind, "outcome": event.outcome}));
    json!({
        "today": now.format("%A %Y-%m-%d").to_string(),
        "channel": channel,
        "action": assessment.recommended_action,
        "lead": {
            "name": lead.full_name,
            "job_title": lead.job_title,
            "company": lead.company_name,
            "stage": lead.stage,
            "account_tier": asked.account_tier,
        },
        "events": given.chain(stored).collect::<Vec<_>>(),
        "recent_activity": asked.recent_activity_summary,
        "rejected": asked.follows.as_ref().and_then(|follows| {
            let reason = follows.reason.as_ref()?;
            Some(json!({"reason": reason, "draft_message": follows.draft.as_ref().map(|draft| &draft.message)}))
        }),
    })
}

fn drafted(reply: &Reply, channel: Channel) -> Draft {
    let has_title = matches!(channel, Channel::Email | Channel::PhoneCall | Channel::Meeting);
    Draft {
        channel,
        title: reply.draft_title.clone().filter(|title| has_title && !title.trim().is_empty()),
        message: reply.draft_message.trim().to_owned(),
    }
}

fn rounded(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}
