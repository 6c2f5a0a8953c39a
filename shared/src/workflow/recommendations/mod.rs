//! Recommendations, in the `work` table: proposals for a reviewer, and their results.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | recommendation | `W#<workspace>#R#<recommendation>` | `recommendation` |
//! | audit event | `W#<workspace>#R#<recommendation>` | `event#<version>` |
//! | open item of the manual queue | `W#<workspace>#L#<lead>` | `manual` |
//!
//! ```text
//! pending_review -> approved -> delivering -> delivered | delivery_failed
//! pending_review -> rejected -> requeued        (and a new recommendation)
//! blocked_pii    -> approved | rejected         manual -> resolved | requeued
//! delivering     -> resolved, by a person, if the result of the delivery is unknown
//! ```
//!
//! Every change is one transaction: the recommendation, on the condition that it still has the version that was read;
//! the audit event of its new version; and the resulting notifications. So no change lacks its event, and the second of
//! two simultaneous decisions is refused. Events never change. They contain no name, address, phone number or text.

mod approval;
mod attempt;
mod audit;
mod delivery;
mod draft;
mod id;
mod list;
mod manual;
mod origin;
mod recommendation;
mod review;
mod view;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::channel::Channel;
use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::observe::metrics;
use crate::base::store::{Item, StoreError, Table, Transacted, Write, key, keyed, n, s};
use crate::outreach::writing::Messages;
use crate::workflow::notifications::Notification;
pub use approval::Approval;
pub use attempt::{Attempt, AttemptState, DeliveryId, DeliveryReport};
pub use audit::{Actor, AuditEvent};
pub use delivery::Delivery;
pub use draft::Draft;
use draft::drafted;
pub use id::RecommendationId;
pub use list::Listing;
use list::of_lead;
pub use origin::{Asked, Event, Follows, Origin};
pub use recommendation::{Assessment, EventSource, Recommendation, Status, UsedEvent, WrittenBy};
pub use review::{Decided, Refused};
pub use view::{ApprovalView, DeliveryView, RecommendationFollowUp, RecommendationView};

/// How long a recommendation and its events are kept after its last change.
const KEPT: TimeDelta = TimeDelta::days(400);

/// The recommendations in the `work` table.
#[derive(Clone, Debug, FromContext)]
pub struct Recommendations {
    clock: Clock,
    random: Random,
    #[context(Table::named(context, "WORK_TABLE")?)]
    table: Table,
}

fn pk(id: RecommendationId) -> String {
    format!("W#{}#R#{}", id.workspace_id, id.recommendation_id)
}

fn recommendation_key(id: RecommendationId) -> Item {
    key(pk(id), "recommendation")
}

impl Recommendations {
    /// A new identifier for the message of each medium.
    pub fn identifiers(&self, messages: &Messages) -> BTreeMap<Channel, Uuid> {
        messages.iter().map(|(medium, _)| (medium, self.random.uuid())).collect()
    }

    /// Reads a recommendation.
    pub async fn get(&self, id: RecommendationId) -> Result<Option<Recommendation>, StoreError> {
        self.table.get(recommendation_key(id)).await
    }

    /// Reads a recommendation's audit events, oldest first.
    pub async fn events(&self, id: RecommendationId) -> Result<Vec<AuditEvent>, StoreError> {
        self.table.under(pk(id), "event#").all().await
    }

