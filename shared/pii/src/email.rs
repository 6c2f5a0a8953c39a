//! E-mail addresses, including those disguised from machines, such as "jane at acme dot com".

use super::labels::{is_labelled, matched};
use super::text::{Text, Word};
use super::words::{Words, words};

/// An e-mail address in a text.
#[derive(Debug)]
pub(super) struct Email {
    /// The index of its first glyph.
    pub start: usize,
    /// The index after its last glyph.
    pub end: usize,
    /// The address in its plain form.
    pub address: String,
}

impl Email {
    /// The local part and the domain.
    pub fn parts(&self) -> (&str, &str) {
        self.address.split_once('@').unwrap_or_default()
    }
}

/// The sign between local part and domain, the strongest evidence of an address first.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    /// An `@`, or an "at" in brackets.
    At,
    /// The same, with spaces around it.
    Apart,
    /// The word "at".
    Word,
}

/// Finds the e-mail addresses of a text.
pub(super) fn emails(text: &Text) -> Vec<Email> {
    let mut emails: Vec<Email> = Vec::new();
    let labelled = matched(text, &LABELS);
    for place in 0..text.len() {
        let found = match text.at(place) {
            '@' => email(text, &labelled, place, place + 1),
            'a' | 'c' if !text.before(place).is_alphanumeric() => {
                let word = text.words.get(text.word_from(place));
                let sign = word.filter(|word| matches!(word.plain.as_str(), "at" | "arroba" | "chiocciola"));
                sign.and_then(|word| email(text, &labelled, word.start, word.end))
            }
            _ => None,
        };
        let behind = emails.last().map_or(0, |last| last.end);
        emails.extend(found.filter(|email| email.start >= behind));
    }
    emails
}

/// The address around a sign; `None` if there is none.
fn email(text: &Text, labelled: &[usize], start: usize, end: usize) -> Option<Email> {
    let behind = text.word_from(end);
    let last = text.words.get(behind.checked_sub(1)?).filter(|word| word.end <= start);
    // Of an "at" the word before it is the one before the sign itself.
    let last = last.or_else(|| text.words.get(behind.checked_sub(2)?).filter(|word| word.end <= start))?;
    let first = text.words.get(behind)?;
    let (left, right) = (text.plain(last.end, start), text.plain(end, first.start));
    let bare = |gap: &str| gap.trim_matches(' ').to_owned();
    let is_bracketed = matches!(
        (bare(&left).as_str(), bare(&right).as_str()),
        ("(", ")") | ("[", "]") | ("{", "}") | ("<", ">") | ("-", "-") | ("_", "_") | ("*", "*")
    );
    let is_bare = bare(&left).is_empty() && bare(&right).is_empty();
    if left.len().max(right.len()) > 3 || !(is_bracketed || is_bare) {
        return None;
    }
    let sign = match text.at(start) {
        '@' if left.is_empty() && right.is_empty() => Sign::At,
        _ if is_bracketed => Sign::At,
        '@' => Sign::Apart,
        _ => Sign::Word,
    };
    let (local, from) = local(text, last)?;
    let (domain, until, is_spelled) = domain(text, behind, sign)?;
    let is_sure = match sign {
        Sign::At => true,
        Sign::Apart => !is_speech(&local),
        Sign::Word => {
            !is_speech(&local) && (is_spelled || local.contains(['.', '_']) || is_labelled(text, from, labelled))
        }
    };
    is_sure.then(|| Email { start: from, end: until, address: format!("{local}@{domain}") })
}

/// Labels that announce an address.
static LABELS: Words = Words::new(|| words(include_str!("words/emails.txt")));

/// Words that precede "at acme dot com" in a sentence and are not a local part.
fn is_speech(local: &str) -> bool {
    static WORDS: Words = Words::new(|| words(include_str!("words/speech.txt")));
    WORDS.contains(&local)
}

fn is_dot(word: &Word) -> bool {
    matches!(word.plain.as_str(), "dot" | "punkt" | "punto" | "point" | "ponto" | "period" | "puntocom")
}

/// Whether the characters next to a spelled dot belong to it.
fn is_around_dot(gap: &str) -> bool {
    !gap.is_empty()
        && gap.len() <= 3
        && matches!(gap.trim_matches(' '), "" | "(" | ")" | "[" | "]" | "{" | "}" | "<" | ">" | "-" | "_")
}

/// The local part before the sign, with the index of its first glyph.
fn local(text: &Text, last: &Word) -> Option<(String, usize)> {
    let mut local = last.plain.clone();
    let mut start = last.start;
    let mut index = text.word_from(last.start);
    while let Some(before) = index.checked_sub(1).and_then(|before| text.words.get(before)) {
        let gap = text.plain(before.end, start);
        if gap.len() <= 2 && gap.chars().all(|part| "._%+-'&!#$*=?^~|".contains(part)) && !gap.is_empty() {
            local = format!("{}{gap}{local}", before.plain);
            (index, start) = (index - 1, before.start);
            continue;
        }
        let Some(other) = index.checked_sub(2).and_then(|other| text.words.get(other)).filter(|_| is_around_dot(&gap))
        else {
            break;
        };
        let joint = match before.plain.as_str() {
            "underscore" => '_',
            "dash" | "hyphen" | "minus" => '-',
            _ if is_dot(before) => '.',
            _ => break,
        };
        if !is_around_dot(&text.plain(other.end, before.start)) {
            break;
        }
        local = format!("{}{joint}{local}", other.plain);
        (index, start) = (index - 2, other.start);
    }
    (local.chars().count() <= 64).then_some((local, start))
}

/// The domain that begins with the word `first`, the index after it, and whether a dot in it is spelled out.
fn domain(text: &Text, first: usize, sign: Sign) -> Option<(String, usize, bool)> {
    let mut index = first;
    let mut word = text.words.get(index)?;
    let mut domain = word.plain.clone();
    let mut is_spelled = false;
    while let Some(next) = text.words.get(index + 1) {
        let gap = text.plain(word.end, next.start);
        let other = text.words.get(index + 2).filter(|_| is_dot(next) && is_around_dot(&gap));
        if let Some(other) = other.filter(|other| is_around_dot(&text.plain(next.end, other.start))) {
            domain = format!("{domain}.{}", other.plain);
            is_spelled = true;
            (index, word) = (index + 2, other);
            continue;
        }
        let is_joint = match gap.as_str() {
            "." | "-" | "--" => true,
            "(.)" | "[.]" | "{.}" | "<.>" => {
                is_spelled = true;
                true
            }
            _ => false,
        };
        if is_joint {
            domain.push_str(gap.trim_matches(['(', '[', '{', '<', ')', ']', '}', '>']));
            domain.push_str(&next.plain);
            (index, word) = (index + 1, next);
            continue;
        }
        if sign != Sign::At && gap.starts_with(' ') && gap.trim_matches(' ') == "." {
            domain = format!("{domain}.{}", next.plain);
            is_spelled = true;
            (index, word) = (index + 1, next);
            continue;
        }
        break;
    }
    let (_, top) = domain.rsplit_once('.')?;
    let is_top = top.chars().count() > 1 && (top.chars().all(char::is_alphabetic) || top.starts_with("xn--"));
    is_top.then_some((domain, word.end, is_spelled))
}
