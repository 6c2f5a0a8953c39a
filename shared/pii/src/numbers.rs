//! Groups of digits and the numbers that they form.

use super::text::Text;

/// Consecutive digits.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// The index of its first glyph.
    pub start: usize,
    /// The index after its last glyph.
    pub end: usize,
    /// The digits.
    pub digits: String,
}

/// The groups of digits of a text. Groups with only separators between them form a row.
pub(super) fn rows(text: &Text, across_lines: bool) -> Vec<Vec<Group>> {
    let mut rows: Vec<Vec<Group>> = Vec::new();
    let mut place = 0;
    while place < text.len() {
        let start = place;
        while text.at(place).is_ascii_digit() {
            place += 1;
        }
        if place == start {
            place += 1;
            continue;
        }
        let group = Group { start, end: place, digits: text.plain(start, place) };
        let last =
            rows.last_mut().filter(|row| row.last().is_some_and(|last| joins(text, last.end, start, across_lines)));
        match last {
            Some(row) => row.push(group),
            None => rows.push(vec![group]),
        }
    }
    rows
}

/// Whether the text between two places only separates the parts of one number.
pub(super) fn joins(text: &Text, end: usize, start: usize, across_lines: bool) -> bool {
    let is_separator = |place| " -./\\()[]_*~|".contains(text.at(place)) || across_lines && text.at(place) == '\n';
    start - end <= 3 && (end..start).all(is_separator)
}

/// Every run of whole groups that has from `least` to `most` digits. For each first group, the longest run comes first.
pub(super) fn runs(row: &[Group], least: usize, most: usize) -> impl Iterator<Item = &[Group]> {
    (0..row.len()).flat_map(move |first| starting(row.get(first..).unwrap_or_default(), least, most))
}

/// The runs that start with the first group.
pub(super) fn starting(row: &[Group], least: usize, most: usize) -> impl Iterator<Item = &[Group]> {
    let mut sum = 0;
    let mut counts = Vec::new();
    for (index, group) in row.iter().enumerate() {
        sum += group.digits.len();
        if sum > most {
            break;
        }
        counts.extend(Some(index + 1).filter(|_| sum >= least));
    }
    counts.into_iter().rev().filter_map(|count| row.get(..count))
}

/// The digits of several groups as one text.
pub(super) fn digits(groups: &[Group]) -> String {
    groups.iter().map(|group| group.digits.as_str()).collect()
}

/// The span of several groups.
pub(super) fn span(groups: &[Group]) -> (usize, usize) {
    (groups.first().map_or(0, |group| group.start), groups.last().map_or(0, |group| group.end))
}

/// The number of digits of each group.
pub(super) fn shape(groups: &[Group]) -> Vec<usize> {
    groups.iter().map(|group| group.digits.len()).collect()
}

/// The values of the digits, in order.
pub(super) fn values(digits: &str) -> impl DoubleEndedIterator<Item = u32> + Clone {
    digits.bytes().map(|byte| u32::from(byte.wrapping_sub(b'0')))
}

/// The sum of the digits multiplied by their weights.
pub(super) fn weighted(digits: &str, weights: &[u32]) -> u32 {
    values(digits).zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Whether the Luhn check digit at the end is correct (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(digits: &str) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        values(digits).rev().enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(digit) } else { digit }).sum();
    sum.is_multiple_of(10)
}

/// The number that the digits in a range form; 0 if there are none.
pub(super) fn number(digits: &str, from: usize, to: usize) -> u64 {
    digits.get(from..to).and_then(|part| part.parse().ok()).unwrap_or(0)
}

/// Whether the day exists in the month.
pub(super) fn is_day(day: &str, month: &str) -> bool {
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    (1..=31).contains(&number(day)) && (1..=12).contains(&number(month))
}

/// Whether six digits can be a year, month and day.
pub(super) fn is_year_month_day(digits: &str) -> bool {
    matches!((digits.get(2..4), digits.get(4..6)), (Some(month), Some(day)) if is_day(day, month))
}

/// Whether six digits can be a day, month and year.
pub(super) fn is_day_month_year(digits: &str) -> bool {
    matches!((digits.get(..2), digits.get(2..4)), (Some(day), Some(month)) if is_day(day, month))
}

fn is_year(year: &str) -> bool {
    year.starts_with("19") || year.starts_with("20")
}

/// The groups that are part of a date, as indexes of the row.
pub(super) fn dates(text: &Text, row: &[Group]) -> Vec<usize> {
    let mut dates = Vec::new();
    for (index, three) in row.windows(3).enumerate() {
        let [first, second, third] = three else { continue };
        let between = text.plain(first.end, second.start);
        let is_apart =
            matches!(between.trim(), "." | "/" | "-") && between.trim() == text.plain(second.end, third.start).trim();
        let goes_on = |mark: char, digit: char| mark == text.at(first.end) && digit.is_ascii_digit();
        let is_longer = goes_on(text.at(third.end), text.at(third.end + 1))
            || goes_on(text.before(first.start), text.before(first.start.saturating_sub(1)));
        let is_date = match (first.digits.len(), second.digits.len(), third.digits.len()) {
            (4, 1..=2, 1..=2) => is_year(&first.digits) && is_day(&third.digits, &second.digits),
            (1..=2, 1..=2, 4) => {
                is_year(&third.digits)
                    && (is_day(&first.digits, &second.digits) || is_day(&second.digits, &first.digits))
            }
            (1..=2, 1..=2, 2) => {
                (is_day(&first.digits, &second.digits) || is_day(&second.digits, &first.digits)) && !is_longer
            }
            _ => false,
        };
        if is_apart && is_date {
            dates.extend([index, index + 1, index + 2]);
        }
    }
    dates
}