    /// The writes that create a recommendation, with its first event and its notifications.
    pub fn propose(
        &self,
        new: &Recommendation,
        actor: Actor,
        notifications: &[Notification],
    ) -> Result<Vec<Write>, StoreError> {
        let assessment = new.assessment.as_ref();
        let details = json!({
            "lead_id": new.lead_id,
            "channel": new.draft.as_ref().map(|draft| draft.channel),
            "priority_score": assessment.map(|assessment| assessment.priority_score),
            "ai_service_version": new.ai_service_version(),
            "model": new.written_by.as_ref().map(|by| &by.model),
            "prompt_version": new.written_by.as_ref().map(|by| &by.prompt_version),
            "input_sha256": new.written_by.as_ref().and_then(|by| by.input_sha256.as_ref()),
            "output_sha256": new.written_by.as_ref().and_then(|by| by.output_sha256.as_ref()),
            "policy_version": assessment.map(|assessment| &assessment.policy_version),
            "factors": assessment.map(|assessment| &assessment.factors),
            "channel_scores": assessment.map(|assessment| &assessment.channel_scores),
            "failure": new.failed_with,
            "origin": audit::origin(&new.origin),
            "notified": notifications.iter().map(|told| json!({"kind": told.kind, "details": told.details})).collect::<Vec<_>>(),
        });
        self.change(None, new, actor, "proposed", details, notifications)
    }

    /// Creates a recommendation. `false` if one with its identifier exists.
    pub async fn make(
        &self,
        new: &Recommendation,
        actor: Actor,
        notifications: &[Notification],
    ) -> Result<bool, StoreError> {
        let writes = self.propose(new, actor, notifications)?;
        let is_new = matches!(self.table.transact(writes).await?, Transacted::Applied);
        if is_new && new.status == Status::BlockedPii {
            metrics::draft_blocked();
        }
        Ok(is_new)
    }

    /// The writes that replace the text of undecided recommendations by its refinement.
    pub async fn refine(
        &self,
        workspace_id: Uuid,
        identifiers: &BTreeMap<Channel, Uuid>,
        messages: &Messages,
        written_by: &WrittenBy,
        actor: Actor,
    ) -> Result<Vec<Write>, StoreError> {
        let stored = try_join_all(identifiers.iter().map(|(medium, id)| async move {
            let stored = self.get(RecommendationId { workspace_id, recommendation_id: *id }).await?;
            Ok::<_, StoreError>(stored.map(|stored| (*medium, stored)))
        }));
        let mut writes = Vec::new();
        for (medium, before) in stored.await?.into_iter().flatten() {
            let Some(draft) = messages.of(medium).map(|written| drafted(medium, written)) else { continue };
            if before.status != Status::PendingReview || before.draft.as_ref() == Some(&draft) {
                continue;
            }
            let after =
                Recommendation { draft: Some(draft), written_by: Some(written_by.clone()), ..self.next(&before) };
            let details = json!({"ai_service_version": after.ai_service_version()});
            writes.extend(self.change(Some(&before), &after, actor, "refined", details, &[])?);
        }
        Ok(writes)
    }

    /// The recommendation in its next version.
    fn next(&self, before: &Recommendation) -> Recommendation {
        let now = self.clock.now();
        let expires = (now + KEPT).timestamp();
        Recommendation { version: before.version + 1, updated_at: now, expires, ..before.clone() }
    }

    /// The writes of one change: `after` in place of `before`, the event, and the notifications.
    fn change(
        &self,
        before: Option<&Recommendation>,
        after: &Recommendation,
        actor: Actor,
        action: &str,
        details: Value,
        notifications: &[Notification],
    ) -> Result<Vec<Write>, StoreError> {
        let mut item = keyed(after, recommendation_key(after.id))?;
        item.insert("listed".to_owned(), s(format!("W#{}#{}", after.id.workspace_id, after.status.name())));
        item.insert("of_lead".to_owned(), s(of_lead(after.id.workspace_id, after.lead_id)));
        item.insert("listed_by".to_owned(), s(after.listed_by()));
        let put = self.table.put(item);
        let put = match before {
            None => put.when_new(),
            Some(before) => put.when_version(before.version),
        };
        let event = AuditEvent::of(after, actor, action, details);
        let mut event = keyed(&event, key(pk(after.id), format!("event#{:012}", after.version)))?;
        event.insert("expires".to_owned(), n(after.expires));
        let mut writes = vec![put, self.table.put_new(event)];
        for notification in notifications {
            writes.push(notification.put(&self.table)?);
        }
        Ok(writes)
    }
}
