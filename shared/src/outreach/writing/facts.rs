//! Checks what a text names against the known facts: numbers, links, addresses and people.

use super::plain;
use serde_json::Value;
use std::collections::BTreeSet;

/// The known facts, indexed.
#[derive(Clone, Debug, Default)]
pub(in crate::outreach) struct Known {
    text: String,
    words: BTreeSet<String>,
    numbers: BTreeSet<String>,
}

impl Known {
    pub(in crate::outreach) fn new(text: &str) -> Self {
        let mut known = Self::default();
        known.learn(text);
        known
    }

    /// Adds the facts of another text.
    pub(in crate::outreach) fn learn(&mut self, text: &str) {
        let text = plain(text);
        let lower = text.to_lowercase();
        let words = lower.split(|end: char| !end.is_alphanumeric()).filter(|word| !word.is_empty());
        self.words.extend(words.map(|word| stem(word).to_owned()));
        for number in numbers(&text) {
            self.numbers.extend(number.split('.').map(str::to_owned));
            self.numbers.insert(number);
        }
        self.text.push('\n');
        self.text.push_str(&lower);
    }

    /// Whether the texts contain a plain text, in any case.
    pub(in crate::outreach) fn contains(&self, plain: &str) -> bool {
        self.text.contains(&plain.to_lowercase())
    }

    /// Something that a message names and that is not known: a number, an address, a link, the greeted person, or a
    /// name of several words. Minutes are not checked: they propose the length of a call.
    pub(in crate::outreach) fn lacks(&self, text: &str, of: Part) -> Option<String> {
        let text = &plain(text);
        let numbers = match of {
            Part::Title | Part::Message => numbers(text),
            Part::Reason => uncounted(text),
            Part::Label | Part::Answer | Part::Report => amounts(text),
        };
        let unknown = numbers.into_iter().find(|number| !self.has_number(number));
        // A conversation's links are removed where they stand.
        let has_links = !matches!(of, Part::Answer | Part::Report);
        let unknown = unknown.or_else(|| addresses(text).find(|address| has_links && !self.has_address(address)));
        if unknown.is_some() {
            return unknown;
        }
        if of == Part::Message
            && let Some(greeted) = greeted(text).filter(|name| !self.has_word(name))
        {
            return Some(greeted.to_owned());
        }
        // In a title every word may have a capital. A conversation gives general advice too.
        let has_names = matches!(of, Part::Message | Part::Reason | Part::Report);
        names(text).find(|name| has_names && !name.split(' ').any(|word| self.has_word(word)))
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

/// The part that a text plays, which decides what it may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A subject line, headline or name: every word may have a capital.
    Title,
    /// A message to a lead.
    Message,
    /// What is said to a colleague about a lead. It may count days and touches.
    Reason,
    /// A few words for a colleague: a hint when to do something, or the name of a list. Only its prices and links are
    /// facts.
    Label,
    /// What an assistant says in a conversation. Only its prices are facts.
    Answer,
    /// As [`Part::Answer`], about records: it names only people that they name.
    Report,
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

/// A number in a text, and what stands around it.
struct Number<'a> {
    value: String,
    before: &'a str,
    after: &'a str,
}

/// Words that are money, before or after its number.
const CURRENCIES: [&str; 24] = [
    "$", "€", "£", "¥", "₹", "₺", "₩", "円", "eur", "euro", "euros", "usd", "gbp", "chf", "inr", "brl", "try", "idr",
    "jpy", "aed", "sar", "rs", "rp", "tl",
];

/// The beginnings of words that count days or touches, after their number.
const COUNTED: [&str; 52] = [
    "hour",
    "day",
    "week",
    "month",
    "year",
    "e-mail",
    "email",
    "mail",
    "call",
    "meeting",
    "message",
    "repl",
    "touch",
    "attempt",
    "open",
    "click",
    "time",
    "event",
    "interaction",
    "visit",
    "stunde",
    "tag",
    "woche",
    "monat",
    "jahr",
    "anruf",
    "nachricht",
    "hora",
    "día",
    "dia",
    "semana",
    "mes",
    "mês",
    "año",
    "ano",
    "llamada",
    "mensaje",
    "mensagem",
    "heure",
    "jour",
    "semaine",
    "mois",
    "appel",
    "gün",
    "hafta",
    "hari",
    "minggu",
    "日",
    "週",
    "回",
    "दिन",
    "أيام",
];

impl Number<'_> {
    /// Whether it is a sum of money.
    fn is_amount(&self) -> bool {
        let (before, after) = (self.before.trim_end().to_lowercase(), self.after.trim_start().to_lowercase());
        CURRENCIES.iter().any(|money| {
            let is_word = money.starts_with(char::is_alphanumeric);
            let goes_on = |part: Option<char>| is_word && part.is_some_and(joins);
            before.strip_suffix(money).is_some_and(|rest| !goes_on(rest.chars().next_back()))
                || after.strip_prefix(money).is_some_and(|rest| !goes_on(rest.chars().next()))
        })
    }

