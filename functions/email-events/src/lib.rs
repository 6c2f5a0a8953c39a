//! Records the events of SES: deliveries, bounces, complaints and the like. SES publishes them to an SNS topic, and the
//! topic sends each to this function's queue, in an envelope ("Fanout to Amazon SQS queues", Amazon SNS Developer
//! Guide).
//!
//! The queue's policy lets only the topic send, and the topic's policy only SES, for the stack's configuration set. So
//! the function verifies no signature.
//!
//! An event may arrive twice, late, and in any order; recording one is idempotent. The function ignores events of other
//! e-mails, and the sentence with which SES tests a new topic. A message that is not an envelope fails alone, and
//! becomes a dead letter. Events contain addresses, so nothing of a message is logged.

use serde::Deserialize;
use serde_json::Value;
use shared::api::lambda::Definition;
use shared::base::channel::Channel;
use shared::base::context::FromContext;
use shared::base::queue::Consumer;
use shared::base::store::StoreError;
use shared::clients::providers::{Callback, email};
use shared::workflow::outcomes::Outcomes;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::queue::<EmailEvents>("email-events");

/// The worker and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct EmailEvents {
    #[context(Outcomes::new(context, FUNCTION.name)?)]
    outcomes: Outcomes,
}

/// The envelope that SNS adds to a published message.
#[derive(Deserialize)]
pub struct Notification {
    #[serde(rename = "Message")]
    message: String,
}

impl Notification {
    /// The delivery that the event reports; `None` if it reports none.
    pub fn callback(&self) -> Option<Callback> {
        email::event(&serde_json::from_str::<Value>(&self.message).ok()?)
    }
}

impl Consumer for EmailEvents {
    type Message = Notification;

    async fn try_one(&self, notification: Notification) -> Result<(), StoreError> {
        match notification.callback() {
            Some(callback) => self.outcomes.report(&callback, Channel::Email, None).await,
            None => Ok(()),
        }
    }
}
