//! Receives queue messages that name an item of the inbox, which a provider delivered. Reads the item, records it and
//! deletes it.
//!
//! Every step can run twice and concurrently: a message counts once by its identifier, and a status only rises and is
//! kept for its message if it arrives first. An item that is gone from the inbox was processed before. An item without
//! anything to record is dropped and logged. An item that fails stays and is retried.

mod instagram;
mod whatsapp;

use shared::api::lambda::Definition;
use shared::base::channel::Channel;
use shared::base::context::FromContext;
use shared::base::queue::Consumer;
use shared::base::store::StoreError;
use shared::clients::providers::Callback;
use shared::crm::conversations::MessageStatus;
use shared::crm::conversations::row::Message;
use shared::crm::conversations::{Conversations, DeliveredMessage, Delivery};
use shared::crm::identifiers::{CustomerPhone, User};
use shared::crm::inbox::{Delivered, Inbox, Place, Received};
use shared::workflow::outcomes::Outcomes;

/// The maximum length of a recorded text, as for ingestion.
const LONGEST: usize = 16_384;

/// The content of a delivered item.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    /// A message of a lead or an agent, with the lead's other identifiers, and its name if the delivery contains it.
    Message { lead: CustomerPhone, also: Vec<CustomerPhone>, message: Box<Message>, contact_name: Option<String> },
    /// A delivery report of an agent's message, with all identifiers of the lead. `report` is the same report for the
    /// sender of a recommendation.
    Status { leads: Vec<CustomerPhone>, message_id: String, delivery: Delivery, report: Option<Callback> },
}

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::queue::<MessageWorker>("message-worker");

#[derive(Clone, Debug, FromContext)]
pub struct MessageWorker {
    inbox: Inbox,
    conversations: Conversations,
    #[context(Outcomes::new(context, FUNCTION.name)?)]
    outcomes: Outcomes,
}

impl MessageWorker {
    async fn record(&self, user: &User, event: Event) -> Result<(), StoreError> {
        match event {
            Event::Message { lead, also, message, contact_name } => {
                let delivered = DeliveredMessage {
                    lead: &lead,
                    also: &also,
                    message: &message,
                    contact_name: contact_name.as_deref(),
                };
                let (recorded, lead_id) = self.conversations.record_delivered(user, &delivered).await?;
                tracing::info!(?recorded, "recorded a message");
                self.outcomes.wrote(user.workspace_id, lead_id, &message).await?;
            }
            Event::Status { leads, message_id, delivery, report } => {
                if let Some(report) = report {
                    self.outcomes.report(&report, Channel::Whatsapp, Some(user.workspace_id)).await?;
                }
                let reported = self.conversations.record_delivery(user, &leads, &message_id, delivery).await?;
                tracing::info!(?delivery, ?reported, "recorded a status");
            }
        }
        Ok(())
    }
}

impl Consumer for MessageWorker {
    type Message = Place;

    async fn try_one(&self, place: Place) -> Result<(), StoreError> {
        let Some(received) = self.inbox.get(&place).await? else { return Ok(()) };
        let user = User::new(place.workspace_id, &received.channel.user_id);
        match (user, event(&received)) {
            (Ok(user), Some(event)) => self.record(&user, event).await?,
            _ => tracing::warn!(item = place.item, "an item says nothing that could be recorded"),
        }
        self.inbox.delete(&place).await
    }
}

fn event(received: &Received) -> Option<Event> {
    match &received.delivered {
        Delivered::WhatsappMessage { message, contact } => whatsapp::message(received, message, contact.as_ref()),
        Delivered::WhatsappStatus { status } => whatsapp::status(status, received.received_at),
        Delivered::WhatsappEcho { echo } => whatsapp::echo(received, echo),
        Delivered::InstagramMessage { messaging } => instagram::message(received, messaging),
    }
}

/// A message on the channel that it came through.
fn on_channel(received: &Received, lead: &CustomerPhone, said: ProviderMessage) -> Option<Box<Message>> {
    let channel = &received.channel;
    let conversation_id =
        shared::crm::conversations::default_conversation(channel.platform, Some(&channel.channel_id), lead);
    let text: String = said.text.chars().take(LONGEST).collect();
    (said.message_id.len() <= 512).then(|| {
        Box::new(Message {
            message_id: said.message_id,
            conversation_id,
            agent_id: channel.agent_id.clone(),
            agent_name: channel.agent_name.clone(),
            platform: channel.platform,
            phone_number_id: Some(channel.channel_id.clone()),
            sender: said.sender,
            text,
            timestamp: said.at.unwrap_or(received.received_at),
            status: MessageStatus::Sent,
            sequence_no: 0,
            is_delivered: false,
        })
    })
}

/// What a provider's message says.
struct ProviderMessage {
    message_id: String,
    sender: shared::crm::conversations::row::Sender,
    text: String,
    at: Option<chrono::DateTime<chrono::Utc>>,
}

/// The text for a message without text, such as `[image]`.
fn placeholder(kind: &str) -> String {
    let is_name =
        (1..=32).contains(&kind.len()) && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    format!("[{}]", if is_name { kind } else { "unsupported" })
}
