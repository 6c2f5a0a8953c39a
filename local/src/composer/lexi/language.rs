//! The language of a message, so that Lexi can say in it what she can do.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Map;

use crate::composer::text::spaced_words;

#[derive(Deserialize)]
struct Language {
    /// Frequent words of a language in Latin script.
    #[serde(default)]
    words: Vec<String>,
    /// The first and last character of a script that no other of these languages uses.
    script: Option<(char, char)>,
    /// What Lexi can do.
    help: String,
}

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    let languages: Map<_, _> = crate::composer::text::data(include_str!("languages.json"));
    languages.into_iter().filter_map(|(_, language)| serde_json::from_value(language).ok()).collect()
});

/// What Lexi can do, in the language with the most words in the message, else in English. Also whether that is English.
pub fn help(message: &str) -> (&'static str, bool) {
    let words = spaced_words(message, |character| character == '\'');
    let matches = |language: &Language| match language.script {
        Some((first, last)) if message.chars().any(|character| (first..=last).contains(&character)) => usize::MAX,
        _ => language.words.iter().filter(|word| words.contains(&format!(" {word} "))).count(),
    };
    // The first of several with the same number: English stands first.
    let best = LANGUAGES.iter().enumerate().max_by_key(|(place, language)| (matches(language), usize::MAX - place));
    best.map_or(("", true), |(place, language)| (language.help.as_str(), place == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_in_the_language_of_the_message() {
        for (message, expected) in [
            ("What can you do?", "I can find"),
            ("Blargh", "I can find"),
            ("¿Qué puedes hacer?", "Puedo"),
            ("Encuentra 20 directores en Madrid", "Puedo"),
            ("O que você pode fazer?", "Posso"),
            ("Encontre 20 diretores em São Paulo", "Posso"),
            ("Bonjour, que pouvez-vous faire ?", "Je peux"),
            ("Trouve 20 directeurs à Paris", "Je peux"),
            ("Was kannst du?", "Ich kann"),
            ("Finde 20 Geschäftsführer in Berlin", "Ich kann"),
            ("Merhaba, ne yapabilirsin?", "Potansiyel"),
            ("Apa yang bisa kamu lakukan?", "Saya bisa"),
            ("आप क्या कर सकते हैं?", "मैं"),
            ("ماذا يمكنك أن تفعل؟", "يمكنني"),
            ("何ができますか", "見込み客"),
        ] {
            assert!(help(message).0.starts_with(expected), "{message}: {}", help(message).0);
        }
    }
}
