//! Phone numbers.
//!
//! An international number (`+`, `00`) is recognised by its country code, a grouped number by its grouping, and
//! consecutive digits by a label. Dates, times, amounts and digits in links are not phone numbers.

use super::labels::{OTHERS, announced, matched};
use super::numbers::{self, Group, dates, digits, rows, runs, shape, span, starting};
use super::text::Text;
use super::words::{Words, words};

/// A phone number in a text.
#[derive(Debug)]
pub(super) struct Phone {
    /// The index of its first glyph.
    pub start: usize,
    /// The index after its last glyph.
    pub end: usize,
    /// The digits, after a `+` if the text has one, without a zero in brackets.
    pub number: String,
}

/// The calling codes of countries (ITU-T E.164, "List of assigned country codes"), as ranges.
fn is_calling_code(number: &str) -> bool {
    let code = |length: usize| numbers::number(number, 0, length);
    matches!(code(1), 1 | 7)
        || matches!(
            code(2),
            20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81..=82 | 84 | 86 | 90..=95 | 98
        )
        || matches!(
            code(3),
            211..=213 | 216 | 218 | 220..=269 | 290..=291 | 297..=299 | 350..=359 | 370..=389 | 420..=423 | 500..=509
                | 590..=599 | 670..=692 | 800 | 808 | 850..=856 | 870 | 878 | 880..=888 | 960..=968 | 970..=977 | 979
                | 992..=998
        )
}

/// The groups of digits that can be part of a phone number, by rows that can form one number.
pub(super) struct Rows {
    /// The spans of allowed numbers.
    pub allowed: Vec<(usize, usize)>,
    /// The rows of all other groups.
    pub unknown: Vec<Vec<Group>>,
}

/// The rows of a text. `is_allowed` decides which numbers are allowed.
pub(super) fn candidates(text: &Text, is_allowed: impl Fn(&str) -> bool) -> Rows {
    let links = links(text);
    let mut candidates = Rows { allowed: Vec::new(), unknown: Vec::new() };
    for row in rows(text, false) {
        let dates = dates(text, &row);
        let is_part = |(index, group): (usize, &Group)| {
            let in_link = links.iter().any(|(start, end)| (*start..*end).contains(&group.start));
            (!dates.contains(&index) && !in_link && is_free(text, group)).then(|| group.clone())
        };
        let parts: Vec<_> = row.iter().enumerate().map(is_part).collect();
        for part in parts.split(Option::is_none) {
            split(text, part.iter().flatten().cloned().collect(), &is_allowed, &mut candidates);
        }
    }
    candidates
}

/// Removes the allowed numbers from a row. An allowed number cannot begin within an international number.
fn split(text: &Text, row: Vec<Group>, is_allowed: &impl Fn(&str) -> bool, candidates: &mut Rows) {
    let mut rest = row.as_slice();
    let mut unknown = Vec::new();
    while let Some((first, others)) = rest.split_first() {
        let is_within = unknown.first().is_some_and(|first: &Group| plus(text, first.start).is_some());
        let own = if is_within { None } else { starting(rest, 7, 17).find(|run| is_allowed(&phone(text, run).number)) };
        match own {
            Some(run) => {
                candidates.allowed.push(span(run));
                candidates.unknown.push(std::mem::take(&mut unknown));
                rest = rest.get(run.len()..).unwrap_or_default();
            }
            None => {
                unknown.push(first.clone());
                rest = others;
            }
        }
    }
    candidates.unknown.push(unknown);
}

/// Whether digits are not an amount, time, decimal or part of a word.
fn is_free(text: &Text, group: &Group) -> bool {
    let (before, after) = (text.before(group.start), text.at(group.end));
    let is_digit = |place: Option<usize>| place.is_some_and(|place| text.at(place).is_ascii_digit());
    let is_decimal = |mark: char, beyond: Option<usize>| matches!(mark, ',' | ':' | '\'') && is_digit(beyond);
    let is_money = |mark: char| matches!(mark, '$' | '€' | '£' | '¥' | '₹' | '₽' | '₺' | '₩' | '%' | '°');
    let far = |place: usize| if text.at(place) == ' ' { text.at(place + 1) } else { text.at(place) };
    let near = group.start.checked_sub(2).map_or('\0', |place| text.at(place));
    // "0100x12" and "0100ext" are phone numbers with an extension.
    let is_extension = after == 'x' || text.has(group.end, "ext");
    let in_path = before == '/'
        && near.is_alphabetic()
        && !text.plain(group.start.saturating_sub(5), group.start).ends_with("a.me/");
    let is_amount = is_counted(text, group)
        || is_decimal(before, group.start.checked_sub(2))
        || is_decimal(after, Some(group.end + 1))
        || is_money(before)
        || before == ' ' && is_money(near)
        || is_money(far(group.end));
    let in_word = before.is_alphabetic() || !is_extension && after.is_alphabetic();
    !(is_amount || in_path || in_word)
}

