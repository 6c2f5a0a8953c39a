//! A row of the lead list: one item with everything that the leads API shows of a lead, and how each kind of event
//! changes it. Events may arrive in any order; the row ends up the same.

use crate::base::channel::Channel;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::load::TemplateSend;

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    /// The lead.
    User,
    /// The workspace's agent.
    Agent,
}

/// Whether a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageStatus {
    /// It was.
    Sent,
    /// It is to be.
    Pending,
    /// It could not be.
    Failed,
}

/// A lead's class by its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub enum LeadStatus {
    /// 12–15.
    Hot,
    /// 8–11.
    Warm,
    /// 5–7.
    Cold,
}

impl LeadStatus {
    /// The class of a total score.
    pub fn of(total_score: u8) -> Self {
        match total_score {
            12.. => Self::Hot,
            8..12 => Self::Warm,
            _ => Self::Cold,
        }
    }
}

/// A message, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The provider's identifier. A message with the same identifier is the same message.
    pub message_id: String,
    /// The conversation it belongs to.
    pub conversation_id: String,
    /// The agent that handles the conversation.
    pub agent_id: Option<String>,
    /// The agent's name.
    pub agent_name: Option<String>,
    /// Where it was written.
    pub platform: Channel,
    /// The phone number or channel configuration it came through.
    pub phone_number_id: Option<String>,
    /// Who sent it.
    pub sender: Sender,
    /// What it says.
    pub text: String,
    /// When it was sent.
    pub timestamp: DateTime<Utc>,
    /// Whether it was sent.
    pub status: MessageStatus,
    /// Its number within the conversation, from 1: by arrival as stored, and by time as read
    /// ([`super::Conversations::messages`]).
    pub sequence_no: u64,
    /// Whether a provider delivered it with a valid signature. Only such a message opens WhatsApp's window, because a
    /// client can record anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_delivered: bool,
}

/// A conversation, as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its identifier.
    pub conversation_id: String,
    /// The agent that handles it.
    pub agent_id: Option<String>,
    /// The agent's name.
    pub agent_name: Option<String>,
    /// Where it takes place.
    pub platform: Channel,
    /// The phone number or channel configuration it goes through.
    pub phone_number_id: Option<String>,
    /// How many messages it has.
    pub message_count: u64,
    /// When its first message was sent.
    pub created_at: DateTime<Utc>,
    /// When its last message was sent.
    pub last_message_at: DateTime<Utc>,
    /// How many drafts were removed from it. Their numbers are not given again.
    #[serde(default, skip_serializing_if = "is_zero")]
    removed: u64,
    /// When the newest message was sent that named an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent_named_at: Option<DateTime<Utc>>,
    /// When the newest message was sent that named a phone number or channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number_named_at: Option<DateTime<Utc>>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Conversation {
    /// The newest message that names an agent decides the agent, and likewise the number. Of two messages at the same
    /// time the greater name wins, whichever arrived first.
    fn take_names(&mut self, message: &Message) {
        let at = Some(message.timestamp);
        let agent = (&message.agent_id, &message.agent_name);
        if agent != (&None, &None) && (self.agent_named_at, &self.agent_id, &self.agent_name) < (at, agent.0, agent.1) {
            (self.agent_id, self.agent_name) = (agent.0.clone(), agent.1.clone());
            self.agent_named_at = at;
        }
        let number = &message.phone_number_id;
        if number.is_some() && (self.number_named_at, &self.phone_number_id) < (at, number) {
            self.phone_number_id.clone_from(number);
            self.number_named_at = at;
        }
    }
}

/// The newest message of a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMessage {
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// Its number in its conversation, by which messages of one moment are in order.
    #[serde(default)]
    pub sequence_no: u64,
    /// Which one.
    pub message_id: String,
    /// What it says.
    pub text: String,
    /// Who sent it.
    pub sender: Sender,
}

impl LastMessage {
    fn of(message: &Message) -> Self {
        Self {
            at: message.timestamp,
            sequence_no: message.sequence_no,
            message_id: message.message_id.clone(),
            text: message.text.clone(),
            sender: message.sender,
        }
    }
}

/// Scores and identity, extracted from a lead's conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extraction {
    /// Its identifier.
    pub extraction_id: Uuid,
    /// Name, if the conversations tell it.
    pub name: Option<String>,
    /// E-mail address, lower case.
    pub email: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Intent, 1–3, as the other scores.
    pub intent_score: u8,
    /// Urgency.
    pub urgency_score: u8,
    /// Budget.
    pub budget_score: u8,
    /// Fit.
    pub fit_score: u8,
    /// Engagement.
    pub engagement_score: u8,
    /// When it was made.
    pub extracted_at: DateTime<Utc>,
}

