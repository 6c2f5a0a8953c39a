//! Labels that announce a value: "Passport no.", "Tel.", "order". If many other numbers look like a value, it is
//! recognised only after its label.

use super::text::Text;
use super::words::{Words, words};

/// Finds labels, and returns the places after them as indexes of words. A label is plain words. A label that begins
/// with `!` must be in capitals, because it is also a common word ("SIN" is "without" in Spanish).
pub(super) fn matched(text: &Text, labels: &[&str]) -> Vec<usize> {
    let mut behind = Vec::new();
    for (index, first) in text.words.iter().enumerate() {
        let length = |label: &&str| {
            let (is_loud, words) = match label.strip_prefix('!') {
                Some(words) => (true, words),
                None => (false, *label),
            };
            let mut end = index;
            let is_there = words.split(' ').all(|part| {
                end += 1;
                text.words.get(end - 1).is_some_and(|word| word.plain == part)
            });
            let last = text.words.get(end.saturating_sub(1))?;
            // The parts of a label stand together.
            let is_near = last.end - first.start <= words.len() + 2 * (end - index);
            (is_there && is_near && (!is_loud || text.is_loud(first.start, last.end))).then_some(end)
        };
        let begins = |label: &&&str| label.trim_start_matches('!').starts_with(first.plain.as_str());
        behind.extend(labels.iter().filter(begins).filter_map(length).max());
    }
    behind
}

/// The word with the value of a label: the first one with a digit, after at most `most` other words, in the same
/// sentence and without another label of its own.
pub(super) fn announced(text: &Text, behind: usize, most: usize) -> Option<usize> {
    let mut end = text.words.get(behind.checked_sub(1)?)?.end;
    let words = text.words.iter().enumerate().skip(behind).take(most + 1);
    for (index, word) in words {
        let gap = text.plain(end, word.start);
        // "no. 5" goes on, "passport. Order 5" does not; an abbreviation is short.
        let is_abbreviation = index > 0 && text.words.get(index - 1).is_some_and(|before| before.plain.len() <= 4);
        if gap.contains(['!', '?', ';', '\u{2026}']) || gap.contains(". ") && !is_abbreviation || gap.contains("\n\n") {
            return None;
        }
        if word.plain.contains(|part: char| part.is_ascii_digit()) {
            return Some(index);
        }
        if OTHERS.contains(&word.plain.as_str()) {
            return None;
        }
        end = word.end;
    }
    None
}

/// Whether a label ends before `place`, with at most one word between.
pub(super) fn is_labelled(text: &Text, place: usize, behind: &[usize]) -> bool {
    let index = text.word_from(place);
    behind.binary_search(&index).is_ok() || index.checked_sub(1).is_some_and(|last| behind.binary_search(&last).is_ok())
}

/// Labels of numbers that identify no person, such as orders. They can be as long as phone numbers.
pub(super) static OTHERS: Words = Words::new(|| words(include_str!("words/other_numbers.txt")));
