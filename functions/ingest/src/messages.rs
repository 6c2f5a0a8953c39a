//! `POST /users/{user_id}/messages`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::request::{Complaints, Parts};
use shared::api::http::{Answered, Call, Dialect, Endpoint, FromRequest, Input, Json, MAX_INGESTED, Path};
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::crm::conversations::incoming::NewMessage;
use shared::crm::conversations::{Conversations, Recorded};
use shared::workflow::outcomes::Outcomes;
use shared::workspace::auth::Permission;

use crate::UserPath;

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct PostMessages {
    conversations: Conversations,
    #[context(Outcomes::new(context, crate::FUNCTION.name)?)]
    outcomes: Outcomes,
}

/// One message, or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "MessagesGiven")]
pub enum NewMessages {
    /// Several messages.
    Batch(Batch),
    /// One message.
    One(Box<NewMessage>),
}

/// Several messages.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Batch {
    /// The messages.
    #[schemars(length(min = 1, max = 100))]
    pub messages: Vec<NewMessage>,
}

/// The results of the messages, in the order of the request.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessageResults {
    /// A result for each.
    pub messages: Vec<MessageRecorded>,
}

/// A message that was recorded.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessageRecorded {
    /// Its identifier.
    pub message_id: String,
    /// The conversation.
    pub conversation_id: String,
    /// Whether it was recorded before.
    pub duplicate: bool,
}

impl FromRequest for NewMessages {
    /// Parses a body with `messages` as a batch, so that each complaint names its message.
    fn take(input: &mut Input, complaints: &mut Complaints) -> Result<Option<Self>, Problem> {
        Ok(match input.body.get("messages") {
            Some(_) => Json::take(input, complaints)?.map(|Json(batch)| Self::Batch(batch)),
            None => Json::take(input, complaints)?.map(|Json(message)| Self::One(message)),
        })
    }

    fn parts() -> Parts {
        Json::<Self>::parts()
    }
}

impl Endpoint for PostMessages {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = (Path<UserPath>, NewMessages);
    type Answer = MessageResults;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<MessageResults>, Problem> {
        let (Path(path), new) = request;
        let user = crate::user(call, &path.user_id)?;
        let new = match new {
            NewMessages::Batch(batch) => batch.messages,
            NewMessages::One(message) => vec![*message],
        };
        let mut messages = Vec::with_capacity(new.len());
        // In their order, so that messages of one conversation are numbered as they were sent here.
        for new in new {
            let (lead, message) = new.into();
            let (recorded, lead_id) = self.conversations.record_message(&user, &lead, &message).await?;
            self.outcomes.wrote(user.workspace_id, lead_id, &message).await?;
            messages.push(MessageRecorded {
                message_id: message.message_id,
                conversation_id: message.conversation_id,
                duplicate: recorded == Recorded::Known,
            });
        }
        call.success(MessageResults { messages })
    }
}
