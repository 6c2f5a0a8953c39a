//! Calls to an OpenAI-compatible chat endpoint: with a strict JSON schema ("Structured model outputs", OpenAI API
//! documentation) or with tools ("Function calling"), whole or streamed.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::abilities::{Abilities, Format, Remembered};
use super::conversation::{Conversation, Tool};
use super::refusal::Refusal;
use super::reply::{CallError, Gathered, Reply, broken, unavailable};
use super::stream::{MAX_BYTES, StreamReader};
use crate::base::context::{Context, FromContext};
use crate::base::environment::ConfigError;
use crate::base::store::StoreError;
use crate::clients::answer::{self, Unread};
use crate::clients::http_client::http_client;
use crate::clients::secrets::Secret;

/// The longest error body that is read.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// How long a finished stream may take to report its usage. Some endpoints hold a stream open after its end.
const USAGE_WITHIN: Duration = Duration::from_secs(1);

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
    #[context(Remembered::default())]
    abilities: Remembered,
}

/// The address of chat completions: the base address, its path and query, with or without `/chat/completions`.
fn url(context: &Context) -> Result<String, ConfigError> {
    completions_url(context.environment.required("LLM_BASE_URL")?)
        .map_err(|reason| ConfigError::Invalid { name: "LLM_BASE_URL", reason })
}

