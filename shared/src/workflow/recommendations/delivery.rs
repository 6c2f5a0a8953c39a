//! What is sent of an approved recommendation, and what is known of it.
//!
//! ```text
//! taken -> sending -> accepted -> delivered | failed
//!                  -> unknown  -> delivered | failed      -> failed (proven not sent)
//! ```
//!
//! An attempt is *taken* under a lease, and marked *sending* with one conditional write just before its
//! provider is called. So a worker that dies before that is taken over, and one that dies after it leaves
//! something of which nobody knows whether it was sent: it is never sent again blindly, but settled by the
//! provider's callback.

use super::attempt::{Attempt, AttemptState, DeliveryId, Settled};
use crate::base::channel::Channel;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    ATTEMPTS, Actor, Draft, Lease, Listing, Origin, Recommendation, RecommendationId, Recommendations, Status,
};
use crate::base::store::StoreError;
use crate::outreach::policy::{Count, Outcome, Tier};
use crate::outreach::rates;
use crate::workflow::due::LEASE;
use crate::workflow::due::{Due, Wanted};
use crate::workflow::notifications::Notification;

/// How long a provider may say nothing of what it took before the representative is told.
const SILENCE: TimeDelta = TimeDelta::hours(24);

/// Within what time an answer is one to what was delivered.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::days(14);

/// How often a provider is asked that could not take anything: as often as a queue delivers a message.
pub const TRIES: u32 = crate::base::queue::DELIVERIES;

/// What a delivery worker is given.
#[derive(Debug)]
pub enum Handed {
    /// Something to be sent, under a lease.
    Send(Box<Recommendation>),
    /// Something that failed, whose next channel is to be looked for.
    Failed(Box<Recommendation>),
    /// Nothing: it is settled, somebody else's, or waits for its provider.
    Nothing,
}

impl Recommendation {
    /// The attempt under way.
    pub fn attempt(&self) -> Option<(DeliveryId, &Attempt)> {
        let index = self.attempts.len().checked_sub(1)?;
        self.attempts.last().map(|attempt| (DeliveryId { id: self.id, attempt: index }, attempt))
    }

    /// The tier of the lead's account, as far as it is known.
    fn tier(&self) -> Tier {
        match &self.origin {
            Origin::Engagement(asked) => Tier::named(asked.account_tier.as_deref().unwrap_or_default()),
            Origin::FollowUp { .. } | Origin::Campaign { .. } => Tier::Unknown,
        }
    }

    /// This with another last attempt.
    fn with_attempt(mut self, change: impl FnOnce(&mut Attempt)) -> Self {
        let now = self.updated_at;
        if let Some(last) = self.attempts.last_mut() {
            change(last);
            last.at = now;
        }
        self
    }
}

