//! Messages that wait for approval. The leads API shows them as `pending`; they are not sent.

use crate::base::channel::Channel;
use crate::crm::conversations::MessageStatus;
use crate::crm::identifiers::CustomerPhone;
use crate::crm::identifiers::User;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::row::{Message, Row, Sender};
use super::{Conversations, Recorded, default_conversation, load};
use crate::base::store::{StoreError, Transacted, Try, key, retrying, s};

/// Identifies a message that waits for approval, with its lead and sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingMessage {
    /// Its identifier; the same one again is the same message.
    pub message_id: String,
    /// Whose lead.
    pub user_id: String,
    /// The lead's phone number on WhatsApp, as lists show it.
    pub customer_phone: String,
    /// The agent that writes.
    pub agent_id: Uuid,
    /// The agent's name.
    pub agent_name: String,
    /// WhatsApp's phone number id that it would be sent from.
    pub phone_number_id: String,
    /// When it was first written.
    pub written_at: DateTime<Utc>,
}

impl Conversations {
    /// Records a message that waits for approval, unless it exists.
    pub async fn propose(
        &self,
        workspace_id: Uuid,
        pending: &PendingMessage,
        text: &str,
    ) -> Result<Recorded, StoreError> {
        let (user, lead, message) = pending.message(workspace_id, text)?;
        let take = |row: &mut Row| {
            // What nobody has sent says nothing of the lead: it is not to be scored.
            row.scored_messages += 1;
            let lead = CustomerPhone(row.customer_phone.clone());
            let number = message.phone_number_id.as_deref();
            let conversation_id = default_conversation(Channel::Whatsapp, number, &lead);
            load::take_message(row, &Message { conversation_id, ..message.clone() })
        };
        let sk = load::message_sk(&message);
        self.record(&user, (&lead, &[]), &sk, message.timestamp, take).await.map(|(recorded, ..)| recorded)
    }

    /// Replaces the text of a message that waits for approval, as long as it is undecided. Records it if it does not
    /// exist.
    pub async fn revise(&self, workspace_id: Uuid, pending: &PendingMessage, text: &str) -> Result<(), StoreError> {
        if self.propose(workspace_id, pending, text).await? == Recorded::New {
            return Ok(());
        }
        let (user, lead, message) = pending.message(workspace_id, text)?;
        retrying("a lead", (), |()| async {
            let Some(before) = self.row_or_aliased(&user, &lead).await? else { return Ok(Try::Done(())) };
            let mut row = before.clone();
            row.version += 1;
            if let Some(last) = row.last_message.as_mut().filter(|last| last.message_id == message.message_id) {
                text.clone_into(&mut last.text);
            }
            let stored_as = CustomerPhone(row.customer_phone.clone());
            let revise =
                self.table.update(key(user.events_pk(&stored_as), load::message_sk(&message)), "SET #text = :text");
            let revise = revise.when("#status = :pending").bind("text", s(text)).bind("pending", s("pending"));
            let writes = [revise, self.put_row(&user, &row, Some(&before))?];
            Ok(match self.table.transact(writes).await? {
                // Somebody has decided.
                Transacted::Refused(refused) if refused.first().is_some_and(Option::is_some) => Try::Done(()),
                transacted => transacted.done(()),
            })
        })
        .await
    }
}

impl PendingMessage {
    fn message(&self, workspace_id: Uuid, text: &str) -> Result<(User, CustomerPhone, Message), StoreError> {
        let unusable = |_| StoreError::Broken("a pending message holds no key".to_owned());
        let user = User::new(workspace_id, &self.user_id).map_err(unusable)?;
        let lead = CustomerPhone::parse(&self.customer_phone).map_err(unusable)?;
        let number = Some(self.phone_number_id.as_str());
        let message = Message {
            message_id: self.message_id.clone(),
            conversation_id: default_conversation(Channel::Whatsapp, number, &lead),
            agent_id: Some(self.agent_id.to_string()),
            agent_name: Some(self.agent_name.clone()),
            platform: Channel::Whatsapp,
            phone_number_id: number.map(str::to_owned),
            sender: Sender::Agent,
            text: text.to_owned(),
            timestamp: self.written_at,
            status: MessageStatus::Pending,
            sequence_no: 0,
            is_delivered: false,
        };
        Ok((user, lead, message))
    }
}
