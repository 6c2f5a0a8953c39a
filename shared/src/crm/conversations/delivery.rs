//! Delivery reports of providers about agents' messages.
//!
//! Reports arrive late, repeatedly and in any order, so the states are ordered and only move up: accepted < sent <
//! failed < delivered < read. A failure counts only while nothing proves that the message arrived; a proof of arrival
//! ends a failure, because providers report such failures too.
//!
//! A report may also arrive before its message. Then it is stored next to the message's key. Recording a message reads
//! the stored report afterwards, and storing a report looks for the message again, so one of the two always finds the
//! other.

use crate::crm::identifiers::CustomerPhone;
use crate::crm::identifiers::User;
use chrono::TimeDelta;
use serde::Deserialize;

use super::Conversations;
use crate::base::store::{StoreError, WriteOutcome, key, n, s};

/// How long a report is kept for its message: as long as Meta retries the message's own echo.
const KEPT: TimeDelta = TimeDelta::days(7);

/// The delivery state of a message; later states are higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, strum::EnumString, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Delivery {
    /// The provider accepted it.
    Accepted,
    /// It is on its way.
    Sent,
    /// It could not be delivered.
    Failed,
    /// It reached the lead.
    Delivered,
    /// The lead has opened it.
    Read,
}

impl Delivery {
    fn name(self) -> &'static str {
        self.into()
    }

    /// What the leads API shows of it: it knows `sent`, `pending` and `failed`.
    fn status(self) -> &'static str {
        if self == Self::Failed { "failed" } else { "sent" }
    }
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// The message has this state now.
    Moved,
    /// The message has this state or a higher one, or is not an agent's. Nothing changed.
    Known,
    /// There is no such message yet. The report is kept for it.
    Kept,
}

impl Conversations {
    /// Records a delivery report of an agent's message to the lead with these identifiers.
    pub async fn record_delivery(
        &self,
        user: &User,
        told: &[CustomerPhone],
        message_id: &str,
        delivery: Delivery,
    ) -> Result<Reported, StoreError> {
        if let Some(reported) = self.move_up(user, told, message_id, delivery).await? {
            return Ok(reported);
        }
        let mut leads = told.to_vec();
        for alias in told {
            leads.extend(self.alias(user, alias).await?.filter(|lead| !told.contains(lead)));
        }
        if let Some(reported) = self.move_up(user, &leads[told.len()..], message_id, delivery).await? {
            return Ok(reported);
        }
        for lead in &leads {
            self.keep_report(user, lead, message_id, delivery).await?;
        }
        // The message may have come meanwhile, too early to see the report.
        let reported = self.move_up(user, &leads, message_id, delivery).await?;
        Ok(reported.unwrap_or(Reported::Kept))
    }

    /// Applies the reports that came before an agent's message, which was recorded of the first of
    /// these identifiers.
    pub(super) async fn take_kept_reports(
        &self,
        user: &User,
        leads: &[CustomerPhone],
        message_id: &str,
    ) -> Result<(), StoreError> {
        for lead in leads {
            let report = self.table.get(key(user.events_pk(lead), report_sk(message_id))).await?;
            if let Some(KeptReport { delivery }) = report {
                self.move_up(user, &leads[..1], message_id, delivery).await?;
            }
        }
        Ok(())
    }

    /// Raises the message of one of these leads to a state. `None` if none of them has the message.
    async fn move_up(
        &self,
        user: &User,
        leads: &[CustomerPhone],
        message_id: &str,
        delivery: Delivery,
    ) -> Result<Option<Reported>, StoreError> {
        for lead in leads {
            if let Some(reported) = self.move_up_of(user, lead, message_id, delivery).await? {
                return Ok(Some(reported));
            }
        }
        Ok(None)
    }

    async fn move_up_of(
        &self,
        user: &User,
        lead: &CustomerPhone,
        message_id: &str,
        delivery: Delivery,
    ) -> Result<Option<Reported>, StoreError> {
        // A message recorded as failed, of which no provider has reported, counts as failed.
        let condition = if delivery > Delivery::Failed {
            "sender = :agent AND (attribute_not_exists(delivery_rank) OR delivery_rank < :rank)"
        } else {
            "sender = :agent AND ((attribute_not_exists(delivery_rank) AND #status <> :failed) OR delivery_rank < :rank)"
        };
        let message = key(user.events_pk(lead), format!("message#{message_id}"));
        let set = "SET delivery = :delivery, delivery_rank = :rank, #status = :status";
        let update = self.table.update(message, set).when(condition);
        let update = update.bind("agent", s("agent")).bind("delivery", s(delivery.name()));
        let mut update = update.bind("status", s(delivery.status())).bind("rank", n(delivery as u8));
        if delivery <= Delivery::Failed {
            update = update.bind("failed", s("failed"));
        }
        Ok(match self.table.write(update).await? {
            WriteOutcome::Applied(_) => Some(Reported::Moved),
            WriteOutcome::Refused(there) => there.map(|_| Reported::Known),
        })
    }

    /// Stores a report until its message arrives. Of several reports the highest is kept.
    async fn keep_report(
        &self,
        user: &User,
        lead: &CustomerPhone,
        message_id: &str,
        delivery: Delivery,
    ) -> Result<(), StoreError> {
        let set = "SET delivery = :delivery, delivery_rank = :rank, #expires = :expires";
        let update = self.table.update(key(user.events_pk(lead), report_sk(message_id)), set);
        let update = update.when("attribute_not_exists(delivery_rank) OR delivery_rank < :rank");
        let update = update.bind("delivery", s(delivery.name())).bind("rank", n(delivery as u8));
        let expires = (self.clock.now() + KEPT).timestamp();
        self.table.write(update.bind("expires", n(expires))).await.map(drop)
    }
}

/// A report that waits for its message.
#[derive(Deserialize)]
struct KeptReport {
    delivery: Delivery,
}

fn report_sk(message_id: &str) -> String {
    format!("status#{message_id}")
}
