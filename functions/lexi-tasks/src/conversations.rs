//! `GET /v1/lexi/conversations` and `GET /v1/lexi/conversations/{id}`: what was said with Lexi.

use serde_json::json;
use shared::api::http::{Call, Dialect, Input, RawEndpoint, RawPage, RawQuery, Reply};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::workflow::chats::{Chat, ChatId, Chats, Message};
use shared::workspace::auth::Permission;
use uuid::Uuid;

/// `GET /v1/lexi/conversations`.
#[derive(Clone, Debug, FromContext)]
pub struct ListConversations {
    chats: Chats,
}

impl RawEndpoint for ListConversations {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = RawPage;

    fn parse(&self, input: &Input) -> Result<RawPage, Problem> {
        let mut query = RawQuery::of(&input.query);
        let page = RawPage::of(&mut query);
        query.finish().map(|()| page)
    }

    async fn handle(&self, call: &Call, page: RawPage) -> Result<Reply, Problem> {
        let (chats, total) = self.chats.list(call.workspace_id, (page.skip(), page.size)).await?;
        let shown: Vec<_> = chats.iter().map(Chat::shown).collect();
        Ok(call.raw_page(json!({"conversations": shown}), page.meta(total)))
    }
}

/// `GET /v1/lexi/conversations/{id}`.
#[derive(Clone, Debug, FromContext)]
pub struct GetConversation {
    chats: Chats,
}

impl RawEndpoint for GetConversation {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    /// Which conversation, and which page of its messages.
    type Request = (Uuid, RawPage);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let mut query = RawQuery::of(&input.query);
        let page = RawPage::of(&mut query);
        query.finish()?;
        Ok((input.uuid_in_path("id")?, page))
    }

    async fn handle(&self, call: &Call, (conversation_id, page): Self::Request) -> Result<Reply, Problem> {
        let id = ChatId { workspace_id: call.workspace_id, conversation_id };
        let messages = self.chats.page(id, (page.skip(), page.size));
        let (chat, messages) = tokio::try_join!(self.chats.get(id), messages)?;
        let chat =
            chat.ok_or_else(|| Problem::new(Code::NotFound, "there is no conversation with this id in the workspace"))?;
        let mut shown = chat.shown();
        shown["messages"] = messages.iter().map(Message::shown).collect();
        Ok(call.raw_page(shown, page.meta(chat.messages as usize)))
    }
}
