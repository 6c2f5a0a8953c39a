//! Conversations with Lexi, in the `work` table.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | conversation | `W#<workspace>#V#<conversation>` | `conversation` |
//! | message | `W#<workspace>#V#<conversation>` | `message#<number>` |
//!
//! The index `listed` lists a workspace's conversations, the newest message first. A turn is stored in the transaction
//! that charges it: the user's message, Lexi's answer, and the conversation, on the condition that it got no other
//! message meanwhile.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::context::FromContext;
use crate::base::store::{self, Item, StoreError, Table, Write, key, keyed, n, s};
use crate::base::time::timestamp;
use crate::crm::prospects::Query;
use crate::workflow::due::Place;
use crate::workflow::tasks::{Brief, Example};

/// How long a message is kept, and a conversation after its last message.
const KEPT: TimeDelta = TimeDelta::days(400);

/// The length of a conversation's title, in characters of its first message.
const TITLE: usize = 80;

/// Identifies a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatId {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The conversation.
    pub conversation_id: Uuid,
}

/// A conversation with Lexi.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chat {
    /// Its identifier.
    #[serde(flatten)]
    pub id: ChatId,
    /// Rises with every turn.
    pub version: u64,
    /// The beginning of its first message.
    pub title: String,
    /// The list named last; null if none was named.
    pub list_id: Option<Uuid>,
    /// The campaign named last; null if none was named.
    pub campaign_id: Option<Uuid>,
    /// What a follow-up message refers to.
    #[serde(default)]
    pub state: State,
    /// The number of messages.
    pub messages: u32,
    /// The number of messages, from the first, that the summary covers.
    #[serde(default)]
    pub summarised: u32,
    /// The summary of those messages, without what Lexi quoted from records.
    #[serde(default)]
    pub summary: String,
    /// The names, numbers and addresses that the user gave in those messages.
    #[serde(default)]
    pub given: Vec<String>,
    /// What Lexi quoted from records in those messages.
    #[serde(default)]
    pub summary_of_records: String,
    /// The time of its first message.
    pub created_at: DateTime<Utc>,
    /// The time of its newest message.
    pub updated_at: DateTime<Utc>,
}

/// The objects that a conversation refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The last search for prospects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<Query>,
    /// The task that proposed this search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_task: Option<Uuid>,
    /// The last proposed campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Brief>,
    /// The task that proposed this campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_task: Option<Uuid>,
    /// The last e-mail that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Example>,
    /// The last proposed task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Proposed>,
}

impl State {
    /// Merges the changes between two other states into this one.
    #[must_use]
    pub fn with_changes(&self, before: &Self, after: &Self) -> Self {
        fn newer<T: Clone + PartialEq>(this: &T, before: &T, after: &T) -> T {
            if before == after { this.clone() } else { after.clone() }
        }
        Self {
            search: newer(&self.search, &before.search, &after.search),
            search_task: newer(&self.search_task, &before.search_task, &after.search_task),
            campaign: newer(&self.campaign, &before.campaign, &after.campaign),
            campaign_task: newer(&self.campaign_task, &before.campaign_task, &after.campaign_task),
            email: newer(&self.email, &before.email, &after.email),
            task: newer(&self.task, &before.task, &after.task),
        }
    }
}

/// A task, as the conversation keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// The task.
    pub task_id: Uuid,
    /// What it does, without names that the user did not give.
    pub description: String,
}

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The user.
    User,
    /// Lexi.
    Assistant,
}

/// A tool that Lexi used for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "ToolCall")]
pub struct Step {
    /// The tool's name.
    pub tool: String,
    /// The tool's result: `done` or `refused`.
    pub status: String,
    /// The outcome, without the content that was found.
    pub summary: String,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its identifier.
    pub message_id: Uuid,
    /// Its number in the conversation, from 1.
    pub number: u32,
    /// Its author.
    pub speaker: Speaker,
    /// Its text.
    pub text: String,
    /// Whether it may quote records, which can contain text by other people.
    #[serde(default)]
    pub from_records: bool,
    /// The tool calls and proposals of the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The task that the message proposes; null without one.
    pub proposed: Option<Proposed>,
    /// The time at which it was stored.
    pub created_at: DateTime<Utc>,
}

