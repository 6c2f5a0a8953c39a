//! Receives queue messages that name an approved recommendation, and sends the approved text once (docs/behaviour.md,
//! "Delivery").
//!
//! If a message provably did not arrive, it is sent once through the next channel that reaches the lead, reformatted
//! for it. Calls and meetings are handed to the representative; in-product messages count as delivered once approved. A
//! message that may have been sent is never sent again; the provider's callback decides its state.

mod alternate;
mod conversation;

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use shared::api::lambda::Definition;
use shared::base::channel::Channel;
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::queue::Consumer;
use shared::base::store::StoreError;
use shared::clients::providers::{Content, Outgoing, Providers, Sent, has_opted_out};
use shared::crm::conversations::Conversations;
use shared::crm::leads::SuppressedBy;
use shared::outreach::gate::Gate;
use shared::outreach::rates::Rates;
use shared::outreach::reach::{Reach, Reaching};
use shared::workflow::commands::Commands;
use shared::workflow::lease::Leased;
use shared::workflow::notifications::{Kind, Notification, Role};
use shared::workflow::outcomes::Outcomes;
use shared::workflow::recommendations::{
    Actor, AttemptState, Delivery, DeliveryReport, Draft, Origin, Recommendation, RecommendationId, Recommendations,
};
use shared::workspace::accounts::{Accounts, Site};

use conversation::InConversation;

/// How far back the lead's history is read, for its last WhatsApp message and its reachable channels.
const LOOKED_BACK: TimeDelta = TimeDelta::days(365);

/// How many steps one message may take: an attempt, its failure, and the next one.
const STEPS: usize = 6;

/// The first and the longest pause before a busy provider is asked again; after that, the queue redelivers.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(2);

const ACTOR: Actor = Actor::Function(FUNCTION.name);

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::queue::<DeliveryWorker>("delivery");

#[derive(Clone, Debug, FromContext)]
pub struct DeliveryWorker {
    clock: Clock,
    random: Random,
    accounts: Accounts,
    reaching: Reaching,
    rates: Rates,
    gate: Gate,
    recommendations: Recommendations,
    providers: Providers,
    #[context(Outcomes::new(context, FUNCTION.name)?)]
    outcomes: Outcomes,
    commands: Commands,
    conversations: Conversations,
}

impl DeliveryWorker {
    async fn reach(&self, about: &Recommendation) -> Result<Option<Reach>, StoreError> {
        let since = self.clock.now() - LOOKED_BACK;
        self.reaching.reach(about.id.workspace_id, about.lead_id, since).await
    }

    fn notification(&self, about: &Recommendation, kind: Kind, details: serde_json::Value) -> Notification {
        Notification {
            notification_id: self.random.uuid(),
            workspace_id: about.id.workspace_id,
            role: Role::Representative,
            kind,
            lead_id: about.lead_id,
            recommendation_id: Some(about.id.recommendation_id),
            details,
            created_at: self.clock.now(),
        }
    }

    /// The sender: the site that the recommendation is written for, or the workspace's first that has the channel.
    async fn sender(&self, about: &Recommendation, channel: Channel) -> Result<Option<(Site, String)>, StoreError> {
        let sites = self.accounts.sites(about.id.workspace_id).await?;
        let own = match &about.origin {
            Origin::FollowUp { site_id, .. } => Some(*site_id),
            Origin::Engagement(_) | Origin::Campaign { .. } => None,
        };
        let able = sites.into_iter().filter_map(|site| Some((site.sender(channel)?.to_owned(), site)));
        let mut able: Vec<_> = able.map(|(from, site)| (site, from)).collect();
        able.sort_by_key(|(site, _)| (own != Some(site.site_id), site.created_at));
        Ok(able.into_iter().next())
    }

