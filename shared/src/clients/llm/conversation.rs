//! Conversations in which the model may call tools ("Function calling", OpenAI API documentation).

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::abilities::Abilities;
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

    fn as_told(&self, abilities: &Abilities) -> Value {
        let mut function = json!({"name": self.name, "description": self.description, "parameters": self.parameters});
        if abilities.takes("strict") {
            function["strict"] = json!(true);
        }
        json!({"type": "function", "function": function})
    }
}

/// A tool call that the model asks for. The name and the arguments are unverified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The id that the result refers to; unique within its turn.
    pub id: String,
    /// The name of the tool; it may not exist.
    pub name: String,
    /// The arguments, as JSON if the model followed the schema.
    pub arguments: String,
    /// Other fields of the call, which the endpoint may want back, such as Gemini's `extra_content`.
    pub extra: Map<String, Value>,
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
        /// Other fields of the message, which the endpoint may want back, such as `reasoning_content`.
        extra: Map<String, Value>,
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
    /// A turn of the model without tool calls.
    pub fn lexi(text: String) -> Self {
        Self::Lexi { text, calls: Vec::new(), extra: Map::new() }
    }

    fn as_told(&self, abilities: &Abilities) -> Value {
        match self {
            Self::User(content) => json!({"role": "user", "content": content}),
            Self::Result { call_id, content } => json!({"role": "tool", "tool_call_id": call_id, "content": content}),
            Self::Lexi { text, calls, extra } => {
                let mut message = json!({"role": "assistant", "content": (!text.is_empty()).then_some(text)});
                if !calls.is_empty() {
                    message["tool_calls"] = calls.iter().map(|call| called(call, abilities)).collect();
                }
                echo(&mut message, extra, abilities);
                message
            }
        }
    }
}

fn called(call: &ToolCall, abilities: &Abilities) -> Value {
    let function = json!({"name": call.name, "arguments": call.arguments});
    let mut called = json!({"id": call.id, "type": "function", "function": function});
    echo(&mut called, &call.extra, abilities);
    called
}

/// Adds the fields that came with a message or call, except those that the endpoint has refused.
fn echo(into: &mut Value, extra: &Map<String, Value>, abilities: &Abilities) {
    for (name, value) in extra.iter().filter(|(name, _)| abilities.takes(name)) {
        into[name.as_str()] = value.clone();
    }
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
    /// Whether the model may call tools in this turn.
    pub may_call: bool,
}

impl Conversation<'_> {
    /// The request's body, without the model's name. It has no field that an endpoint may refuse and that has a good
    /// default. The tools are there if the conversation has tool calls, because Anthropic refuses it otherwise.
    pub(super) fn as_told(&self, abilities: &Abilities) -> Value {
        let mut messages = vec![json!({"role": "system", "content": self.instructions})];
        for said in self.said {
            match (said, messages.last_mut()) {
                // Mistral's templates refuse two messages of one role in a row.
                (Said::User(text), Some(last)) if last["role"] == "user" => {
                    last["content"] = json!(format!("{}\n\n{text}", last["content"].as_str().unwrap_or_default()));
                }
                _ => messages.push(said.as_told(abilities)),
            }
        }
        let mut told = json!({ "messages": messages });
        if !self.tools.is_empty() && (self.may_call || self.calls_so_far() > 0) {
            told["tools"] = self.tools.iter().map(|tool| tool.as_told(abilities)).collect();
            if !self.may_call && abilities.takes("tool_choice") {
                told["tool_choice"] = json!("none");
            }
        }
        told
    }

    /// The number of tool calls in the conversation.
    pub(super) fn calls_so_far(&self) -> usize {
        let calls = |said: &Said| if let Said::Lexi { calls, .. } = said { calls.len() } else { 0 };
        self.said.iter().map(calls).sum()
    }
}

/// The model's turn: text, tool calls, or both; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The text of the turn; may be empty.
    pub text: String,
    /// The tool calls, in the model's order.
    pub calls: Vec<ToolCall>,
    /// Other fields of the message, which the endpoint may want back.
    pub extra: Map<String, Value>,
}

impl From<Turn> for Said {
    fn from(turn: Turn) -> Self {
        Self::Lexi { text: turn.text, calls: turn.calls, extra: turn.extra }
    }
}
