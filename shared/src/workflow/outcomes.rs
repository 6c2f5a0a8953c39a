//! Processes delivery reports of providers and answers of leads. Each counts once, however often and in whatever order
//! they arrive.

use crate::crm::leads::Direction;
use chrono::{DateTime, Utc};
use serde_json::json;
use sha2::Sha256;
use uuid::Uuid;

use crate::base::channel::Channel;
use crate::base::clock::{Clock, Random};
use crate::base::context::{Context, FromContext};
use crate::base::environment::ConfigError;
use crate::base::queue::Queue;
use crate::base::store::StoreError;
use crate::clients::providers::{Callback, Kind, has_opted_out, sms};
use crate::crm::conversations::row::{Message, Sender};
use crate::crm::leads::{Activity, Leads, SuppressedBy};
use crate::outreach::policy::Outcome;
use crate::workflow::notifications::{Kind as NotificationKind, Notification, Notifications, Role};
use crate::workflow::recommendations::{
    Actor, AttemptState, DeliveryId, DeliveryReport, Recommendation, Recommendations,
};

/// Processes reports and answers.
#[derive(Clone, Debug)]
pub struct Outcomes {
    clock: Clock,
    random: Random,
    leads: Leads,
    notifications: Notifications,
    recommendations: Recommendations,
    delivery: Queue,
    actor: Actor,
}

