//! How Lexi takes a sentence apart.

use super::intent::PHRASES;

/// Minimum and maximum number of employees.
pub type Size = (Option<u32>, Option<u32>);

/// A person's message without polite words and final punctuation.
pub struct Message<'a> {
    pub text: &'a str,
    pub lower: String,
}

impl<'a> Message<'a> {
    pub fn new(message: &'a str) -> Self {
        let text = message.trim().trim_end_matches(['.', '!', '?']).trim();
        let text = after_prefix(text, &PHRASES.polite_prefixes);
        let text = text.strip_suffix(" please").unwrap_or(text).trim_end_matches(',');
        Self { text, lower: text.to_lowercase() }
    }

    /// Whether the message contains one of the phrases.
    pub fn has(&self, phrases: &[String]) -> bool {
        phrases.iter().any(|phrase| self.lower.contains(phrase))
    }

    /// Whether the message begins with one of the phrases.
    pub fn starts_with(&self, phrases: &[String]) -> bool {
        phrases.iter().any(|phrase| self.lower.starts_with(phrase))
    }

    /// The message after the longest of these prefixes.
    pub fn after(&self, prefixes: &[String]) -> &'a str {
        after_prefix(self.text, prefixes)
    }

    /// The message after the first occurrence of a phrase.
    pub fn behind(&self, phrase: &str) -> Option<&'a str> {
        let at = self.lower.find(phrase)?;
        self.text.get(at + phrase.len()..)
    }
}

/// The text after the longest of these prefixes that ends with a word.
pub fn after_prefix<'a>(text: &'a str, prefixes: &[impl AsRef<str>]) -> &'a str {
    let lower = text.to_lowercase();
    let lengths = prefixes.iter().map(AsRef::as_ref).filter_map(|prefix| {
        let rest = lower.strip_prefix(prefix)?;
        (rest.is_empty() || rest.starts_with(' ')).then_some(prefix.len())
    });
    text.get(lengths.max().unwrap_or_default()..).unwrap_or_default().trim()
}

/// The first text in quotation marks.
pub fn quoted(text: &str) -> Option<&str> {
    for (open, close) in [('\'', '\''), ('"', '"'), ('“', '”'), ('‘', '’')] {
        let mut from = 0;
        while let Some(at) = text[from..].find(open).map(|at| from + at) {
            let inner = at + open.len_utf8();
            // An apostrophe follows a letter.
            let is_apostrophe = text[..at].ends_with(char::is_alphanumeric);
            match text[inner..].find(close) {
                Some(length) if !is_apostrophe && length > 0 => return Some(&text[inner..inner + length]),
                _ => from = inner,
            }
        }
    }
    None
}

/// Splits "with 50-200 employees" from a text.
pub fn split_size(text: &str) -> (String, Size) {
    let lower = text.to_lowercase();
    let Some(end) = lower.find("employees") else { return (text.to_owned(), (None, None)) };
    let start = lower[..end].rfind(" with ").unwrap_or_else(|| lower[..end].rfind(" of ").unwrap_or(end));
    let range = &lower[start..end];
    let numbers: Vec<u32> = range
        .split(|part: char| !part.is_ascii_digit() && part != ',')
        .filter_map(|number| number.replace(',', "").parse().ok())
        .collect();
    let size = match numbers[..] {
        [least, most, ..] => (Some(least), Some(most)),
        [one] if PHRASES.at_least.iter().any(|phrase| range.contains(phrase)) => (Some(one), None),
        [one] => (None, Some(one)),
        [] => (None, None),
    };
    let rest = text.get(end + "employees".len()..).unwrap_or_default();
    (format!("{}{rest}", text.get(..start).unwrap_or_default()), size)
}

/// Splits a text at the last occurrence of a word. The second part is `None` if it is empty.
pub fn split_at_last(text: &str, word: &str) -> Option<(String, Option<String>)> {
    let at = text.to_lowercase().rfind(word)?;
    let behind = text.get(at + word.len()..)?.trim().trim_end_matches(['.', ',']).to_owned();
    Some((text.get(..at)?.trim().to_owned(), Some(behind).filter(|behind| !behind.is_empty())))
}

/// The items of an enumeration: "A, B and C".
pub fn items(text: &str) -> Vec<String> {
    let parts = text.split(',').flat_map(|part| part.split(" and ")).flat_map(|part| part.split(" or "));
    let items = parts.map(|part| after_prefix(part.trim(), &PHRASES.quantifiers).to_owned());
    items.filter(|item| !item.is_empty()).collect()
}

/// The singular of a job title: "CEO" for "CEOs", "Head of Sales" for "Heads of Sales".
pub fn singular(title: &str) -> String {
    let (plural, rest) = title.find(" of ").map_or((title, ""), |at| title.split_at(at));
    let singular = match plural.strip_suffix("ies") {
        Some(stem) if !stem.is_empty() => format!("{stem}y"),
        _ => plural.strip_suffix('s').filter(|stem| !stem.ends_with('s')).unwrap_or(plural).to_owned(),
    };
    format!("{singular}{rest}")
}
