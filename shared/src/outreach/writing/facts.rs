//! Checks what a text names against the known facts: numbers, links, addresses and people.

use serde_json::Value;
use std::collections::BTreeSet;

/// The known facts, indexed.
pub(super) struct Known {
    pub(super) text: String,
    pub(super) words: BTreeSet<String>,
    pub(super) numbers: BTreeSet<String>,
}

impl Known {
    pub(super) fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words = lower.split(|end: char| !end.is_alphanumeric()).filter(|word| !word.is_empty());
        let words = words.map(|word| stem(word).to_owned()).collect();
        let all = numbers(text).into_iter();
        let numbers =
            all.flat_map(|number| number.split('.').map(str::to_owned).chain([number.clone()]).collect::<Vec<_>>());
        Self { words, numbers: numbers.collect(), text: lower }
    }

    /// Whether a word is known, in any English form. Of a compound every part has to be known.
    pub(super) fn has_word(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let mut parts = stem(&word).split(|end: char| !end.is_alphanumeric()).filter(|part| !part.is_empty());
        parts.all(|part| self.words.contains(stem(part)))
    }

    /// A number, or a date by its parts.
    pub(super) fn has_number(&self, number: &str) -> bool {
        self.numbers.contains(number)
            || number.split('.').count() == 3 && number.split('.').all(|part| self.numbers.contains(part))
    }

    /// An address or a link as a whole, with or without what usually stands before it.
    pub(super) fn has_address(&self, address: &str) -> bool {
        let address = address.to_lowercase();
        let bare = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")).unwrap_or(&address);
        let bare = bare.strip_prefix("www.").unwrap_or(bare);
        let is_part = |part: char| part.is_alphanumeric() || matches!(part, '.' | '-' | '_' | '@');
        self.text.match_indices(bare).any(|(at, found)| {
            let before = self.text[..at].strip_suffix("www.").unwrap_or(&self.text[..at]);
            let goes_on = self.text[at + found.len()..].chars().next().is_some_and(|next| next.is_alphanumeric());
            !before.ends_with(is_part) && !goes_on
        })
    }
}

/// All texts and numbers of a JSON document as one text, each on its own line.
pub fn said(document: &Value) -> String {
    match document {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(values) => values.iter().map(said).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => fields.values().map(said).collect::<Vec<_>>().join("\n"),
        Value::Bool(_) | Value::Null => String::new(),
    }
}

/// The numbers in a text, without what separates thousands and without leading zeros: `$5,000`, `5k` and
/// `5000` are the same number, `4.5` and `45` are not. What counts nothing is none: minutes, `Q1`, `24/7`,
/// and the numbers of a list.
pub(super) fn numbers(text: &str) -> Vec<String> {
    let is_part = |character: char| character.is_ascii_digit() || matches!(character, ',' | '.' | '\u{a0}');
    let mut found: Vec<(String, &str)> = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find(|character: char| character.is_ascii_digit()).map(|at| from + at) {
        let end = text[start..].find(|character| !is_part(character)).map_or(text.len(), |length| start + length);
        from = end;
        let (before, after) = (&text[..start], &text[end..]);
        let digits = &text[start..end];
        let in_list = (before.is_empty() || before.ends_with('\n'))
            && digits.len() < 4
            && (digits.ends_with('.') && after.starts_with(' ') || after.starts_with(')'));
        let is_idiom = match digits {
            "24" => after.starts_with("/7"),
            "7" => before.ends_with("24/"),
            "1" => after.starts_with(":1") || before.ends_with("1:"),
            _ => false,
        };
        if in_list || is_idiom || before.ends_with(char::is_alphabetic) {
            continue;
        }
        let thousands = after.starts_with(['k', 'K']) && !after[1..].starts_with(char::is_alphabetic);
        found.push((number(digits) + if thousands { "000" } else { "" }, after));
    }
    // From the last: of "10 to 15 minutes" both are minutes.
    let mut numbers = Vec::new();
    let mut next_is_minutes = false;
    for (number, after) in found.into_iter().rev() {
        let unit = after.trim_start_matches([' ', '-', '–', '\u{a0}']).to_lowercase();
        let is_range = unit.starts_with(|digit: char| digit.is_ascii_digit())
            || ["to ", "bis ", "a ", "à ", "or ", "oder ", "o ", "ou "].iter().any(|word| {
                unit.strip_prefix(word).is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
            });
        next_is_minutes = unit.starts_with("min") || is_range && next_is_minutes;
        if !next_is_minutes {
            numbers.push(number);
        }
    }
    numbers.reverse();
    numbers
}

