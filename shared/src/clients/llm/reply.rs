//! What a model replied, or why it did not.

use super::conversation::ToolCall;
use serde::Deserialize;
use std::time::Duration;

/// What a model replied, and what it took. There is text or a call, and every call has an id and a name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub text: String,
    pub calls: Vec<ToolCall>,
    pub model: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
}

impl Reply {
    /// The reply, if it is whole.
    pub fn checked(mut self, finish_reason: Option<&str>) -> Result<Self, CallError> {
        if matches!(finish_reason, Some("length" | "content_filter")) {
            return Err(broken("the reply was cut off"));
        }
        for (index, call) in self.calls.iter().enumerate() {
            if call.id.is_empty() || call.name.is_empty() {
                return Err(broken("a tool call without id or name"));
            }
            if self.calls.iter().take(index).any(|other| other.id == call.id) {
                return Err(broken("two tool calls with one id"));
            }
        }
        // How some endpoints send no arguments; not all take it back like that.
        for call in self.calls.iter_mut().filter(|call| call.arguments.trim().is_empty()) {
            call.arguments = "{}".to_owned();
        }
        if self.text.trim().is_empty() && self.calls.is_empty() {
            return Err(broken("no content"));
        }
        Ok(self)
    }
}

/// Why a call gave no reply. Never holds a request or a reply.
#[derive(Debug, PartialEq, Eq)]
pub enum CallError {
    /// No answer, or one that says to come back.
    Unavailable { what: String, retry_after: Option<Duration> },
    /// An answer that is no completion.
    Broken(String),
    /// The endpoint will not take this request, however often it is sent.
    Refused(String),
    /// As before, because of what the request says: such as what a provider's filter takes for an attack.
    TextRefused(String),
}

/// A message of a model, or a piece of one.
#[derive(Default, Deserialize)]
pub struct Message {
    pub content: Option<String>,
    /// What a model says instead that will not do as asked.
    pub refusal: Option<String>,
    pub tool_calls: Option<Vec<Called>>,
}

/// A call of a tool, or a piece of one.
#[derive(Deserialize)]
pub struct Called {
    /// Its place among the calls; only where it comes in pieces.
    pub index: Option<u64>,
    pub id: Option<String>,
    #[serde(default)]
    pub function: Function,
}

#[derive(Default, Deserialize)]
pub struct Function {
    pub name: Option<String>,
    pub arguments: Option<String>,
}

#[derive(Default, Deserialize)]
pub struct Usage {
    #[serde(default)]
    pub prompt_tokens: u64,
    #[serde(default)]
    pub completion_tokens: u64,
}

pub fn unavailable(what: &str) -> CallError {
    CallError::Unavailable { what: format!("model endpoint: {what}"), retry_after: None }
}

pub fn broken(what: &str) -> CallError {
    CallError::Broken(format!("model endpoint: {what}"))
}
