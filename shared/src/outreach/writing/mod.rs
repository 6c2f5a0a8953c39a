//! What is written to a lead: one message for each medium, and the rules that every one keeps before a
//! person sees it. It has the medium's form, no placeholder is left in it, and what it names is known.

use crate::base::channel::Medium;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Written {
    /// Subject line or headline.
    pub title: String,
    /// The main content.
    pub message: String,
    /// The sales strategy that it follows.
    pub strategy: String,
}

/// A message for each medium that something was written for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Messages {
    /// The e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Written>,
    /// The WhatsApp message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp: Option<Written>,
    /// The notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<Written>,
    /// The banner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Written>,
}

impl Messages {
    /// The message for a medium.
    pub fn of(&self, medium: Medium) -> Option<&Written> {
        self.slot(medium).as_ref()
    }

    /// Every message, in the document's order.
    pub fn iter(&self) -> impl Iterator<Item = (Medium, &Written)> {
        Medium::ALL.into_iter().filter_map(|medium| self.of(medium).map(|written| (medium, written)))
    }

    /// Sets or removes the message for a medium.
    pub fn set(&mut self, medium: Medium, written: Option<Written>) {
        *match medium {
            Medium::Email => &mut self.email,
            Medium::Whatsapp => &mut self.whatsapp,
            Medium::Notification => &mut self.notification,
            Medium::Web => &mut self.web,
        } = written;
    }

    fn slot(&self, medium: Medium) -> &Option<Written> {
        match medium {
            Medium::Email => &self.email,
            Medium::Whatsapp => &self.whatsapp,
            Medium::Notification => &self.notification,
            Medium::Web => &self.web,
        }
    }

    /// Everything that they say, as one text.
    pub fn text(&self) -> String {
        let texts = self.iter().flat_map(|(_, written)| [written.title.as_str(), written.message.as_str()]);
        texts.collect::<Vec<_>>().join("\n")
    }
}

impl Written {
    /// What is wrong with it as a message for `medium` to somebody of whom `known` is known, told to whoever
    /// wrote it.
    pub fn fault(&self, medium: Medium, known: &str) -> Option<String> {
        let (title, message) = (self.title.trim(), self.message.trim());
        let (most_title, most_message) = medium.limits();
        if [title, message, self.strategy.trim()].contains(&"") {
            return Some("its title, its message or its strategy is empty".to_owned());
        }
        if title.contains('\n') || title.chars().count() > most_title {
            return Some(format!("its title must be one line of at most {most_title} characters"));
        }
        if message.chars().count() > most_message {
            return Some(format!("its message must have at most {most_message} characters"));
        }
        if medium != Medium::Email && message.contains('\n') {
            return Some("its message must be one paragraph, without line breaks".to_owned());
        }
        if let Some(left) = placeholder(title).or_else(|| placeholder(message)) {
            return Some(format!("it holds the placeholder {left}; write what it stands for, or do without"));
        }
        let invented = self.invention(known)?;
        Some(format!("it names {invented}, which is not among the facts"))
    }

    /// Something that it names and `known` does not hold: a number, an address, a link, whom it greets, or a
    /// name of several words. Minutes are no fact of the lead's: they propose how long a call takes.
    fn invention(&self, known: &str) -> Option<String> {
        let known = Known::new(known);
        for text in [&self.title, &self.message] {
            let number = numbers(text).into_iter().find(|number| !known.has_number(number));
            let unknown = number.or_else(|| addresses(text).find(|address| !known.has_address(address)));
            if unknown.is_some() {
                return unknown;
            }
        }
        if let Some(greeted) = greeted(&self.message).filter(|name| !known.has_word(name)) {
            return Some(greeted.to_owned());
        }
        // In a title every word may have a capital.
        names(&self.message).find(|name| !name.split(' ').any(|word| known.has_word(word)))
    }

    /// Something that `before` said of the lead, and this does not say any more: whom it greets, a number, an
    /// address or a link.
    pub fn dropped(&self, before: &Self) -> Option<String> {
        let both = Known::new(&[self.title.as_str(), &self.message].join("\n"));
        let number = numbers(&before.message).into_iter().find(|number| !both.has_number(number));
        let dropped = number.or_else(|| addresses(&before.message).find(|address| !both.has_address(address)));
        dropped.or_else(|| greeted(&before.message).filter(|name| !both.has_word(name)).map(str::to_owned))
    }
}

/// What is known, for looking things up.
struct Known {
    text: String,
    words: BTreeSet<String>,
    numbers: BTreeSet<String>,
}

