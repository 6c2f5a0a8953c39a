//! What a provider says became of an agent's message.
//!
//! Reports come late, repeated and in any order, so the states are ordered and only move up:
//! accepted < sent < failed < delivered < read. A failure counts only while nothing proves that the
//! message arrived; a proof of arrival ends a failure, because providers report such failures too.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

use super::{Conversations, CustomerPhone, User};
use crate::store::{StoreError, n, s, store_error};

/// How far a message has come; later ones are higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// The provider has taken it.
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
    const ALL: [Self; 5] = [Self::Accepted, Self::Sent, Self::Failed, Self::Delivered, Self::Read];

    /// The state of this name, as providers call it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|delivery| delivery.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// What the leads API shows of it: it knows `sent`, `pending` and `failed`.
    fn status(self) -> &'static str {
        if self == Self::Failed { "failed" } else { "sent" }
    }
}

impl Conversations {
    /// Records what became of an agent's message to a lead, of whom these identifiers were told.
    /// `false` if the message is not there, is not an agent's, or has come as far already; nothing
    /// changes then.
    pub async fn record_delivery(
        &self,
        user: &User,
        told: &[CustomerPhone],
        message_id: &str,
        delivery: Delivery,
    ) -> Result<bool, StoreError> {
        for lead in told {
            if self.move_up(user, lead, message_id, delivery).await? {
                return Ok(true);
            }
        }
        for alias in told {
            if let Some(lead) = self.alias(user, alias).await?
                && !told.contains(&lead)
                && self.move_up(user, &lead, message_id, delivery).await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn move_up(
        &self,
        user: &User,
        lead: &CustomerPhone,
        message_id: &str,
        delivery: Delivery,
    ) -> Result<bool, StoreError> {
        // A message recorded as failed, of which no provider has reported, counts as failed.
        let condition = if delivery > Delivery::Failed {
            "sender = :agent AND (attribute_not_exists(delivery_rank) OR delivery_rank < :rank)"
        } else {
            "sender = :agent AND ((attribute_not_exists(delivery_rank) AND #status <> :failed) OR delivery_rank < :rank)"
        };
        let mut request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", s(user.events_pk(lead)))
            .key("sk", s(format!("message#{message_id}")))
            .update_expression("SET delivery = :delivery, delivery_rank = :rank, #status = :status")
            .condition_expression(condition)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":agent", s("agent"))
            .expression_attribute_values(":delivery", s(delivery.name()))
            .expression_attribute_values(":status", s(delivery.status()))
            .expression_attribute_values(":rank", n(delivery as u8));
        if delivery <= Delivery::Failed {
            request = request.expression_attribute_values(":failed", s("failed"));
        }
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(store_error("UpdateItem", &error)),
            },
        }
    }
}