/// The identifier of an activity that is derived from a provider's identifier.
pub fn activity_id(provider_message_id: &str) -> Uuid {
    let digest = <Sha256 as sha2::Digest>::digest(provider_message_id);
    let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl Outcomes {
    /// Uses the tables named by `LEADS_TABLE` and `WORK_TABLE` and the queue at `DELIVERY_QUEUE_URL`. `function` is the
    /// calling function, for the audit.
    pub fn new(context: &Context, function: &'static str) -> Result<Self, ConfigError> {
        Ok(Self {
            clock: context.clock.clone(),
            random: context.random.clone(),
            leads: Leads::new(context)?,
            notifications: Notifications::new(context)?,
            recommendations: Recommendations::new(context)?,
            delivery: Queue::new(context, "DELIVERY_QUEUE_URL")?,
            actor: Actor::Function(function),
        })
    }

    /// Processes a provider's report about a delivery on `channel`. If the report is only authenticated for one
    /// workspace, it is limited to that one. A report about an unknown delivery is ignored.
    pub async fn report(
        &self,
        callback: &Callback,
        channel: Channel,
        workspace_id: Option<Uuid>,
    ) -> Result<(), StoreError> {
        let Some(delivery) = callback.delivery_id.as_deref().and_then(DeliveryId::parse) else { return Ok(()) };
        if workspace_id.is_some_and(|workspace_id| workspace_id != delivery.id.workspace_id) {
            return Ok(());
        }
        let Some(before) = self.recommendations.get(delivery.id).await? else { return Ok(()) };
        if before.attempts.get(delivery.attempt).is_none_or(|attempt| attempt.draft.channel != channel) {
            return Ok(());
        }
        // Before anything goes on: nobody writes to such a lead on another channel.
        let suppressed_by = match &callback.kind {
            Kind::Complained => Some(SuppressedBy::Complaint),
            Kind::Stopped => Some(SuppressedBy::Stop),
            Kind::Failed { code } if has_opted_out(code) => Some(SuppressedBy::Stop),
            _ => None,
        };
        if let Some(by) = suppressed_by {
            let about = (before.lead_id, Some(before.id.recommendation_id));
            self.suppress(before.id.workspace_id, about, by).await?;
        }
        let mut stored = before;
        if let Some(provider_message_id) = callback.provider_message_id.clone() {
            let accepted = DeliveryReport::Accepted { provider_message_id };
            (stored, _) = self.recommendations.record_report(stored, delivery.attempt, &accepted, self.actor).await?;
        }
        let report = match &callback.kind {
            Kind::Accepted | Kind::Sent | Kind::Delayed => None,
            // Whatever the lead did with it, it arrived.
            Kind::Delivered | Kind::Opened | Kind::Clicked | Kind::Complained | Kind::Stopped | Kind::Replied => {
                Some(DeliveryReport::Delivered)
            }
            Kind::Failed { code } => Some(DeliveryReport::Failed { code: code.clone() }),
            Kind::Bounced { permanent: true } => Some(DeliveryReport::Failed { code: "bounced".to_owned() }),
            Kind::Bounced { permanent: false } => Some(DeliveryReport::Failed { code: "bounced_for_now".to_owned() }),
        };
        if let Some(report) = &report {
            let is_new;
            (stored, is_new) = self.recommendations.record_report(stored, delivery.attempt, report, self.actor).await?;
            // What is not sent, the sweeper sends.
            if is_new
                && stored.is_queued()
                && let Err(error) = self.delivery.send(&[stored.id]).await
            {
                tracing::warn!(cause = %error, "a failure is left to the sweeper");
            }
        }
        self.engagement(&stored, delivery).await?;
        match &callback.kind {
            Kind::Opened => self.outcome(stored, delivery, Outcome::Opened).await,
            Kind::Clicked => self.outcome(stored, delivery, Outcome::Clicked).await,
            _ => Ok(()),
        }
    }

    /// Processes a recorded message: a lead that writes on WhatsApp has answered, or asks not to be contacted.
    pub async fn wrote(&self, workspace_id: Uuid, lead_id: Option<Uuid>, message: &Message) -> Result<(), StoreError> {
        let is_heard = message.sender == Sender::User && message.platform == Channel::Whatsapp;
        let Some(lead_id) = lead_id.filter(|_| is_heard) else { return Ok(()) };
        if sms::is_stop(&message.text) {
            return self.suppress(workspace_id, (lead_id, None), SuppressedBy::Stop).await;
        }
        self.replied((workspace_id, lead_id), Channel::Whatsapp, message.timestamp).await
    }

    /// Records that a lead has answered on a channel.
    pub async fn replied(&self, lead: (Uuid, Uuid), channel: Channel, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.recommendations.record_reply(lead, (channel, at), self.actor).await.map(drop)
    }

    /// Records that a lead does not want to be contacted any more, on any channel. It notifies the representative
    /// before it stores that, so that a crash in between does not lose the notification.
    pub async fn suppress(
        &self,
        workspace_id: Uuid,
        (lead_id, recommendation_id): (Uuid, Option<Uuid>),
        by: SuppressedBy,
    ) -> Result<(), StoreError> {
        if self.leads.is_suppressed(workspace_id, lead_id).await? {
            return Ok(());
        }
        let notification = Notification {
            notification_id: self.random.uuid(),
            workspace_id,
            role: Role::Representative,
            kind: NotificationKind::LeadSuppressed,
            lead_id,
            recommendation_id,
            details: json!({ "reason": by }),
            created_at: self.clock.now(),
        };
        self.notifications.record(&notification).await?;
        self.leads.suppress(workspace_id, lead_id, by).await.map(drop)
    }

    /// Adds a delivered message to the lead's history.
    async fn engagement(&self, stored: &Recommendation, delivery: DeliveryId) -> Result<(), StoreError> {
        let Some(attempt) = stored.attempts.get(delivery.attempt) else { return Ok(()) };
        // A message on WhatsApp is in the lead's conversation already.
        if attempt.draft.channel == Channel::Whatsapp || attempt.state != AttemptState::Delivered {
            return Ok(());
        }
        self.record(stored, delivery, 0, Outcome::Delivered).await
    }

    async fn outcome(&self, stored: Recommendation, delivery: DeliveryId, outcome: Outcome) -> Result<(), StoreError> {
        let (stored, _) = self.recommendations.record_outcome(stored, delivery.attempt, outcome, self.actor).await?;
        self.record(&stored, delivery, if outcome == Outcome::Clicked { 2 } else { 1 }, outcome).await
    }

    /// Records an activity. Recording the same one again changes nothing.
    async fn record(
        &self,
        stored: &Recommendation,
        delivery: DeliveryId,
        number: u128,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        let Some(attempt) = stored.attempts.get(delivery.attempt) else { return Ok(()) };
        let activity = Activity {
            opens_window: false,
            activity_id: Uuid::from_u128(
                stored.id.recommendation_id.as_u128() ^ (((delivery.attempt as u128 + 1) << 8) | number),
            ),
            kind: attempt.draft.channel.name().into(),
            occurred_at: self.clock.now(),
            direction: Some(Direction::Outbound),
            outcome: serde_json::to_value(outcome).ok().and_then(|name| name.as_str().map(str::to_owned)),
            title: attempt.draft.title.clone(),
            body: Some(attempt.draft.message.clone()),
        };
        self.leads.put_new_activity(stored.id.workspace_id, stored.lead_id, &activity).await.map(drop)
    }
}