impl Known {
    fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words = lower.split(|end: char| !end.is_alphanumeric()).filter(|word| !word.is_empty());
        let words = words.map(|word| stem(word).to_owned()).collect();
        let all = numbers(text).into_iter();
        let numbers =
            all.flat_map(|number| number.split('.').map(str::to_owned).chain([number.clone()]).collect::<Vec<_>>());
        Self { words, numbers: numbers.collect(), text: lower }
    }

    /// A word, in any of the forms that English gives it; of several in one, every one.
    fn has_word(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let mut parts = stem(&word).split(|end: char| !end.is_alphanumeric()).filter(|part| !part.is_empty());
        parts.all(|part| self.words.contains(stem(part)))
    }

    /// A number, or a date by its parts.
    fn has_number(&self, number: &str) -> bool {
        self.numbers.contains(number)
            || number.split('.').count() == 3 && number.split('.').all(|part| self.numbers.contains(part))
    }

    /// An address or a link as a whole, with or without what usually stands before it.
    fn has_address(&self, address: &str) -> bool {
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

/// Everything that a JSON document says, as one text: its texts and numbers, each in a line of its own.
pub fn said(document: &Value) -> String {
    match document {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(values) => values.iter().map(said).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => fields.values().map(said).collect::<Vec<_>>().join("\n"),
        Value::Bool(_) | Value::Null => String::new(),
    }
}

/// A placeholder, bracket or template variable in a text: `[Name]`, `{{name}}`, `{name}`, `<name>`,
/// `%NAME%`, `$NAME`, `XXX` or a blank to fill in.
pub fn placeholder(text: &str) -> Option<String> {
    // Up to where it ends, if that is soon.
    let shown = |at: usize| {
        let some: Vec<char> = text[at..].chars().take(24).collect();
        let end = some.iter().skip(1).position(|end| matches!(end, ']' | '}' | '>' | '%'));
        some.iter().take(end.map_or(some.len(), |end| end + 2)).collect::<String>()
    };
    if let Some(at) = text.find(['[', ']', '{', '}']) {
        return Some(shown(at));
    }
    for blank in ["__", "XXX", "*|", "<%", "%%"] {
        if let Some(at) = text.find(blank) {
            return Some(shown(at));
        }
    }
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let rest = &bytes[at + 1..];
        let closed_by = |close: u8| {
            let name = rest
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ' | b'.'));
            let length = name.count();
            (1..=40).contains(&length) && rest.get(length) == Some(&close)
        };
        let is_variable = match byte {
            b'<' => is_letter(rest.first()) && closed_by(b'>'),
            // In a link, `%C3%BC` is a letter.
            b'%' => is_letter(rest.first()) && closed_by(b'%') && rest.get(2) != Some(&b'%'),
            b'$' => is_letter(rest.first()),
            _ => false,
        };
        if is_variable {
            return Some(shown(at));
        }
    }
    None
}

/// The numbers in a text, without what separates thousands and without leading zeros: `$5,000`, `5k` and
/// `5000` are the same number, `4.5` and `45` are not. What counts nothing is none: minutes, `Q1`, `24/7`,
/// and the numbers of a list.
fn numbers(text: &str) -> Vec<String> {
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
fn number(text: &str) -> String {
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
fn is_domain(word: &str) -> bool {
    let host = word.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let Some((name, top)) = host.rsplit_once('.') else { return false };
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|character| character.is_alphanumeric() || character == '-')
    };
    // A capital begins a sentence after which the space is missing.
    top.len() > 1 && top.chars().all(char::is_lowercase) && name.len() > 1 && name.split('.').all(is_label)
}

/// Whom a message greets by name, in the languages that are most written; a title is no name.
fn greeted(message: &str) -> Option<&str> {
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

/// A word without what English puts behind it: `directors` and `director's` are a director's.
fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
    word.strip_suffix('s').filter(|stem| stem.len() > 3).unwrap_or(word)
}

/// The names in a text, as far as capitals tell them: two or more capitalised words in a row within a
/// sentence. In German they tell nothing, because every noun has one.
fn names(text: &str) -> impl Iterator<Item = String> {
    const GERMAN: [&str; 20] = [
        "und", "für", "mit", "wir", "Sie", "Ihr", "Ihre", "Ihren", "Ihnen", "ist", "eine", "einen", "nicht", "haben",
        "du", "dein", "diese", "wie", "von", "auf",
    ];
    let is_german = text.split(|end: char| !end.is_alphabetic()).any(|word| GERMAN.contains(&word));
    text.lines().filter(move |_| !is_german).flat_map(names_in_line)
}