impl Extraction {
    /// The sum of the five scores: 5–15.
    pub fn total_score(&self) -> u8 {
        self.intent_score + self.urgency_score + self.budget_score + self.fit_score + self.engagement_score
    }

    /// The class of the total score.
    pub fn lead_status(&self) -> LeadStatus {
        LeadStatus::of(self.total_score())
    }
}

/// A row of the lead list. Skipped fields are stored as attributes of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The lead's channel identifier: unique within the user.
    pub customer_phone: String,
    /// The lead's identifier everywhere else.
    #[serde(skip)]
    pub lead_id: Uuid,
    /// Name, e-mail and company of the contact, where one is known besides the conversations.
    #[serde(skip)]
    pub contact_name: Option<String>,
    /// As above.
    #[serde(skip)]
    pub contact_email: Option<String>,
    /// As above.
    #[serde(skip)]
    pub contact_company: Option<String>,
    /// The latest extraction.
    pub extraction: Option<Extraction>,
    /// How many messages there were when it was recorded.
    #[serde(default)]
    pub scored_messages: u64,
    /// Every platform of the lead.
    pub platforms: BTreeSet<Channel>,
    /// Every conversation.
    pub conversations: Vec<Conversation>,
    /// How many template messages were sent.
    pub template_sends_count: u64,
    /// When the latest of them was.
    pub last_template_at: Option<DateTime<Utc>>,
    /// The newest message.
    pub last_message: Option<LastMessage>,
    /// The earliest event.
    pub first_contact_at: DateTime<Utc>,
    /// Rises with every change.
    #[serde(skip)]
    pub version: u64,
    /// When it was last written; `None` before the first write.
    #[serde(skip)]
    pub changed_at: Option<DateTime<Utc>>,
}

impl Row {
    /// A lead of which only the time of its first event is known.
    pub fn new(customer_phone: String, lead_id: Uuid, at: DateTime<Utc>) -> Self {
        Self {
            customer_phone,
            lead_id,
            contact_name: None,
            contact_email: None,
            contact_company: None,
            extraction: None,
            scored_messages: 0,
            platforms: BTreeSet::new(),
            conversations: Vec::new(),
            template_sends_count: 0,
            last_template_at: None,
            last_message: None,
            first_contact_at: at,
            version: 0,
            changed_at: None,
        }
    }

    /// Counts a new message and sets its number.
    pub fn take_message(&mut self, message: &mut Message) {
        let at = message.timestamp;
        self.platforms.insert(message.platform);
        self.begins(at);
        let known = self.conversations.iter().position(|known| known.conversation_id == message.conversation_id);
        let index = known.unwrap_or_else(|| {
            self.conversations.push(Conversation {
                conversation_id: message.conversation_id.clone(),
                agent_id: None,
                agent_name: None,
                platform: message.platform,
                phone_number_id: None,
                message_count: 0,
                created_at: at,
                last_message_at: at,
                removed: 0,
                agent_named_at: None,
                number_named_at: None,
            });
            self.conversations.len() - 1
        });
        let conversation = &mut self.conversations[index];
        conversation.message_count += 1;
        message.sequence_no = conversation.message_count + conversation.removed;
        conversation.created_at = conversation.created_at.min(at);
        conversation.last_message_at = conversation.last_message_at.max(at);
        conversation.take_names(message);
        // In the order in which messages are shown.
        let newest = self.last_message.as_ref().map(|last| (last.at, last.sequence_no, last.message_id.as_str()));
        if newest.is_none_or(|newest| newest < (at, message.sequence_no, message.message_id.as_str())) {
            self.last_message = Some(LastMessage::of(message));
        }
    }

    /// Takes the time of an event before it is counted. A row that lost its last event begins again.
    fn begins(&mut self, at: DateTime<Utc>) {
        let is_emptied = self.version > 0 && !self.has_events();
        self.first_contact_at = if is_emptied { at } else { self.first_contact_at.min(at) };
    }

    /// Whether a message or template was ever sent. A lead without any is in no list.
    pub fn has_events(&self) -> bool {
        !self.conversations.is_empty() || self.template_sends_count > 0
    }

