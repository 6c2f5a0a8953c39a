//! A reply in the protocol of OpenAI's chat completions: whole, or as server-sent events with a few words
//! each ("Streaming API responses" and "Function calling", OpenAI API documentation).

use std::convert::Infallible;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};

use super::NAME;

/// Words in a delta.
const WORDS: usize = 3;

/// A text, or a tool call without one.
#[derive(Debug)]
pub struct Reply {
    text: String,
    /// The tool's name, and its arguments as JSON.
    call: Option<(String, String)>,
}

impl Reply {
    pub fn text(text: String) -> Self {
        Self { text, call: None }
    }

    pub fn call(name: &str, arguments: &Value) -> Self {
        Self { text: String::new(), call: Some((name.to_owned(), arguments.to_string())) }
    }

    /// The answer to a request: a stream if it asks for one.
    pub fn respond(&self, request: &Value) -> Response {
        match request["stream"].as_bool() {
            Some(true) => {
                let events = self.events(request).into_iter().map(Ok::<_, Infallible>);
                ([("content-type", "text/event-stream")], Body::from_stream(stream::iter(events))).into_response()
            }
            _ => Json(self.whole(request)).into_response(),
        }
    }

    fn whole(&self, request: &Value) -> Value {
        let text = Some(self.text.as_str()).filter(|text| !text.is_empty());
        let mut message = json!({"role": "assistant", "content": text});
        if let Some((name, arguments)) = &self.call {
            let function = json!({"name": name, "arguments": arguments});
            message["tool_calls"] = json!([{"id": call_id(request), "type": "function", "function": function}]);
        }
        json!({
            "id": "composed",
            "object": "chat.completion",
            "model": NAME,
            "choices": [{"index": 0, "finish_reason": self.finish_reason(), "message": message}],
            "usage": self.usage(request),
        })
    }

    fn events(&self, request: &Value) -> Vec<String> {
        let chunk = |choices: Value, usage: Value| {
            let object = "chat.completion.chunk";
            let chunk = json!({"id": "composed", "object": object, "model": NAME, "choices": choices, "usage": usage});
            format!("data: {chunk}\n\n")
        };
        let choice = |delta: Value, reason: Option<&str>| {
            chunk(json!([{"index": 0, "delta": delta, "finish_reason": reason}]), Value::Null)
        };
        let mut events = vec![choice(json!({"role": "assistant", "content": ""}), None)];
        events.extend(pieces(&self.text).iter().map(|piece| choice(json!({"content": piece}), None)));
        if let Some((name, arguments)) = &self.call {
            let function = json!({"name": name, "arguments": ""});
            let call = json!({"index": 0, "id": call_id(request), "type": "function", "function": function});
            events.push(choice(json!({"tool_calls": [call]}), None));
            events.extend(pieces(arguments).iter().map(|piece| {
                let piece = json!({"index": 0, "function": {"arguments": piece}});
                choice(json!({"tool_calls": [piece]}), None)
            }));
        }
        events.push(choice(json!({}), Some(self.finish_reason())));
        if request["stream_options"]["include_usage"] == true {
            events.push(chunk(json!([]), self.usage(request)));
        }
        events.push("data: [DONE]\n\n".to_owned());
        events
    }

    fn finish_reason(&self) -> &'static str {
        if self.call.is_none() { "stop" } else { "tool_calls" }
    }

    /// Counts a token for four bytes.
    fn usage(&self, request: &Value) -> Value {
        let output = self.text.len() + self.call.as_ref().map_or(0, |(_, arguments)| arguments.len());
        let input = request["messages"].to_string().len();
        json!({"prompt_tokens": input / 4, "completion_tokens": output / 4, "total_tokens": input / 4 + output / 4})
    }
}

fn pieces(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    words.chunks(WORDS).map(<[_]>::concat).collect()
}

/// Numbered by the messages of the conversation, so that no two calls in it share an id.
fn call_id(request: &Value) -> String {
    format!("call_{}_0", request["messages"].as_array().map_or(0, Vec::len))
}
