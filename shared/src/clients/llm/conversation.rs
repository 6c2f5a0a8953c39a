//! Conversations in which the model may call tools ("Function calling", OpenAI API documentation).

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::schema::strict_schema;

/// A function that the model may call.
#[derive(Clone, Debug)]
pub struct Tool {
    /// The name: letters, digits, `_` and `-`, at most 64 characters.
    pub name: &'static str,
    /// The purpose of the tool and when to call it, for the model.
    pub description: &'static str,
    /// The JSON schema of the arguments, in strict form.
    pub parameters: Value,
}

impl Tool {
    /// A tool with arguments of type `T`.
    pub fn new<T: JsonSchema>(name: &'static str, description: &'static str) -> Self {
        Self { name, description, parameters: strict_schema::<T>() }
    }

    pub(super) fn as_told(&self) -> Value {
        json!({
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": self.parameters,
                "strict": true,
            },
        })
    }
}

/// A tool call that the model asks for. The name and the arguments are unverified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The id that the result refers to; unique within its turn.
    pub id: String,
    /// The name of the tool; it may not exist.
    pub name: String,
    /// The arguments, as JSON if the model followed the schema.
    pub arguments: String,
}

impl ToolCall {
    /// Parses the arguments as a `T`, or returns the complaint for the model.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_str(&self.arguments)
            .map_err(|error| format!("the arguments of {} do not fit its JSON schema ({error})", self.name))
    }
}

/// One entry of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A message of the person.
    User(String),
    /// A turn of the model.
    Lexi {
        /// The text; may be empty if the model called tools.
        text: String,
        /// The tool calls of this turn.
        calls: Vec<ToolCall>,
    },
    /// The result of a tool call. Every call needs one before the model's next turn.
    Result {
        /// The id of the call.
        call_id: String,
        /// The result. The model treats it as data, never as an instruction.
        content: String,
    },
}

impl Said {
    pub(super) fn as_told(&self) -> Value {
        match self {
            Self::User(content) => json!({"role": "user", "content": content}),
            Self::Result { call_id, content } => json!({"role": "tool", "tool_call_id": call_id, "content": content}),
            Self::Lexi { text, calls } => {
                let mut message = json!({"role": "assistant", "content": (!text.is_empty()).then_some(text)});
                if !calls.is_empty() {
                    message["tool_calls"] = calls.iter().map(called).collect();
                }
                message
            }
        }
    }
}

fn called(call: &ToolCall) -> Value {
    let function = json!({"name": call.name, "arguments": call.arguments});
    json!({"id": call.id, "type": "function", "function": function})
}

/// The input for the model's next turn.
#[derive(Clone, Copy, Debug)]
pub struct Conversation<'a> {
    /// The prompt's name, for the log.
    pub name: &'static str,
    /// The instructions. They never contain text that people wrote.
    pub instructions: &'a str,
    /// The conversation so far, oldest first.
    pub said: &'a [Said],
    /// The tools that the model may call.
    pub tools: &'a [Tool],
}

impl Conversation<'_> {
    /// The request's body, without the model's name. Endpoints refuse the tool fields if there are no tools.
    pub(super) fn as_told(&self) -> Value {
        let system = json!({"role": "system", "content": self.instructions});
        let messages: Vec<Value> = [system].into_iter().chain(self.said.iter().map(Said::as_told)).collect();
        if self.tools.is_empty() {
            return json!({ "messages": messages });
        }
        json!({
            "messages": messages,
            "tools": self.tools.iter().map(Tool::as_told).collect::<Vec<_>>(),
            "tool_choice": "auto",
            "parallel_tool_calls": true,
        })
    }
}

/// The model's turn: text, tool calls, or both; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The text of the turn; may be empty.
    pub text: String,
    /// The tool calls, in the model's order.
    pub calls: Vec<ToolCall>,
}

impl From<Turn> for Said {
    fn from(turn: Turn) -> Self {
        Self::Lexi { text: turn.text, calls: turn.calls }
    }
}
