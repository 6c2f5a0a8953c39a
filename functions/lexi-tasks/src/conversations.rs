//! `GET /v1/lexi/conversations` and `GET /v1/lexi/conversations/{id}`: the conversations with Lexi.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Page, PageMeta, Pages, Path, Query};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::time::Timestamp;
use shared::workflow::chats::{Chat, ChatId, Chats, Message, Speaker, Step};
use shared::workspace::auth::Permission;
use uuid::Uuid;

/// A conversation with Lexi.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Conversation {
    /// Its identifier.
    pub id: Uuid,
    /// The first words of the conversation.
    pub title: String,
    /// The list that it is about.
    pub list_id: Option<Uuid>,
    /// The campaign that it is about.
    pub campaign_id: Option<Uuid>,
    /// The task that was proposed last.
    pub task_id: Option<Uuid>,
    /// How many messages it has.
    pub message_count: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// When the newest message was written.
    pub updated_at: Timestamp,
}

impl From<Chat> for Conversation {
    fn from(chat: Chat) -> Self {
        Self {
            id: chat.id.conversation_id,
            title: chat.title,
            list_id: chat.list_id,
            campaign_id: chat.campaign_id,
            task_id: chat.state.task.map(|task| task.task_id),
            message_count: chat.messages,
            created_at: chat.created_at.into(),
            updated_at: chat.updated_at.into(),
        }
    }
}

/// Something that was said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConversationMessage {
    /// Its identifier.
    pub id: Uuid,
    /// Who said it.
    pub role: Speaker,
    /// What was said.
    pub content: String,
    /// The tools that Lexi used.
    pub tool_calls: Vec<Step>,
    /// The task that it proposes.
    pub task_id: Option<Uuid>,
    /// When it was written.
    pub created_at: Timestamp,
}

impl From<Message> for ConversationMessage {
    fn from(message: Message) -> Self {
        Self {
            id: message.message_id,
            role: message.speaker,
            content: message.text,
            tool_calls: message.steps,
            task_id: message.proposed.map(|proposed| proposed.task_id),
            created_at: message.created_at.into(),
        }
    }
}

/// `GET /v1/lexi/conversations`.
#[derive(Clone, Debug, FromContext)]
pub struct ListConversations {
    chats: Chats,
}

/// Conversations.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConversationList {
    /// The conversations; the one with the newest message first.
    pub conversations: Vec<Conversation>,
}

impl Endpoint for ListConversations {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Query<Pages>;
    type Answer = Page<ConversationList>;

    async fn handle(&self, call: &Call, Query(pages): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (chats, total) = self.chats.list(call.workspace_id, (pages.skip(), pages.size())).await?;
        let data = ConversationList { conversations: chats.into_iter().map(Conversation::from).collect() };
        call.page(Page { data, meta: PageMeta::new(pages, total) })
    }
}

/// `GET /v1/lexi/conversations/{id}`.
#[derive(Clone, Debug, FromContext)]
pub struct GetConversation {
    chats: Chats,
}

/// A conversation, in the path.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ConversationPath {
    /// The conversation.
    pub id: Uuid,
}

/// A conversation with a page of its messages.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConversationWithMessages {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// The messages, oldest first.
    pub messages: Vec<ConversationMessage>,
}

impl Endpoint for GetConversation {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = (Path<ConversationPath>, Query<Pages>);
    type Answer = Page<ConversationWithMessages>;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (Path(path), Query(pages)) = request;
        let id = ChatId { workspace_id: call.workspace_id, conversation_id: path.id };
        let messages = self.chats.page(id, (pages.skip(), pages.size()));
        let (chat, messages) = tokio::try_join!(self.chats.get(id), messages)?;
        let chat =
            chat.ok_or_else(|| Problem::new(Code::NotFound, "there is no conversation with this id in the workspace"))?;
        let meta = PageMeta::new(pages, chat.messages as usize);
        let messages = messages.into_iter().map(ConversationMessage::from).collect();
        call.page(Page { data: ConversationWithMessages { conversation: chat.into(), messages }, meta })
    }
}
