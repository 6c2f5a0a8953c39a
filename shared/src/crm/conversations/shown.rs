//! A lead as the leads API shows it (seeds/leads.md, "Lead Object").

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::row::{Conversation, Row};
use crate::base::time::timestamp;

/// How long after its last message a conversation counts as active: as long as WhatsApp lets an
/// agent answer freely.
const ACTIVE: TimeDelta = TimeDelta::hours(24);

impl Row {
    /// The lead object.
    pub fn shown(&self, now: DateTime<Utc>) -> Value {
        let extraction = self.extraction.as_ref();
        let score = |of: fn(&super::row::Extraction) -> u8| extraction.map(of);
        json!({
            "customer_phone": self.customer_phone,
            "lead_id": self.lead_id,
            "name": self.name(),
            "email": self.email(),
            "company": self.company(),
            "lead_status": extraction.map(|extraction| extraction.lead_status()),
            "total_score": extraction.map(|extraction| extraction.total_score()),
            "intent_score": score(|extraction| extraction.intent_score),
            "urgency_score": score(|extraction| extraction.urgency_score),
            "budget_score": score(|extraction| extraction.budget_score),
            "fit_score": score(|extraction| extraction.fit_score),
            "engagement_score": score(|extraction| extraction.engagement_score),
            "platforms": self.platforms,
            "conversation_count": self.conversations.len(),
            "total_messages": self.total_messages(),
            "template_sends_count": self.template_sends_count,
            "last_message_at": self.last_message_at().map(timestamp),
            "last_message_text": self.last_message.as_ref().map(|last| &last.text),
            "last_message_sender": self.last_message.as_ref().map(|last| last.sender),
            "first_contact_at": timestamp(self.first_contact_at),
            "has_extraction": extraction.is_some(),
            "extraction_id": extraction.map(|extraction| extraction.extraction_id),
            "conversations": self.conversations.iter().map(|conversation| conversation.shown(now)).collect::<Vec<_>>(),
        })
    }

    /// The `lead_info` object of the messages.
    pub fn info(&self) -> Value {
        json!({
            "name": self.name(),
            "email": self.email(),
            "company": self.company(),
            "lead_status": self.extraction.as_ref().map(|extraction| extraction.lead_status()),
            "total_score": self.extraction.as_ref().map(|extraction| extraction.total_score()),
        })
    }
}

impl Conversation {
    fn shown(&self, now: DateTime<Utc>) -> Value {
        json!({
            "conversation_id": self.conversation_id,
            "agent_id": self.agent_id,
            "agent_name": self.agent_name,
            "platform": self.platform,
            "phone_number_id": self.phone_number_id,
            "message_count": self.message_count,
            "is_active": now - self.last_message_at < ACTIVE,
            "created_at": timestamp(self.created_at),
            "last_message_at": timestamp(self.last_message_at),
        })
    }
}

/// The `pagination` object.
pub fn pagination(total: usize, limit: u32, offset: u32, shown: usize) -> Value {
    json!({"total": total, "limit": limit, "offset": offset, "hasMore": offset as usize + shown < total})
}