    /// The row without `removed` drafts. `messages` are all other messages, in the order of time, and `templates` all
    /// template messages.
    pub(super) fn without(&self, removed: u64, messages: &[Message], templates: &[TemplateSend]) -> Self {
        let times = templates.iter().map(|send| send.sent_at).chain(messages.iter().map(|message| message.timestamp));
        let first = times.min().unwrap_or(self.first_contact_at);
        let mut row = Self::new(self.customer_phone.clone(), self.lead_id, first);
        for send in templates {
            row.take_template_send(send.platform, send.sent_at);
        }
        for message in messages {
            row.take_message(&mut message.clone());
        }
        for conversation in &mut row.conversations {
            let before = self.conversations.iter().find(|one| one.conversation_id == conversation.conversation_id);
            let numbered = before.map_or(0, |before| before.message_count + before.removed);
            conversation.removed = numbered.saturating_sub(conversation.message_count);
        }
        let newest = messages.iter().max_by_key(|one| (one.timestamp, one.sequence_no, one.message_id.as_str()));
        Self {
            last_message: newest.map(LastMessage::of),
            extraction: self.extraction.clone(),
            // A draft counted as scored.
            scored_messages: self.scored_messages.saturating_sub(removed),
            contact_name: self.contact_name.clone(),
            contact_email: self.contact_email.clone(),
            contact_company: self.contact_company.clone(),
            version: self.version + 1,
            ..row
        }
    }

    /// Sets the lead's name on a channel, unless a name is known. Longer names are cut.
    pub fn take_contact_name(&mut self, name: &str) {
        let name = name.trim();
        if self.contact_name.is_none() && !name.is_empty() {
            self.contact_name = Some(name.chars().take(100).collect());
        }
    }

    /// Counts a new template message.
    pub fn take_template_send(&mut self, platform: Channel, at: DateTime<Utc>) {
        self.platforms.insert(platform);
        self.begins(at);
        self.template_sends_count += 1;
        self.last_template_at = self.last_template_at.max(Some(at));
    }

    /// Sets the extraction of all messages so far, unless a later one is known.
    pub fn take_extraction(&mut self, extraction: Extraction) {
        if self.extraction.as_ref().is_none_or(|known| known.extracted_at <= extraction.extracted_at) {
            self.extraction = Some(extraction);
            self.scored_messages = self.total_messages();
        }
    }

    /// The latest extraction, if this one has the same content and the same messages.
    pub fn repeated_by(&self, extraction: &Extraction) -> Option<&Extraction> {
        let Extraction { extraction_id, extracted_at, .. } = self.extraction.as_ref()?;
        let again = Extraction { extraction_id: *extraction_id, extracted_at: *extracted_at, ..extraction.clone() };
        let covers_all = self.scored_messages == self.total_messages();
        self.extraction.as_ref().filter(|known| covers_all && **known == again)
    }

    /// The shown name: the latest extraction's, otherwise the contact's.
    pub fn name(&self) -> Option<&str> {
        self.extraction.as_ref().and_then(|extraction| extraction.name.as_deref()).or(self.contact_name.as_deref())
    }

    /// The e-mail address that is shown.
    pub fn email(&self) -> Option<&str> {
        self.extraction.as_ref().and_then(|extraction| extraction.email.as_deref()).or(self.contact_email.as_deref())
    }

    /// The company that is shown.
    pub fn company(&self) -> Option<&str> {
        self.extraction
            .as_ref()
            .and_then(|extraction| extraction.company.as_deref())
            .or(self.contact_company.as_deref())
    }

    /// How many messages all conversations have.
    pub fn total_messages(&self) -> u64 {
        self.conversations.iter().map(|conversation| conversation.message_count).sum()
    }