impl Chat {
    /// A conversation that begins with a message.
    pub fn new(id: ChatId, first: &str, now: DateTime<Utc>) -> Self {
        let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut title: String = line.chars().take(TITLE).collect();
        if title.len() < line.len() {
            title.push('…');
        }
        Self { id, title, created_at: now, updated_at: now, ..Self::default() }
    }
}

/// The conversations in the `work` table.
#[derive(Clone, Debug, FromContext)]
pub struct Chats {
    #[context(Table::named(context, "WORK_TABLE")?)]
    table: Table,
}

fn pk(id: ChatId) -> String {
    format!("W#{}#V#{}", id.workspace_id, id.conversation_id)
}

fn chat_key(id: ChatId) -> Item {
    key(pk(id), "conversation")
}

fn message_sk(number: u32) -> String {
    format!("message#{number:08}")
}

fn listed(workspace_id: Uuid) -> String {
    format!("W#{workspace_id}#conversations")
}

impl Chats {
    /// Reads a conversation.
    pub async fn get(&self, id: ChatId) -> Result<Option<Chat>, StoreError> {
        self.table.get(chat_key(id)).await
    }

    /// The newest messages of a conversation, oldest first: at most `limit`.
    pub async fn newest(&self, id: ChatId, limit: usize) -> Result<Vec<Message>, StoreError> {
        let mut messages: Vec<_> = self.messages(id, 1).newest_first().page_size(limit).first(limit).await?;
        messages.reverse();
        Ok(messages)
    }

    /// A page of a conversation's messages, oldest first: at most `limit` after the first `skip`.
    pub async fn page(&self, id: ChatId, (skip, limit): (usize, usize)) -> Result<Vec<Message>, StoreError> {
        let first = u32::try_from(skip).unwrap_or(u32::MAX).saturating_add(1);
        self.messages(id, first).page_size(limit).first(limit).await
    }

    /// The messages of a conversation from the given number on.
    fn messages(&self, id: ChatId, first: u32) -> store::Query {
        let query = self.table.query("pk = :pk AND sk BETWEEN :first AND :last").bind("pk", s(pk(id)));
        query.bind("first", s(message_sk(first))).bind("last", s("message#~"))
    }

    /// A page of a workspace's conversations, the newest message first, and their number. A message of the last moment
    /// may be missing, because the index is eventually consistent.
    pub async fn list(
        &self,
        workspace_id: Uuid,
        (skip, limit): (usize, usize),
    ) -> Result<(Vec<Chat>, usize), StoreError> {
        let query = self.table.query("listed = :list").bind("list", s(listed(workspace_id)));
        let query = query.global_index("listed").newest_first();
        let total = query.clone().count().await?;
        let places: Vec<Place> = query.first(skip.saturating_add(limit)).await?;
        let page = places.into_iter().skip(skip).map(|place| self.table.get(place.key()));
        let chats: Vec<Option<Chat>> = try_join_all(page).await?;
        Ok((chats.into_iter().flatten().collect(), total))
    }

    /// The writes of a turn: its messages, and the conversation after it, on the condition that the conversation has
    /// not changed since `before` was read.
    pub fn turn(&self, before: Option<&Chat>, after: &Chat, messages: &[Message]) -> Result<Vec<Write>, StoreError> {
        let expires = n((after.updated_at + KEPT).timestamp());
        let version = before.map_or(0, |before| before.version) + 1;
        let mut item = keyed(&Chat { version, ..after.clone() }, chat_key(after.id))?;
        item.insert("listed".to_owned(), s(listed(after.id.workspace_id)));
        let listed_by = format!("{}#{}", timestamp(after.updated_at), after.id.conversation_id);
        item.insert("listed_by".to_owned(), s(listed_by));
        item.insert("expires".to_owned(), expires.clone());
        let put = self.table.put(item);
        let mut writes = vec![match before {
            None => put.when_new(),
            Some(before) => put.when_version(before.version),
        }];
        for message in messages {
            let mut item = keyed(message, key(pk(after.id), message_sk(message.number)))?;
            item.insert("expires".to_owned(), expires.clone());
            writes.push(self.table.put(item));
        }
        Ok(writes)
    }
}
