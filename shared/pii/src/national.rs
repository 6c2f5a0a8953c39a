//! Identity, tax and social security numbers that check digits or the form identify.
//!
//! Each check is the one that the issuing office publishes. Numbers without a check, or with a common form, are found
//! only after a label ([`super::labelled`]).

use super::numbers::{
    Group, dates, digits, is_day, is_day_month_year, is_year_month_day, joins, luhn, number, rows, runs, shape, span,
    values, weighted,
};
use super::phone::is_counted;
use super::text::Text;

/// The spans of numbers made of digits.
pub(super) fn numbers(text: &Text) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for row in rows(text, false) {
        let mut behind = 0;
        // A date has its whole year here: "85.07.30" begins a Belgian number.
        let dates = dates(text, &row).into_iter().filter_map(|index| row.get(index));
        let years: Vec<usize> = dates.filter(|group| group.digits.len() == 4).map(|group| group.start).collect();
        for run in runs(&row, 8, 18) {
            let is_dated = run.iter().any(|group| years.contains(&group.start));
            let is_amount = run.last().is_some_and(|last| is_counted(text, last));
            let (start, end) = span(run);
            let is_apart =
                !text.before(start).is_alphanumeric() && !text.at(end).is_alphabetic() && text.before(start) != '+';
            if start >= behind && is_apart && !is_dated && !is_amount && is_number(text, run, run.len() == row.len()) {
                behind = end;
                found.push((start, end));
            }
        }
    }
    found.extend(codes(text));
    let finnish = |start: &usize| {
        text.at(*start).is_ascii_digit()
            && !text.before(*start).is_alphanumeric()
            && !text.at(start + 11).is_alphanumeric()
            && is_finnish(&text.plain(*start, start + 11))
    };
    found.extend((0..text.len()).filter(finnish).map(|start| (start, start + 11)));
    found
}