fn names_in_line(line: &str) -> impl Iterator<Item = String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(title: &str, message: &str) -> Written {
        Written { title: title.to_owned(), message: message.to_owned(), strategy: "help".to_owned() }
    }

    #[test]
    fn placeholders_are_found_and_prices_and_comparisons_are_not() {
        for text in [
            "Hi [Name]",
            "Hi {{first_name}}",
            "{name}",
            "Dear <first name>,",
            "Hi %FIRST_NAME%",
            "Hi $name",
            "On ____",
            "call me at XXX",
            "a ] b",
        ] {
            assert!(placeholder(text).is_some(), "{text}");
        }
        for text in [
            "Hi Jane, $5,000 is 10% less",
            "https://acme.com/%C3%BCber",
            "«automatización»",
            "5 < 6 and 7 > 6",
            "I <3 this",
            "100% of 50% off",
            "A/B & C",
        ] {
            assert_eq!(placeholder(text), None, "{text}");
        }
    }

    #[test]
    fn each_medium_has_its_form() {
        let fine = written("About your question", "Hi Jane! Do you have ten minutes this week?");
        assert!(Medium::ALL.iter().all(|medium| fine.fault(*medium, "Jane").is_none()));
        let letter = written("About your question", "Hi Jane,\n\nthank you.");
        assert_eq!(letter.fault(Medium::Email, "Jane"), None);
        for medium in [Medium::Whatsapp, Medium::Notification, Medium::Web] {
            assert!(letter.fault(medium, "Jane").is_some_and(|fault| fault.contains("line breaks")), "{medium:?}");
            assert!(written("t", &"x".repeat(701)).fault(medium, "").is_some(), "{medium:?}");
        }
        assert!(written("a\nb", "m").fault(Medium::Email, "").is_some());
        assert!(written(" ", "m").fault(Medium::Email, "").is_some());
        assert!(written("t", "Hi {name}").fault(Medium::Email, "").is_some_and(|fault| fault.contains("{name}")));
    }

    #[test]
    fn what_a_draft_says_of_the_lead_is_not_dropped() {
        let draft = written("t", "Hi Jane, your $5,000 fit. See https://acme.com, in 15 minutes.");
        for kept in ["Hello Jane! $5000 fit: acme.com", "acme.com fits $5k, Jane"] {
            assert_eq!(written("t", kept).dropped(&draft), None, "{kept}");
        }
        for (refined, dropped) in [
            ("Hi Jane, see acme.com", "5000"),
            ("Hi Jane, $5,000 fit", "https://acme.com"),
            ("Hello! $5,000 fit, see acme.com", "Jane"),
        ] {
            assert_eq!(written("t", refined).dropped(&draft).as_deref(), Some(dropped), "{refined}");
        }
    }

    #[test]
    fn what_is_named_has_to_be_known() {
        let known = r#"{"since": "2024-04-05", "name": "Jane Smith", "company": "Acme Inc.", "budget": "$5000-$10000", "site": "https://acme.com"}"#;
        for message in [
            "Hi Jane, your budget of $5,000 at Acme Inc. fits.",
            "See https://acme.com. Jane Smith asked.",
            "No facts at all! Every Sentence? Starts well.",
            "Hi Jane\n\nThank you for Acme Inc's question about Jane Smiths.",
            "Hi there! Do you have 15 minutes, e.g. today, for a 10-minute call?",
            "1. Acme Inc. is B2B, 24/7 and in Q3. Meet 1:1 for 10-15 minutes, or 20 to 30 minutes?\n2) www.acme.com",
            "Your $5k, and the $10K. Since 05.04.2024, or April 5, or 4/5/2024.",
            "Dear Ms. Smith, hello",
            "Hi I'm Robin",
            "Hello. Peter is not greeted here.Nor is there a domain, at acme.com",
            "It costs $5.000,00 or $10\u{a0}000",
        ] {
            assert_eq!(written("About Acme", message).invention(known), None, "{message}");
        }
        for message in [
            "Hallo Jane, vielen Dank für Ihre Nachricht. Passt Ihnen Donnerstag?",
            "Liebe Frau Smith, hättest du am 5. April 15 Minuten Zeit? Damit sparen Sie Zeit. Ein 15-minütiges Gespräch.",
            "Hola Sra. Smith, ¿tiene 15 minutitos el 5 de abril?",
            "Olá Jane, você tem 10 a 15 minutinhos?",
            "Bonjour Madame Smith, avez-vous 15 minutes ?",
        ] {
            assert_eq!(written("About Acme", message).invention(known), None, "{message}");
        }
        for (message, invented) in [
            ("Hi Jan, hello", "Jan"),
            ("See me.com", "me.com"),
            ("See acme.com.evil.example", "acme.com.evil.example"),
            ("On 06.04.2024", "6.4.2024"),
            ("Half of it, $3k", "3000"),
            ("It saves 15 hours", "15"),
            ("Write to sales@other.example today", "sales@other.example"),
            ("See https://evil.example/x", "https://evil.example/x"),
            ("I talked to Peter Miller about it", "Peter Miller"),
            ("Book at calendly.example/acme, please", "calendly.example/acme"),
            ("Hi Peter, how are you?", "Peter"),
            ("Half of it, $500", "500"),
            ("It grows by 4.5% a year", "4.5"),
        ] {
            assert_eq!(written("About Acme", message).invention(known).as_deref(), Some(invented), "{message}");
        }
    }
}
