//! `POST /users/{user_id}/messages`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::auth::Permission;
use shared::context::Context;
use shared::conversations::row::{Message, Platform, Sender};
use shared::conversations::{Conversations, CustomerPhone, Recorded, default_conversation};
use shared::environment::ConfigError;
use shared::http::{Call, Dialect, Endpoint, Fields, Input, MAX_INGESTED, Reply};
use shared::problem::{Code, Problem};

/// How many messages one request takes.
const MOST: usize = 100;

/// The request, checked: whose messages, and each with its lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    user_id: String,
    messages: Vec<(CustomerPhone, Message)>,
}

/// The endpoint and what it works with.
#[derive(Clone, Debug)]
pub struct PostMessages {
    conversations: Conversations,
}

impl PostMessages {
    /// Builds the endpoint from the function's configuration.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self { conversations: Conversations::new(context)? })
    }
}

impl Endpoint for PostMessages {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = Request;

    fn parse(&self, input: &Input) -> Result<Request, Problem> {
        let user_id = input.in_path("user_id").to_owned();
        let Some(many) = input.body.get("messages") else {
            return Ok(Request { user_id, messages: vec![message(&input.body)?] });
        };
        let many = many.as_array().filter(|many| (1..=MOST).contains(&many.len()));
        let many =
            many.ok_or_else(|| Problem::field("messages", &format!("must be a list of 1 to {MOST} messages")))?;
        let (mut messages, mut complaints) = (Vec::new(), BTreeMap::new());
        for (index, given) in many.iter().enumerate() {
            match message(given) {
                Ok(message) => messages.push(message),
                Err(problem) if problem.fields.is_empty() => {
                    complaints.insert(format!("messages[{index}]"), "must be an object".to_owned());
                }
                Err(problem) => complaints.extend(
                    problem
                        .fields
                        .into_iter()
                        .map(|(name, complaint)| (format!("messages[{index}].{name}"), complaint)),
                ),
            }
        }
        if complaints.is_empty() { Ok(Request { user_id, messages }) } else { Err(Problem::fields(complaints)) }
    }

    async fn handle(&self, call: &Call, request: Request) -> Result<Reply, Problem> {
        let user = crate::user(call, &request.user_id)?;
        let mut results = Vec::with_capacity(request.messages.len());
        // In their order, so that messages of one conversation are numbered as they were sent here.
        for (lead, message) in &request.messages {
            let recorded = self.conversations.record_message(&user, lead, message).await?;
            results.push(json!({
                "message_id": message.message_id,
                "conversation_id": message.conversation_id,
                "duplicate": recorded == Recorded::Known,
            }));
        }
        Ok(call.success(json!({ "messages": results })))
    }
}

fn message(given: &Value) -> Result<(CustomerPhone, Message), Problem> {
    let mut fields = Fields::of(given)?;
    let message_id = fields.required_text("message_id", 512);
    let lead = fields.required("customer_phone", crate::AN_IDENTIFIER, crate::identifier);
    let platform = fields.required("platform", crate::A_PLATFORM, Platform::named);
    let sender = fields.required("sender", "must be user or agent", Sender::named);
    let text = fields.required_text("text", 16_384);
    let timestamp = fields.required("timestamp", crate::A_MOMENT, crate::moment);
    let status = fields.parsed("status", "must be sent, pending or failed", |status| {
        ["sent", "pending", "failed"].contains(&status).then(|| status.to_owned())
    });
    let conversation_id = fields.optional_text("conversation_id", 128);
    let agent_id = fields.optional_text("agent_id", 128);
    let agent_name = fields.optional_text("agent_name", 200);
    let phone_number_id = fields.optional_text("phone_number_id", 128);
    fields.finish()?;
    let (Some(lead), Some(platform), Some(sender), Some(timestamp)) = (lead, platform, sender, timestamp) else {
        return Err(Problem::new(Code::Internal, "a checked message lacks a field"));
    };
    let conversation_id =
        conversation_id.unwrap_or_else(|| default_conversation(platform, phone_number_id.as_deref(), &lead));
    let message = Message {
        message_id,
        conversation_id,
        agent_id,
        agent_name,
        platform,
        phone_number_id,
        sender,
        text,
        timestamp,
        status: status.unwrap_or_else(|| "sent".to_owned()),
        sequence_no: 0,
    };
    Ok((lead, message))
}
