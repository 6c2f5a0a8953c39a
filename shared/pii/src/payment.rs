//! Payment cards and international bank accounts.

use super::numbers::{Group, luhn, rows, runs, shape, span};
use super::text::Text;

/// Where payment cards stand: numbers of a known issuer (ISO/IEC 7812-1) with its length and check digit.
pub(super) fn cards(text: &Text) -> Vec<(usize, usize)> {
    let mut cards = Vec::new();
    for row in rows(text, true) {
        let mut behind = 0;
        for run in runs(&row, 13, 19) {
            let (start, end) = span(run);
            if start >= behind && is_card(&super::numbers::digits(run)) && is_one(run, row.len()) {
                behind = end;
                cards.push((start, end));
            }
        }
    }
    // "4111,1111,1111,1111": commas are no separators, they stand between thousands.
    for place in 0..text.len() {
        let fours = (0..4).map(|four| place + four * 5);
        let is_four = |start: usize| (start..start + 4).all(|digit| text.at(digit).is_ascii_digit());
        if fours.clone().all(is_four)
            && fours.clone().skip(1).all(|start| text.before(start) == ',')
            && !text.before(place).is_ascii_digit()
            && is_card(&text.plain(place, place + 19).replace(',', ""))
        {
            cards.push((place, place + 19));
        }
    }
    cards
}

/// Whether groups can be one number: it is all there is, or they are as cards are printed.
fn is_one(run: &[Group], all: usize) -> bool {
    let shape = shape(run);
    let is_even = shape.split_last().is_some_and(|(last, others)| {
        others.first().is_none_or(|first| others.iter().all(|group| group == first) && last <= first)
    });
    run.len() == all || is_even || matches!(shape[..], [4, 6, 4] | [4, 6, 5])
}

fn is_card(digits: &str) -> bool {
    let starts = |length: usize| digits.get(..length).and_then(|start| start.parse::<u32>().ok()).unwrap_or(0);
    let (two, three, four) = (starts(2), starts(3), starts(4));
    let lengths = match two {
        34 | 37 => 15..=15,
        // Diners Club
        36 | 38 | 39 => 14..=19,
        30 if three <= 305 || three == 309 => 14..=19,
        // JCB
        35 if (3528..=3589).contains(&four) => 16..=19,
        // Visa
        40..=49 if matches!(digits.len(), 13 | 16 | 19) => 13..=19,
        // Mastercard
        51..=55 => 16..=16,
        22..=27 if (2221..=2720).contains(&four) => 16..=16,
        // Mir
        22 if (2200..=2204).contains(&four) => 16..=19,
        // Maestro
        50 | 56..=59 | 67 | 68 => 16..=19,
        // Discover, UnionPay, RuPay, Maestro and Hipercard
        60..=66 | 69 => 16..=19,
        81 | 82 => 16..=16,
        // Troy
        97 if four == 9792 => 16..=16,
        _ => return false,
    };
    lengths.contains(&digits.len()) && luhn(digits) && digits.bytes().any(|byte| Some(byte) != digits.bytes().next())
}

/// How long the account numbers of each country are (SWIFT, "IBAN Registry").
const IBANS: [(&str, usize); 80] = [
    ("ad", 24),
    ("ae", 23),
    ("al", 28),
    ("at", 20),
    ("az", 28),
    ("ba", 20),
    ("be", 16),
    ("bg", 22),
    ("bh", 22),
    ("bi", 27),
    ("br", 29),
    ("by", 28),
    ("ch", 21),
    ("cr", 22),
    ("cy", 28),
    ("cz", 24),
    ("de", 22),
    ("dj", 27),
    ("dk", 18),
    ("do", 28),
    ("ee", 20),
    ("eg", 29),
    ("es", 24),
    ("fi", 18),
    ("fk", 18),
    ("fo", 18),
    ("fr", 27),
    ("gb", 22),
    ("ge", 22),
    ("gi", 23),
    ("gl", 18),
    ("gr", 27),
    ("gt", 28),
    ("hr", 21),
    ("hu", 28),
    ("ie", 22),
    ("il", 23),
    ("iq", 23),
    ("is", 26),
    ("it", 27),
    ("jo", 30),
    ("kw", 30),
    ("kz", 20),
    ("lb", 28),
    ("lc", 32),
    ("li", 21),
    ("lt", 20),
    ("lu", 20),
    ("lv", 21),
    ("ly", 25),
    ("mc", 27),
    ("md", 24),
    ("me", 22),
    ("mk", 19),
    ("mn", 20),
    ("mr", 27),
    ("mt", 31),
    ("mu", 30),
    ("nl", 18),
    ("no", 15),
    ("om", 23),
    ("pk", 24),
    ("pl", 28),
    ("ps", 29),
    ("pt", 25),
    ("qa", 29),
    ("ro", 24),
    ("rs", 22),
    ("ru", 33),
    ("sa", 24),
    ("sc", 31),
    ("sd", 18),
    ("se", 24),
    ("si", 19),
    ("sk", 24),
    ("sm", 27),
    ("tr", 26),
    ("ua", 29),
    ("vg", 24),
    ("xk", 20),
];

/// Where international bank account numbers stand (ISO 13616-1).
pub(super) fn ibans(text: &Text) -> Vec<(usize, usize)> {
    (0..text.len()).filter_map(|start| Some((start, iban(text, start)?))).collect()
}

/// Behind the account number that starts here, if one does.
fn iban(text: &Text, start: usize) -> Option<usize> {
    if !text.at(start).is_ascii_lowercase() || text.before(start).is_alphanumeric() {
        return None;
    }
    let mut found = String::new();
    let mut most = 4;
    let (mut place, mut end) = (start, start);
    while found.len() < most {
        let character = text.at(place);
        if character.is_ascii_alphanumeric() {
            found.push(character);
            end = place + 1;
        } else if found.is_empty() || place - end >= 3 || !" -./_\n".contains(character) {
            return None;
        }
        if found.len() == 4 && most == 4 {
            let (country, check) = found.split_at(2);
            check.parse::<u32>().ok()?;
            most = IBANS.iter().find(|(name, _)| *name == country)?.1;
        }
        place += 1;
    }
    let (head, tail) = found.split_at(4);
    let remainder =
        tail.chars().chain(head.chars()).filter_map(|part| part.to_digit(36)).fold(0, |remainder, value| {
            let shift = if value > 9 { 100 } else { 10 };
            (remainder * shift + value) % 97
        });
    // Small letters behind a space are the next word.
    let is_spaced = (start..end).any(|place| matches!(text.at(place), ' ' | '\n'));
    let is_one = !is_spaced || text.is_loud(start, end);
    (remainder == 1 && is_one && !text.at(end).is_ascii_alphanumeric()).then_some(end)
}
