//! Leads and their messages as answers show them, for the description of the API.

use crate::base::channel::Platform;
use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde_json::{Value, json};
use uuid::Uuid;

use super::row::{LeadStatus, Sender};

/// A lead of the leads API.
#[derive(JsonSchema)]
#[schemars(rename = "Lead")]
pub struct LeadShown {
    /// Its identifier on its platform: not always a phone number.
    pub customer_phone: String,
    /// Its identifier in every other API.
    pub lead_id: Uuid,
    /// Name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Class by score: Hot 12–15, Warm 8–11, Cold 5–7. Null without scores.
    pub lead_status: Option<LeadStatus>,
    /// The sum of the five scores.
    #[schemars(range(min = 5, max = 15))]
    pub total_score: Option<u8>,
    /// How strong the intent to buy is.
    #[schemars(range(min = 1, max = 3))]
    pub intent_score: Option<u8>,
    /// How urgent the need is.
    #[schemars(range(min = 1, max = 3))]
    pub urgency_score: Option<u8>,
    /// Whether the budget fits.
    #[schemars(range(min = 1, max = 3))]
    pub budget_score: Option<u8>,
    /// How well the lead fits.
    #[schemars(range(min = 1, max = 3))]
    pub fit_score: Option<u8>,
    /// How engaged the lead is.
    #[schemars(range(min = 1, max = 3))]
    pub engagement_score: Option<u8>,
    /// Every platform of the lead.
    pub platforms: Vec<Platform>,
    /// How many conversations there are.
    pub conversation_count: u64,
    /// How many messages there are in them.
    pub total_messages: u64,
    /// How many template messages were sent.
    pub template_sends_count: u64,
    /// When the last message was written, or the last template was sent.
    pub last_message_at: Option<DateTime<Utc>>,
    /// The last message.
    pub last_message_text: Option<String>,
    /// Who wrote it.
    pub last_message_sender: Option<Sender>,
    /// When the lead was first heard of.
    pub first_contact_at: DateTime<Utc>,
    /// Whether there are scores.
    pub has_extraction: bool,
    /// The scores' identifier.
    pub extraction_id: Option<Uuid>,
    /// The conversations.
    pub conversations: Vec<ConversationShown>,
}

/// A conversation of a lead.
#[derive(JsonSchema)]
#[schemars(rename = "LeadConversation")]
pub struct ConversationShown {
    /// Its identifier.
    pub conversation_id: String,
    /// The agent that handles it.
    pub agent_id: Option<String>,
    /// The agent's name.
    pub agent_name: Option<String>,
    /// Where it is held.
    pub platform: Platform,
    /// The phone number or account that it goes through.
    pub phone_number_id: Option<String>,
    /// How many messages it has.
    pub message_count: u64,
    /// Whether something was written in the last 24 hours.
    pub is_active: bool,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When its last message was written.
    pub last_message_at: DateTime<Utc>,
}

/// A day in UTC such as 2026-11-20, or a time such as 2026-11-20T09:30:00Z.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum MomentOrDay {
    /// The whole day, in UTC.
    Day(NaiveDate),
    /// A time.
    Moment(DateTime<Utc>),
}

impl LeadShown {
    /// The lead of the examples.
    pub fn example() -> Value {
        json!({
            "customer_phone": "918979556941",
            "lead_id": "5eed0000-0000-4000-8000-000000000300",
            "name": "Siddhant",
            "email": null,
            "company": null,
            "lead_status": "Warm",
            "total_score": 8,
            "intent_score": 2,
            "urgency_score": 2,
            "budget_score": 1,
            "fit_score": 2,
            "engagement_score": 1,
            "platforms": ["whatsapp"],
            "conversation_count": 1,
            "total_messages": 4,
            "template_sends_count": 0,
            "last_message_at": "2026-11-20T09:30:00.000Z",
            "last_message_text": "Do you have a demo this week?",
            "last_message_sender": "user",
            "first_contact_at": "2026-11-18T06:21:35.197Z",
            "has_extraction": true,
            "extraction_id": "5eed0000-0000-4000-8000-000000000301",
            "conversations": [{
                "conversation_id": "conv-918979556941",
                "agent_id": "agent-001",
                "agent_name": "Sales Agent",
                "platform": "whatsapp",
                "phone_number_id": "106540352242922",
                "message_count": 4,
                "is_active": true,
                "created_at": "2026-11-18T06:21:35.197Z",
                "last_message_at": "2026-11-20T09:30:00.000Z",
            }],
        })
    }
}
