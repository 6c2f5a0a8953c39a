//! Messages as what happened with a lead: for whoever looks at a lead as a whole.

use crate::crm::conversations::Channel;
use crate::crm::leads::Direction;
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use uuid::Uuid;

use super::row::{Message, Sender};
use super::{Conversations, MessageStatus};
use crate::base::store::{StoreError, from_item};
use crate::crm::leads::{Activity, HISTORY_PAGE, Link};

impl Conversations {
    /// The messages of these rows since `since`, and the one before of each, as activities, those of
    /// each row newest first: one query for each row, at once, and further ones for each hundred
    /// messages in that time.
    pub async fn touches(&self, rows: &[Link], since: DateTime<Utc>) -> Result<Vec<Activity>, StoreError> {
        let told = try_join_all(rows.iter().map(|row| self.touches_of(row, since))).await?;
        Ok(told.into_iter().flatten().collect())
    }

    async fn touches_of(&self, row: &Link, since: DateTime<Utc>) -> Result<Vec<Activity>, StoreError> {
        let now = self.clock.now();
        let newest = self.messages_by_time(&row.user, &row.customer_phone).newest_first().page_size(HISTORY_PAGE);
        let mut items = newest.items();
        let mut touches = Vec::new();
        while let Some(item) = items.next().await? {
            let message: Message = from_item(item)?;
            // What waits for approval has not happened.
            if message.status == MessageStatus::Pending {
                continue;
            }
            let is_before = message.timestamp < since;
            touches.push(touch(message, now));
            if is_before {
                break;
            }
        }
        Ok(touches)
    }
}

fn touch(message: Message, now: DateTime<Utc>) -> Activity {
    let is_leads = message.sender == Sender::User;
    let opens_window = is_leads && message.is_delivered && message.platform == Channel::Whatsapp;
    Activity {
        // A message goes by its provider's identifier.
        activity_id: Uuid::nil(),
        kind: message.platform.name().into(),
        // What was written is not planned, whatever the provider's clock says.
        occurred_at: message.timestamp.min(now),
        direction: Some(if is_leads { Direction::Inbound } else { Direction::Outbound }),
        outcome: None,
        title: None,
        body: Some(message.text),
        opens_window,
    }
}