/// One number: three digits behind a separator are thousands, anything else are decimals, or the parts of
/// a date.
pub(super) fn number(text: &str) -> String {
    let without_zeros = |digits: &str| match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    };
    let groups: Vec<_> = text.split([',', '.', '\u{a0}']).filter(|digits| !digits.is_empty()).collect();
    if let [day, month, year] = groups[..]
        && day.len() < 3
        && month.len() < 3
        && matches!(year.len(), 2 | 4)
    {
        return [day, month, year].map(without_zeros).join(".");
    }
    let mut groups = groups.into_iter();
    let mut number = without_zeros(groups.next().unwrap_or_default());
    for digits in groups {
        match digits.len() {
            3 => number.push_str(digits),
            _ => number.extend([".", digits.trim_end_matches('0')]),
        }
    }
    number.trim_end_matches('.').to_owned()
}

/// The e-mail addresses, links and domains in a text.
pub fn addresses(text: &str) -> impl Iterator<Item = String> {
    let trimmed = |word: &str| word.trim_matches(|end: char| !end.is_alphanumeric()).to_owned();
    let is_address = |word: &String| word.contains('@') || word.contains("://") || is_domain(word);
    text.split_whitespace().map(trimmed).filter(is_address)
}

/// Whether a word is a domain, with or without a path: `acme.com/demo`, and neither `e.g` nor `4.5`.
pub(super) fn is_domain(word: &str) -> bool {
    let host = word.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let Some((name, top)) = host.rsplit_once('.') else { return false };
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|character| character.is_alphanumeric() || character == '-')
    };
    // A capital begins a sentence after which the space is missing.
    top.len() > 1 && top.chars().all(char::is_lowercase) && name.len() > 1 && name.split('.').all(is_label)
}

/// The name in a message's greeting, in the most common languages. A title is not a name.
pub(super) fn greeted(message: &str) -> Option<&str> {
    const GREETINGS: [&str; 14] = [
        "hi", "hello", "hey", "dear", "hallo", "liebe", "lieber", "hola", "bonjour", "salut", "ciao", "olá", "oi",
        "estimada",
    ];
    const TITLES: [&str; 17] = [
        "mr", "mrs", "ms", "miss", "dr", "prof", "herr", "herrn", "frau", "sr", "sra", "señor", "señora", "senhor",
        "senhora", "madame", "monsieur",
    ];
    const EVERYBODY: [&str; 8] = ["there", "again", "everyone", "all", "team", "zusammen", "and", "from"];
    let mut words = message.split_whitespace();
    let greeting = words.next()?;
    // "Hi!" ends before whatever comes next.
    if !GREETINGS.contains(&greeting.to_lowercase().as_str()) {
        return None;
    }
    let name = words
        .map(|word| word.trim_matches(|end: char| !end.is_alphanumeric()))
        .find(|word| !TITLES.contains(&word.to_lowercase().as_str()))?;
    let is_name = name.chars().next().is_some_and(char::is_uppercase)
        && name.chars().count() > 1
        && !name.contains(['\'', '’'])
        && !EVERYBODY.contains(&name.to_lowercase().as_str());
    is_name.then_some(name)
}

/// A word without its English ending: `directors` and `director's` become `director`.
pub(super) fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
    word.strip_suffix('s').filter(|stem| stem.len() > 3).unwrap_or(word)
}

/// The names in a text, as far as capital letters show them: two or more capitalised words in a row within a sentence.
/// In German they show nothing, because every noun has one.
pub(super) fn names(text: &str) -> impl Iterator<Item = String> {
    const GERMAN: [&str; 20] = [
        "und", "für", "mit", "wir", "Sie", "Ihr", "Ihre", "Ihren", "Ihnen", "ist", "eine", "einen", "nicht", "haben",
        "du", "dein", "diese", "wie", "von", "auf",
    ];
    let is_german = text.split(|end: char| !end.is_alphabetic()).any(|word| GERMAN.contains(&word));
    text.lines().filter(move |_| !is_german).flat_map(names_in_line)
}

pub(super) fn names_in_line(line: &str) -> impl Iterator<Item = String> {
    let mut names = Vec::new();
    let mut name: Vec<&str> = Vec::new();
    let mut starts_sentence = true;
    for word in line.split_whitespace() {
        let bare = word.trim_matches(|end: char| !end.is_alphanumeric());
        let is_capital = bare.chars().next().is_some_and(char::is_uppercase)
            && bare.chars().any(char::is_lowercase)
            && !["I'", "I’"].iter().any(|i| bare.starts_with(i));
        let ends_phrase = word.ends_with(|end: char| !end.is_alphanumeric());
        if is_capital && !starts_sentence {
            name.push(bare);
        }
        if (!is_capital || ends_phrase) && !name.is_empty() {
            names.push(std::mem::take(&mut name));
        }
        starts_sentence = word.ends_with(['.', '!', '?', ':']) || bare.is_empty();
    }
    names.push(name);
    names.into_iter().filter(|name| name.len() > 1).map(|name| name.join(" "))
}