    /// When the newest message was sent; without messages, the newest template.
    pub fn last_message_at(&self) -> Option<DateTime<Utc>> {
        self.last_message.as_ref().map(|last| last.at).or(self.last_template_at)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_760_000_000, 0).unwrap_or_default() + TimeDelta::minutes(minute)
    }

    fn message(id: &str, minute: i64, conversation: &str) -> Message {
        Message {
            message_id: id.to_owned(),
            conversation_id: conversation.to_owned(),
            // Not every message names its agent.
            agent_id: (minute % 2 == 1).then(|| format!("agent-{minute}-{id}")),
            agent_name: None,
            platform: Channel::Whatsapp,
            phone_number_id: None,
            sender: Sender::User,
            text: format!("text {id}"),
            timestamp: at(minute),
            status: MessageStatus::Sent,
            sequence_no: 0,
            is_delivered: false,
        }
    }

    fn row(events: &[(&str, i64, &str)]) -> Row {
        let mut row = Row::new("1".to_owned(), Uuid::nil(), at(events[0].1));
        for (id, minute, conversation) in events {
            row.take_message(&mut message(id, *minute, conversation));
        }
        row.conversations.sort_by(|one, other| one.conversation_id.cmp(&other.conversation_id));
        row
    }

    #[test]
    fn of_messages_of_one_moment_the_one_with_the_highest_number_is_the_newest() {
        let row = row(&[("z", 1, "x"), ("y", 5, "x"), ("b", 5, "x"), ("c", 3, "x")]);
        assert_eq!(row.last_message.map(|last| (last.message_id, last.sequence_no)), Some(("b".to_owned(), 3)));
    }

    #[test]
    fn the_order_of_arrival_does_not_show() {
        let events =
            [("a", 1, "x"), ("b", 5, "x"), ("c", 3, "y"), ("d", 6, "y"), ("e", 0, "x"), ("f", 5, "x"), ("g", 8, "x")];
        let expected = row(&events);
        assert_eq!(expected.first_contact_at, at(0));
        assert_eq!(expected.last_message.as_ref().map(|last| last.message_id.as_str()), Some("g"));
        let agents = [0, 1].map(|index| expected.conversations[index].agent_id.as_deref());
        assert_eq!((expected.total_messages(), agents), (7, [Some("agent-5-f"), Some("agent-3-c")]));
        // But for the numbers, which are given in it.
        let told = |mut row: Row| {
            row.last_message.as_mut().unwrap().sequence_no = 0;
            row
        };
        let expected = told(expected);
        for turn in 1..events.len() {
            let mut turned = events;
            turned.rotate_left(turn);
            assert_eq!(told(row(&turned)), expected);
            turned.reverse();
            assert_eq!(told(row(&turned)), expected);
        }
    }

    #[test]
    fn messages_are_numbered_within_their_conversation() {
        let mut row = Row::new("1".to_owned(), Uuid::nil(), at(0));
        let numbers = [("a", "x"), ("b", "y"), ("c", "x")].map(|(id, conversation)| {
            let mut message = message(id, 0, conversation);
            row.take_message(&mut message);
            message.sequence_no
        });
        assert_eq!(numbers, [1, 1, 2]);
    }

    #[test]
    fn without_a_draft_the_row_is_the_same_as_if_there_had_never_been_one() {
        let (mut first, mut second) = (message("a", 1, "x"), message("b", 9, "x"));
        let mut draft = Message { sender: Sender::Agent, ..message("draft", 5, "x") };
        let mut row = Row::new("1".to_owned(), Uuid::nil(), at(1));
        row.contact_name = Some("Jane".to_owned());
        [&mut first, &mut draft, &mut second].into_iter().for_each(|message| row.take_message(message));
        row.scored_messages = 2;
        let mut left = row.without(1, &[first.clone(), second.clone()], &[]);
        assert_eq!((left.total_messages(), left.scored_messages, left.version), (2, 1, row.version + 1));
        assert_eq!((&left.contact_name, left.conversations[0].last_message_at), (&row.contact_name, at(9)));
        // No number is given twice.
        left.take_message(&mut draft);
        assert_eq!(draft.sequence_no, 4);
        // Without the newest message, the one before is the newest.
        let left = row.without(1, &[first], &[]);
        assert_eq!(left.last_message.map(|last| (last.message_id, last.at)), Some(("a".to_owned(), at(1))));
    }

    #[test]
    fn a_lead_without_events_begins_with_its_next_one() {
        let mut draft = message("draft", 1, "x");
        let mut row = Row::new("1".to_owned(), Uuid::nil(), at(1));
        row.take_message(&mut draft);
        let mut left = row.without(1, &[], &[]);
        assert!(row.has_events() && !left.has_events() && left.platforms.is_empty() && left.last_message.is_none());
        left.take_message(&mut message("a", 7, "x"));
        assert_eq!((left.first_contact_at, left.total_messages()), (at(7), 1));
    }

    #[test]
    fn a_lead_of_templates_alone_shows_the_latest_send_and_no_text() {
        let mut row = Row::new("1".to_owned(), Uuid::nil(), at(5));
        for minute in [5, 2, 9] {
            row.take_template_send(Channel::Whatsapp, at(minute));
        }
        assert_eq!((row.last_message_at(), row.first_contact_at, row.template_sends_count), (Some(at(9)), at(2), 3));
        assert!(row.last_message.is_none() && row.total_messages() == 0);
    }

    #[test]
    fn scores_add_up_to_a_status() {
        let scored = |scores: [u8; 5]| {
            let [intent_score, urgency_score, budget_score, fit_score, engagement_score] = scores;
            let extraction = Extraction {
                extraction_id: Uuid::nil(),
                name: None,
                email: None,
                company: None,
                intent_score,
                urgency_score,
                budget_score,
                fit_score,
                engagement_score,
                extracted_at: at(0),
            };
            (extraction.total_score(), extraction.lead_status())
        };
        assert_eq!(scored([1, 1, 1, 1, 1]), (5, LeadStatus::Cold));
        assert_eq!(scored([1, 1, 2, 2, 1]), (7, LeadStatus::Cold));
        assert_eq!(scored([1, 1, 2, 2, 2]), (8, LeadStatus::Warm));
        assert_eq!(scored([3, 2, 2, 2, 2]), (11, LeadStatus::Warm));
        assert_eq!(scored([3, 3, 2, 2, 2]), (12, LeadStatus::Hot));
    }
}
