//! Lexi, by rules: reads the person's message, calls a tool or answers, and words the tool's result. She knows some
//! English sentences, and says in the language of the message what she can do if she does not understand it.

mod changes;
mod intent;
mod language;
mod search;
mod wording;
mod words;

use serde_json::{Value, json};

use super::Reply;
use intent::Intent;

/// The most characters of a conversation's summary.
const SUMMARY: usize = 2_500;

/// Answers a request that offers tools.
pub fn reply(request: &Value) -> Reply {
    let messages = request["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let content =
        |place: usize| messages.get(place).and_then(|message| message["content"].as_str()).unwrap_or_default();
    // The first message of the person begins with the context.
    let (context, first) = content(1).split_once("\n\n").unwrap_or((content(1), ""));
    let context: Value = serde_json::from_str(context).unwrap_or_default();
    let last = messages.iter().rposition(|message| message["role"] == "user").unwrap_or_default();
    let message = if last == 1 && context.is_object() { first } else { content(last) };
    let after = messages.get(last + 1..).unwrap_or_default();
    let calls = after.iter().rev().find_map(|message| message["tool_calls"].as_array());
    if let Some(calls) = calls {
        let texts: Vec<String> = calls.iter().filter_map(|call| wording::tool_result(call, after)).collect();
        return Reply::text(texts.join("\n\n"));
    }
    let may_call = request["tool_choice"] != "none";
    let offers = |name: &str| {
        let tools = request["tools"].as_array();
        may_call && tools.is_some_and(|tools| tools.iter().any(|tool| tool["function"]["name"] == name))
    };
    match intent::read(message, &context) {
        Intent::Call(name, arguments) if offers(name) => Reply::call(name, &arguments),
        Intent::Call(..) => Reply::text(language::help(message).0.to_owned()),
        Intent::Answer(text) => Reply::text(text),
    }
}

/// Summarises a conversation: the first words of each message; the oldest are dropped if they do not fit.
pub fn summarise(facts: &Value) -> Value {
    let before = facts["summary"].as_str().unwrap_or_default().lines().map(str::to_owned);
    let openings = facts["messages"].as_array().into_iter().flatten().map(|message| {
        let text = message["text"].as_str().unwrap_or_default();
        let who = if message["who"] == "user" { "Asked" } else { "Answered" };
        format!("{who}: {}", text.split_whitespace().take(20).collect::<Vec<_>>().join(" "))
    });
    let lines: Vec<String> = before.chain(openings).collect();
    let mut length = 0;
    let fits = |line: &&String| {
        length += line.chars().count() + 1;
        length <= SUMMARY
    };
    let mut newest: Vec<&str> = lines.iter().rev().take_while(fits).map(String::as_str).collect();
    newest.reverse();
    json!({"summary": newest.join("\n")})
}
