//! The steps of a follow-up sequence. The sales command lists them. The first is its own message; each later one is a
//! queued command that is due at the step's time and then proposes one message to a reviewer, unless the lead has
//! replied or opted out meanwhile.

use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Command, CommandId, Commands, Status};
use crate::base::channel::{Channel, FollowedUp};
use crate::base::store::StoreError;
use crate::base::time::Timestamp;
use crate::outreach::writing::Messages;

/// A planned step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The command that writes it.
    pub command_id: Uuid,
    /// The channel.
    pub channel: Channel,
    /// The time from which it is written.
    pub due_at: DateTime<Utc>,
    /// The purpose of the message.
    pub purpose: String,
    /// The visitor as whom the lead was seen on the site.
    pub visitor_id: Option<Uuid>,
}

/// The reason why a step was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The lead replied after the sequence began.
    Replied,
    /// The lead opted out of all contact.
    OptedOut,
    /// The lead no longer exists.
    Erased,
}

/// A step of a follow-up sequence. A later step is a proposal too: it is sent only after a reviewer approved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "FollowUpStep")]
pub struct StepView {
    /// The channel.
    #[schemars(with = "FollowedUp")]
    pub channel: Channel,
    /// When it is due.
    pub due_at: Timestamp,
    /// What the message is to achieve.
    pub purpose: String,
    /// The message; null until it is written, which is when it is due.
    pub message: Option<String>,
    /// The progress of its command: `queued` until it is due, `completed` when its message is proposed, `stopped` if
    /// the lead has replied or opted out.
    pub status: Status,
    /// Why it was stopped; null if it was not.
    pub stopped_by: Option<Stop>,
    /// Its command.
    pub command_id: Uuid,
}

impl StepView {
    /// A step with the messages that its command wrote, if it did.
    fn of(step: &Step, status: Status, messages: Option<&Messages>, stopped_by: Option<Stop>) -> Self {
        let written = messages.and_then(|messages| messages.of(step.channel));
        Self {
            channel: step.channel,
            due_at: step.due_at.into(),
            purpose: step.purpose.clone(),
            message: written.map(|written| written.message.clone()),
            status,
            stopped_by,
            command_id: step.command_id,
        }
    }

    /// The steps of a new sequence, whose first message is among these.
    pub fn planned(sales: &Command, messages: Option<&Messages>) -> Vec<Self> {
        let steps = sales.steps.iter().enumerate();
        steps
            .map(|(index, step)| match index {
                0 => Self::of(step, sales.status, messages, None),
                _ => Self::of(step, Status::Queued, None, None),
            })
            .collect()
    }
}

impl Commands {
    /// The steps of a sales command as they are now.
    pub async fn steps(&self, sales: &Command) -> Result<Vec<StepView>, StoreError> {
        let workspace_id = sales.id.workspace_id;
        let views = sales.steps.iter().enumerate().map(|(index, step)| async move {
            let command_id = if index == 0 { sales.followed_by } else { Some(step.command_id) };
            let written = match command_id {
                Some(command_id) => self.get(CommandId { workspace_id, command_id }).await?,
                None => None,
            };
            let written = written.as_ref();
            let messages = written.and_then(|command| command.messages.as_ref().or(command.draft.as_ref()));
            Ok::<_, StoreError>(match (index, written) {
                (0, _) => StepView::of(step, sales.status, messages.or(sales.messages.as_ref()), None),
                (_, Some(command)) => StepView::of(step, command.status, messages, command.stopped_by),
                (_, None) => StepView::of(step, Status::Queued, None, None),
            })
        });
        try_join_all(views).await
    }
}