    /// Sends the text of an attempt. Gives the attempt's state afterwards.
    async fn send(&self, leased: Leased<Recommendation>) -> Result<AttemptState, StoreError> {
        let Some((delivery_id, attempt)) = leased.attempt() else {
            return Err(StoreError::Broken("a delivery has no attempt".to_owned()));
        };
        let draft = &attempt.draft;
        let approved = leased.approval.as_ref().filter(|_| delivery_id.attempt == 0);
        let expected = approved.map_or(&attempt.text_sha256, |approval| &approval.text_sha256);
        if *expected != draft.sha256() {
            return Err(StoreError::Broken("the text is not the one that was approved".to_owned()));
        }
        let kind = match draft.channel {
            Channel::PhoneCall => Some(Kind::CallTheLead),
            Channel::Meeting => Some(Kind::MeetTheLead),
            _ => None,
        };
        if !draft.channel.is_sent() {
            let notifications: Vec<_> =
                kind.map(|kind| self.notification(&leased, kind, json!({}))).into_iter().collect();
            self.recommendations.complete(&leased, &notifications, ACTOR).await?;
            return Ok(AttemptState::Delivered);
        }
        let reach = self.reach(&leased).await?.filter(|reach| reach.reaches(draft.channel));
        let sender = self.sender(&leased, draft.channel).await?;
        let (Some(reach), Some((_, from))) = (&reach, sender) else {
            let code = if reach.is_none() { "not_eligible" } else { "no_sender" };
            return self.report(leased.into_item(), &DeliveryReport::Failed { code: code.to_owned() }).await;
        };
        let outgoing = Outgoing {
            delivery_id: delivery_id.text(),
            to: reach.address(draft.channel).unwrap_or_default().to_owned(),
            from,
            content: content(draft)?,
        };
        let marked = self.recommendations.sending(&leased, ACTOR).await?;
        let Some(marked) = marked else { return Ok(AttemptState::Unknown) };
        let report = match self.providers.send(&outgoing).await {
            Sent::Accepted { provider_message_id } => DeliveryReport::Accepted { provider_message_id },
            Sent::Refused { code } => {
                if has_opted_out(&code) {
                    let about = (leased.lead_id, Some(leased.id.recommendation_id));
                    self.outcomes.suppress(leased.id.workspace_id, about, SuppressedBy::Stop).await?;
                }
                DeliveryReport::Failed { code }
            }
            Sent::Later { .. } => DeliveryReport::Later { code: "provider_busy".to_owned() },
            Sent::Unknown { code } => DeliveryReport::Unknown { code },
        };
        // The provider's identifier may hold the lead's number.
        tracing::info!(recommendation_id = %marked.id.recommendation_id, channel = draft.channel.name(), "sent");
        let state = self.report(marked, &report).await?;
        if let (Channel::Whatsapp, DeliveryReport::Accepted { provider_message_id }) = (draft.channel, &report) {
            let (from, to) = (&outgoing.from, &outgoing.to);
            self.show(&InConversation { about: &leased, draft, from, to, provider_message_id }).await;
        }
        Ok(state)
    }

    /// Records a report of the last attempt. Gives the attempt's state afterwards.
    async fn report(&self, before: Recommendation, report: &DeliveryReport) -> Result<AttemptState, StoreError> {
        let last = before.attempts.len().saturating_sub(1);
        let (after, _) = self.recommendations.record_report(before, last, report, ACTOR).await?;
        Ok(after.attempts.get(last).map_or(AttemptState::Unknown, |attempt| attempt.state))
    }

    /// Continues after a failure. Gives whether there is another attempt.
    async fn reroute(&self, failed: &Leased<Recommendation>) -> Result<bool, StoreError> {
        let reach = self.reach(failed).await?;
        let alternate = match &reach {
            Some(reach) => self.alternate(failed, reach).await?,
            None => None,
        };
        let code = failed.attempts.last().and_then(|attempt| attempt.code.clone());
        let details = json!({
            "channel": failed.attempts.last().map(|attempt| attempt.draft.channel),
            "code": code,
            "next_channel": alternate.as_ref().map(|draft| draft.channel),
        });
        let notification = self.notification(failed, Kind::DeliveryFailed, details);
        let is_last = alternate.is_none();
        self.recommendations.reroute(failed, alternate, &notification, ACTOR).await?;
        Ok(!is_last)
    }
}

fn content(draft: &Draft) -> Result<Content, StoreError> {
    let text = draft.message.clone();
    Ok(match draft.channel {
        Channel::Whatsapp => Content::Whatsapp { text },
        Channel::Sms => Content::Sms { text },
        Channel::Email => Content::Email { subject: draft.title.clone().unwrap_or_default(), text, reply_to: None },
        Channel::PhoneCall
        | Channel::Meeting
        | Channel::Linkedin
        | Channel::Instagram
        | Channel::Webchat
        | Channel::Notification
        | Channel::Web => return Err(StoreError::Broken("no provider sends this channel".to_owned())),
    })
}

impl Consumer for DeliveryWorker {
    type Message = RecommendationId;

    async fn try_one(&self, id: RecommendationId) -> Result<(), StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..STEPS {
            let leased = match self.recommendations.take(id, ACTOR).await? {
                Delivery::Nothing => return Ok(()),
                Delivery::Reroute(failed) => {
                    if !self.reroute(&failed).await? {
                        return Ok(());
                    }
                    continue;
                }
                Delivery::Send(leased) => leased,
            };
            match self.send(leased).await? {
                AttemptState::Failed => {}
                // A busy provider is often free again in a moment.
                AttemptState::Taken if pause <= LAST_PAUSE => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                AttemptState::Taken => {
                    return Err(StoreError::Unavailable("a provider takes nothing now".to_owned()));
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}
