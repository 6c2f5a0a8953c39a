//! The delivery of an approved recommendation.
//!
//! ```text
//! taken -> sending -> accepted -> delivered | failed
//!                  -> unknown  -> delivered | failed      -> failed (proven not sent)
//! ```
//!
//! A worker *takes* an attempt under a lease, and marks it *sending* with one conditional write just before it calls
//! the provider. If the worker dies before that write, another worker takes over. If it dies after that write, it is
//! unknown whether the message was sent. Such an attempt is never sent again; the provider's callback settles it.

use super::attempt::{Attempt, AttemptState, DeliveryId, DeliveryReport};
use crate::base::channel::Channel;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{Actor, Draft, Listing, Origin, Recommendation, RecommendationId, Recommendations, Status};
use crate::base::store::{StoreError, Try, retrying};
use crate::outreach::policy::{Count, Outcome, Tier};
use crate::outreach::rates;
use crate::workflow::due::Worker;
use crate::workflow::lease::{ATTEMPTS, Assignment, Lease, Leased};
use crate::workflow::notifications::Notification;

/// How long a provider may send no status for an accepted message before the representative is notified.
const SILENCE: TimeDelta = TimeDelta::hours(24);

/// The time after a delivery within which a lead's message counts as an answer to it.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::days(14);

/// The maximum number of tries to mark an attempt as sending while the table is unavailable.
const MARKS: u32 = 8;

/// The next step of a delivery worker.
#[derive(Debug)]
pub enum Delivery {
    /// Send it.
    Send(Leased<Recommendation>),
    /// Choose another channel after a failure.
    Reroute(Leased<Recommendation>),
    /// Nothing to do: the delivery is settled, another worker has it, or the provider has not reported yet.
    Nothing,
}

impl Recommendation {
    /// The current attempt and its identifier.
    pub fn attempt(&self) -> Option<(DeliveryId, &Attempt)> {
        let index = self.attempts.len().checked_sub(1)?;
        self.attempts.last().map(|attempt| (DeliveryId { id: self.id, attempt: index }, attempt))
    }

    /// The tier of the lead's account, or [`Tier::Unknown`].
    fn tier(&self) -> Tier {
        match &self.origin {
            Origin::Engagement(asked) => Tier::named(asked.account_tier.as_deref().unwrap_or_default()),
            Origin::FollowUp { .. } | Origin::Campaign { .. } => Tier::Unknown,
        }
    }

    /// Changes the last attempt.
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
    /// Takes a recommendation for delivery, if there is something to do.
    pub async fn take(&self, id: RecommendationId, actor: Actor) -> Result<Delivery, StoreError> {
        retrying("a recommendation", (), |()| async move {
            let Some(before) = self.get(id).await? else { return Ok(Try::Done(Delivery::Nothing)) };
            let now = self.clock.now();
            let next = self.next(&before);
            let lease = Lease::new(self.random.uuid(), now);
            let assignment = Assignment::leased(Worker::Delivery, id.recommendation_id, lease);
            let last = before.attempts.last();
            let is_free = before.assignment.is_free(now);
            let (after, action, notification) = match (before.status, last.map(|attempt| attempt.state)) {
                (Status::Approved, None) => {
                    let Some(approval) = &before.approval else {
                        return Err(StoreError::Broken("something approved has no approval".to_owned()));
                    };
                    let attempts = vec![Attempt::new(approval.draft.clone(), now)];
                    (Recommendation { status: Status::Delivering, attempts, assignment, ..next }, "taken", None)
                }
                (Status::Delivering, Some(AttemptState::Taken)) if is_free => {
                    (Recommendation { assignment, ..next }, "taken", None)
                }
                (Status::Delivering, Some(AttemptState::Failed)) if is_free => {
                    (Recommendation { assignment, ..next }, "failure_taken", None)
                }
                // The worker that was sending it has died.
                (Status::Delivering, Some(AttemptState::Sending)) if is_free => {
                    let after = next.with_attempt(|attempt| {
                        attempt.state = AttemptState::Unknown;
                        attempt.code = Some("worker_lost".to_owned());
                    });
                    let notification = self.unknown(&after);
                    let after = Recommendation { assignment: Assignment::default(), ..after };
                    (after, "delivery_unknown", Some(notification))
                }
                (Status::Delivering, Some(AttemptState::Accepted))
                    if last.is_some_and(|attempt| attempt.at + SILENCE < now) =>
                {
                    let notification = self.unknown(&next);
                    let after = Recommendation { assignment: Assignment::default(), ..next };
                    (after, "delivery_silent", Some(notification))
                }
                _ => return Ok(Try::Done(Delivery::Nothing)),
            };
            let decided = self.decide(&before, after, actor, action, json!({}), notification.as_slice(), Vec::new());
            Ok(match (decided.await?, action) {
                (Err(_), _) => Try::Again(()),
                (Ok(after), "taken") => Try::Done(Delivery::Send(Leased::new(after, lease))),
                (Ok(after), "failure_taken") => Try::Done(Delivery::Reroute(Leased::new(after, lease))),
                (Ok(_), _) => Try::Done(Delivery::Nothing),
            })
        })
        .await
    }

