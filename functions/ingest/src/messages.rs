//! `POST /users/{user_id}/messages`.

use std::collections::BTreeMap;

use serde_json::json;
use shared::api::http::{Call, Dialect, Input, MAX_INGESTED, RawEndpoint, Reply};
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::crm::conversations::incoming::message;
use shared::crm::conversations::row::Message;
use shared::crm::conversations::{Conversations, Recorded};
use shared::crm::identifiers::CustomerPhone;
use shared::workflow::outcomes::Outcomes;
use shared::workspace::auth::Permission;

/// How many messages one request takes.
const MOST: usize = 100;

/// The request, checked: whose messages, and each with its lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    user_id: String,
    messages: Vec<(CustomerPhone, Message)>,
}

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct PostMessages {
    conversations: Conversations,
    #[context(Outcomes::new(context, crate::NAME)?)]
    outcomes: Outcomes,
}

impl RawEndpoint for PostMessages {
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
            self.outcomes.wrote(&user, lead, message).await?;
            results.push(json!({
                "message_id": message.message_id,
                "conversation_id": message.conversation_id,
                "duplicate": recorded == Recorded::Known,
            }));
        }
        Ok(call.raw_success(json!({ "messages": results })))
    }
}
