//! A lead as the leads API shows it.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::row::{Conversation, Extraction, LeadStatus, Row, Sender};
use crate::base::channel::{Channel, Platform};
use crate::base::time::Timestamp;

/// How long after its last message a conversation counts as active: as long as WhatsApp lets an
/// agent answer freely.
const ACTIVE: TimeDelta = TimeDelta::hours(24);

/// A lead of the leads API.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Lead")]
pub struct LeadObject {
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
    #[schemars(with = "Vec<Platform>")]
    pub platforms: BTreeSet<Channel>,
    /// How many conversations there are.
    pub conversation_count: u64,
    /// How many messages there are in them.
    pub total_messages: u64,
    /// How many template messages were sent.
    pub template_sends_count: u64,
    /// When the last message was written, or the last template was sent.
    pub last_message_at: Option<Timestamp>,
    /// The last message.
    pub last_message_text: Option<String>,
    /// Who wrote it.
    pub last_message_sender: Option<Sender>,
    /// When the lead was first heard of.
    pub first_contact_at: Timestamp,
    /// Whether there are scores.
    pub has_extraction: bool,
    /// The scores' identifier.
    pub extraction_id: Option<Uuid>,
    /// The conversations.
    pub conversations: Vec<LeadConversation>,
}

/// A conversation of a lead.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LeadConversation {
    /// Its identifier.
    pub conversation_id: String,
    /// The agent that handles it.
    pub agent_id: Option<String>,
    /// The agent's name.
    pub agent_name: Option<String>,
    /// Where it is held.
    #[schemars(with = "Platform")]
    pub platform: Channel,
    /// The phone number or account that it goes through.
    pub phone_number_id: Option<String>,
    /// How many messages it has.
    pub message_count: u64,
    /// Whether something was written in the last 24 hours.
    pub is_active: bool,
    /// When it began.
    pub created_at: Timestamp,
    /// When its last message was written.
    pub last_message_at: Timestamp,
}

impl LeadObject {
    /// What a row shows at a time.
    pub fn new(row: &Row, now: DateTime<Utc>) -> Self {
        let (extraction, last) = (row.extraction.as_ref(), row.last_message.as_ref());
        Self {
            customer_phone: row.customer_phone.clone(),
            lead_id: row.lead_id,
            name: row.name().map(str::to_owned),
            email: row.email().map(str::to_owned),
            company: row.company().map(str::to_owned),
            lead_status: extraction.map(Extraction::lead_status),
            total_score: extraction.map(Extraction::total_score),
            intent_score: extraction.map(|extraction| extraction.intent_score),
            urgency_score: extraction.map(|extraction| extraction.urgency_score),
            budget_score: extraction.map(|extraction| extraction.budget_score),
            fit_score: extraction.map(|extraction| extraction.fit_score),
            engagement_score: extraction.map(|extraction| extraction.engagement_score),
            platforms: row.platforms.clone(),
            conversation_count: row.conversations.len() as u64,
            total_messages: row.total_messages(),
            template_sends_count: row.template_sends_count,
            last_message_at: row.last_message_at().map(Timestamp),
            last_message_text: last.map(|last| last.text.clone()),
            last_message_sender: last.map(|last| last.sender),
            first_contact_at: row.first_contact_at.into(),
            has_extraction: extraction.is_some(),
            extraction_id: extraction.map(|extraction| extraction.extraction_id),
            conversations: row.conversations.iter().map(|one| LeadConversation::new(one, now)).collect(),
        }
    }
}

impl LeadConversation {
    fn new(conversation: &Conversation, now: DateTime<Utc>) -> Self {
        let is_active = now - conversation.last_message_at < ACTIVE;
        let conversation = conversation.clone();
        Self {
            conversation_id: conversation.conversation_id,
            agent_id: conversation.agent_id,
            agent_name: conversation.agent_name,
            platform: conversation.platform,
            phone_number_id: conversation.phone_number_id,
            message_count: conversation.message_count,
            is_active,
            created_at: conversation.created_at.into(),
            last_message_at: conversation.last_message_at.into(),
        }
    }
}