/// Whether groups of digits form such a number.
fn is_number(text: &Text, run: &[Group], is_all: bool) -> bool {
    let all = digits(run);
    let shape = shape(run);
    let part = |from: usize, to: usize| all.get(from..to).unwrap_or_default();
    let value = |from: usize, to: usize| number(&all, from, to);
    let starts = |first: char| all.starts_with(first);
    let between = |mark: char| {
        run.windows(2)
            .all(|two| matches!(two, [first, next] if text.plain(first.end, next.start).trim() == mark.to_string()))
    };
    // Any grouping, if nothing else stands beside it.
    let is_free = is_all || shape.len() == 1 || shape.iter().all(|length| *length == 1);
    // "2026/0012345" is numbered within its year.
    let is_numbered = shape.len() == 2 && shape.first() == Some(&4) && (all.starts_with("19") || all.starts_with("20"));
    let is_free = is_free && !is_numbered;
    let has_variety = all.chars().any(|digit| !all.starts_with(digit));
    has_variety
        && match all.len() {
            8 | 9 if !between(' ') || shape.len() == 4 => match shape[..] {
                // United States: social security and taxpayer numbers
                [3, 2, 4] => is_american(value(0, 3), value(3, 5), value(5, 9)),
                // Canada
                [3, 3, 3] => !starts('0') && !starts('8') && luhn(&all),
                // Chile
                [1..=2, 3, 3, 1] | [7..=8, 1] => is_chilean(&all),
                _ => false,
            },
            9 => matches!(shape[..], [3, 2, 4]) && is_american(value(0, 3), value(3, 5), value(5, 9)),
            10 => match shape[..] {
                // Sweden, with coordination numbers, whose day is 60 later
                [6, 4] if (is_all || between('-')) && is_swedish(&all) => true,
                // Finland without the sign for the century
                [6, 4] if is_all && is_finnish(&format!("{}-{}", part(0, 6), part(6, 10))) => true,
                // Czechia and Slovakia
                [6, 4] if is_all || between('/') => {
                    value(0, 10).is_multiple_of(11) && matches!(value(2, 4) % 50 % 20, 1..=12)
                }
                _ => false,
            },
            11 => {
                let is_printed =
                    matches!(shape[..], [3, 3, 3, 2] | [2, 3, 3, 3] | [6, 5] | [2, 2, 2, 3, 2] | [6, 3, 2] | [2, 8, 1]);
                (is_free || is_printed)
                    && (is_brazilian(&all, 9)
                        || is_polish(&all)
                        || is_norwegian(&all)
                        || is_turkish(&all)
                        || is_german(&all)
                        || is_belgian(&all)
                        || is_baltic(&all)
                        || matches!(shape[..], [2, 8, 1]) && is_argentinian(&all))
            }
            12 => match shape[..] {
                // India
                [4, 4, 4] => !starts('0') && !starts('1') && verhoeff(&all),
                // Malaysia
                [6, 2, 4] if between('-') => is_year_month_day(&all),
                // Sweden with the century
                [12] | [8, 4] => matches!(value(0, 2), 19 | 20) && is_swedish(part(2, 12)),
                _ => shape.iter().all(|length| *length == 1) && !starts('0') && !starts('1') && verhoeff(&all),
            },
            13 => {
                let is_south_african = is_year_month_day(&all) && value(10, 11) < 2 && luhn(&all);
                let is_thai =
                    (11 - weighted(part(0, 12), &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == last(&all);
                match shape[..] {
                    // Korea
                    [6, 7] if is_all => is_year_month_day(&all) && matches!(value(6, 7), 1..=8),
                    [1, 4, 5, 2, 1] => is_thai,
                    _ => {
                        // Switzerland: AHV numbers are article numbers (EAN-13) of the country 756.
                        let article = weighted(&all, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10);
                        all.starts_with("756") && article || is_free && (is_south_african || is_romanian(&all))
                    }
                }
            }
            // Brazil: companies, of which many are one person
            14 => (is_free || matches!(shape[..], [2, 3, 3, 4, 2])) && is_brazilian(&all, 12),
            // France
            15 => {
                let is_month = matches!(value(3, 5), 1..=12 | 20..=42 | 50..=99);
                matches!(value(0, 1), 1..=4 | 7..=8) && is_month && 97 - value(0, 13) % 97 == value(13, 15)
            }
            18 => is_chinese(&all),
            _ => false,
        }
}

fn last(all: &str) -> u32 {
    values(all).next_back().unwrap_or(0)
}

fn is_american(area: u64, group: u64, serial: u64) -> bool {
    match area {
        0 | 666 => false,
        900.. => matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99),
        _ => group != 0 && serial != 0,
    }
}

fn is_chilean(all: &str) -> bool {
    let (number, check) = all.split_at_checked(all.len() - 1).unwrap_or_default();
    let sum: u32 = values(number).rev().zip((2..=7).cycle()).map(|(digit, weight)| digit * weight).sum();
    match 11 - sum % 11 {
        11 => check == "0",
        10 => check == "k",
        digit => check == digit.to_string(),
    }
}

/// Ten digits. In a coordination number 60 is added to the day.
fn is_swedish(all: &str) -> bool {
    is_day(&(number(all, 4, 6) % 60).to_string(), all.get(2..4).unwrap_or_default()) && luhn(all)
}

/// Whether the two check digits after `length` other digits are correct.
fn is_brazilian(all: &str, length: usize) -> bool {
    let check = |length: usize| {
        let weights = (2..=if all.len() == 14 { 9 } else { 11 }).cycle();
        let number = all.get(..length).unwrap_or_default();
        let sum: u32 = values(number).rev().zip(weights).map(|(digit, weight)| digit * weight).sum();
        let digit = if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
        values(all).nth(length) == Some(digit)
    };
    check(length) && check(length + 1)
}

fn is_polish(all: &str) -> bool {
    is_day(all.get(4..6).unwrap_or_default(), &(number(all, 2, 4) % 20).to_string())
        && weighted(all, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

fn is_norwegian(all: &str) -> bool {
    is_day(&(number(all, 0, 2) % 40).to_string(), all.get(2..4).unwrap_or_default())
        && weighted(all, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(all, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

fn is_turkish(all: &str) -> bool {
    let first: Vec<u32> = values(all).collect();
    let odd: u32 = first.iter().take(9).step_by(2).sum();
    let even: u32 = first.iter().take(8).skip(1).step_by(2).sum();
    let tenth = (odd * 7 + 90 - even) % 10;
    !all.starts_with('0') && first.get(9) == Some(&tenth) && (odd + even + tenth) % 10 == last(all)
}

/// ISO/IEC 7064, MOD 11,10. Exactly one of the first ten digits occurs two or three times.
fn is_german(all: &str) -> bool {
    let first = all.get(..10).unwrap_or_default();
    let mut counts: Vec<usize> =
        ('0'..='9').map(|digit| first.matches(digit).count()).filter(|count| *count > 1).collect();
    let is_repeated = matches!(counts.pop(), Some(2 | 3)) && counts.is_empty();
    let product = values(first).fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    !all.starts_with('0') && is_repeated && (11 - product) % 10 == last(all)
}

fn is_belgian(all: &str) -> bool {
    let check = |first: u64| 97 - first % 97 == number(all, 9, 11);
    is_year_month_day(all) && (check(number(all, 0, 9)) || check(2_000_000_000 + number(all, 0, 9)))
}

/// Numbers of Estonia and Lithuania.
fn is_baltic(all: &str) -> bool {
    let check = |weights: &[u32]| weighted(all, weights) % 11;
    let digit = match check(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) {
        10 => check(&[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 10,
        digit => digit,
    };
    matches!(all.chars().next(), Some('1'..='6'))
        && is_year_month_day(all.get(1..).unwrap_or_default())
        && digit == last(all)
}

fn is_argentinian(all: &str) -> bool {
    let is_person = ["20", "23", "24", "27", "30", "33"].iter().any(|kind| all.starts_with(kind));
    is_person && weighted(all, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

fn is_romanian(all: &str) -> bool {
    let check = weighted(all, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    matches!(all.chars().next(), Some('1'..='8'))
        && is_year_month_day(all.get(1..).unwrap_or_default())
        && (if check == 10 { 1 } else { check }) == last(all)
}

/// Eighteen characters, the last of which may be an X (GB 11643-1999).
fn is_chinese(all: &str) -> bool {
    let sum = weighted(all.get(..17).unwrap_or_default(), &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    matches!(all.get(6..8), Some("19" | "20"))
        && is_year_month_day(all.get(8..).unwrap_or_default())
        && "10x98765432".chars().nth(sum as usize % 11) == all.chars().next_back()
}

/// J. Verhoeff, "Error Detecting Decimal Codes" (1969): a check in the dihedral group of ten elements.
fn verhoeff(all: &str) -> bool {
    const PERMUTED: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = |left: u32, right: u32| match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => (left + right - 5) % 5 + 5,
        (false, true) => (left - 5 + 5 - right) % 5 + 5,
        (false, false) => (left + 5 - right) % 5,
    };
    let permuted = |digit: u32, times: usize| {
        (0..times % 8).fold(digit, |digit, _| PERMUTED.get(digit as usize).copied().unwrap_or(0))
    };
    values(all).rev().enumerate().fold(0, |check, (at, digit)| product(check, permuted(digit, at))) == 0
}

/// The spans of numbers with letters. Their parts may be separated if the letters are capitals.
fn codes(text: &Text) -> Vec<(usize, usize)> {
    let mut codes = Vec::new();
    for (index, first) in text.words.iter().enumerate() {
        let mut code = String::new();
        let mut end = first.start;
        for word in text.words.iter().skip(index).take(18) {
            let is_sentence = text.plain(end, word.start).contains(". ");
            if end != first.start && (is_sentence || !joins(text, end, word.start, false))
                || code.len() + word.plain.len() > 18
            {
                break;
            }
            code.push_str(&word.plain);
            let is_whole = word.start == first.start;
            end = word.end;
            let is_closed = text.at(end) == ')' && text.before(word.start) == '(';
            if (is_whole || text.is_loud(first.start, end)) && is_code(&code, is_whole, is_closed) {
                codes.push((first.start, end));
                break;
            }
        }
    }
    codes
}

/// The form of a code: `a` for each letter and `9` for each digit.
fn form(code: &str) -> String {
    let kind = |part: char| match part {
        'a'..='z' => 'a',
        '0'..='9' => '9',
        _ => '?',
    };
    code.chars().map(kind).collect()
}

fn is_code(code: &str, is_whole: bool, is_closed: bool) -> bool {
    let form = form(code);
    let part = |from: usize, to: usize| code.get(from..to).unwrap_or_default();
    let is_last = |letters: &str, at: u32| letters.chars().nth(at as usize) == code.chars().next_back();
    const SPANISH: &str = "trwagmyfpdxbnjzsqvhlcke";
    let number = |from: usize, to: usize| part(from, to).parse::<u32>().unwrap_or(0);
    match form.as_str() {
        // United Kingdom: national insurance
        "aa999999a" => {
            !["bg", "gb", "nk", "kn", "tn", "nt", "zz"].contains(&part(0, 2))
                && !part(0, 2).contains(['d', 'f', 'i', 'q', 'u', 'v'])
                && part(1, 2) != "o"
                && matches!(part(8, 9), "a" | "b" | "c" | "d")
        }
        // Chile
        "99999999a" | "9999999a" if code.ends_with('k') && !is_whole && is_chilean(code) => true,
        // Spain
        "99999999a" => is_last(SPANISH, number(0, 8) % 23) || is_whole && is_irish(code),
        // Spain: foreigners; Singapore
        "a9999999a" => {
            let series = ["x", "y", "z"].iter().position(|series| *series == part(0, 1));
            let is_spanish =
                series.is_some_and(|series| is_last(SPANISH, (series as u32 * 10_000_000 + number(1, 8)) % 23));
            is_spanish || is_singaporean(code)
        }
        // Ireland
        "9999999a" | "9999999aa" => is_whole && is_irish(code),
        // India: permanent account number
        "aaaaa9999a" => "abcfghjlpt".contains(part(3, 4)),
        // Finland without the sign for the century
        "999999999a" => is_finnish(&format!("{}-{}", part(0, 6), part(6, 10))),
        // Hong Kong, whose check digit is in brackets
        "a9999999" | "a999999a" if is_closed => {
            let value = |part: char| if part == 'a' { 10 } else { part.to_digit(10).unwrap_or(0) };
            let letter = code.chars().next().and_then(|letter| letter.to_digit(36)).unwrap_or(0);
            let rest: u32 =
                code.chars().skip(1).map(value).zip([7, 6, 5, 4, 3, 2, 1]).map(|(digit, weight)| digit * weight).sum();
            (36 * 9 + letter * 8 + rest).is_multiple_of(11)
        }
        // Taiwan
        "a999999999" => {
            let letter = "abcdefghjklmnpqrstuvxywzio".find(part(0, 1)).map_or(0, |at| at as u32 + 10);
            let sum = letter / 10 + letter % 10 * 9 + weighted(part(1, 10), &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
            is_whole && matches!(part(1, 2), "1" | "2") && sum.is_multiple_of(10)
        }
        // Mexico
        "aaaa999999aaaaaa99" | "aaaa999999aaaaaaa9" => {
            is_year_month_day(part(4, 10)) && matches!(part(10, 11), "h" | "m" | "x") && is_mexican(code)
        }
        // China
        "99999999999999999a" => is_chinese(code),
        // France: Corsica counts as 19 and 18
        _ if code.len() == 15 && matches!(part(5, 7), "2a" | "2b") => {
            let number = format!("{}{}{}", part(0, 5), if part(5, 7) == "2a" { "19" } else { "18" }, part(7, 13));
            number.parse::<u64>().is_ok_and(|number| 97 - number % 97 == part(13, 15).parse().unwrap_or(0))
        }
        _ => code.len() == 16 && is_italian(code),
    }
}

fn is_irish(code: &str) -> bool {
    let letter = |at: usize| {
        code.chars().nth(at).and_then(|letter| letter.to_digit(36)).map_or(0, |value| value.saturating_sub(9))
    };
    let sum = weighted(code.get(..7).unwrap_or_default(), &[8, 7, 6, 5, 4, 3, 2]) + letter(8) * 9;
    code.len() >= 8 && code.bytes().take(7).all(|byte| byte.is_ascii_digit()) && sum % 23 == letter(7) % 23
}

fn is_singaporean(code: &str) -> bool {
    let sum = weighted(code.get(1..8).unwrap_or_default(), &[2, 7, 6, 5, 4, 3, 2]);
    let (letters, offset) = match code.get(..1) {
        Some("s") => ("jzihgfedcba", 0),
        Some("t") => ("jzihgfedcba", 4),
        Some("f") => ("xwutrqpnmlk", 0),
        Some("g") => ("xwutrqpnmlk", 4),
        _ => return false,
    };
    letters.chars().nth((sum + offset) as usize % 11) == code.chars().next_back()
}

fn is_mexican(code: &str) -> bool {
    // The alphabet has an Ñ behind its N.
    let value = |part: char| part.to_digit(36).map_or(0, |value| if value > 23 { value + 1 } else { value });
    let sum: u32 = code.chars().take(17).zip(0..).map(|(part, at)| value(part) * (18 - at)).sum();
    (10 - sum % 10) % 10 == last(code)
}

/// Codice fiscale (Decreto ministeriale 12 March 1974), including the variant with letters in place of digits that
/// distinguishes two people with the same code.
fn is_italian(code: &str) -> bool {
    let is_digit = |part: char| part.is_ascii_digit() || "lmnpqrstuv".contains(part);
    let fits = code.chars().enumerate().all(|(at, part)| match at {
        0..=5 | 11 | 15 => part.is_ascii_lowercase(),
        8 => "abcdehlmprst".contains(part),
        _ => is_digit(part),
    });
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let index = |part: char| part.to_digit(36).map_or(0, |value| if value > 9 { value - 10 } else { value });
    let value = |(at, part): (usize, char)| match at % 2 {
        // Counted from one, the odd places.
        0 => ODD.get(index(part) as usize).copied().unwrap_or(0),
        _ => index(part),
    };
    let sum: u32 = code.chars().take(15).enumerate().map(value).sum();
    fits && code.chars().next_back().map(index) == Some(sum % 26)
}

/// A Finnish number: day, month and year, a sign for the century, three digits and a check character.
fn is_finnish(code: &str) -> bool {
    let (Some(date), Some(sign), Some(serial), Some(check)) =
        (code.get(..6), code.get(6..7), code.get(7..10), code.get(10..11))
    else {
        return false;
    };
    let Ok(number) = format!("{date}{serial}").parse::<usize>() else { return false };
    "-+abcdefuvwxy".contains(sign)
        && is_day_month_year(date)
        && "0123456789abcdefhjklmnprstuvwxy".get(number % 31..=number % 31) == Some(check)
}
