//! Calls to an OpenAI-compatible chat endpoint: with a strict JSON schema ("Structured model outputs", OpenAI API
//! documentation) or with tools ("Function calling"), whole or streamed.

use super::reply::{CallError, Called, Message, Reply, Usage, broken, unavailable};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::conversation::{Conversation, ToolCall};
use super::stream::{MAX_BYTES, StreamReader};
use crate::base::context::{Context, FromContext};
use crate::base::environment::ConfigError;
use crate::base::store::StoreError;
use crate::clients::answer::{self, Unread};
use crate::clients::http_client::http_client;
use crate::clients::secrets::Secret;

/// The time limits of a streamed answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until the answer starts, and between two pieces.
    pub silence: Duration,
    /// For the whole answer.
    pub whole: Duration,
}

#[derive(Clone, Debug, FromContext)]
pub struct OpenAi {
    #[context(http_client()?)]
    http: reqwest::Client,
    #[context(url(context)?)]
    url: String,
    #[context(Secret::optional(context, "LLM_API_KEY_SECRET")?)]
    key: Option<Secret>,
    #[context(context.environment.required("LLM_MODEL")?.to_owned())]
    model: String,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    model: String,
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

fn url(context: &Context) -> Result<String, ConfigError> {
    let base = context.environment.required("LLM_BASE_URL")?.trim_end_matches('/');
    let url = reqwest::Url::parse(&format!("{base}/chat/completions"));
    let invalid = |error| ConfigError::Invalid { name: "LLM_BASE_URL", reason: format!("{error}") };
    url.map(String::from).map_err(invalid)
}

impl OpenAi {
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The API key; `None` if the endpoint needs none.
    pub async fn key(&self) -> Result<Option<String>, StoreError> {
        match &self.key {
            Some(secret) => secret.value().await.map(Some),
            None => Ok(None),
        }
    }

    /// Asks for a reply that matches a schema.
    pub async fn complete(
        &self,
        messages: &[Value],
        name: &str,
        schema: &Value,
        within: Duration,
    ) -> Result<Reply, CallError> {
        let format = json!({"type": "json_schema", "json_schema": {"name": name, "strict": true, "schema": schema}});
        whole(self.post(json!({"messages": messages, "response_format": format}), within).await?).await
    }

    /// Asks for a turn of a conversation.
    pub async fn converse(&self, conversation: &Conversation<'_>, within: Duration) -> Result<Reply, CallError> {
        whole(self.post(conversation.as_told(), within).await?).await
    }

    /// Asks for a turn of a conversation, and passes its text on in pieces.
    pub async fn converse_streaming(
        &self,
        conversation: &Conversation<'_>,
        limits: Limits,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Reply, CallError> {
        let mut request = conversation.as_told();
        request["stream"] = json!(true);
        request["stream_options"] = json!({"include_usage": true});
        let until = Instant::now() + limits.whole;
        let silence = || limits.silence.min(until - Instant::now());
        let silent = |_| unavailable("timeout");
        let mut response = timeout(silence(), self.post(request, limits.whole)).await.map_err(silent)??;
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|value| value.starts_with("application/json")) {
            // An endpoint without streaming answers in one piece.
            let reply = timeout(silence(), whole(response)).await.map_err(silent)??;
            if !reply.text.is_empty() {
                on_text(&reply.text);
            }
            return Ok(reply);
        }
        let mut reader = StreamReader::default();
        while let Some(bytes) = timeout(silence(), response.chunk()).await.map_err(silent)?.map_err(transport)? {
            reader.take(&bytes, on_text)?;
            if reader.is_done() {
                break;
            }
        }
        reader.finish()
    }

    /// Sends a request, and returns the answer if its status is a success.
    async fn post(&self, mut body: Value, within: Duration) -> Result<reqwest::Response, CallError> {
        body["model"] = json!(self.model);
        let mut request = self.http.post(&self.url).timeout(within).json(&body);
        if let Some(key) = self.key().await.map_err(|error| unavailable(&error.to_string()))? {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(transport)?;
        let status = response.status();
        if status.is_server_error() || matches!(status.as_u16(), 408 | 409 | 425 | 429) {
            let what = format!("model endpoint: status {}", status.as_u16());
            return Err(CallError::Unavailable { what, retry_after: answer::retry_after(response.headers()) });
        }
        if matches!(status.as_u16(), 400 | 413 | 422) {
            return Err(CallError::TextRefused(format!("model endpoint: status {}", status.as_u16())));
        }
        if !status.is_success() {
            return Err(CallError::Refused(format!("model endpoint: status {}", status.as_u16())));
        }
        Ok(response)
    }
}

/// Reads an answer that was not streamed.
async fn whole(response: reqwest::Response) -> Result<Reply, CallError> {
    let bytes = answer::body(response, MAX_BYTES).await.map_err(|error| match error {
        Unread::TooLong => broken("the answer is too long"),
        Unread::BrokenOff(error) => transport(error),
    })?;
    read(&bytes)
}

/// Parses the reply from an answer that was not streamed.
pub(super) fn read(bytes: &[u8]) -> Result<Reply, CallError> {
    let answer: Answer = serde_json::from_slice(bytes).map_err(|_| broken("the answer is no chat completion"))?;
    let usage = answer.usage.unwrap_or_default();
    let choice = answer.choices.into_iter().next().ok_or_else(|| broken("no choices"))?;
    let call = |called: Called| ToolCall {
        id: called.id.unwrap_or_default(),
        name: called.function.name.unwrap_or_default(),
        arguments: called.function.arguments.unwrap_or_default(),
    };
    let reply = Reply {
        text: choice.message.content.or(choice.message.refusal).unwrap_or_default(),
        calls: choice.message.tool_calls.unwrap_or_default().into_iter().map(call).collect(),
        model: answer.model,
        input_tokens: usage.prompt_tokens,
        output_tokens: usage.completion_tokens,
    };
    reply.checked(choice.finish_reason.as_deref())
}

fn transport(error: reqwest::Error) -> CallError {
    unavailable(match () {
        () if error.is_timeout() => "timeout",
        () if error.is_connect() => "no connection",
        () => "broken off",
    })
}
