//! Helpers for text and facts that several parts of the composer use.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Parses one of the composer's data files. Tests cover the rules of each, so none is empty by mistake.
pub fn data<T: DeserializeOwned + Default>(json: &'static str) -> T {
    serde_json::from_str(json).unwrap_or_default()
}

/// The texts of an array.
pub fn texts(values: &Value) -> Vec<&str> {
    values.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A lead's first name, without titles such as "Dr.".
pub fn first_name(name: &Value) -> Option<String> {
    let name = one_line(name.as_str()?);
    let first = name.split_whitespace().find(|word| !word.ends_with('.'))?;
    (!first.contains('@')).then(|| first.to_owned())
}

/// "Hi Jane", or "Hello" without a name.
pub fn greeting(name: &Value) -> String {
    first_name(name).map_or_else(|| "Hello".to_owned(), |name| format!("Hi {name}"))
}

/// A text without line breaks and without characters that would look like a placeholder.
pub fn one_line(text: &str) -> String {
    let plain = text.replace(['[', ']', '{', '}', '<', '>', '_', '|'], " ").replace("XXX", " ");
    let mut line = String::new();
    let mut characters = plain.chars().peekable();
    while let Some(character) = characters.next() {
        let before_letter = characters.peek().is_some_and(|next| next.is_ascii_alphabetic() || *next == character);
        if !(matches!(character, '$' | '%') && before_letter) {
            line.push(character);
        }
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text without its final punctuation.
pub fn without_stop(text: &str) -> &str {
    text.trim_end_matches(['.', '!', '?', ' '])
}

/// The text cut after a word so that it has at most `limit` characters.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let cut: String = text.chars().take(limit - 1).collect();
    format!("{}…", cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole))
}

/// The text with an upper-case first letter.
pub fn capitalize(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// The lower-case words of a text, each between spaces. A word is letters and digits, and what `is_part` adds.
pub fn spaced_words(text: &str, is_part: impl Fn(char) -> bool) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|character: char| !character.is_alphanumeric() && !is_part(character));
    format!(" {} ", words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
}
