//! A model's reply, gathered from one answer or from the pieces of a stream, or the reason for a missing one.

use std::time::Duration;

use serde_json::{Map, Value};

use super::conversation::ToolCall;
use super::refusal::Refusal;
use super::visible;

/// A model's reply and its usage.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The text as the model wrote it; empty if it only calls tools.
    pub text: String,
    /// The tool calls. Each has a name.
    pub calls: Vec<ToolCall>,
    /// Fields of the message that the endpoint may want back, such as `reasoning_content`.
    pub extra: Map<String, Value>,
    pub model: String,
    pub input_tokens: u64,
    /// The part of the input tokens that the endpoint read from its cache.
    pub cached_tokens: u64,
    pub output_tokens: u64,
}

/// The reason why a call gave no reply. It never contains a request or a reply.
#[derive(Debug, PartialEq, Eq)]
pub enum CallError {
    /// There was no answer, or an answer that is none of a model. A retry may help, after `retry_after` if it is given.
    Unavailable { what: String, retry_after: Option<Duration> },
    /// The model answered with something unusable. A retry may help.
    Broken(String),
    /// The length limit ended the reply. A shorter one may help.
    CutOff(String),
    /// The endpoint refuses every request: its address, its key, the model's name, a parameter or the account is wrong.
    Misconfigured(String),
    /// The endpoint refuses this request because of its text, such as a provider's filter against attacks.
    TextRefused(String),
}

pub fn unavailable(what: &str) -> CallError {
    CallError::Unavailable { what: format!("model endpoint: {what}"), retry_after: None }
}

pub fn broken(what: &str) -> CallError {
    CallError::Broken(format!("model endpoint: {what}"))
}

/// The reasons for which a whole reply ends, in lower case: OpenAI's, and their synonyms at TGI, Anthropic and others.
const WHOLE: [&str; 8] = ["", "stop", "tool_calls", "function_call", "eos", "eos_token", "stop_sequence", "end_turn"];

/// The reasons for which a longer reply would have been cut off again.
const TOO_LONG: [&str; 3] = ["length", "max_tokens", "model_length"];

/// Fields of a message that are not sent back: the known ones, and those that OpenAI adds and refuses.
const NOT_ECHOED: [&str; 7] = ["role", "content", "refusal", "tool_calls", "function_call", "annotations", "audio"];

/// A tool call while its pieces arrive.
#[derive(Debug)]
struct Call {
    /// The index by which an endpoint matches the pieces.
    index: Option<u64>,
    call: ToolCall,
}

/// A reply while its pieces arrive. A whole answer is a single piece.
#[derive(Debug, Default)]
pub struct Gathered {
    reply: Reply,
    refusal: String,
    calls: Vec<Call>,
    finish_reason: Option<String>,
    has_choice: bool,
}

impl Gathered {
    /// Adds a chat completion or a chunk of one.
    pub fn take(&mut self, piece: &Value) -> Result<(), CallError> {
        if !piece.is_object() || piece.get("error").is_some_and(|error| !error.is_null()) {
            return Err(Refusal::of(200, piece).classified(None));
        }
        if let Some(model) = piece["model"].as_str().filter(|model| !model.is_empty()) {
            model.clone_into(&mut self.reply.model);
        }
        let usage = &piece["usage"];
        if usage.is_object() {
            let count = |value: &Value| value.as_u64().unwrap_or_default();
            self.reply.input_tokens = count(&usage["prompt_tokens"]);
            self.reply.output_tokens = count(&usage["completion_tokens"]);
            let cached = &usage["prompt_tokens_details"]["cached_tokens"];
            // DeepSeek's name.
            self.reply.cached_tokens = count(cached).max(count(&usage["prompt_cache_hit_tokens"]));
        }
        let Some(choice) = piece["choices"].as_array().and_then(|choices| choices.first()) else { return Ok(()) };
        if choice.get("error").is_some_and(|error| !error.is_null()) {
            return Err(Refusal::of(200, choice).classified(None));
        }
        self.has_choice = true;
        for message in [&choice["message"], &choice["delta"]] {
            if let Some(message) = message.as_object() {
                self.take_message(message);
            }
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.finish_reason = Some(reason.to_ascii_lowercase());
        }
        Ok(())
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        if self.reply.text.trim().is_empty() { &self.refusal } else { &self.reply.text }
    }

    /// Whether the endpoint has said why the reply ends.
    pub fn is_finished(&self) -> bool {
        self.finish_reason.is_some()
    }