impl Recommendations {
    /// Takes a recommendation for delivery, if there is something to be done for it.
    pub async fn take(&self, id: RecommendationId, actor: Actor) -> Result<Handed, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(before) = self.get(id).await? else { return Ok(Handed::Nothing) };
            let now = self.clock.now();
            let is_free = before.lease.as_ref().is_none_or(|lease| lease.until < now);
            let next = self.next(&before);
            let lease = Some(Lease { owner: self.random.uuid(), until: now + LEASE });
            let due = Some(Due::new(Wanted::Delivery, id.recommendation_id, now + LEASE));
            let state = before.attempts.last().map(|attempt| attempt.state);
            let (after, action, notifications) = match (before.status, state) {
                (Status::Approved, None) => {
                    let Some(approval) = &before.approval else {
                        return Err(StoreError::Broken("something approved has no approval".to_owned()));
                    };
                    let attempts = vec![Attempt::new(approval.draft.clone(), now)];
                    (Recommendation { status: Status::Delivering, attempts, lease, due, ..next }, "taken", Vec::new())
                }
                (Status::Delivering, Some(AttemptState::Taken)) if is_free => {
                    (Recommendation { lease, due, ..next }, "taken", Vec::new())
                }
                (Status::Delivering, Some(AttemptState::Failed)) if is_free => {
                    (Recommendation { lease, due, ..next }, "failure_taken", Vec::new())
                }
                // Whoever was sending it is gone.
                (Status::Delivering, Some(AttemptState::Sending)) if is_free => {
                    let after = next.with_attempt(|attempt| {
                        attempt.state = AttemptState::Unknown;
                        attempt.code = Some("worker_lost".to_owned());
                    });
                    let told = self.silent(&after);
                    (Recommendation { lease: None, due: None, ..after }, "delivery_unknown", vec![told])
                }
                (Status::Delivering, Some(AttemptState::Accepted))
                    if before.attempts.last().is_some_and(|attempt| attempt.at + SILENCE < now) =>
                {
                    let told = self.silent(&next);
                    (Recommendation { due: None, ..next }, "delivery_silent", vec![told])
                }
                _ => return Ok(Handed::Nothing),
            };
            let decided = self.decide(&before, after, actor, action, json!({}), &notifications, Vec::new()).await?;
            match decided {
                Ok(taken) if taken.lease.is_none() || action == "delivery_silent" => return Ok(Handed::Nothing),
                Ok(taken) if action == "failure_taken" => return Ok(Handed::Failed(Box::new(taken))),
                Ok(taken) => return Ok(Handed::Send(Box::new(taken))),
                Err(_) => {}
            }
        }
        Err(StoreError::Unavailable("a recommendation kept changing".to_owned()))
    }

    /// Marks what was taken as being sent. `None` if it is no longer the caller's: then it is not to be
    /// sent.
    pub async fn sending(&self, taken: &Recommendation, actor: Actor) -> Result<Option<Recommendation>, StoreError> {
        let after = self.next(taken).with_attempt(|attempt| {
            attempt.state = AttemptState::Sending;
            attempt.tries += 1;
        });
        let details = json!({"attempt": taken.attempts.len(), "channel": channel(taken)});
        // Nothing is sent yet: where the answer was lost, what is stored says whether it is marked.
        for _ in 0..ATTEMPTS {
            let decided = self.decide(taken, after.clone(), actor, "sending", details.clone(), &[], Vec::new()).await;
            match decided {
                Ok(Ok(marked)) => return Ok(Some(marked)),
                Ok(Err(_)) => match self.get(taken.id).await {
                    Ok(stored) => {
                        return Ok(
                            stored.filter(|stored| stored.lease == after.lease && stored.version == after.version)
                        );
                    }
                    Err(error) => tracing::warn!(cause = %error, "what is being sent could not be looked at"),
                },
                Err(StoreError::Unavailable(cause)) => tracing::warn!(%cause, "what is to be sent could not be marked"),
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Unavailable("what is to be sent could not be marked".to_owned()))
    }

    /// Records what is known of an attempt, whether its worker tells it or its provider, in whatever order.
    /// Gives the recommendation if that changed anything.
    pub async fn settle(
        &self,
        delivery: DeliveryId,
        settled: &Settled,
        actor: Actor,
    ) -> Result<Option<Recommendation>, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(before) = self.get(delivery.id).await? else { return Ok(None) };
            let Some(attempt) = before.attempts.get(delivery.attempt).cloned() else { return Ok(None) };
            let is_last = before.attempts.len() == delivery.attempt + 1;
            let mut after = self.next(&before);
            let now = after.updated_at;
            let due = |at| Some(Due::new(Wanted::Delivery, delivery.id.recommendation_id, at));
            use AttemptState::{Accepted, Delivered, Failed, Sending, Taken, Unknown};
            let (state, code) = match (settled, attempt.state) {
                (Settled::Accepted { .. }, Sending | Unknown) => (Accepted, None),
                // The provider's report came before its answer.
                (Settled::Accepted { .. }, known) if attempt.provider_message_id.is_none() => {
                    (known, attempt.code.as_ref())
                }
                (Settled::Unknown { code }, Sending) => (Unknown, Some(code)),
                (Settled::Later { code }, Sending) if attempt.tries < TRIES => (Taken, Some(code)),
                (Settled::Later { code }, Sending) => (Failed, Some(code)),
                (Settled::Delivered, Sending | Unknown | Accepted | Failed) => (Delivered, None),
                (Settled::Failed { code }, Taken | Sending | Unknown | Accepted) => (Failed, Some(code)),
                _ => return Ok(None),
            };
            if let Some(changed) = after.attempts.get_mut(delivery.attempt) {
                changed.state = state;
                changed.code = code.cloned();
                changed.at = now;
                if let Settled::Accepted { provider_message_id } = settled {
                    changed.provider_message_id = Some(provider_message_id.clone());
                }
            }
            let mut notifications = Vec::new();
            // What another attempt has settled stays settled.
            let is_open = before.status == Status::Delivering;
            match state {
                Delivered => (after.status, after.lease, after.due) = (Status::Delivered, None, None),
                _ if !is_last || !is_open || state == attempt.state => {}
                Taken => (after.lease, after.due) = (None, due(now)),
                Failed => (after.lease, after.due) = (None, due(now)),
                Accepted => (after.lease, after.due) = (None, due(now + SILENCE)),
                Unknown => {
                    notifications.push(self.silent(&after));
                    (after.lease, after.due) = (None, None);
                }
                Sending => {}
            }
            let details = json!({
                "attempt": delivery.attempt + 1,
                "channel": attempt.draft.channel,
                "state": state,
                "code": code,
            });
            let mut also = Vec::new();
            let is_new = attempt.state != Delivered;
            if let (Delivered, true, Some(channel)) = (state, is_new, scored(attempt.draft.channel)) {
                let count = Count { successes: 0, trials: 1 };
                also.push(rates::add(&self.table, delivery.id.workspace_id, (before.tier(), channel), count));
            }
            if let Ok(after) = self.decide(&before, after, actor, "settled", details, &notifications, also).await? {
                return Ok(Some(after));
            }
        }
        Err(StoreError::Unavailable("a recommendation kept changing".to_owned()))
    }

    /// Records what the lead did with what was delivered; the most that it did stands. A reply or a meeting
    /// is a success of its channel, once. `false` if nothing is new.
    pub async fn record_outcome(
        &self,
        delivery: DeliveryId,
        outcome: Outcome,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(before) = self.get(delivery.id).await? else { return Ok(false) };
            let Some(attempt) = before.attempts.get(delivery.attempt) else { return Ok(false) };
            let worth = |outcome: Outcome| outcome.success().unwrap_or(-1.0);
            if attempt.outcome.is_some_and(|known| worth(known) >= worth(outcome)) {
                return Ok(false);
            }
            let mut after = self.next(&before);
            if let Some(changed) = after.attempts.get_mut(delivery.attempt) {
                changed.outcome = Some(outcome);
            }
            let mut also = Vec::new();
            if let (true, Some(channel)) = (worth(outcome) >= 1.0, scored(attempt.draft.channel)) {
                let count = Count { successes: 1, trials: 0 };
                also.push(rates::add(&self.table, delivery.id.workspace_id, (before.tier(), channel), count));
            }
            let details =
                json!({"attempt": delivery.attempt + 1, "channel": attempt.draft.channel, "outcome": outcome});
            if self.decide(&before, after, actor, "outcome", details, &[], also).await?.is_ok() {
                return Ok(true);
            }
        }
        Err(StoreError::Unavailable("a recommendation kept changing".to_owned()))
    }

    /// Records that a lead has answered on a channel at some time: what was sent there last before that, within
    /// two weeks, is what it has answered. An answer proves that something arrived.
    pub async fn record_reply(
        &self,
        (workspace_id, lead_id): (Uuid, Uuid),
        (channel, at): (Channel, DateTime<Utc>),
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let listing = Listing { status: None, lead_id: Some(lead_id), with_snoozed: true, skip: 0, limit: 50 };
        let all = self.list(workspace_id, listing).await?.0;
        let newest = all.iter().flat_map(|one| {
            let approved_at = one.approval.as_ref().map(|approval| approval.at);
            one.attempts.iter().enumerate().filter_map(move |(attempt, sent)| {
                use AttemptState::{Accepted, Delivered, Sending, Unknown};
                let is_meant = sent.draft.channel == channel
                    && matches!(sent.state, Delivered | Accepted | Sending | Unknown)
                    && approved_at.is_some_and(|approved_at| approved_at <= at && at <= sent.at + ANSWERED_WITHIN);
                is_meant.then_some((approved_at, DeliveryId { id: one.id, attempt }))
            })
        });
        match newest.max_by_key(|(approved_at, _)| *approved_at) {
            Some((_, delivery)) => {
                self.settle(delivery, &Settled::Delivered, actor).await?;
                self.record_outcome(delivery, Outcome::Replied, actor).await
            }
            None => Ok(false),
        }
    }

    /// Goes on after a proven failure: with the same text in the form of another channel, or not at all.
    /// `None` if it is no longer the caller's.
    pub async fn go_on(
        &self,
        failed: &Recommendation,
        alternate: Option<Draft>,
        notification: &Notification,
        actor: Actor,
    ) -> Result<Option<Recommendation>, StoreError> {
        let next = self.next(failed);
        let now = next.updated_at;
        let details = json!({"failed": channel(failed), "next": alternate.as_ref().map(|draft| draft.channel)});
        let after = match alternate {
            Some(draft) => {
                let attempts = [next.attempts.clone(), vec![Attempt::new(draft, now)]].concat();
                let due = Some(Due::new(Wanted::Delivery, failed.id.recommendation_id, now));
                Recommendation { attempts, lease: None, due, ..next }
            }
            None => Recommendation { status: Status::DeliveryFailed, lease: None, due: None, ..next },
        };
        let notifications = std::slice::from_ref(notification);
        Ok(self.decide(failed, after, actor, "went_on", details, notifications, Vec::new()).await?.ok())
    }

    /// Records that what was taken is done without a provider: shown, or handed to the representative.
    pub async fn done(
        &self,
        taken: &Recommendation,
        notifications: &[Notification],
        actor: Actor,
    ) -> Result<Option<Recommendation>, StoreError> {
        let after = self.next(taken).with_attempt(|attempt| attempt.state = AttemptState::Delivered);
        let after = Recommendation { status: Status::Delivered, lease: None, due: None, ..after };
        let details = json!({"channel": channel(taken)});
        let mut also = Vec::new();
        if let Some(channel) = channel(taken).and_then(scored) {
            let count = Count { successes: 0, trials: 1 };
            also.push(rates::add(&self.table, taken.id.workspace_id, (taken.tier(), channel), count));
        }
        Ok(self.decide(taken, after, actor, "handed_over", details, notifications, also).await?.ok())
    }

    fn silent(&self, of: &Recommendation) -> Notification {
        Notification {
            notification_id: self.random.uuid(),
            workspace_id: of.id.workspace_id,
            role: crate::workflow::notifications::Role::Representative,
            kind: crate::workflow::notifications::Kind::DeliveryUnknown,
            lead_id: of.lead_id,
            recommendation_id: Some(of.id.recommendation_id),
            details: json!({"channel": channel(of)}),
            created_at: self.clock.now(),
        }
    }
}

/// The channel, if it is one that the model learns of.
fn scored(channel: Channel) -> Option<Channel> {
    Some(channel).filter(|channel| Channel::SCORED.contains(channel))
}

fn channel(of: &Recommendation) -> Option<Channel> {
    of.attempts.last().map(|attempt| attempt.draft.channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_named_by_letters_digits_and_hyphens_and_nothing_else_is_read() {
        let id = RecommendationId { workspace_id: Uuid::from_u128(1), recommendation_id: Uuid::from_u128(2) };
        let delivery = DeliveryId { id, attempt: 1 };
        let text = delivery.text();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{text}");
        assert_eq!(DeliveryId::parse(&text), Some(delivery));
        for other in ["", "1.2.3", &text[1..], &format!("{text}.1"), &text.replace('-', ".")] {
            assert_eq!(DeliveryId::parse(other), None, "{other}");
        }
    }
}
