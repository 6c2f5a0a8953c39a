//! Separates what a person may see in a model's text from what the model thinks, and from tool calls that its server
//! left in the text.

use serde_json::{Map, Value};

use super::conversation::ToolCall;
use super::json;

/// The tags of thoughts, without their angle brackets.
const THOUGHTS: [&str; 4] = ["think", "thinking", "thought", "reasoning"];

/// The beginnings of tool calls as text: Qwen and Hermes, Llama, Mistral, and others.
const CALLS: [&str; 7] =
    ["<tool_call", "<function=", "<function_call", "<|tool_call", "<|python_tag|>", "[tool_calls]", "<tools>"];

/// A model's text in its parts.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// What a person may see, without spaces at its beginning.
    pub shown: String,
    /// The tool calls, each from its tag to its end.
    pub calls: Vec<&'a str>,
}

/// Splits a text. Before its end (`is_whole` is false), the last characters are held back if they may begin a tag.
pub fn split(text: &str, is_whole: bool) -> Parts<'_> {
    let lower = text.to_ascii_lowercase();
    let (mut shown, mut calls, mut at) = (String::new(), Vec::new(), 0);
    // A server may cut off the opening tag of the first thought.
    if is_whole && let Some(end) = unopened(&lower) {
        at = end;
    }
    loop {
        let rest = &lower[at..];
        let thought = THOUGHTS.into_iter().filter_map(|tag| Some((rest.find(&format!("<{tag}>"))?, tag))).min();
        let call = CALLS.into_iter().filter_map(|tag| rest.find(tag)).min();
        match (thought, call) {
            (Some((start, tag)), call) if call.is_none_or(|call| start < call) => {
                shown.push_str(&text[at..at + start]);
                let Some(end) = rest[start..].find(&format!("</{tag}>")) else { break };
                at += start + end + tag.len() + 3;
            }
            (_, Some(start)) => {
                shown.push_str(&text[at..at + start]);
                let end = call_end(&rest[start..]);
                calls.push(&text[at + start..end.map_or(text.len(), |end| at + start + end)]);
                let Some(end) = end else { break };
                at += start + end;
            }
            _ => {
                let held_back = if is_whole { 0 } else { begun(rest) };
                shown.push_str(&text[at..text.len() - held_back]);
                break;
            }
        }
    }
    Parts { shown: shown.trim_start().to_owned(), calls }
}

/// The end of a tool call that has a closing tag; the others end with the text.
fn call_end(lower: &str) -> Option<usize> {
    let ends = ["</tool_call>", "</function>", "</function_call>", "</tools>"];
    ends.into_iter().filter_map(|tag| Some(lower.find(tag)? + tag.len())).min()
}

/// The end of a thought without an opening tag, at the beginning of a text.
fn unopened(lower: &str) -> Option<usize> {
    let ends = THOUGHTS.into_iter().filter_map(|tag| {
        let end = lower.find(&format!("</{tag}>"))?;
        (!lower[..end].contains(&format!("<{tag}>"))).then_some(end + tag.len() + 3)
    });
    ends.min()
}

/// The length of a text's end that may begin a tag.
fn begun(lower: &str) -> usize {
    let tags = THOUGHTS.into_iter().map(|tag| format!("<{tag}>")).chain(CALLS.into_iter().map(str::to_owned));
    let longest =
        |tag: String| (1..tag.len()).rev().find(|length| lower.ends_with(&tag[..*length])).unwrap_or_default();
    tags.map(longest).max().unwrap_or_default()
}

