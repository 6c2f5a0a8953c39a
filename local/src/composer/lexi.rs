//! Lexi, by rules: uses a tool that the person names, and says that it did.

use serde_json::{Value, json};

use super::Reply;

/// Answers a request of the chat endpoint.
pub fn reply(request: &Value) -> Reply {
    let last = request["messages"].as_array().and_then(|messages| messages.last()).unwrap_or(&Value::Null);
    if last["role"] == "tool" {
        return Reply::text("That is what I found in your records.".to_owned());
    }
    let asked = last["content"].as_str().unwrap_or_default();
    let tools = request["tools"].as_array().map_or(&[][..], Vec::as_slice);
    let names = tools.iter().filter_map(|tool| tool["function"]["name"].as_str());
    match names.into_iter().find(|name| asked.contains(name)) {
        Some(name) => Reply::call(name, &json!({})),
        None => Reply::text("Hello, I am Lexi. What can I do for you today?".to_owned()),
    }
}
