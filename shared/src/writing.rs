//! What is written to a lead: one message for each medium, and the rules that every one keeps before a
//! person sees it. It has the medium's form, no placeholder is left in it, and what it names is known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a message appears (seeds/lead-follow-up.md, "Available Channels").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Medium {
    /// An e-mail: a subject line and a body.
    Email,
    /// A WhatsApp message: one short paragraph.
    Whatsapp,
    /// A line within the product.
    Notification,
    /// A banner or popup on the site.
    Web,
}

impl Medium {
    /// Every medium, in the document's order.
    pub const ALL: [Self; 4] = [Self::Email, Self::Whatsapp, Self::Notification, Self::Web];

    /// Its name in requests and responses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Whatsapp => "whatsapp",
            Self::Notification => "notification",
            Self::Web => "web",
        }
    }

    /// Most characters of a title and of a message.
    fn limits(self) -> (usize, usize) {
        match self {
            Self::Email => (150, 5_000),
            Self::Whatsapp => (100, 700),
            Self::Notification => (100, 240),
            Self::Web => (100, 400),
        }
    }
}

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

    /// Something that it names and `known` does not hold: a number, an address, a link, a name of several
    /// words, or whom it greets. Minutes are no fact of the lead's: they propose how long a call takes.
    fn invention(&self, known: &str) -> Option<String> {
        let known_words = known.to_lowercase();
        let known_numbers = numbers(known);
        let is_known = |word: &str| known_words.contains(stem(&word.to_lowercase()));
        for text in [&self.title, &self.message] {
            let number = numbers(text).into_iter().find(|number| !known_numbers.contains(number));
            let unknown = number.or_else(|| addresses(text).find(|named| !known_words.contains(&named.to_lowercase())));
            if unknown.is_some() {
                return unknown;
            }
        }
        if let Some(greeted) = greeted(&self.message).filter(|name| !is_known(name)) {
            return Some(greeted.to_owned());
        }
        // In a title every word may have a capital.
        names(&self.message).find(|name| !name.split(' ').any(is_known))
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
    let shown = |at: usize| text[at..].chars().take(24).collect::<String>();
    if let Some(at) = text.find(['[', ']', '{', '}']) {
        return Some(shown(at));
    }
    for blank in ["__", "XXX", "*|", "<%", "%%", "«", "»"] {
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
            b'%' => is_letter(rest.first()) && closed_by(b'%'),
            b'$' => is_letter(rest.first()),
            _ => false,
        };
        if is_variable {
            return Some(shown(at));
        }
    }
    None
}

/// The numbers in a text, without what separates thousands: `$5,000` and `5000` are the same number, `4.5`
/// and `45` are not. A number of minutes is none.
fn numbers(text: &str) -> Vec<String> {
    let is_part = |character: char| character.is_ascii_digit() || matches!(character, ',' | '.' | '\u{a0}');
    let mut numbers = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let found = &rest[start..];
        let end = found.find(|character| !is_part(character)).unwrap_or(found.len());
        rest = &found[end..];
        let unit = rest.trim_start_matches([' ', '-', '\u{a0}']);
        let unit = unit.split(|end: char| !end.is_alphabetic()).next().unwrap_or_default().to_lowercase();
        if !["min", "mins", "minute", "minutes", "minuten", "minutos", "minuti"].contains(&unit.as_str()) {
            numbers.push(number(&found[..end]));
        }
    }
    numbers
}

/// One number: three digits behind a separator are thousands, anything else are decimals.
fn number(text: &str) -> String {
    let mut groups = text.split([',', '.', '\u{a0}']).filter(|digits| !digits.is_empty());
    let mut number = groups.next().unwrap_or_default().to_owned();
    for digits in groups {
        match digits.len() {
            3 => number.push_str(digits),
            _ => number.extend([".", digits.trim_end_matches('0')]),
        }
    }
    number.trim_end_matches('.').to_owned()
}

/// The e-mail addresses, links and domains in a text.
fn addresses(text: &str) -> impl Iterator<Item = String> {
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

/// Whom a message greets by name, in the languages that are most written.
fn greeted(message: &str) -> Option<&str> {
    const GREETINGS: [&str; 13] =
        ["hi", "hello", "hey", "dear", "hallo", "liebe", "lieber", "hola", "bonjour", "salut", "ciao", "olá", "oi"];
    const EVERYBODY: [&str; 8] = ["there", "again", "everyone", "all", "team", "zusammen", "and", "from"];
    let mut words = message.split_whitespace();
    let first = words.next()?.trim_matches(|end: char| !end.is_alphanumeric()).to_lowercase();
    let name = words.next()?.trim_matches(|end: char| !end.is_alphanumeric());
    let is_name = name.chars().next().is_some_and(char::is_uppercase) && name.chars().count() > 1;
    let is_greeting = GREETINGS.contains(&first.as_str()) && !EVERYBODY.contains(&name.to_lowercase().as_str());
    // "Hi!" ends before whatever comes next.
    let goes_on = message.trim_start().chars().nth(first.chars().count()) == Some(' ');
    (is_greeting && is_name && goes_on).then_some(name)
}

/// A word without what English puts behind it: `directors` and `director's` are a director's.
fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
    word.strip_suffix('s').filter(|stem| stem.len() > 3).unwrap_or(word)
}

/// The names in a text, as far as capitals tell them: two or more capitalised words in a row within a
/// sentence.
fn names(text: &str) -> impl Iterator<Item = String> {
    text.lines().flat_map(names_in_line)
}

fn names_in_line(line: &str) -> impl Iterator<Item = String> {
    let mut names = Vec::new();
    let mut name: Vec<&str> = Vec::new();
    let mut starts_sentence = true;
    for word in line.split_whitespace() {
        let bare = word.trim_matches(|end: char| !end.is_alphanumeric());
        let is_capital = bare.chars().next().is_some_and(char::is_uppercase) && bare.chars().any(char::is_lowercase);
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
        for text in ["Hi Jane, $5,000 is 10% less", "5 < 6 and 7 > 6", "I <3 this", "100% of 50% off", "A/B & C"] {
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
    fn what_is_named_has_to_be_known() {
        let known =
            r#"{"name": "Jane Smith", "company": "Acme Inc.", "budget": "$5000-$10000", "site": "https://acme.com"}"#;
        for message in [
            "Hi Jane, your budget of $5,000 at Acme Inc. fits.",
            "See https://acme.com. Jane Smith asked.",
            "No facts at all! Every Sentence? Starts well.",
            "Hi Jane\n\nThank you for Acme Inc's question about Jane Smiths.",
            "Hi there! Do you have 15 minutes, e.g. today, for a 10-minute call?",
            "Hello. Peter is not greeted here.Nor is there a domain, at acme.com",
            "It costs $5.000,00 or $10\u{a0}000",
        ] {
            assert_eq!(written("About Acme", message).invention(known), None, "{message}");
        }
        for (message, invented) in [
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
