//! One call of an OpenAI-compatible chat endpoint with a strict JSON schema ("Structured model
//! outputs", OpenAI API documentation).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::environment::{ConfigError, Environment};

#[derive(Clone, Debug, Serialize)]
pub struct Message {
    pub role: &'static str,
    pub content: String,
}

/// A model's text, and what it took.
#[derive(Debug)]
pub struct Completion {
    pub content: String,
    pub model: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
}

/// Why a call gave no text. Never holds a request or a reply.
#[derive(Debug)]
pub enum CallError {
    /// No answer, or one that says to come back.
    Unavailable { what: String, retry_after: Option<Duration> },
    /// An answer that is no completion.
    Broken(String),
    /// The endpoint will not take this request, however often it is sent.
    Refused(String),
}

#[derive(Clone, Debug)]
pub struct OpenAi {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
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
    message: AnswerMessage,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct AnswerMessage {
    content: Option<String>,
}

#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl OpenAi {
    pub fn new(environment: &Environment) -> Result<Self, ConfigError> {
        let base = environment.required("LLM_BASE_URL")?.trim_end_matches('/');
        let invalid = |reason: String| ConfigError::Invalid { name: "LLM_BASE_URL", reason };
        let url: reqwest::Url =
            format!("{base}/chat/completions").parse().map_err(|error| invalid(format!("{error}")))?;
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| invalid(error.without_url().to_string()))?;
        Ok(Self {
            http,
            url: url.to_string(),
            key: environment.optional("LLM_API_KEY").map(str::to_owned),
            model: environment.required("LLM_MODEL")?.to_owned(),
        })
    }

    pub fn model(&self) -> &str {
        &self.model
    }

    pub async fn call(
        &self,
        messages: &[Message],
        name: &str,
        schema: &Value,
        within: Duration,
    ) -> Result<Completion, CallError> {
        let body = json!({
            "model": self.model,
            "messages": messages,
            "response_format": {"type": "json_schema", "json_schema": {"name": name, "strict": true, "schema": schema}},
        });
        let mut request = self.http.post(&self.url).timeout(within).json(&body);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(transport)?;
        let status = response.status();
        if status.is_server_error() || matches!(status.as_u16(), 408 | 409 | 425 | 429) {
            let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let what = format!("model endpoint: status {}", status.as_u16());
            return Err(CallError::Unavailable { what, retry_after: retry_after.map(Duration::from_secs) });
        }
        if !status.is_success() {
            return Err(CallError::Refused(format!("model endpoint: status {}", status.as_u16())));
        }
        let bytes = response.bytes().await.map_err(transport)?;
        let answer: Answer = serde_json::from_slice(&bytes)
            .map_err(|_| CallError::Broken("model endpoint: the answer is no chat completion".to_owned()))?;
        let usage = answer.usage.unwrap_or_default();
        let choice = answer.choices.into_iter().next();
        let choice = choice.ok_or_else(|| CallError::Broken("model endpoint: no choices".to_owned()))?;
        match (choice.finish_reason.as_deref(), choice.message.content) {
            (Some("length" | "content_filter"), _) => {
                Err(CallError::Broken("model endpoint: the reply was cut off".to_owned()))
            }
            (_, Some(content)) => Ok(Completion {
                content,
                model: answer.model,
                input_tokens: usage.prompt_tokens,
                output_tokens: usage.completion_tokens,
            }),
            (_, None) => Err(CallError::Broken("model endpoint: no content".to_owned())),
        }
    }
}

fn transport(error: reqwest::Error) -> CallError {
    let kind = match () {
        () if error.is_timeout() => "timeout",
        () if error.is_connect() => "no connection",
        () => "broken off",
    };
    CallError::Unavailable { what: format!("model endpoint: {kind}"), retry_after: None }
}
