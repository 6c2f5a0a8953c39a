//! Values that only a label identifies: passports, accounts, dates of birth, passwords, and identity numbers without
//! check digits.

use std::sync::LazyLock;

use super::labels::{announced, matched};
use super::numbers::{dates, joins, rows};
use super::text::Text;
use super::words::{Words, words};

/// Labels of passport numbers.
static PASSPORT: Words = Words::new(|| words(include_str!("words/passports.txt")));

/// Labels of bank accounts and banks.
static ACCOUNT: Words = Words::new(|| words(include_str!("words/accounts.txt")));

/// Labels of identity, tax and social security numbers and of driving licences.
static NATIONAL: Words = Words::new(|| words(include_str!("words/national_numbers.txt")));

/// Labels of dates of birth.
static BIRTH: Words = Words::new(|| words(include_str!("words/births.txt")));

/// Labels of passwords and keys.
static SECRET: Words = Words::new(|| words(include_str!("words/secrets.txt")));

/// Finds the values that follow labels.
struct Values<'a> {
    text: &'a Text,
    /// The spans of dates.
    dates: Vec<(usize, usize)>,
}

impl Values<'_> {
    /// The spans of values after these labels whose number of digits is in the range.
    fn behind(&self, labels: &[&str], digits: std::ops::RangeInclusive<usize>) -> Vec<(usize, usize)> {
        let behind = matched(self.text, labels);
        let values = behind.into_iter().filter_map(|behind| self.value(behind, announced(self.text, behind, 6)?));
        let count = |(start, end): &(usize, usize)| {
            (*start..*end).filter(|place| self.text.at(*place).is_ascii_digit()).count()
        };
        values.filter(|value| digits.contains(&count(value)) && value.1 - value.0 > 5).collect()
    }

    /// The span of the value whose first digit is in the word `index`. Its parts may be separated.
    fn value(&self, behind: usize, index: usize) -> Option<(usize, usize)> {
        let text = self.text;
        let first = text.words.get(index)?;
        let is_letters = |start: usize, end: usize| end - start <= 4 && text.is_loud(start, end);
        let before = index.checked_sub(1).filter(|before| *before >= behind).and_then(|before| text.words.get(before));
        let before =
            before.filter(|word| is_letters(word.start, word.end) && joins(text, word.end, first.start, false));
        let start = before.map_or(first.start, |word| word.start);
        let mut end = first.end;
        for word in text.words.iter().skip(index + 1) {
            let is_part = word.plain.contains(|part: char| part.is_ascii_digit()) || is_letters(word.start, word.end);
            if !is_part || !joins(text, end, word.start, false) || word.end - start > 28 {
                break;
            }
            end = word.end;
        }
        // "12-34-56" may be a sort code: a date has its whole year here.
        let is_date = self.dates.iter().any(|(from, until)| until - from > 8 && *from < end && start < *until);
        // The tax numbers of companies are public: two letters and eight digits or more.
        let letters = first.plain.chars().take_while(|part| part.is_ascii_alphabetic()).count();
        let is_company =
            letters == 2 && first.plain.len() > 9 && first.plain.chars().skip(2).all(|part| part.is_ascii_digit());
        let is_money = matches!(text.before(start), '$' | '€' | '£') || matches!(text.at(end), '%' | '€' | '$');
        (!is_date && !is_money && !is_company).then_some((start, end))
    }
}

/// The spans of labelled values.
pub(super) struct Announced {
    /// Passport numbers.
    pub passports: Vec<(usize, usize)>,
    /// Account, routing and sorting numbers.
    pub accounts: Vec<(usize, usize)>,
    /// Identity, tax and social security numbers, and driving licences.
    pub nationals: Vec<(usize, usize)>,
    /// Dates of birth.
    pub births: Vec<(usize, usize)>,
    /// Passwords and keys, including keys that are recognised by their prefix.
    pub secrets: Vec<(usize, usize)>,
}