/// Whether the word next to the digits makes them an amount.
pub(super) fn is_counted(text: &Text, group: &Group) -> bool {
    let next = text.words.get(text.word_from(group.end)).filter(|word| word.start <= group.end + 1);
    let last = text.word_from(group.start).checked_sub(1).and_then(|last| text.words.get(last));
    let last = last.filter(|word| word.end + 1 == group.start);
    next.is_some_and(|word| UNITS.contains(&word.plain.as_str()))
        || last.is_some_and(|word| CURRENCIES.contains(&word.plain.as_str()))
}

/// Currency codes, before or after an amount.
static CURRENCIES: Words = Words::new(|| words(include_str!("words/currencies.txt")));

/// Words for units and counted things, next to an amount.
static UNITS: Words = Words::new(|| words(include_str!("words/units.txt")));

/// The spans of links, whose digits belong to the site. A part before a word for dialling is left out.
fn links(text: &Text) -> Vec<(usize, usize)> {
    let mut links = Vec::new();
    let mut start = None;
    for place in 0..=text.len() {
        let stands = |words: &[&str]| words.iter().any(|word| text.has(place, word));
        if place == text.len() || " \n\"<>".contains(text.at(place)) {
            links.extend(start.take().map(|start| (start, place)));
        } else if stands(&["wa.me", "phone", "tel", "whatsapp"]) {
            start = None;
        } else if stands(&["://", "www."]) {
            start = start.or(Some(place));
        }
    }
    links
}

/// Labels of phone numbers.
static LABELS: Words = Words::new(|| words(include_str!("words/phones.txt")));

/// Labels of other numbers. A label in [`LABELS`] takes precedence.
static NUMBERED: Words = Words::new(|| words(include_str!("words/numbers.txt")));

/// What the words before a number say about it.
#[derive(Clone, Copy)]
enum Said {
    /// It is a phone number.
    Phone,
    /// It is another number, such as that of an order.
    Other,
    /// It is a number of some kind, or there is another label nearby.
    Number,
    /// They say nothing about it.
    Nothing,
}

/// Finds the phone numbers of a text.
pub(super) fn phones(text: &Text, rows: &[Vec<Group>]) -> Vec<Phone> {
    let starts = |labels: &[&str], most| -> Vec<usize> {
        let words = matched(text, labels).into_iter().filter_map(|behind| announced(text, behind, most));
        words.filter_map(|index| text.words.get(index).map(|word| word.start)).collect()
    };
    let labelled = starts(&LABELS, 4);
    let (others, maybe_others) = (starts(&OTHERS, 1), [starts(&OTHERS, 3), starts(&NUMBERED, 1)].concat());
    let mut phones = Vec::new();
    for row in rows {
        let mut behind = 0;
        for run in runs(row, 7, 17) {
            let (start, _) = span(run);
            let in_brackets = text.before(start) == '(';
            // The first group may stand in brackets, and what announces it before them.
            let is_labelled = labelled.contains(&start);
            let is_other = text.before(start) == '#' || others.contains(&start);
            let said = if is_labelled {
                Said::Phone
            } else if is_other {
                Said::Other
            } else if maybe_others.contains(&start) {
                Said::Number
            } else {
                Said::Nothing
            };
            if start >= behind && (is_international(text, run, said) || is_national(run, in_brackets, said)) {
                let phone = phone(text, run);
                behind = phone.end;
                phones.push(phone);
            }
        }
    }
    phones
}

