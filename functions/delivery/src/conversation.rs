//! Records sent WhatsApp messages in the lead's conversation.

use shared::base::channel::Channel;
use shared::base::store::StoreError;
use shared::crm::conversations::MessageStatus;
use shared::crm::conversations::default_conversation;
use shared::crm::conversations::row::{Message, Sender};
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
        let author = match sent.about.origin {
            Origin::FollowUp { command_id, .. } => self.commands.get(CommandId { workspace_id, command_id }).await?,
            Origin::Engagement(_) | Origin::Campaign { .. } => None,
        };
        let author = author.and_then(|command| command.author);
        // The lead's reply and the provider's reports come to the channel's user.
        let channel = self.accounts.channel(Channel::Whatsapp, sent.from).await?;
        let channel = channel.filter(|channel| channel.workspace_id == workspace_id);
        let (user_id, agent_id, agent_name) = match (channel, author) {
            (channel, Some(author)) => {
                let user_id = channel.map_or(author.user_id, |channel| channel.user_id);
                (user_id, Some(author.agent_id.to_string()), Some(author.agent_name))
            }
            (Some(channel), None) => (channel.user_id, channel.agent_id, channel.agent_name),
            (None, None) => return Ok(()),
        };
        let user = User::new(workspace_id, &user_id).map_err(unusable)?;
        let message = Message {
            message_id: sent.provider_message_id.to_owned(),
            conversation_id: default_conversation(Channel::Whatsapp, Some(sent.from), &lead),
            agent_id,
            agent_name,
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
