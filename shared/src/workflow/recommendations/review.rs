//! The decisions of reviewers: approve, reject, snooze, and those about the manual queue.

use super::approval::Approval;
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Actor, AttemptState, Draft, Origin, Recommendation, Recommendations, Status};
use crate::base::observe::metrics;
use crate::base::store::{StoreError, Transacted, Write};
use crate::base::time::timestamp;
use crate::workflow::due::Worker;
use crate::workflow::lease::Assignment;
use crate::workflow::notifications::Notification;

impl Draft {
    /// SHA-256 of the text, in hexadecimal digits.
    pub fn sha256(&self) -> String {
        let title = self.title.as_deref().unwrap_or_default();
        HEXLOWER.encode(&Sha256::digest([title, "\n", &self.message].concat()))
    }
}

/// The reason why a decision is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has changed since it was read.
    Outdated,
    /// Its status does not allow this decision.
    NotOpen(Status),
}

/// The result of a decision.
pub type Decided = Result<Recommendation, Refused>;

impl Recommendation {
    /// Whether a reviewer may approve or reject it.
    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::PendingReview | Status::BlockedPii)
    }

    /// Whether a person may approve a text for it. An item of the manual queue needs a text of the person's own.
    pub fn is_approvable(&self) -> bool {
        self.is_open() || self.status == Status::Manual
    }
}

impl Recommendations {
    /// Approves a text for sending. The text must have passed the personal data gate.
    pub async fn approve(&self, before: &Recommendation, draft: Draft, actor: Actor) -> Result<Decided, StoreError> {
        if !before.is_approvable() {
            return Ok(Err(Refused::NotOpen(before.status)));
        }
        let next = self.next(before);
        let words = |draft: &Draft| (draft.title.clone(), draft.message.clone());
        let edited = before.draft.as_ref().map(words) != Some(words(&draft));
        let details = json!({"channel": draft.channel, "edited": edited, "text_sha256": draft.sha256()});
        let approval = Approval { text_sha256: draft.sha256(), edited, by: actor.text(), at: next.updated_at, draft };
        // What was proposed stays to be seen beside it.
        let after = Recommendation {
            status: Status::Approved,
            approval: Some(approval),
            snoozed_until: None,
            assignment: Assignment::waiting(Worker::Delivery, before.id.recommendation_id, next.updated_at),
            ..next
        };
        self.decide(before, after, actor, "approved", details, &[], self.close_if_manual(before)).await
    }

    /// Blocks a text that contains personal data of another person. The text is not stored.
    pub async fn block(
        &self,
        before: &Recommendation,
        findings: Value,
        notification: &Notification,
        actor: Actor,
    ) -> Result<Decided, StoreError> {
        if !before.is_approvable() {
            return Ok(Err(Refused::NotOpen(before.status)));
        }
        let after = Recommendation { status: Status::BlockedPii, ..self.next(before) };
        let details = json!({"findings": findings});
        let notifications = std::slice::from_ref(notification);
        let close = self.close_if_manual(before);
        let decided = self.decide(before, after, actor, "blocked_pii", details, notifications, close).await?;
        if decided.is_ok() {
            metrics::draft_blocked();
        }
        Ok(decided)
    }

    /// Rejects a recommendation. One from the lead's engagement is analysed again, with the reason.
    pub async fn reject(&self, before: &Recommendation, reason: &str, actor: Actor) -> Result<Decided, StoreError> {
        if !before.is_open() {
            return Ok(Err(Refused::NotOpen(before.status)));
        }
        let next = self.next(before);
        let is_analysed = matches!(before.origin, Origin::Engagement(_));
        let assignment = match is_analysed {
            true => Assignment::waiting(Worker::Analysis, before.id.recommendation_id, next.updated_at),
            false => Assignment::default(),
        };
        let after = Recommendation {
            status: Status::Rejected,
            rejection_reason: Some(reason.to_owned()),
            snoozed_until: None,
            assignment,
            ..next
        };
        // The reason itself may name somebody; it stands in the recommendation.
        let details = json!({"reason_characters": reason.chars().count(), "analysed_again": is_analysed});
        self.decide(before, after, actor, "rejected", details, &[], Vec::new()).await
    }

