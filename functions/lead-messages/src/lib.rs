//! `GET /users/{user_id}/leads/{customer_phone}/messages`: a lead's messages across all its
//! conversations, oldest first (seeds/leads.md, 4).

pub mod operations;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::api::http::{Call, Dialect, Input, RawEndpoint, RawQuery, Reply};
use shared::base::channel::Channel;
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::problem::{Code, Problem};
use shared::base::store::StoreError;
use shared::base::time::timestamp;
use shared::crm::conversations::row::{Message, Row, Sender};
use shared::crm::conversations::{Conversations, pagination};
use shared::crm::identifiers::{CustomerPhone, User};
use shared::workspace::auth::Permission;

pub use operations::operations;

/// The request, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whose lead.
    pub user_id: String,
    /// Which lead.
    pub customer_phone: String,
    /// On one of these platforms.
    pub platforms: Option<BTreeSet<Channel>>,
    /// By this sender.
    pub sender: Option<Sender>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub before: Option<DateTime<Utc>>,
    /// In this conversation.
    pub conversation_id: Option<String>,
    /// How many at most: 1–200, by default 50.
    pub limit: u32,
    /// After how many.
    pub offset: u32,
}

impl Request {
    fn shows(&self, message: &Message) -> bool {
        self.platforms.as_ref().is_none_or(|platforms| platforms.contains(&message.platform))
            && self.sender.is_none_or(|sender| sender == message.sender)
            && self.from.is_none_or(|from| message.timestamp >= from)
            && self.before.is_none_or(|before| message.timestamp < before)
            && self.conversation_id.as_ref().is_none_or(|id| *id == message.conversation_id)
    }
}

/// The function's name in `template.yaml`.
pub const NAME: &str = "lead-messages";

/// Builds the function from its configuration.
pub fn function(context: &Context) -> Result<shared::api::lambda::Function, ConfigError> {
    shared::api::lambda::Function::endpoint(context, LeadMessages::new)
}

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct LeadMessages {
    conversations: Conversations,
}

impl RawEndpoint for LeadMessages {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::ReadLeads;
    type Request = Request;

    fn parse(&self, input: &Input) -> Result<Request, Problem> {
        let mut query = RawQuery::of(&input.query);
        let request = Request {
            user_id: input.in_path("user_id").to_owned(),
            customer_phone: input.in_path("customer_phone").to_owned(),
            platforms: query
                .list("platform", "whatsapp, instagram, webchat", |name| Channel::one_of(&Channel::PLATFORMS, name)),
            sender: query.parsed("sender", "must be user or agent", |name| name.parse::<Sender>().ok()),
            from: query.moment("from_date", false),
            before: query.moment("to_date", true),
            conversation_id: query.text("conversation_id").map(str::to_owned),
            limit: query.limit(50, 200),
            offset: query.integer("offset", 0..=u32::MAX, 0),
        };
        if let (Some(from), Some(before)) = (request.from, request.before)
            && from >= before
        {
            query.complain("from_date", "must not be after to_date");
        }
        query.finish().map(|()| request)
    }

    async fn handle(&self, call: &Call, request: Request) -> Result<Reply, Problem> {
        let not_found = || Problem::new(Code::LeadNotFound, "Lead not found");
        let user = User::new(call.workspace_id, &request.user_id);
        let (Ok(user), Ok(lead)) = (user, CustomerPhone::parse(&request.customer_phone)) else {
            return Err(not_found());
        };
        let (row, messages) = match self.read(&user, &lead).await? {
            Some(read) => read,
            None => match self.conversations.alias(&user, &lead).await? {
                Some(lead) => self.read(&user, &lead).await?.ok_or_else(not_found)?,
                None => return Err(not_found()),
            },
        };
        let messages: Vec<Message> = messages.into_iter().filter(|message| request.shows(message)).collect();
        let (limit, offset) = (request.limit, request.offset);
        let page: Vec<Value> = messages.iter().skip(offset as usize).take(limit as usize).map(shown).collect();
        Ok(call.raw_success(json!({
            "customer_phone": row.customer_phone,
            "lead_info": row.info(),
            "pagination": pagination(messages.len(), limit, offset, page.len()),
            "messages": page,
        })))
    }
}

impl LeadMessages {
    async fn read(&self, user: &User, lead: &CustomerPhone) -> Result<Option<(Row, Vec<Message>)>, StoreError> {
        let (row, messages) = tokio::join!(self.conversations.row(user, lead), self.conversations.messages(user, lead));
        let messages = messages?;
        Ok(row?.map(|row| (row, messages)))
    }
}

fn shown(message: &Message) -> Value {
    json!({
        "message_id": message.message_id,
        "conversation_id": message.conversation_id,
        "agent_id": message.agent_id,
        "agent_name": message.agent_name,
        "platform": message.platform,
        "phone_number_id": message.phone_number_id,
        "sender": message.sender,
        "text": message.text,
        "timestamp": timestamp(message.timestamp),
        "status": message.status,
        "sequence_no": message.sequence_no,
    })
}
