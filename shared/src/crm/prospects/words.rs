//! Words as they are compared, and the terms that they stand for.

use std::collections::{HashMap, HashSet};

use icu_normalizer::DecomposingNormalizerBorrowed;

/// The words of a text in lower case, without accents, dots and apostrophes: `C.E.O.` is `ceo`, and
/// `Zoë's` is `zoes`.
pub(super) fn folded(text: &str) -> Vec<String> {
    let plain = DecomposingNormalizerBorrowed::new_nfkd().normalize(&text.to_lowercase()).into_owned();
    let mut words = vec![String::new()];
    for character in plain.chars() {
        let Some(word) = words.last_mut() else { break };
        match character {
            // Accents, and what stands within a word without being part of it.
            '\u{300}'..='\u{36f}' | '.' | '\'' | '’' => {}
            // Letters that are not another one with an accent.
            'ß' => word.push_str("ss"),
            'æ' => word.push_str("ae"),
            'œ' => word.push_str("oe"),
            'ø' => word.push('o'),
            'ł' => word.push('l'),
            'đ' => word.push('d'),
            'ı' => word.push('i'),
            letter if letter.is_alphanumeric() => word.push(letter),
            _ if word.is_empty() => {}
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The words of a text in the singular: `law firms` is `law`, `firm`.
pub(super) fn words(text: &str) -> Vec<String> {
    folded(text).iter().map(|word| singular(word)).collect()
}

/// An English word in the singular, as far as its ending tells. What is wrong in English, such as `new` for
/// `news`, is harmless as long as both sides of a comparison are.
fn singular(word: &str) -> String {
    let es = ["sses", "xes", "ches", "shes"].iter().any(|ending| word.ends_with(ending));
    let no_plural = ["ss", "us", "is"].iter().any(|ending| word.ends_with(ending));
    match word {
        _ if word.chars().count() < 3 || no_plural => word.to_owned(),
        _ if es => word.strip_suffix("es").unwrap_or(word).to_owned(),
        _ => match (word.strip_suffix("ies"), word.strip_suffix('s')) {
            (Some(stem), _) => format!("{stem}y"),
            (None, Some(stem)) => stem.to_owned(),
            (None, None) => word.to_owned(),
        },
    }
}

/// The lines `name: others` of a file, without its comments.
pub(super) fn entries(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    file.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "))
}

/// What phrases stand for, and which words say nothing.
pub(super) struct Vocabulary {
    terms: HashMap<Vec<String>, Vec<String>>,
    longest: usize,
    empty: HashSet<String>,
}

impl Vocabulary {
    /// Of each pair, the terms that the phrases stand for, apart by spaces, the most specific first; and the
    /// phrases, apart by commas. `empty` are words that are left out beside others.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, empty: &str) -> Self {
        let mut terms = HashMap::new();
        for (stands_for, phrases) in pairs {
            let stands_for: Vec<_> = stands_for.split_whitespace().map(str::to_owned).collect();
            terms.extend(phrases.split(',').map(|phrase| (words(phrase), stands_for.clone())));
        }
        let longest = terms.keys().map(Vec::len).max().unwrap_or_default();
        Self { terms, longest, empty: words(empty).into_iter().collect() }
    }

    /// The terms of a text, each once, in its order; of phrases within each other the longest counts.
    pub fn terms(&self, text: &str) -> Vec<String> {
        let words = words(text);
        let mut terms = Vec::new();
        let mut rest = words.as_slice();
        while let Some((word, others)) = rest.split_first() {
            let known = (1..=self.longest.min(rest.len())).rev().find_map(|length| {
                let (phrase, after) = rest.split_at(length);
                self.terms.get(phrase).map(|terms| (terms, after))
            });
            match known {
                Some((known, after)) => {
                    terms.extend_from_slice(known);
                    rest = after;
                }
                None => {
                    if !self.empty.contains(word) {
                        terms.push(word.clone());
                    }
                    rest = others;
                }
            }
        }
        // Where nothing else is said, they are what is meant.
        let mut terms = if terms.is_empty() { words } else { terms };
        let mut seen = HashSet::new();
        terms.retain(|term| seen.insert(term.clone()));
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_without_case_accents_and_plural() {
        for (text, expected) in [
            ("CEOs", "ceo"),
            ("C.E.O.", "ceo"),
            ("the CEO's", "the ceo"),
            ("Law Firms", "law firm"),
            ("Söften & Łódź Ægir Straße", "soften lodz aegir strasse"),
            ("companies/businesses boxes", "company business box"),
            ("status analysis", "status analysis"),
            ("VPs", "vp"),
            ("ＣＥＯ", "ceo"),
            ("co-founder", "co founder"),
            ("  ", ""),
            ("İstanbul", "istanbul"),
            ("最高経営責任者", "最高経営責任者"),
        ] {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn phrases_become_terms_and_empty_words_go_unless_they_are_all() {
        let vocabulary = Vocabulary::new([("a b", "one two, uno"), ("c", "one")], "of the");
        let terms = |text| vocabulary.terms(text).join(" ");
        assert_eq!(terms("the one two of x"), "a b x");
        assert_eq!(terms("one uno ones"), "c a b");
        assert_eq!(terms("of the"), "of the");
    }
}
