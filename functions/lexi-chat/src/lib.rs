//! `POST /v1/lexi/chat`: a message to Lexi, and its answer (seeds/lexi-chat.md).

use serde_json::json;
use shared::auth::Permission;
use shared::context::Context;
use shared::environment::ConfigError;
use shared::http::{Call, Dialect, Endpoint, Fields, Gate, Input, Reply, Routes};
use shared::llm::{Conversation, Model, Said};
use shared::problem::Problem;

/// The function's name in `template.yaml`.
pub const NAME: &str = "lexi-chat";

/// The endpoints of the function. They are told apart by path even though there is one, because the
/// function's own address takes every path.
pub fn lexi_chat(context: &Context) -> Result<Routes, ConfigError> {
    Ok(Routes::new(Gate::new(context)?).with("POST", "/v1/lexi/chat", LexiChat { model: Model::new(context)? }))
}

/// The endpoint and what it works with.
#[derive(Clone, Debug)]
pub struct LexiChat {
    model: Model,
}

impl Endpoint for LexiChat {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::Lexi;
    const STREAMS: bool = true;
    type Request = String;

    fn parse(&self, input: &Input) -> Result<String, Problem> {
        let mut fields = Fields::of(&input.body)?;
        let message = fields.required_text("message", 12_000);
        fields.finish().map(|()| message)
    }

    async fn handle(&self, call: &Call, message: String) -> Result<Reply, Problem> {
        let mut ready = self.model.ready().await?;
        let conversation = Conversation {
            name: "lexi_chat",
            instructions: "You are Lexi. Answer in a sentence.",
            said: &[Said::User(message)],
            tools: &[],
        };
        let mut on_text = |delta: &str| call.events.send("text", &json!({ "delta": delta }));
        let on_text: Option<&mut (dyn FnMut(&str) + Send)> = match call.events.are_wanted() {
            true => Some(&mut on_text),
            false => None,
        };
        let turn = self.model.converse(&mut ready, &conversation, call.deadline, on_text).await?;
        Ok(call.success(json!({"response": turn.text})))
    }
}
