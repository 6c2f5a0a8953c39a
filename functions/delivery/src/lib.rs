//! Takes the queue's messages, each of which names a recommendation that a person approved, and has it sent:
//! the approved text, once (contract, section 7).
//!
//! What was proven not to arrive goes once to the next channel that reaches the lead, in that channel's
//! form. Calls and meetings become the representative's; what is only shown is delivered by being approved.
//! What may have been sent is never sent again: the provider's callback settles it.

mod alternate;
mod conversation;

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use shared::base::channel::Channel;
use shared::base::clock::{Clock, Random};
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::queue::Consumer;
use shared::base::store::StoreError;
use shared::clients::providers::{Content, Outgoing, Providers, Sent, has_opted_out};
use shared::crm::conversations::Conversations;
use shared::crm::leads::SuppressedBy;
use shared::outreach::gate::Gate;
use shared::outreach::rates::Rates;
use shared::outreach::reach::{Reach, Reaching};
use shared::workflow::commands::Commands;
use shared::workflow::notifications::{Kind, Notification, Role};
use shared::workflow::outcomes::Outcomes;
use shared::workflow::recommendations::{
    Actor, AttemptState, Draft, Handed, Origin, Recommendation, RecommendationId, Recommendations, Settled,
};
use shared::workspace::accounts::{Accounts, Site};

use conversation::InConversation;

/// How far back is looked for the lead's last message on WhatsApp, and for what is known of its channels.
const LOOKED_BACK: TimeDelta = TimeDelta::days(365);

/// How many steps one message may take: an attempt, its failure, and the next one.
const STEPS: usize = 6;

/// How long a busy provider is left alone at first, and at most before the queue brings the message again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(2);

const ACTOR: Actor = Actor::Function(NAME);

/// The function's name in `template.yaml`.
pub const NAME: &str = "delivery";

/// Builds the function from its configuration.
pub fn function(context: &Context) -> Result<shared::api::lambda::Function, ConfigError> {
    shared::api::lambda::Function::queue(context, DeliveryWorker::new)
}

/// The worker and what it works with.
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
    #[context(Outcomes::new(context, NAME)?)]
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

    /// Whom the lead hears from: the site that the recommendation is written for, or the workspace's first
    /// that has the channel.
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

    /// Sends what was taken. `false` if the message is to come again.
    async fn send(&self, taken: &Recommendation) -> Result<bool, StoreError> {
        let Some((delivery_id, attempt)) = taken.attempt() else {
            return Err(StoreError::Broken("what was taken has no attempt".to_owned()));
        };
        let draft = &attempt.draft;
        let approved = taken.approval.as_ref().filter(|_| delivery_id.attempt == 0);
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
            let told: Vec<_> = kind.map(|kind| self.notification(taken, kind, json!({}))).into_iter().collect();
            self.recommendations.done(taken, &told, ACTOR).await?;
            return Ok(true);
        }
        let failed = |code: &str| Settled::Failed { code: code.to_owned() };
        let reach = self.reach(taken).await?.filter(|reach| reach.reaches(draft.channel));
        let sender = self.sender(taken, draft.channel).await?;
        let (Some(reach), Some((_, from))) = (&reach, sender) else {
            let code = if reach.is_none() { "not_eligible" } else { "no_sender" };
            self.recommendations.settle(delivery_id, &failed(code), ACTOR).await?;
            return Ok(true);
        };
        let outgoing = Outgoing {
            delivery_id: delivery_id.text(),
            to: reach.address(draft.channel).unwrap_or_default().to_owned(),
            from,
            content: content(draft),
        };
        let Some(marked) = self.recommendations.sending(taken, ACTOR).await? else { return Ok(true) };
        let settled = match self.providers.send(&outgoing).await {
            Sent::Accepted { provider_message_id } => Settled::Accepted { provider_message_id },
            Sent::Refused { code } => {
                if has_opted_out(&code) {
                    let about = (taken.lead_id, Some(taken.id.recommendation_id));
                    self.outcomes.suppress(taken.id.workspace_id, about, SuppressedBy::Stop).await?;
                }
                Settled::Failed { code }
            }
            Sent::Later { .. } => Settled::Later { code: "provider_busy".to_owned() },
            Sent::Unknown { code } => Settled::Unknown { code },
        };
        // The provider's identifier may hold the lead's number.
        tracing::info!(recommendation_id = %marked.id.recommendation_id, channel = draft.channel.name(), "sent");
        let after = self.recommendations.settle(delivery_id, &settled, ACTOR).await?;
        if let (Channel::Whatsapp, Settled::Accepted { provider_message_id }) = (draft.channel, &settled) {
            let sent = InConversation { taken, draft, from: &outgoing.from, to: &outgoing.to, provider_message_id };
            self.show(&sent).await;
        }
        let state = after.and_then(|after| after.attempts.last().map(|attempt| attempt.state));
        Ok(state != Some(AttemptState::Taken))
    }

    /// Goes on after a failure.
    async fn go_on(&self, failed: &Recommendation) -> Result<(), StoreError> {
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
        self.recommendations.go_on(failed, alternate, &notification, ACTOR).await.map(drop)
    }
}

fn content(draft: &Draft) -> Content {
    let text = draft.message.clone();
    match draft.channel {
        Channel::Whatsapp => Content::Whatsapp { text },
        Channel::Sms => Content::Sms { text },
        _ => Content::Email { subject: draft.title.clone().unwrap_or_default(), text, reply_to: None },
    }
}

impl Consumer for DeliveryWorker {
    type Message = RecommendationId;

    async fn try_one(&self, id: RecommendationId) -> Result<(), StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..STEPS {
            match self.recommendations.take(id, ACTOR).await? {
                Handed::Nothing => return Ok(()),
                Handed::Failed(failed) => self.go_on(&failed).await?,
                Handed::Send(taken) if self.send(&taken).await? => {}
                // A provider that is busy often is so for a moment only.
                Handed::Send(_) if pause <= LAST_PAUSE => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Handed::Send(_) => return Err(StoreError::Unavailable("a provider takes nothing now".to_owned())),
            }
        }
        Ok(())
    }
}
