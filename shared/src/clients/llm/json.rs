//! Finds the JSON in a reply. Many endpoints do not enforce the form of a reply, and their models add a code fence, a
//! sentence, a thought, a byte order mark or a trailing comma.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Parses a reply as a `T`: the whole text, or the first JSON value in it that is one.
///
/// # Errors
/// The complaint about the first JSON value; about the text if there is none.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    let text = after_thoughts(text.trim_start_matches('\u{feff}').trim());
    let whole = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let mut complaint = None;
    for json in values(text) {
        match serde_json::from_str(&json).or_else(|error| {
            // A value in a string is not a value in the wrong place.
            serde_json::from_str(&without_trailing_commas(&json)).map_err(|_: serde_json::Error| error)
        }) {
            Ok(value) => return Ok(value),
            Err(error) => drop(complaint.get_or_insert(error)),
        }
    }
    Err(complaint.unwrap_or(whole))
}

/// The JSON objects in a text that are not inside another value.
pub fn objects(text: &str) -> Vec<Value> {
    let parsed = values(text).filter_map(|json| serde_json::from_str(&without_trailing_commas(&json)).ok());
    parsed.filter(Value::is_object).collect()
}

/// The text after the model's thoughts, which may contain JSON that is no reply. Some servers cut off the opening tag.
fn after_thoughts(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let ends = ["</think>", "</thinking>", "</thought>", "</reasoning>"];
    let end = ends.into_iter().filter_map(|tag| Some(lower.rfind(tag)? + tag.len())).max();
    // A tag within a JSON string is part of a reply.
    match end {
        Some(end) if !text.starts_with(['{', '[']) => text[end..].trim(),
        _ => text,
    }
}

/// The texts from each opening brace or bracket to its closing one. Looks at the first 20 only, so that a text of braces
/// takes no longer than others.
fn values(text: &str) -> impl Iterator<Item = String> {
    let mut at = 0;
    let next = move || {
        let start = at + text[at..].find(['{', '['])?;
        let end = end_of(&text[start..]);
        // Without an end it is perhaps a brace in a sentence.
        at = start + end.unwrap_or(1);
        Some(end.map(|end| text[start..start + end].to_owned()))
    };
    std::iter::from_fn(next).take(20).flatten()
}

/// The length of the value that begins a text, by its braces outside strings.
fn end_of(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// A JSON text without commas before a closing brace or bracket.
fn without_trailing_commas(json: &str) -> String {
    let mut kept = String::with_capacity(json.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for (at, character) in json.char_indices() {
        let is_trailing = character == ',' && !in_string && json[at + 1..].trim_start().starts_with(['}', ']']);
        if !is_trailing {
            kept.push(character);
        }
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if in_string => is_escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Reply {
        title: String,
        tags: Vec<String>,
    }

    #[test]
    fn a_reply_is_found_in_what_models_put_around_it() {
        let json = r#"{"title": "Ring {her}, \"now\"", "tags": ["a", "]"]}"#;
        let expected = Reply { title: "Ring {her}, \"now\"".to_owned(), tags: vec!["a".to_owned(), "]".to_owned()] };
        for text in [
            json.to_owned(),
            format!("\u{feff}{json}\n"),
            format!("```json\n{json}\n```"),
            format!("```\n{json}```\nAnything else?"),
            format!("Here is the JSON you asked for:\n\n{json}\n\nLet me know!"),
            format!("<think>\nShe wants {{\"type\": \"call\"}} so.\n</think>\n\n{json}"),
            format!("a stray thought, {{\"title\": 5, \"tags\": []}}</think>{json}"),
            format!("<THINKING>hm</THINKING>```json\n{json}\n```"),
            format!("I chose {{this}} and [that]: {json}"),
            json.replace("]\"]", "]\",]").replace("]}", "],\n}"),
        ] {
            assert_eq!(parse::<Reply>(&text).ok().as_ref(), Some(&expected), "{text}");
        }
        for text in ["", "I am sorry, but", "{\"title\": \"x\"}", "{\"title\": \"x\", \"tags\": [", "[[[[[[[["] {
            assert!(parse::<Reply>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_complaint_is_about_the_json_and_not_about_the_sentence_before_it() {
        let error = parse::<Reply>("Here: {\"title\": \"x\"}").unwrap_err().to_string();
        assert!(error.contains("missing field `tags`"), "{error}");
    }

    proptest! {
        #[test]
        fn any_reply_is_read_whatever_its_strings_contain(title: String, tags: Vec<String>, before in "[^{\\[<]{0,20}") {
            let reply = Reply { title, tags };
            let text = format!("{before}{}", serde_json::to_string(&reply).unwrap());
            prop_assert_eq!(parse::<Reply>(&text).unwrap(), reply);
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = parse::<Reply>(&text);
            let _ = objects(&text);
        }
    }
}
