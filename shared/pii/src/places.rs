//! Postal addresses, IP addresses and links to profiles.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::text::{Text, Word};
use super::words::{Words, words};

/// English words for streets, such as "street". The order of word, name and house number depends on the language.
static ENGLISH: Words = Words::new(|| words(include_str!("words/english_streets.txt")));
static FRENCH: Words = Words::new(|| words(include_str!("words/french_streets.txt")));
static ROMANCE: Words = Words::new(|| words(include_str!("words/romance_streets.txt")));
/// The endings of street names in German, Dutch and the Nordic languages.
static ENDINGS: Words = Words::new(|| words(include_str!("words/street_endings.txt")));
/// Lower-case words within street names.
static PARTICLES: Words = Words::new(|| words(include_str!("words/particles.txt")));
/// English words that follow "via" in its sense of "by means of".
static MEANS: Words = Words::new(|| words(include_str!("words/via.txt")));

/// Words after a number that shows a count, such as "minutes", and not a house number.
static COUNTED: Words = Words::new(|| words(include_str!("words/counted.txt")));

/// The spans of streets with a house number and of post office boxes.
pub(super) fn postal(text: &Text) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for index in 0..text.words.len() {
        let rest = text.words.get(index..).unwrap_or_default();
        let before = text.words.get(..index).unwrap_or_default();
        let end = english(text, rest)
            .or_else(|| french(text, rest))
            .or_else(|| romance(text, rest))
            .or_else(|| boxed(text, rest));
        found.extend(rest.first().zip(end).map(|(first, end)| (first.start, end)));
        found.extend(germanic(text, before, rest));
    }
    found
}

/// Whether a word is a house number: "12", "12b", "221-B".
fn is_house(word: &Word) -> bool {
    let digits = word.plain.chars().take_while(char::is_ascii_digit).count();
    (1..=5).contains(&digits) && word.plain.len() - digits <= 1 && !word.plain.starts_with('0')
}

/// Whether two words are in one line, with only `marks` and spaces between them.
fn is_near(text: &Text, first: &Word, next: &Word, marks: &str) -> bool {
    next.start - first.end <= 4
        && (first.end..next.start).all(|place| text.at(place) == ' ' || marks.contains(text.at(place)))
}

/// "221b Baker Street": a number, up to four capitalised words, the word for the street.
fn english(text: &Text, words: &[Word]) -> Option<usize> {
    let (number, name) = words.split_first().filter(|(number, _)| is_house(number))?;
    let mut last = number;
    for (index, word) in name.iter().take(6).enumerate() {
        let is_ordinal =
            word.plain.starts_with(|part: char| part.is_ascii_digit()) && word.plain.ends_with(char::is_alphabetic);
        if !is_near(text, last, word, ",.'") || !(text.is_capital(word.start) || is_ordinal) {
            return None;
        }
        if index > 0 && ENGLISH.contains(&word.plain.as_str()) || word.plain == "broadway" {
            return Some(word.end);
        }
        last = word;
    }
    None
}

/// "12, rue de Rivoli": a number, the word for the street, its name.
fn french(text: &Text, words: &[Word]) -> Option<usize> {
    let (number, mut rest) = words.split_first().filter(|(number, _)| is_house(number))?;
    let mut last = number;
    if let Some((again, others)) = rest.split_first().filter(|(again, _)| matches!(again.plain.as_str(), "bis" | "ter"))
    {
        (last, rest) = (again, others);
    }
    let (kind, name) = rest.split_first().filter(|(kind, _)| FRENCH.contains(&kind.plain.as_str()))?;
    if !is_near(text, last, kind, ",") {
        return None;
    }
    last = kind;
    for word in name.iter().take(4) {
        if !is_near(text, last, word, ".'’-") {
            return None;
        }
        if text.is_capital(word.start) {
            return Some(word.end);
        }
        if !PARTICLES.contains(&word.plain.as_str()) {
            return None;
        }
        last = word;
    }
    None
}

/// "Calle de Alcalá, 42", "Rua Augusta 1200", "Via Roma 12": the word for the street, its name, a number.
fn romance(text: &Text, words: &[Word]) -> Option<usize> {
    let (kind, name) = words.split_first()?;
    let is_kind = ROMANCE.contains(&kind.plain.as_str()) || kind.plain == "c" && text.at(kind.end) == '/';
    if !is_kind {
        return None;
    }
    let mut last = kind;
    let mut has_name = false;
    for word in name.iter().take(7) {
        if !is_near(text, last, word, ",.'’-/#º°") {
            return None;
        }
        if is_house(word) {
            // "via Monday 3 pm" is none.
            let next = words.iter().find(|next| next.start > word.start).filter(|next| next.start == word.end + 1);
            let goes_on = next.is_some_and(|next| COUNTED.contains(&next.plain.as_str()));
            let is_other = matches!(text.at(word.end), ':' | '%' | '€' | '$');
            return (has_name && !goes_on && !is_other).then_some(word.end);
        }
        let is_number = matches!(word.plain.as_str(), "n" | "no" | "num" | "numero" | "nr");
        let is_name = text.is_capital(word.start) && !MEANS.contains(&word.plain.as_str());
        if !(is_name || is_number && has_name || PARTICLES.contains(&word.plain.as_str())) {
            return None;
        }
        has_name |= is_name;
        last = word;
    }
    None
}