    fn take_message(&mut self, message: &Map<String, Value>) {
        self.reply.text.push_str(&content(message.get("content")));
        self.refusal.push_str(&content(message.get("refusal")));
        for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            self.take_call(call);
        }
        // The form before tools.
        if let Some(function) = message.get("function_call").filter(|function| function.is_object()) {
            self.take_call(&serde_json::json!({"index": 0, "function": function}));
        }
        let extra = message.iter().filter(|(name, _)| !NOT_ECHOED.contains(&name.as_str()));
        merge(&mut self.reply.extra, extra);
    }

    /// Adds a piece of a tool call. It belongs to the call with its index, or to the last call if the endpoint sends no
    /// index. A piece with another id is a new call, because some endpoints send the same index for every call; so is a
    /// piece with a name and no id, once the last call's arguments are whole.
    fn take_call(&mut self, piece: &Value) {
        let index = piece["index"].as_u64();
        let id = piece["id"].as_str().unwrap_or_default();
        let name = piece["function"]["name"].as_str().unwrap_or_default();
        let found = match index {
            None => self.calls.len().checked_sub(1),
            index => self.calls.iter().rposition(|known| known.index == index),
        };
        let belongs = |known: &&mut Call| {
            let is_other = !id.is_empty() && !known.call.id.is_empty() && known.call.id != id;
            let is_whole = || serde_json::from_str::<Map<String, Value>>(&known.call.arguments).is_ok();
            let is_named = id.is_empty() && !name.is_empty() && !known.call.name.is_empty();
            let is_another = is_named && (index.is_none() || is_whole());
            !is_other && !is_another
        };
        let call = match found.and_then(|position| self.calls.get_mut(position)).filter(belongs) {
            Some(known) => &mut known.call,
            None => &mut self.calls.push_mut(Call { index, call: ToolCall::default() }).call,
        };
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        if call.name.is_empty() {
            name.clone_into(&mut call.name);
        }
        match &piece["function"]["arguments"] {
            Value::Null => {}
            Value::String(arguments) => call.arguments.push_str(arguments),
            // llama.cpp and Ollama give the arguments as an object.
            arguments => call.arguments.push_str(&arguments.to_string()),
        }
        if let Some(piece) = piece.as_object() {
            let known = ["index", "id", "type", "function"];
            merge(&mut call.extra, piece.iter().filter(|(name, _)| !known.contains(&name.as_str())));
        }
    }

    /// The reply, if it is whole.
    pub fn finish(mut self) -> Result<Reply, CallError> {
        if !self.has_choice {
            return Err(unavailable("the answer is no chat completion"));
        }
        let reason = self.finish_reason.as_deref().unwrap_or_default();
        if TOO_LONG.contains(&reason) {
            return Err(CallError::CutOff("model endpoint: the reply was cut off".to_owned()));
        }
        if reason == "content_filter" {
            return Err(broken("the reply was cut off"));
        }
        if !WHOLE.contains(&reason) {
            // A fault of the endpoint, such as `insufficient_system_resource` and `error`.
            return Err(unavailable("the reply was broken off"));
        }
        if self.reply.text.trim().is_empty() {
            self.reply.text = self.refusal;
        }
        self.reply.calls = self.calls.into_iter().map(|call| call.call).collect();
        for call in &mut self.reply.calls {
            if call.name.is_empty() {
                return Err(broken("a tool call without a name"));
            }
            // Some endpoints send empty arguments this way, but do not all accept them back.
            if call.arguments.trim().is_empty() {
                call.arguments = "{}".to_owned();
            }
        }
        if self.reply.text.trim().is_empty() && self.reply.calls.is_empty() {
            return Err(broken("no content"));
        }
        Ok(self.reply)
    }
}

impl Reply {
    /// The reply as a turn of a conversation: without thoughts, and with an id for every call. `before` is the number of
    /// calls in the conversation so far. A text that consists of calls of `tools` is these calls. Every other call in a
    /// text is left out: it may be a quotation.
    pub fn into_turn(mut self, tools: &[&str], before: usize) -> Result<Self, CallError> {
        let text = std::mem::take(&mut self.text);
        let visible::Parts { shown, calls } = visible::split(&text, true);
        self.text = if shown.trim().is_empty() { String::new() } else { shown };
        if self.text.is_empty() && self.calls.is_empty() {
            let calls = calls.into_iter().flat_map(visible::calls);
            self.calls = calls.filter(|call| tools.contains(&call.name.as_str())).collect();
        }
        if self.text.is_empty() && self.calls.is_empty() {
            return Err(broken("no content"));
        }
        for index in 0..self.calls.len() {
            let (known, rest) = self.calls.split_at_mut(index);
            let Some(call) = rest.first_mut() else { break };
            if call.id.is_empty() || known.iter().any(|known| known.id == call.id) {
                // Nine letters and digits, as Mistral demands.
                call.id = format!("call{:05}", before + index);
            }
        }
        Ok(self)
    }
}

/// The text of a content: a string, or the text parts of a list. What is thought is not text.
fn content(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts =
                parts.iter().filter(|part| matches!(part["type"].as_str(), None | Some("text" | "output_text")));
            texts.filter_map(|part| part.as_str().or_else(|| part["text"].as_str())).collect()
        }
        _ => String::new(),
    }
}

/// Adds fields: a text continues, a list grows, and anything else replaces. Empty values are no fields.
fn merge<'a>(into: &mut Map<String, Value>, fields: impl Iterator<Item = (&'a String, &'a Value)>) {
    for (name, value) in fields {
        match (into.get_mut(name), value) {
            (_, Value::Null) => {}
            (None, Value::String(text)) if text.is_empty() => {}
            (None, Value::Array(values)) if values.is_empty() => {}
            (Some(Value::String(known)), Value::String(text)) => known.push_str(text),
            (Some(Value::Array(known)), Value::Array(values)) => known.extend(values.iter().cloned()),
            _ => drop(into.insert(name.clone(), value.clone())),
        }
    }
}