    /// Marks the attempt as sending. `None` if the caller has lost it; then the caller must not send it.
    pub async fn sending(
        &self,
        leased: &Leased<Recommendation>,
        actor: Actor,
    ) -> Result<Option<Recommendation>, StoreError> {
        let after = self.next(leased).with_attempt(|attempt| {
            attempt.state = AttemptState::Sending;
            attempt.tries += 1;
        });
        let details = json!({"attempt": leased.attempts.len(), "channel": channel(leased)});
        // Nothing is sent yet: where the answer was lost, what is stored says whether it is marked.
        for _ in 0..MARKS {
            let decided = self.decide(leased, after.clone(), actor, "sending", details.clone(), &[], Vec::new()).await;
            let stored = match decided {
                Ok(Ok(marked)) => return Ok(Some(marked)),
                Ok(Err(_)) => self.get(leased.id).await,
                Err(error) => Err(error),
            };
            match stored {
                Ok(stored) => {
                    let is_marked = |stored: &Recommendation| {
                        stored.assignment == after.assignment && stored.version == after.version
                    };
                    return Ok(stored.filter(is_marked));
                }
                Err(StoreError::Unavailable(cause)) => tracing::warn!(%cause, "an attempt was not marked as sending"),
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Unavailable("an attempt could not be marked as sending".to_owned()))
    }

    /// Records a report about an attempt, from its worker or its provider, in any order. `before` is the recommendation
    /// as it was read. Returns the current recommendation, and whether the report changed it.
    pub async fn record_report(
        &self,
        before: Recommendation,
        attempt: usize,
        report: &DeliveryReport,
        actor: Actor,
    ) -> Result<(Recommendation, bool), StoreError> {
        retrying("a recommendation", before, |before: Recommendation| async move {
            let delivery = DeliveryId { id: before.id, attempt };
            let Some(attempt) = before.attempts.get(attempt).cloned() else { return Ok(Try::Done((before, false))) };
            let is_last = before.attempts.len() == delivery.attempt + 1;
            let mut after = self.next(&before);
            let now = after.updated_at;
            let waiting = |at| Assignment::waiting(Worker::Delivery, delivery.id.recommendation_id, at);
            use AttemptState::{Accepted, Delivered, Failed, Sending, Taken, Unknown};
            let (state, code) = match (report, attempt.state) {
                (DeliveryReport::Accepted { .. }, Sending | Unknown) => (Accepted, None),
                // The provider's report came before its answer.
                (DeliveryReport::Accepted { .. }, known) if attempt.provider_message_id.is_none() => {
                    (known, attempt.code.as_ref())
                }
                (DeliveryReport::Unknown { code }, Sending) => (Unknown, Some(code)),
                (DeliveryReport::Later { code }, Sending) if attempt.tries < ATTEMPTS => (Taken, Some(code)),
                (DeliveryReport::Later { code }, Sending) => (Failed, Some(code)),
                (DeliveryReport::Delivered, Sending | Unknown | Accepted | Failed) => (Delivered, None),
                (DeliveryReport::Failed { code }, Taken | Sending | Unknown | Accepted) => (Failed, Some(code)),
                _ => return Ok(Try::Done((before, false))),
            };
            if let Some(changed) = after.attempts.get_mut(delivery.attempt) {
                changed.state = state;
                changed.code = code.cloned();
                changed.at = now;
                if let DeliveryReport::Accepted { provider_message_id } = report {
                    changed.provider_message_id = Some(provider_message_id.clone());
                }
            }
            let mut notifications = Vec::new();
            // What another attempt has settled stays settled.
            let is_open = before.status == Status::Delivering;
            match state {
                Delivered => (after.status, after.assignment) = (Status::Delivered, Assignment::default()),
                _ if !is_last || !is_open || state == attempt.state => {}
                Taken | Failed => after.assignment = waiting(now),
                Accepted => after.assignment = waiting(now + SILENCE),
                Unknown => {
                    notifications.push(self.unknown(&after));
                    after.assignment = Assignment::default();
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
            let decided = self.decide(&before, after, actor, "settled", details, &notifications, also).await?;
            Ok(match decided {
                Ok(after) => Try::Done((after, true)),
                Err(_) => self.again(before).await?,
            })
        })
        .await
    }

    /// Records the lead's reaction to a delivered message; the strongest reaction is kept. A reply or a meeting counts
    /// as one success of the channel. `before` is the recommendation as it was read. Returns the current
    /// recommendation, and whether the reaction is new.
    pub async fn record_outcome(
        &self,
        before: Recommendation,
        attempt: usize,
        outcome: Outcome,
        actor: Actor,
    ) -> Result<(Recommendation, bool), StoreError> {
        retrying("a recommendation", before, |before: Recommendation| async move {
            let delivery = DeliveryId { id: before.id, attempt };
            let Some(attempt) = before.attempts.get(attempt).cloned() else { return Ok(Try::Done((before, false))) };
            let worth = |outcome: Outcome| outcome.success().unwrap_or(-1.0);
            if attempt.outcome.is_some_and(|known| worth(known) >= worth(outcome)) {
                return Ok(Try::Done((before, false)));
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
            let decided = self.decide(&before, after, actor, "outcome", details, &[], also).await?;
            Ok(match decided {
                Ok(after) => Try::Done((after, true)),
                Err(_) => self.again(before).await?,
            })
        })
        .await
    }

    /// The next try of changing a recommendation; ends if it was erased.
    async fn again(&self, before: Recommendation) -> Result<Try<(Recommendation, bool), Recommendation>, StoreError> {
        Ok(self.get(before.id).await?.map_or(Try::Done((before, false)), Try::Again))
    }

    /// Records a lead's answer on a channel. It counts as the answer to the last message that was sent there in the two
    /// weeks before, and proves that this message was delivered.
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
                is_meant.then_some((approved_at, one, attempt))
            })
        });
        let newest = newest.max_by_key(|(approved_at, ..)| *approved_at);
        let Some((_, sent, attempt)) = newest else { return Ok(false) };
        let (sent, _) = self.record_report(sent.clone(), attempt, &DeliveryReport::Delivered, actor).await?;
        self.record_outcome(sent, attempt, Outcome::Replied, actor).await.map(|(_, is_new)| is_new)
    }

    /// Continues after a certain failure: with the same text in the format of another channel, or by giving up. `None`
    /// if the caller has lost the attempt.
    pub async fn reroute(
        &self,
        failed: &Leased<Recommendation>,
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
                let assignment = Assignment::waiting(Worker::Delivery, failed.id.recommendation_id, now);
                Recommendation { attempts, assignment, ..next }
            }
            None => Recommendation { status: Status::DeliveryFailed, assignment: Assignment::default(), ..next },
        };
        let notifications = std::slice::from_ref(notification);
        Ok(self.decide(failed, after, actor, "went_on", details, notifications, Vec::new()).await?.ok())
    }

    /// Completes a delivery without a provider: the message is shown on the site, or handed to the representative.
    pub async fn complete(
        &self,
        leased: &Leased<Recommendation>,
        notifications: &[Notification],
        actor: Actor,
    ) -> Result<Option<Recommendation>, StoreError> {
        let after = self.next(leased).with_attempt(|attempt| attempt.state = AttemptState::Delivered);
        let after = Recommendation { status: Status::Delivered, assignment: Assignment::default(), ..after };
        let details = json!({"channel": channel(leased)});
        let mut also = Vec::new();
        if let Some(channel) = channel(leased).and_then(scored) {
            let count = Count { successes: 0, trials: 1 };
            also.push(rates::add(&self.table, leased.id.workspace_id, (leased.tier(), channel), count));
        }
        Ok(self.decide(leased, after, actor, "handed_over", details, notifications, also).await?.ok())
    }

    /// The notification that it is unknown whether an attempt was delivered.
    fn unknown(&self, of: &Recommendation) -> Notification {
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

/// The channel, if the channel model learns from it.
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
