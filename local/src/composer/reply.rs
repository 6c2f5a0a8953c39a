//! A reply in the protocol of OpenAI's chat completions: whole, or as server-sent events with a few words
//! each ("Streaming API responses" and "Function calling", OpenAI API documentation).

use std::convert::Infallible;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};

use super::NAME;

/// How many words a delta holds.
const WORDS: usize = 3;

/// What the composer replies: text, calls of tools, or both.
#[derive(Debug)]
pub struct Reply {
    text: String,
    /// Names and arguments.
    calls: Vec<(String, String)>,
}

impl Reply {
    /// A text.
    pub fn text(text: String) -> Self {
        Self { text, calls: Vec::new() }
    }

    /// A call of a tool.
    pub fn call(name: &str, arguments: &Value) -> Self {
        Self { text: String::new(), calls: vec![(name.to_owned(), arguments.to_string())] }
    }

    /// The answer to a request, in the form that it asks for.
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
        let mut message =
            json!({"role": "assistant", "content": (!self.text.is_empty()).then_some(self.text.as_str())});
        if !self.calls.is_empty() {
            let turn = turn(request);
            message["tool_calls"] = (0..)
                .zip(&self.calls)
                .map(|(index, (name, arguments))| {
                    let function = json!({"name": name, "arguments": arguments});
                    json!({"id": call_id(turn, index), "type": "function", "function": function})
                })
                .collect();
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
        let delta = |delta: Value| choice(delta, None);
        let mut events = vec![delta(json!({"role": "assistant", "content": ""}))];
        let words: Vec<&str> = self.text.split_inclusive(' ').collect();
        events.extend(words.chunks(WORDS).map(|words| delta(json!({"content": words.concat()}))));
        let turn = turn(request);
        for (index, (name, arguments)) in (0..).zip(&self.calls) {
            let function = json!({"name": name, "arguments": ""});
            let begun = json!({"index": index, "id": call_id(turn, index), "type": "function", "function": function});
            events.push(delta(json!({"tool_calls": [begun]})));
            let pieces: Vec<&str> = arguments.split_inclusive(' ').collect();
            events.extend(pieces.chunks(WORDS).map(|piece| {
                let piece = json!({"index": index, "function": {"arguments": piece.concat()}});
                delta(json!({"tool_calls": [piece]}))
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
        if self.calls.is_empty() { "stop" } else { "tool_calls" }
    }

    /// Four bytes make a token, about.
    fn usage(&self, request: &Value) -> Value {
        let written = self.text.len() + self.calls.iter().map(|(_, arguments)| arguments.len()).sum::<usize>();
        let read = request["messages"].to_string().len();
        json!({"prompt_tokens": read / 4, "completion_tokens": written / 4, "total_tokens": read / 4 + written / 4})
    }
}

/// Which message of the conversation this will be, so that no two calls in it share an id.
fn turn(request: &Value) -> usize {
    request["messages"].as_array().map_or(0, Vec::len)
}

fn call_id(turn: usize, index: usize) -> String {
    format!("call_{turn}_{index}")
}
