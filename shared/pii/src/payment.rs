//! Payment cards and IBANs.

use super::numbers::{Group, luhn, number, rows, runs, shape, span};
use super::text::Text;

/// The spans of payment card numbers: the number's prefix, length and check digit must match an issuer (ISO/IEC
/// 7812-1).
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

/// Whether groups can form one card number: they are the whole row, or grouped as on a card.
fn is_one(run: &[Group], all: usize) -> bool {
    let shape = shape(run);
    let is_even = shape.split_last().is_some_and(|(last, others)| {
        others.first().is_none_or(|first| others.iter().all(|group| group == first) && last <= first)
    });
    run.len() == all || is_even || matches!(shape[..], [4, 6, 4] | [4, 6, 5])
}

fn is_card(digits: &str) -> bool {
    let (two, three, four) = (number(digits, 0, 2), number(digits, 0, 3), number(digits, 0, 4));
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

/// The length of a country's IBANs (SWIFT, "IBAN Registry"); `None` if it has none.
fn iban_length(country: &str) -> Option<usize> {
    include_str!("words/ibans.txt").lines().find_map(|line| line.strip_prefix(country)?.strip_prefix(' ')?.parse().ok())
}

/// The spans of IBANs (ISO 13616-1).
pub(super) fn ibans(text: &Text) -> Vec<(usize, usize)> {
    (0..text.len()).filter_map(|start| Some((start, iban(text, start)?))).collect()
}

/// The index after the IBAN that starts at `start`; `None` if there is none.
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
            most = iban_length(country)?;
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