    /// Whether it counts days or touches.
    fn is_count(&self) -> bool {
        let after = self.after.trim_start_matches(['-', '–', '\u{a0}', ' ']).to_lowercase();
        let words: Vec<_> = after.split_whitespace().take(2).collect();
        let is_counted = |word: &&str| COUNTED.iter().any(|counted| word.starts_with(counted));
        !self.is_amount() && !after.starts_with('%') && self.value.len() < 4 && words.iter().any(is_counted)
    }
}

/// Whether a letter and a following number are one word, such as `Q1`. Chinese and Japanese have no spaces.
fn joins(letter: char) -> bool {
    letter.is_alphabetic() && !matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// The numbers in a text, without what separates thousands and without leading zeros: `$5,000`, `5k` and
/// `5000` are the same number, `4.5` and `45` are not. What counts nothing is none: minutes, `Q1`, `24/7`,
/// and the numbers of a list.
pub(super) fn numbers(text: &str) -> Vec<String> {
    found(text).into_iter().map(|number| number.value).collect()
}

/// The numbers in a text that count neither days nor touches.
fn uncounted(text: &str) -> Vec<String> {
    found(text).into_iter().filter(|number| !number.is_count()).map(|number| number.value).collect()
}

/// The sums of money in a text.
fn amounts(text: &str) -> Vec<String> {
    found(text).into_iter().filter(Number::is_amount).map(|number| number.value).collect()
}

fn found(text: &str) -> Vec<Number<'_>> {
    let is_part = |character: char| character.is_ascii_digit() || matches!(character, ',' | '.' | '\u{a0}');
    let mut found: Vec<Number<'_>> = Vec::new();
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
        let thousands = after.starts_with(['k', 'K']) && !after[1..].starts_with(char::is_alphabetic);
        let value = number(digits) + if thousands { "000" } else { "" };
        let number = Number { value, before, after };
        if in_list || is_idiom || before.ends_with(joins) && !number.is_amount() {
            continue;
        }
        found.push(number);
    }
    // From the last: of "10 to 15 minutes" both are minutes.
    let mut numbers = Vec::new();
    let mut next_is_minutes = false;
    for number in found.into_iter().rev() {
        let unit = number.after.trim_start_matches([' ', '-', '–', '\u{a0}']).to_lowercase();
        let is_range = unit.starts_with(|digit: char| digit.is_ascii_digit())
            || ["to ", "bis ", "a ", "à ", "or ", "oder ", "o ", "ou "].iter().any(|word| {
                unit.strip_prefix(word).is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
            });
        let is_minutes =
            ["min", "menit", "dakika", "dk", "分", "मिनट", "دقيق", "دقائق"].iter().any(|word| unit.starts_with(word));
        next_is_minutes = is_minutes || is_range && next_is_minutes;
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

/// Words that begin a greeting, in the most common languages.
pub(super) const GREETINGS: [&str; 27] = [
    "hi", "hello", "hey", "dear", "hallo", "liebe", "lieber", "sehr", "hola", "estimada", "estimado", "querida",
    "querido", "bonjour", "salut", "cher", "chère", "ciao", "olá", "oi", "prezado", "prezada", "merhaba", "selam",
    "sayın", "halo", "hai",
];

/// The name in a message's greeting, in the most common languages. A title is not a name.
pub(super) fn greeted(message: &str) -> Option<&str> {
    const TITLES: [&str; 23] = [
        "mr", "mrs", "ms", "miss", "dr", "prof", "herr", "herrn", "frau", "sr", "sra", "señor", "señora", "senhor",
        "senhora", "madame", "monsieur", "geehrte", "geehrter", "bapak", "ibu", "bay", "bayan",
    ];
    const EVERYBODY: [&str; 20] = [
        "there", "again", "everyone", "all", "team", "zusammen", "and", "from", "sir", "madam", "damen", "kunde",
        "kundin", "kunden", "todos", "todas", "tous", "equipo", "équipe", "semua",
    ];
    let mut words = message.trim_start().lines().next()?.split_whitespace();
    let greeting = words.next()?;
    // "Hi!" ends before whatever comes next.
    if !GREETINGS.contains(&greeting.to_lowercase().as_str()) {
        return None;
    }
    let mut name = "";
    for word in words {
        name = word.trim_matches(|end: char| !end.is_alphanumeric());
        let is_title = TITLES.contains(&name.to_lowercase().as_str());
        if is_title && word.ends_with([',', '!', ':', ';']) {
            return None;
        }
        if !is_title {
            break;
        }
    }
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
