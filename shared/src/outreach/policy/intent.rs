//! Whether a text speaks of buying. Words are matched and not understood: `no budget` counts.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::crm::leads::folded;

const WORDS: &str = include_str!("intent-words.txt");

#[derive(Default)]
struct Words {
    whole: HashSet<String>,
    /// Words of a script without spaces, which match anywhere in a text.
    anywhere: Vec<String>,
}

static INTENT_WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words = Words::default();
    for word in lines().flat_map(str::split_whitespace).map(folded) {
        if word.contains(|character| matches!(character, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')) {
            words.anywhere.push(word);
        } else {
            words.whole.insert(word);
        }
    }
    words
});

fn lines() -> impl Iterator<Item = &'static str> {
    WORDS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.split_once(": ")?.1))
}

/// Whether a text has one of the words in `intent-words.txt`, whatever the case and accents.
pub(super) fn shows_intent(text: &str) -> bool {
    let text = folded(text);
    // The virama joins two consonants of a Hindi word.
    let mut words = text.split(|character: char| !character.is_alphanumeric() && character != '\u{94d}');
    words.any(|word| INTENT_WORDS.whole.contains(word))
        || INTENT_WORDS.anywhere.iter().any(|word| text.contains(word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_buying_count_whole_in_any_case_and_language() {
        for text in [
            "Asked for PRICING.",
            "Wollte ein Angebot (bis Freitag)",
            "quiere una cotización",
            "Un devis, vite",
            "pediu um orcamento",
            "FİYATI sordu",
            "minta penawaran harga",
            "उन्होंने मूल्य पूछा।",
            "طلب الأسعار",
            "見積もりをお願いします",
            "chiede un preventivo",
        ] {
            assert!(shows_intent(text), "{text}");
        }
        for text in ["", "Invited to a demonstration", "priceless", "Angeboten", "こんにちは", "नमस्ते", "مرحبا"]
        {
            assert!(!shows_intent(text), "{text}");
        }
    }

    #[test]
    fn every_language_has_words_and_every_word_counts() {
        assert_eq!(lines().count(), 11);
        for word in lines().flat_map(str::split_whitespace) {
            assert!(shows_intent(word), "{word}");
        }
    }
}