fn completions_url(base: &str) -> Result<String, String> {
    let mut url = reqwest::Url::parse(base.trim()).map_err(|error| format!("{error}: write https://host/path"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("must begin with https:// or http://".to_owned());
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/chat/completions").unwrap_or(path);
    url.set_path(&format!("{path}/chat/completions"));
    url.set_fragment(None);
    Ok(url.into())
}

impl OpenAi {
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The API key, without the spaces or line feed of a file; `None` if the endpoint needs none.
    pub async fn key(&self) -> Result<Option<String>, StoreError> {
        let key = match &self.key {
            Some(secret) => secret.value().await?,
            None => return Ok(None),
        };
        Ok(Some(key.trim().to_owned()).filter(|key| !key.is_empty()))
    }

    /// Asks for a reply that matches a schema. `messages` begins with the instructions.
    pub async fn complete(
        &self,
        messages: &[Value],
        name: &str,
        schema: &Value,
        within: Duration,
    ) -> Result<Reply, CallError> {
        let body = |abilities: &Abilities| {
            let mut body = json!({ "messages": messages });
            if abilities.needs_schema_in_prompt() {
                let instructions = messages.first().and_then(|message| message["content"].as_str()).unwrap_or_default();
                body["messages"][0]["content"] = json!(format!(
                    "{instructions}\n\nAnswer with one JSON object and nothing else. It matches this JSON schema:\n{schema}"
                ));
            }
            match abilities.format {
                Format::Schema => {
                    let schema = json!({"name": name, "strict": true, "schema": schema});
                    body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
                }
                Format::Object => body["response_format"] = json!({"type": "json_object"}),
                Format::Prompt => {}
            }
            body
        };
        whole(self.post(body, within).await?).await
    }

    /// Records that a reply did not have the form that was asked for.
    pub fn ignores_schema(&self) {
        self.abilities.ignores_schema();
    }

    /// Asks for a turn of a conversation.
    pub async fn converse(&self, conversation: &Conversation<'_>, within: Duration) -> Result<Reply, CallError> {
        let response = self.post(|abilities| conversation.as_told(abilities), within).await?;
        turn(whole(response).await?, conversation)
    }

    /// Asks for a turn of a conversation, and passes its text on in pieces.
    pub async fn converse_streaming(
        &self,
        conversation: &Conversation<'_>,
        limits: Limits,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Reply, CallError> {
        let body = |abilities: &Abilities| {
            let mut body = conversation.as_told(abilities);
            if abilities.takes("stream") {
                body["stream"] = json!(true);
                if abilities.takes("stream_options") {
                    body["stream_options"] = json!({"include_usage": true});
                }
            }
            body
        };
        let until = Instant::now() + limits.whole;
        let silence = || limits.silence.min(until - Instant::now());
        let silent = |_| unavailable("timeout");
        let mut response = timeout(silence(), self.post(body, limits.whole)).await.map_err(silent)??;
        let (mut reader, mut begun) = (StreamReader::default(), Vec::new());
        loop {
            let limit = if reader.is_finished() { USAGE_WITHIN.min(silence()) } else { silence() };
            let bytes = match timeout(limit, response.chunk()).await {
                Ok(bytes) => bytes.map_err(transport)?,
                Err(_) if reader.is_finished() => None,
                Err(_) => return Err(unavailable("timeout")),
            };
            let Some(bytes) = bytes else { break };
            begun.extend_from_slice(&bytes);
            if begun.len() > MAX_BYTES {
                return Err(broken("the stream is too long"));
            }
            match is_stream(&begun) {
                None => continue,
                Some(true) => reader.take(&std::mem::take(&mut begun), on_text)?,
                // An endpoint without streaming answers in one piece.
                Some(false) => {
                    let rest = timeout(silence(), body_of(response)).await.map_err(silent)??;
                    begun.extend_from_slice(&rest);
                    let reply = turn(read(&begun)?, conversation)?;
                    if !reply.text.is_empty() {
                        on_text(&reply.text);
                    }
                    return Ok(reply);
                }
            }
            if reader.is_done() {
                break;
            }
        }
        turn(reader.finish(on_text)?, conversation)
    }

    /// Sends a request, and returns the answer if its status is a success. A request that is refused because of an
    /// optional field is sent again without it; the number of those fields bounds the loop.
    async fn post(&self, body: impl Fn(&Abilities) -> Value, within: Duration) -> Result<reqwest::Response, CallError> {
        let until = Instant::now() + within;
        let key = self.key().await.map_err(|error| unavailable(&error.to_string()))?;
        loop {
            let mut body = body(&self.abilities.current());
            body["model"] = json!(self.model);
            let mut request = self.http.post(&self.url).timeout(until - Instant::now()).json(&body);
            if let Some(key) = &key {
                request = request.bearer_auth(key);
            }
            let response = request.send().await.map_err(transport)?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            let retry_after = answer::retry_after(response.headers());
            // An error without a readable body still has its status.
            let error = answer::body(response, MAX_ERROR_BYTES).await.unwrap_or_default();
            let refusal = Refusal::read(status.as_u16(), &error);
            if !self.abilities.adapt(&refusal, &body) {
                return Err(refusal.classified(retry_after));
            }
            tracing::info!(
                gen_ai.request.model = self.model,
                "model endpoint refused an optional field; asked without it"
            );
        }
    }
}

/// A reply as a turn of a conversation. A model that calls tools although it may not has said its text, or nothing.
fn turn(reply: Reply, conversation: &Conversation<'_>) -> Result<Reply, CallError> {
    let tools: Vec<_> = conversation.tools.iter().map(|tool: &Tool| tool.name).collect();
    let mut turn = reply.into_turn(&tools, conversation.calls_so_far())?;
    if !conversation.may_call {
        turn.calls.clear();
    }
    Ok(turn)
}

/// Whether an answer that begins with these bytes is a stream; `None` if they do not show it yet.
fn is_stream(begun: &[u8]) -> Option<bool> {
    let begun = begun.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begun).trim_ascii_start();
    begun.first().map(|first| !matches!(first, b'{' | b'[' | b'<' | b'"'))
}

/// Reads an answer that was not streamed.
async fn whole(response: reqwest::Response) -> Result<Reply, CallError> {
    read(&body_of(response).await?)
}

async fn body_of(response: reqwest::Response) -> Result<Vec<u8>, CallError> {
    answer::body(response, MAX_BYTES).await.map_err(|error| match error {
        Unread::TooLong => broken("the answer is too long"),
        Unread::BrokenOff(error) => transport(error),
    })
}

/// Parses the reply from a whole answer. Some endpoints answer with a stream all the same.
pub(super) fn read(bytes: &[u8]) -> Result<Reply, CallError> {
    if is_stream(bytes) == Some(true) {
        let mut reader = StreamReader::default();
        reader.take(bytes, &mut |_| {})?;
        return reader.finish(&mut |_| {});
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let answer = serde_json::from_slice(bytes).map_err(|_| unavailable("the answer is no chat completion"))?;
    let mut gathered = Gathered::default();
    gathered.take(&answer)?;
    gathered.finish()
}

fn transport(error: reqwest::Error) -> CallError {
    if error.is_builder() {
        return CallError::Misconfigured(
            "model endpoint: the API key has a character that no header may have".to_owned(),
        );
    }
    unavailable(match () {
        () if error.is_timeout() => "timeout",
        () if error.is_connect() => "no connection",
        () => "broken off",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_is_taken_as_providers_print_it_or_refused_with_a_sentence() {
        for (base, expected) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
            ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
            (" http://localhost:11434/v1\n", "http://localhost:11434/v1/chat/completions"),
            ("https://x.example/v1/chat/completions", "https://x.example/v1/chat/completions"),
            (
                "https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21",
                "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
            ),
            ("https://x.example", "https://x.example/chat/completions"),
        ] {
            assert_eq!(completions_url(base).as_deref(), Ok(expected), "{base}");
        }
        for base in ["", "api.openai.com/v1", "localhost:11434/v1", "ftp://x.example", "https://"] {
            assert!(completions_url(base).unwrap_err().contains("http"), "{base}");
        }
    }
}
