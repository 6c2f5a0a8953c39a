//! `GET /users/{user_id}/leads/{customer_phone}/messages`: a lead's messages across all its
//! conversations, oldest first.

pub mod operations;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::request::{Since, Until, period};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Pagination, Path, Query};
use shared::api::lambda::Definition;
use shared::base::channel::{Channel, Platform};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::store::StoreError;
use shared::base::time::Timestamp;
use shared::crm::conversations::row::{Extraction, Message, Row, Sender};
use shared::crm::conversations::{Conversations, LeadStatus, MessageStatus};
use shared::crm::identifiers::{CustomerPhone, LeadPath, User};
use shared::workspace::auth::Permission;

pub use operations::operations;

/// Which messages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct MessagesQuery {
    /// On any of these platforms, separated by commas.
    #[schemars(
        with = "Option<Vec<Platform>>",
        length(min = 1),
        extend("x-complaint" = "must be one or more of whatsapp, instagram, webchat, separated by commas")
    )]
    pub platform: Option<BTreeSet<Channel>>,
    /// By the lead, or by the agent.
    pub sender: Option<Sender>,
    /// From then on.
    pub from_date: Option<Since>,
    /// Until then.
    pub to_date: Option<Until>,
    /// In this conversation.
    #[schemars(extend("x-complaint" = "must be a text"))]
    pub conversation_id: Option<String>,
    /// How many at most; more than 200 count as 200.
    #[serde(default = "usual")]
    #[schemars(range(min = 1))]
    pub limit: u32,
    /// After how many.
    #[serde(default)]
    pub offset: u32,
}

fn usual() -> u32 {
    50
}

impl MessagesQuery {
    fn shows(&self, message: &Message) -> bool {
        self.platform.as_ref().is_none_or(|platforms| platforms.contains(&message.platform))
            && self.sender.is_none_or(|sender| sender == message.sender)
            && self.from_date.is_none_or(|from| message.timestamp >= from.0)
            && self.to_date.is_none_or(|until| message.timestamp < until.0)
            && self.conversation_id.as_ref().is_none_or(|id| *id == message.conversation_id)
    }
}

/// A lead's messages.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LeadMessages")]
pub struct MessagesOfLead {
    /// The lead's identifier on its platform.
    pub customer_phone: String,
    /// Who the lead is.
    pub lead_info: LeadInfo,
    /// Which part of the messages this is.
    pub pagination: Pagination,
    /// The messages, oldest first.
    pub messages: Vec<LeadMessage>,
}

/// Who a lead is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LeadInfo {
    /// Name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Class by score.
    pub lead_status: Option<LeadStatus>,
    /// The sum of the five scores.
    #[schemars(range(min = 5, max = 15))]
    pub total_score: Option<u8>,
}

impl From<&Row> for LeadInfo {
    fn from(row: &Row) -> Self {
        let extraction = row.extraction.as_ref();
        Self {
            name: row.name().map(str::to_owned),
            email: row.email().map(str::to_owned),
            company: row.company().map(str::to_owned),
            lead_status: extraction.map(Extraction::lead_status),
            total_score: extraction.map(Extraction::total_score),
        }
    }
}

/// A message of a conversation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LeadMessage {
    /// Its identifier.
    pub message_id: String,
    /// The conversation.
    pub conversation_id: String,
    /// The agent that handles the conversation.
    pub agent_id: Option<String>,
    /// The agent's name.
    pub agent_name: Option<String>,
    /// Where it was written.
    #[schemars(with = "Platform")]
    pub platform: Channel,
    /// The phone number or account that it came through.
    pub phone_number_id: Option<String>,
    /// Who sent it.
    pub sender: Sender,
    /// What it says.
    pub text: String,
    /// When it was sent.
    pub timestamp: Timestamp,
    /// Whether it was sent.
    pub status: MessageStatus,
    /// Its number within the conversation, by time. A message that arrives late moves the later ones.
    pub sequence_no: u64,
}

impl From<Message> for LeadMessage {
    fn from(message: Message) -> Self {
        Self {
            message_id: message.message_id,
            conversation_id: message.conversation_id,
            agent_id: message.agent_id,
            agent_name: message.agent_name,
            platform: message.platform,
            phone_number_id: message.phone_number_id,
            sender: message.sender,
            text: message.text,
            timestamp: message.timestamp.into(),
            status: message.status,
            sequence_no: message.sequence_no,
        }
    }
}

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::endpoint::<LeadMessages>("lead-messages");

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct LeadMessages {
    conversations: Conversations,
}

impl Endpoint for LeadMessages {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::ReadLeads;
    type Request = (Path<LeadPath>, Query<MessagesQuery>);
    type Answer = MessagesOfLead;

    fn check(&self, (_, Query(query)): &Self::Request) -> Result<(), Problem> {
        period(query.from_date, query.to_date)
    }

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<MessagesOfLead>, Problem> {
        let (Path(path), Query(query)) = request;
        let not_found = || Problem::new(Code::LeadNotFound, "Lead not found");
        let (user, lead) = path.lead(call.workspace_id).ok_or_else(not_found)?;
        let (row, mut messages) = match self.read(&user, &lead).await? {
            Some(read) => read,
            None => match self.conversations.alias(&user, &lead).await? {
                Some(lead) => self.read(&user, &lead).await?.ok_or_else(not_found)?,
                None => return Err(not_found()),
            },
        };
        messages.retain(|message| query.shows(message));
        let (total, limit, offset) = (messages.len(), query.limit.min(200), query.offset);
        let page = messages.into_iter().skip(offset as usize).take(limit as usize);
        let messages: Vec<_> = page.map(LeadMessage::from).collect();
        call.success(MessagesOfLead {
            lead_info: LeadInfo::from(&row),
            customer_phone: row.customer_phone,
            pagination: Pagination::new(total, limit, offset, messages.len()),
            messages,
        })
    }
}

impl LeadMessages {
    async fn read(&self, user: &User, lead: &CustomerPhone) -> Result<Option<(Row, Vec<Message>)>, StoreError> {
        let (row, messages) = tokio::join!(self.conversations.row(user, lead), self.conversations.messages(user, lead));
        let messages = messages?;
        Ok(row?.filter(Row::has_events).map(|row| (row, messages)))
    }
}