    /// Hides it from lists until a time.
    pub async fn snooze(
        &self,
        before: &Recommendation,
        until: DateTime<Utc>,
        actor: Actor,
    ) -> Result<Decided, StoreError> {
        if before.status != Status::PendingReview {
            return Ok(Err(Refused::NotOpen(before.status)));
        }
        let after = Recommendation { snoozed_until: Some(until), ..self.next(before) };
        let details = json!({"until": timestamp(until)});
        self.decide(before, after, actor, "snoozed", details, &[], Vec::new()).await
    }

    /// Closes an item that a person has handled: an item of the manual queue, or a delivery with an unknown result.
    /// That includes a delivery that the provider accepted without reporting a status for too long.
    pub async fn resolve(&self, before: &Recommendation, actor: Actor) -> Result<Decided, StoreError> {
        let state = before.attempts.last().map(|attempt| attempt.state);
        let is_unknown = before.status == Status::Delivering
            && match state {
                Some(AttemptState::Unknown) => true,
                Some(AttemptState::Accepted) => !before.is_queued(),
                _ => false,
            };
        if before.status != Status::Manual && !is_unknown {
            return Ok(Err(Refused::NotOpen(before.status)));
        }
        let after = Recommendation { status: Status::Resolved, ..self.next(before) };
        let close = if is_unknown { Vec::new() } else { vec![self.close_manual(before)] };
        self.decide(before, after, actor, "resolved", json!({}), &[], close).await
    }

    /// Returns an item of the manual queue to the model.
    pub async fn hand_back(&self, before: &Recommendation, actor: Actor) -> Result<Decided, StoreError> {
        if before.status != Status::Manual {
            return Ok(Err(Refused::NotOpen(before.status)));
        }
        let next = self.next(before);
        let assignment = Assignment::waiting(Worker::Analysis, before.id.recommendation_id, next.updated_at);
        let after = Recommendation { status: Status::Requeued, assignment, ..next };
        let close = vec![self.close_manual(before)];
        self.decide(before, after, actor, "handed_back", json!({}), &[], close).await
    }

    /// Creates the recommendation that replaces this one, and records that. `false` if another process did so.
    pub async fn replace(
        &self,
        before: &Recommendation,
        new: &Recommendation,
        actor: Actor,
        notifications: &[Notification],
    ) -> Result<bool, StoreError> {
        let after = Recommendation {
            status: Status::Requeued,
            followed_by: Some(new.id.recommendation_id),
            assignment: Assignment::default(),
            ..self.next(before)
        };
        let details = json!({"followed_by": new.id.recommendation_id});
        let mut also = self.propose(new, actor, notifications)?;
        if new.status == Status::Manual {
            also.push(self.open_manual(new));
        }
        let is_new = self.decide(before, after, actor, "requeued", details, &[], also).await?.is_ok();
        if is_new && new.status == Status::BlockedPii {
            metrics::draft_blocked();
        }
        Ok(is_new)
    }

    /// Records that it is not analysed again.
    pub async fn leave(
        &self,
        before: &Recommendation,
        (reason, notification): (&str, Option<&Notification>),
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let after = Recommendation { assignment: Assignment::default(), ..self.next(before) };
        let details = json!({"reason": reason});
        let notifications: Vec<_> = notification.cloned().into_iter().collect();
        Ok(self.decide(before, after, actor, "not_analysed", details, &notifications, Vec::new()).await?.is_ok())
    }

    #[expect(clippy::too_many_arguments, reason = "one change and everything that is written with it")]
    pub(super) async fn decide(
        &self,
        before: &Recommendation,
        after: Recommendation,
        actor: Actor,
        action: &str,
        details: Value,
        notifications: &[Notification],
        also: Vec<Write>,
    ) -> Result<Decided, StoreError> {
        let mut writes = self.change(Some(before), &after, actor, action, details, notifications)?;
        writes.extend(also);
        Ok(match self.table.transact(writes).await? {
            Transacted::Applied => Ok(after),
            Transacted::Refused(_) => Err(Refused::Outdated),
        })
    }

    /// A new identifier.
    pub fn identifier(&self, workspace_id: Uuid) -> super::RecommendationId {
        super::RecommendationId { workspace_id, recommendation_id: self.random.uuid() }
    }
}
