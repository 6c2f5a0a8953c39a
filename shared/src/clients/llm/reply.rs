//! The model's reply, or the reason for a missing one.

use super::conversation::ToolCall;
use serde::Deserialize;
use std::time::Duration;

/// A model's reply and its usage. It has text or a call, and every call has an id and a name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub text: String,
    pub calls: Vec<ToolCall>,
    pub model: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
}

impl Reply {
    /// The reply, if it is complete.
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
        // Some endpoints send empty arguments this way, but do not all accept them back.
        for call in self.calls.iter_mut().filter(|call| call.arguments.trim().is_empty()) {
            call.arguments = "{}".to_owned();
        }
        if self.text.trim().is_empty() && self.calls.is_empty() {
            return Err(broken("no content"));
        }
        Ok(self)
    }
}

/// The reason why a call gave no reply. It never contains a request or a reply.
#[derive(Debug, PartialEq, Eq)]
pub enum CallError {
    /// There was no answer, or the answer asks for a retry.
    Unavailable { what: String, retry_after: Option<Duration> },
    /// The answer is not a completion.
    Broken(String),
    /// The endpoint refuses this request, also on a retry.
    Refused(String),
    /// The endpoint refuses this request because of its text, such as a provider's filter against attacks.
    TextRefused(String),
}

/// A message of the model, or a piece of one.
#[derive(Default, Deserialize)]
pub struct Message {
    pub content: Option<String>,
    /// The model's refusal, in place of the requested reply.
    pub refusal: Option<String>,
    pub tool_calls: Option<Vec<Called>>,
}

/// A tool call, or a piece of one.
#[derive(Deserialize)]
pub struct Called {
    /// The index among the calls; only in streamed pieces.
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