/// The phone number that these groups form.
fn phone(text: &Text, run: &[Group]) -> Phone {
    let (start, end) = span(run);
    let plus = plus(text, start);
    let is_trunk = |group: &&Group| {
        group.digits == "0" && text.before(group.start) == '(' && text.at(group.end) == ')' && group.start > start
    };
    let digits: String = run.iter().filter(|group| !is_trunk(group)).map(|group| group.digits.as_str()).collect();
    let number = if plus.is_some() { format!("+{digits}") } else { digits };
    let opened = if text.before(start) == '(' { start - 1 } else { start };
    Phone { start: plus.unwrap_or(opened), end, number }
}

/// The index of the plus before a place. The plus may be spelled out, in brackets or separated.
fn plus(text: &Text, start: usize) -> Option<usize> {
    let mut place = start;
    while place > 0 && start - place < 2 && matches!(text.before(place), ' ' | '(') {
        place -= 1;
    }
    if text.before(place) == '+' {
        return Some(place - 1);
    }
    let word = place.checked_sub(4).filter(|place| text.has(*place, "plus"))?;
    (!text.before(word).is_alphanumeric()).then_some(word)
}

fn is_international(text: &Text, run: &[Group], said: Said) -> bool {
    let Some(first) = run.first() else { return false };
    let all = digits(run);
    let number = match plus(text, first.start) {
        Some(_) => all.as_str(),
        None => match all.strip_prefix("00") {
            Some(number) if !(matches!(said, Said::Other | Said::Number) && run.len() == 1) => number,
            _ => return false,
        },
    };
    // With the zero in brackets one more than E.164 has.
    (8..=16).contains(&number.len()) && is_calling_code(number)
}

/// Whether digits are grouped or labelled as a national number.
fn is_national(run: &[Group], in_brackets: bool, said: Said) -> bool {
    let (all, shape) = (digits(run), shape(run));
    let starts = |first: std::ops::RangeInclusive<u8>| all.bytes().next().is_some_and(|byte| first.contains(&byte));
    let digit = |at: usize| all.as_bytes().get(at).copied().unwrap_or_default();
    let area = |at: usize| digit(at) >= b'2' && digit(at + 3) >= b'2';
    let is_grouped = match shape[..] {
        // North America
        [3, 3, 4] => area(0),
        [1, 3, 3, 4] => digit(0) == b'1' && area(1),
        // Spain, Poland; Russia, Turkey; India; China; Brazil, Mexico; Australia
        [3, 3, 3] | [3, 2, 2, 2] => starts(b'5'..=b'9') && !all.ends_with("000"),
        [3, 3, 2, 2] => starts(b'3'..=b'9'),
        [1, 3, 3, 2, 2] => starts(b'7'..=b'8'),
        [5, 5] => starts(b'6'..=b'9'),
        [3, 4, 4] => starts(b'1'..=b'1') && digit(1) >= b'3',
        [2, 4, 4] | [2, 5, 4] => digit(2) != b'0',
        [4, 3, 3] => starts(b'1'..=b'1') && matches!(digit(1), b'3' | b'8'),
        // Read out digit by digit, or two by two
        _ if shape.iter().all(|length| *length == 1) => all.len() <= 15,
        _ if shape.iter().all(|length| *length == 2) => (10..=14).contains(&all.len()),
        _ => false,
    };
    // A trunk prefix: "020 7946 0958", "06 12 34 56 78".
    let has_trunk = starts(b'0'..=b'0')
        && (9..=12).contains(&all.len())
        && (2..=5).contains(shape.first().unwrap_or(&0))
        && shape.len() > 1;
    let has_area = in_brackets
        && (8..=12).contains(&all.len())
        && (2..=5).contains(shape.first().unwrap_or(&0))
        && !all.starts_with("20")
        && !all.starts_with("19");
    // Without a break only what can be dialled where most such numbers are: North America, India, and
    // wherever there is a trunk prefix.
    let is_whole = match shape[..] {
        [9] => starts(b'0'..=b'0') || starts(b'6'..=b'9'),
        [10] => starts(b'0'..=b'0') || starts(b'6'..=b'9') || area(0),
        [11] => starts(b'0'..=b'0') || digit(0) == b'1' && area(1),
        _ => false,
    };
    match said {
        Said::Phone => all.len() <= 15,
        Said::Nothing => is_grouped || has_area || has_trunk || is_whole,
        Said::Number => is_grouped || has_area || has_trunk,
        Said::Other => is_grouped || has_area,
    }
}