/// Reads one of the tool calls that [`split`] found, which may be several; empty if it is unreadable.
pub fn calls(text: &str) -> Vec<ToolCall> {
    let new = |name: &str, arguments: &Value| ToolCall {
        id: String::new(),
        name: name.to_owned(),
        arguments: arguments.as_str().map_or_else(|| arguments.to_string(), str::to_owned),
        extra: Map::new(),
    };
    // `<function=list_lists>{"page": 1}</function>`
    if let Some((_, named)) = text.split_once("<function=") {
        let end = named.find(|character: char| !character.is_alphanumeric() && !"_-".contains(character));
        let (name, rest) = named.split_at(end.unwrap_or(named.len()));
        let arguments = json::objects(rest).into_iter().next().unwrap_or_else(|| Value::Object(Map::new()));
        return vec![new(name, &arguments)];
    }
    // `[TOOL_CALLS]list_lists{"page": 1}`
    if let Some((name, arguments)) = text.split_once(']').and_then(|(_, named)| named.split_once('{'))
        && !name.is_empty()
        && name.chars().all(|character| character.is_alphanumeric() || "_-".contains(character))
        && let Some(arguments) = json::objects(&format!("{{{arguments}")).first()
    {
        return vec![new(name, arguments)];
    }
    let found = json::objects(text).into_iter().map(|object| {
        let arguments = object.get("arguments").or_else(|| object.get("parameters"));
        Some(new(object["name"].as_str()?, arguments.unwrap_or(&Value::Object(Map::new()))))
    });
    let listed = || {
        let list: Vec<Value> = json::parse(text.split_once(']')?.1).ok()?;
        Some(list.into_iter().map(|object| Some(new(object["name"].as_str()?, &object["arguments"]))).collect())
    };
    let found: Option<Vec<_>> = found.collect();
    match found {
        Some(found) if !found.is_empty() => found,
        // `[TOOL_CALLS][{"name": …, "arguments": …}]`
        _ => listed().flatten().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thoughts_and_calls_are_not_shown() {
        for (text, shown, calls) in [
            ("All noted.", "All noted.", vec![]),
            ("<think>\nShe is fishing.\n</think>\n\nAll noted.", "All noted.", vec![]),
            ("<Thinking>a</Thinking>All <think>b</think>noted.", "All noted.", vec![]),
            ("She is fishing.\n</think>\n\nAll noted.", "All noted.", vec![]),
            ("<think>She is", "", vec![]),
            ("One.<tool_call>{}</tool_call> Two.", "One. Two.", vec!["<tool_call>{}</tool_call>"]),
            ("<tool_call>a</tool_call><tool_call>b", "", vec!["<tool_call>a</tool_call>", "<tool_call>b"]),
            ("[TOOL_CALLS][]", "", vec!["[TOOL_CALLS][]"]),
            ("<think>I could <tool_call>{}</tool_call></think>No.", "No.", vec![]),
            ("1 < 2, [see] <b>", "1 < 2, [see] <b>", vec![]),
        ] {
            assert_eq!(split(text, true), Parts { shown: shown.to_owned(), calls }, "{text}");
        }
        assert_eq!(split("All noted. <thi", false).shown, "All noted. ");
        assert_eq!(split("All noted. <thi", true).shown, "All noted. <thi");
    }

    #[test]
    fn calls_are_read_in_the_forms_of_their_models() {
        let called = |text: &str| calls(text).into_iter().map(|call| (call.name, call.arguments)).collect::<Vec<_>>();
        let expected = vec![("find".to_owned(), "{\"text\":\"Jane\"}".to_owned())];
        for text in [
            "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"text\": \"Jane\"}}\n</tool_call>",
            "<tool_call>{\"name\": \"find\", \"arguments\": \"{\\\"text\\\":\\\"Jane\\\"}\"}",
            "<function=find>{\"text\": \"Jane\"}</function>",
            "<|python_tag|>{\"name\": \"find\", \"parameters\": {\"text\": \"Jane\"}}",
            "[TOOL_CALLS][{\"name\": \"find\", \"arguments\": {\"text\": \"Jane\"}}]",
            "[TOOL_CALLS]find{\"text\": \"Jane\"}",
        ] {
            assert_eq!(called(text), expected, "{text}");
        }
        assert_eq!(called("<function=credits></function>"), [("credits".to_owned(), "{}".to_owned())]);
        assert_eq!(called("<tool_call>find Jane</tool_call>"), []);
    }

    proptest! {
        /// A stream shows the same as the whole text, and never takes anything back.
        #[test]
        fn a_text_that_grows_only_adds(
            parts in prop::collection::vec(prop::sample::select(vec![
                "<think>", "</think>", "<tool_call>", "Hello ", "<", "think", ">", "[tool", "_calls]", "é",
            ]), 0..8),
        ) {
            let text = format!("<think></think>{}", parts.concat());
            let mut before = String::new();
            for (end, _) in text.char_indices().chain([(text.len(), ' ')]) {
                let shown = split(&text[..end], false).shown;
                prop_assert!(shown.starts_with(&before), "{before:?} then {shown:?}");
                before = shown;
            }
            prop_assert!(split(&text, true).shown.starts_with(&before));
        }
    }
}
