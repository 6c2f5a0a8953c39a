//! The description of the endpoint.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde_json::json;
use shared::api::openapi::{Operation, Pagination};
use shared::base::channel::Platform;
use shared::base::problem::{Code, Problem};
use shared::crm::conversations::row::Sender;
use shared::crm::conversations::{LeadStatus, MessageStatus, MomentOrDay};

use crate::LeadMessages;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let route = "GET /users/{user_id}/leads/{customer_phone}/messages";
    let operation = Operation::raw::<LeadMessages, MessagesShown>(route, "listLeadMessages", "Lists a lead's messages")
        .description("Across all its conversations, oldest first.")
        .identifier("user_id", "Whose lead.", "789895c8-4bd6-43e9-bfea-a4171ec47197")
        .identifier("customer_phone", "The lead's identifier on its platform.", "918979556941")
        .query::<MessagesQuery>()
        .answers(
            "One message",
            json!({
                "customer_phone": "918979556941",
                "lead_info": {"name": "Siddhant", "email": null, "company": null, "lead_status": "Warm", "total_score": 8},
                "pagination": {"total": 1, "limit": 50, "offset": 0, "hasMore": false},
                "messages": [{
                    "message_id": "wamid.HBgMOTE4OTc5NTU2OTQx",
                    "conversation_id": "conv-918979556941",
                    "agent_id": "agent-001",
                    "agent_name": "Sales Agent",
                    "platform": "whatsapp",
                    "phone_number_id": "106540352242922",
                    "sender": "user",
                    "text": "Do you have a demo this week?",
                    "timestamp": "2026-11-20T09:30:00.000Z",
                    "status": "sent",
                    "sequence_no": 1,
                }],
            }),
        )
        .refuses_with(Problem::new(Code::LeadNotFound, "Lead not found"));
    vec![operation]
}

/// Which messages.
#[derive(JsonSchema)]
pub struct MessagesQuery {
    /// On any of these platforms, separated by commas.
    #[schemars(length(min = 1))]
    pub platform: Option<Vec<Platform>>,
    /// By the lead, or by the agent.
    pub sender: Option<Sender>,
    /// From then on.
    pub from_date: Option<MomentOrDay>,
    /// Until then.
    pub to_date: Option<MomentOrDay>,
    /// In this conversation.
    pub conversation_id: Option<String>,
    /// How many at most; more than 200 count as 200.
    #[schemars(range(min = 1), extend("default" = 50))]
    pub limit: Option<u32>,
    /// After how many.
    #[schemars(extend("default" = 0))]
    pub offset: Option<u32>,
}

/// A lead's messages.
#[derive(JsonSchema)]
#[schemars(rename = "LeadMessages")]
pub struct MessagesShown {
    /// The lead's identifier on its platform.
    pub customer_phone: String,
    /// Who the lead is.
    pub lead_info: LeadInfo,
    /// Which part of the messages this is.
    pub pagination: Pagination,
    /// The messages, oldest first.
    pub messages: Vec<MessageShown>,
}

/// Who a lead is.
#[derive(JsonSchema)]
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

/// A message of a conversation.
#[derive(JsonSchema)]
#[schemars(rename = "LeadMessage")]
pub struct MessageShown {
    /// Its identifier.
    pub message_id: String,
    /// The conversation.
    pub conversation_id: String,
    /// The agent that handles the conversation.
    pub agent_id: Option<String>,
    /// The agent's name.
    pub agent_name: Option<String>,
    /// Where it was written.
    pub platform: Platform,
    /// The phone number or account that it came through.
    pub phone_number_id: Option<String>,
    /// Who sent it.
    pub sender: Sender,
    /// What it says.
    pub text: String,
    /// When it was sent.
    pub timestamp: DateTime<Utc>,
    /// Whether it was sent.
    pub status: MessageStatus,
    /// Its number within the conversation.
    pub sequence_no: u64,
}
