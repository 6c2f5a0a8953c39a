//! Records sent WhatsApp messages in the lead's conversation.

use shared::base::channel::Channel;
use shared::base::store::StoreError;
use shared::crm::conversations::MessageStatus;
use shared::crm::conversations::row::{Message, Sender};
use shared::crm::conversations::{Delivery, default_conversation};
use shared::crm::identifiers::{CustomerPhone, User};
use shared::workflow::commands::CommandId;
use shared::workflow::recommendations::{Draft, Origin, Recommendation};

use crate::DeliveryWorker;

/// A message that WhatsApp has taken.
pub(crate) struct InConversation<'a> {
    pub(crate) about: &'a Recommendation,
    pub(crate) draft: &'a Draft,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) provider_message_id: &'a str,
}

impl DeliveryWorker {
    /// Records a message. It is already sent, so a failure here is only logged.
    pub(crate) async fn show(&self, sent: &InConversation<'_>) {
        if let Err(error) = self.record(sent).await {
            let recommendation_id = sent.about.id.recommendation_id;
            tracing::warn!(%recommendation_id, cause = %error, "what was sent is not in its conversation");
        }
    }

    async fn record(&self, sent: &InConversation<'_>) -> Result<(), StoreError> {
        let workspace_id = sent.about.id.workspace_id;
        let unusable = |_| StoreError::Broken("a message that was sent holds no key".to_owned());
        let lead = CustomerPhone::parse(sent.to).map_err(unusable)?;
        // What a follow-up showed as pending is that message.
        if let Origin::FollowUp { command_id, .. } = sent.about.origin
            && let Some(command) = self.commands.get(CommandId { workspace_id, command_id }).await?
            && let Some(pending) = &command.pending
        {
            self.conversations.revise(workspace_id, pending, &sent.draft.message).await?;
            let user = User::new(workspace_id, &pending.user_id).map_err(unusable)?;
            let (leads, message_id) = ([lead], &pending.message_id);
            return self.conversations.record_delivery(&user, &leads, message_id, Delivery::Sent).await.map(drop);
        }
        let Some(channel) = self.accounts.channel(Channel::Whatsapp, sent.from).await? else { return Ok(()) };
        if channel.workspace_id != workspace_id {
            return Ok(());
        }
        let user = User::new(workspace_id, &channel.user_id).map_err(unusable)?;
        let message = Message {
            message_id: sent.provider_message_id.to_owned(),
            conversation_id: default_conversation(Channel::Whatsapp, Some(sent.from), &lead),
            agent_id: channel.agent_id,
            agent_name: channel.agent_name,
            platform: Channel::Whatsapp,
            phone_number_id: Some(sent.from.to_owned()),
            sender: Sender::Agent,
            text: sent.draft.message.clone(),
            timestamp: self.clock.now(),
            status: MessageStatus::Sent,
            sequence_no: 0,
            is_delivered: false,
        };
        self.conversations.record_message(&user, &lead, &message).await.map(drop)
    }
}