/// "Berliner Str. 5", "Hauptstraße 12a", "Karl-Marx-Allee 3": a name with the word for the street, a number.
fn germanic(text: &Text, before: &[Word], words: &[Word]) -> Option<(usize, usize)> {
    let [street, number, ..] = words else { return None };
    let ending = *ENDINGS.iter().find(|ending| street.plain.ends_with(**ending))?;
    let near = before.last().filter(|word| is_near(text, word, street, "-.") && text.is_capital(word.start));
    let is_compound = street.plain.len() > ending.len() + 2 && (ending != "str" || text.at(street.end) == '.');
    let is_named = text.is_capital(street.start) && (is_compound || near.is_some() && street.plain == ending);
    let goes_on = matches!(text.at(number.end), ':' | '%' | '€' | '$') || number.plain.len() > 4;
    let is_address = is_named && is_house(number) && is_near(text, street, number, ".,") && !goes_on;
    let mut start = near.filter(|_| !is_compound).map_or(street.start, |word| word.start);
    // "Karl-Marx-Allee": the name goes back to where no hyphen joins it.
    let first = start;
    for word in before.iter().rev().filter(|word| word.end < first) {
        if text.plain(word.end, start) != "-" {
            break;
        }
        start = word.start;
    }
    is_address.then_some((start, number.end))
}

/// "PO Box 123", "Postfach 12 34".
fn boxed(text: &Text, rest: &[Word]) -> Option<usize> {
    static BOXES: Words = Words::new(|| words(include_str!("words/boxes.txt")));
    let begins =
        |name: &&&str| rest.iter().map(|word| word.plain.as_str()).take(name.split(' ').count()).eq(name.split(' '));
    let length = BOXES.iter().find(begins)?.split(' ').count();
    let number = rest.get(length).filter(|number| number.plain.starts_with(|part: char| part.is_ascii_digit()))?;
    let last = rest.get(length - 1)?;
    is_near(text, last, number, ".:#n").then_some(number.end)
}

/// The spans of public IP addresses. A number after "version" is not one.
pub(super) fn internet(text: &Text) -> Vec<(usize, usize)> {
    let is_part = |part: char| part.is_ascii_hexdigit() || matches!(part, '.' | ':');
    let mut found = Vec::new();
    let mut place = 0;
    while place < text.len() {
        let start = place;
        while is_part(text.at(place)) {
            place += 1;
        }
        if place == start {
            place += 1;
            continue;
        }
        let token = text.plain(start, place);
        let trimmed = token.trim_end_matches(['.', ':']);
        let is_apart = !text.before(start).is_alphanumeric() && !text.at(place).is_alphanumeric();
        let is_public = match (trimmed.parse::<Ipv4Addr>(), trimmed.parse::<Ipv6Addr>()) {
            (Ok(address), _) => {
                !(address.is_private()
                    || address.is_loopback()
                    || address.is_link_local()
                    || address.is_unspecified()
                    || address.is_broadcast())
            }
            (_, Ok(address)) => {
                let local = address.is_loopback()
                    || address.is_unspecified()
                    || address.is_unicast_link_local()
                    || address.is_unique_local();
                !local && trimmed.len() > 6
            }
            _ => false,
        };
        let before = text.word_from(start).checked_sub(1).and_then(|before| text.words.get(before));
        let is_version = before.is_some_and(|word| {
            start.saturating_sub(word.end) < 3 && matches!(word.plain.as_str(), "version" | "v" | "release" | "build")
        });
        if is_apart && is_public && !is_version {
            found.push((start, start + trimmed.len()));
        }
    }
    found
}

/// The spans of links to people's profiles, each with the link in the form of allowed links.
pub(super) fn profiles(text: &Text) -> Vec<(usize, usize, String)> {
    let profile = |start: usize| {
        let sites = super::PROFILES.iter();
        let site = sites.filter(|site| text.has(start, site)).max_by_key(|site| site.len())?;
        let is_apart = !text.before(start).is_alphanumeric() && text.before(start) != '-';
        let mut end = (start..text.len()).find(|end| " \n\"'<>,;)]".contains(text.at(*end))).unwrap_or(text.len());
        while matches!(text.before(end), '.' | '/' | '!' | '?' | ':') {
            end -= 1;
        }
        (is_apart && end > start + site.len()).then(|| (start, end, text.plain(start, end)))
    };
    text.words.iter().filter_map(|word| profile(word.start)).collect()
}