/// Finds the labelled values of a text.
pub(super) fn values(text: &Text) -> Announced {
    let mut all_dates = Vec::new();
    for row in rows(text, false) {
        for index in dates(text, &row).into_iter().step_by(3) {
            let (first, last) = (row.get(index), row.get(index + 2));
            all_dates.extend(first.zip(last).map(|(first, last)| (first.start, last.end)));
        }
    }
    let values = Values { text, dates: all_dates };
    Announced {
        passports: values.behind(&PASSPORT, 4..=9),
        accounts: values.behind(&ACCOUNT, 6..=34),
        nationals: values.behind(&NATIONAL, 5..=18),
        births: births(text, &values.dates),
        secrets: secrets(text),
    }
}

fn births(text: &Text, dates: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let near = |behind: usize| {
        let label = text.words.get(behind.checked_sub(1)?)?;
        let words = text.words.get(behind..text.words.len().min(behind + 9)).unwrap_or_default();
        let last = words.last()?.end;
        let numeric = dates.iter().find(|(start, end)| label.end <= *start && *end <= last);
        numeric.copied().or_else(|| spelled_date(words))
    };
    matched(text, &BIRTH).into_iter().filter_map(near).collect()
}

/// The span of a date with the name of its month, in any order.
fn spelled_date(words: &[super::text::Word]) -> Option<(usize, usize)> {
    let number =
        |word: &super::text::Word| word.plain.trim_end_matches(char::is_alphabetic).parse::<u32>().unwrap_or(0);
    let is_month = |word: &super::text::Word| {
        word.plain.len() > 2 && word.plain.get(..3).is_some_and(|start| MONTHS.contains(&start))
    };
    let year = words.iter().position(|word| word.plain.len() == 4 && (1900..2100).contains(&number(word)))?;
    let rest = words.get(year.saturating_sub(4)..year).unwrap_or_default();
    let first = rest.iter().position(|word| is_month(word) || (1..=31).contains(&number(word)))?;
    let is_whole = rest.iter().any(is_month) && rest.iter().any(|word| (1..=31).contains(&number(word)));
    Some((rest.get(first)?.start, words.get(year)?.end)).filter(|_| is_whole)
}

/// The first letters of the months in English, German, French, Spanish, Portuguese, Italian and Dutch.
static MONTHS: Words = Words::new(|| words(include_str!("words/months.txt")));

/// The prefixes of keys that services issue, each with the key's minimum length.
static KEYS: LazyLock<Vec<(&str, usize)>> = LazyLock::new(|| {
    let key = |line: &'static str| line.split_once(' ').and_then(|(key, length)| Some((key, length.parse().ok()?)));
    words(include_str!("words/keys.txt")).into_iter().filter_map(key).collect()
});

fn secrets(text: &Text) -> Vec<(usize, usize)> {
    let token =
        |start: usize| (start..text.len()).find(|end| " \n\"'<>,;)".contains(text.at(*end))).unwrap_or(text.len());
    let keys = text.words.iter().flat_map(|word| KEYS.iter().map(|(key, length)| (word.start, key, *length)));
    let keys = keys.filter(|(start, key, _)| text.has(*start, key)).filter_map(|(start, _, length)| {
        let end = token(start);
        (end - start >= length && (start..end).any(|place| text.at(place).is_ascii_digit())).then_some((start, end))
    });
    let labelled = matched(text, &SECRET).into_iter().filter_map(|behind| {
        let end = text.words.get(behind.checked_sub(1)?)?.end;
        let after = text.plain(end, end + 4);
        let is_said = [" is ", " ist "].iter().any(|word| text.has(end, word));
        let is_given = after.trim_start().starts_with([':', '=']);
        let skipped = if is_said { 4 } else { 1 };
        let start = (end + skipped..text.len()).find(|place| !" :=\"'".contains(text.at(*place)))?;
        let until = token(start);
        let is_secret = (start..until).any(|place| text.at(place).is_ascii_digit());
        ((is_said || is_given) && is_secret && until - start > 2).then_some((start, until))
    });
    keys.chain(labelled).collect()
}
