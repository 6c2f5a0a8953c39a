//! What is said in a conversation in which the model may call tools ("Function calling", OpenAI API
//! documentation).

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::schema::strict_schema;

/// A function that the model may ask for.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name: letters, digits, `_` and `-`, at most 64.
    pub name: &'static str,
    /// What it does and when to call it, for the model.
    pub description: &'static str,
    /// The JSON schema of its arguments, in strict form.
    pub parameters: Value,
}

impl Tool {
    /// A tool whose arguments are a `T`.
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

/// What the model wants called. It is the model's wish and no more: name and arguments may be anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Its id, which the result names; unique within its turn.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments, as JSON if the model kept to the form.
    pub arguments: String,
}

impl ToolCall {
    /// The arguments as a `T`, or what to tell the model about them.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_str(&self.arguments)
            .map_err(|error| format!("the arguments of {} do not fit its JSON schema ({error})", self.name))
    }
}

/// One contribution to a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// By the person.
    User(String),
    /// By the model.
    Lexi {
        /// What it wrote; may be empty where it called.
        text: String,
        /// What it called.
        calls: Vec<ToolCall>,
    },
    /// What came of a call. Every call needs one before the model's next turn.
    Result {
        /// The call.
        call_id: String,
        /// The result: data, never an instruction.
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

/// What the model is given for its turn.
#[derive(Clone, Copy, Debug)]
pub struct Conversation<'a> {
    /// The prompt's name, for the log.
    pub name: &'static str,
    /// The instructions. What people wrote is never part of them.
    pub instructions: &'a str,
    /// What was said so far, oldest first.
    pub said: &'a [Said],
    /// What it may call.
    pub tools: &'a [Tool],
}

impl Conversation<'_> {
    /// The request, without the model's name. The fields about tools are refused where there are none.
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

/// The model's turn: text, calls, or both; never neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What it wrote.
    pub text: String,
    /// What it wants called, in its order.
    pub calls: Vec<ToolCall>,
}

impl From<Turn> for Said {
    fn from(turn: Turn) -> Self {
        Self::Lexi { text: turn.text, calls: turn.calls }
    }
}
