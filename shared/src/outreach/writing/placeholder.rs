//! Placeholders that a template leaves in a text.

use super::facts::GREETINGS;
use super::plain;
use super::slots::{ALONE, HEADLINE, INSTRUCTED, INSTRUCTIONS, PHRASES, SLOTS, VARIABLE};

/// The maximum length of what is shown of a placeholder, in characters.
const SHOWN: usize = 24;

/// The maximum length of what stands in brackets of a placeholder, in characters.
const LONGEST: usize = 80;

/// Marks of template languages that stand in no other text.
const MARKS: [&str; 12] = ["{{", "}}", "{%", "<%", "*|", "|*", "%%", "${", "#{", "[[", "]]", "__"];

/// Signs that Japanese writers leave for a name or a number.
const BLANKS: [char; 6] = ['○', '〇', '◯', '△', '×', '●'];

/// Values that a template shows for a name that is missing.
const MISSING: [&str; 5] = ["undefined", "null", "none", "nan", "n/a"];

/// The names of currencies that stand beside a dollar sign.
const DOLLARS: [&str; 14] =
    ["US", "USD", "CA", "CAD", "AU", "AUD", "NZ", "NZD", "HK", "HKD", "SG", "SGD", "MXN", "BRL"];

/// The first placeholder in a text: a bracket or variable of a template, a blank to fill in, or a phrase that stands
/// for what is missing.
pub fn placeholder(text: &str) -> Option<String> {
    placeholders(&plain(text)).into_iter().next()
}

/// All placeholders in a plain text, each as far as it is shown.
pub(in crate::outreach) fn placeholders(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut found = bracketed(text);
    // A link may hold such characters itself.
    let mut words = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        if !word.contains("://") {
            words.push_str(word);
        }
    }
    for mark in MARKS {
        let inside = if mark == "__" { &words } else { text };
        found.extend(inside.find(mark).map(|at| shown(&inside[at..])));
    }
    found.extend(PHRASES.iter().filter(|phrase| lower.contains(**phrase)).map(|phrase| (*phrase).to_owned()));
    found.extend(words.split_whitespace().filter(|word| is_blank(word) || is_variable(word)).map(shown));
    found.extend(signed(&words));
    found.extend(missing(&lower));
    found
}

/// The beginning of a text, up to where a bracket or a word ends.
fn shown(text: &str) -> String {
    let some: Vec<char> = text.chars().take(SHOWN).collect();
    let end = some.iter().skip(1).position(|end| matches!(end, ']' | '}' | '>' | ')' | '】' | '〕'));
    some.iter().take(end.map_or(some.len(), |end| end + 2)).collect()
}

/// Whether a text in brackets stands for something that is to be filled in.
pub(in crate::outreach) fn is_slot(content: &str) -> bool {
    let lower = content.to_lowercase();
    let mut words = lower.split(|end: char| end.is_whitespace() || end.is_ascii_punctuation());
    words.any(|word| SLOTS.contains(&word))
}

/// The brackets of a text that hold a placeholder. Square and curly ones do unless it is clear that they do not.
fn bracketed(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, open) in text.char_indices() {
        let rest = &text[at + open.len_utf8()..];
        let inside = |close: char| -> Option<&str> {
            let line = rest.lines().next().unwrap_or_default();
            let end = line.char_indices().take(LONGEST).find(|(_, end)| *end == close)?.0;
            Some(&line[..end])
        };
        let in_headline = |content: &str| HEADLINE.iter().any(|slot| content.contains(slot));
        let has_words = |content: &str| content.chars().any(char::is_alphabetic);
        let is_placeholder = match open {
            '[' => inside(']').is_none_or(|content| {
                let link = rest[content.len()..].starts_with("](http");
                !(is_reference(content) || link && !is_slot(content))
            }),
            '{' => inside('}').is_none_or(|content| content.trim().is_empty() || has_words(content)),
            '<' => inside('>').is_some_and(|content| {
                let is_part = |part: char| part.is_alphanumeric() || "_-. /'".contains(part) || !part.is_ascii();
                content.starts_with(|first: char| first.is_alphabetic() || first == '<' || first == '/')
                    && content.trim_start_matches('<').chars().all(is_part)
            }),
            '(' => inside(')').is_some_and(|content| {
                let content = content.trim().to_lowercase();
                ALONE.contains(&content.as_str())
                    || INSTRUCTIONS.iter().any(|words| content.starts_with(words))
                    || INSTRUCTED.iter().any(|words| content.ends_with(words))
            }),
            '【' => inside('】').is_some_and(in_headline),
            '〔' => inside('〕').is_some_and(in_headline),
            '«' => inside('»').is_some_and(|content| SLOTS.contains(&content.trim().to_lowercase().as_str())),
            // Closing ones that nothing opened.
            ']' => !text[..at].contains('['),
            '}' => !text[..at].contains('{') && !text[..at].ends_with([':', ';', '-']),
            _ => false,
        };
        if is_placeholder {
            found.push(shown(&text[at..]));
        }
    }
    found
}

/// Whether square brackets hold a footnote, an omission, the number of a ticket or a kind of file.
fn is_reference(content: &str) -> bool {
    const KINDS: [&str; 9] = ["sic", "...", "…", "pdf", "video", "webinar", "external", "extern", "externe"];
    let content = content.trim().to_lowercase();
    let is_number = content.chars().any(|part| part.is_ascii_digit())
        && content.chars().all(|part| part.is_ascii_digit() || ", -–".contains(part));
    let is_ticket = content.split_once(['#', '-', ':']).is_some_and(|(before, number)| {
        let number = number.trim();
        before.trim().chars().all(char::is_alphabetic)
            && number.len() > 1
            && number.bytes().all(|digit| digit.is_ascii_digit())
    });
    is_number || is_ticket || KINDS.contains(&content.as_str())
}

/// Whether a word is a blank, such as `XXX`, `xx/xx/xxxx` or `$XX`.
fn is_blank(word: &str) -> bool {
    let bare = word.trim_matches(|end: char| end.is_ascii_punctuation() && !matches!(end, '$' | '%'));
    let letters: Vec<char> = bare.chars().filter(|part| part.is_alphanumeric()).collect();
    let others = bare.chars().count() - letters.len();
    let is_unknown = letters.iter().all(|letter| matches!(letter, 'x' | 'X'));
    let in_a_row = |sign: char| {
        let at = word.find(&format!("{sign}{sign}"));
        at.is_some_and(|at| !word[..at].ends_with(|before: char| "一二三四五六七八九十〇".contains(before)))
    };
    is_unknown && (letters.len() > 2 || others > 0 && bare.to_lowercase().contains("xx"))
        || BLANKS.into_iter().any(in_a_row)
}

/// Whether a word is the name of a variable, such as `first_name`.
fn is_variable(word: &str) -> bool {
    let bare = word.trim_matches(|end: char| end.is_ascii_punctuation() && end != '_').to_lowercase();
    let parts: Vec<&str> = bare.split('_').filter(|part| !part.is_empty()).collect();
    let is_name = matches!(parts[..], ["firstname" | "lastname" | "companyname" | "yourname"]);
    is_name || bare.contains('_') && parts.len() > 1 && parts.iter().all(|part| VARIABLE.contains(part))
}

/// Variables behind a sign: `%NAME%`, `%s`, `$name`.
fn signed(text: &str) -> Option<String> {
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let is_sign = |(_, (_, sign)): &(usize, &(usize, char))| matches!(sign, '%' | '$');
    for (index, (at, sign)) in characters.iter().enumerate().filter(is_sign) {
        let rest: Vec<char> = characters[index + 1..].iter().map(|(_, next)| *next).take(LONGEST).collect();
        let is_part = |part: &&char| part.is_alphanumeric() || matches!(part, '_' | '-' | '.');
        let name: String = rest.iter().take_while(is_part).collect();
        let ended = name.trim_end_matches('.');
        let starts = name.starts_with(char::is_alphabetic);
        let before = index.checked_sub(1).map_or(' ', |before| characters[before].1);
        let is_variable = match sign {
            // In a link, `%C3%BC` is a letter.
            '%' => {
                starts && name.chars().count() != 2 && rest.get(name.chars().count()) == Some(&'%')
                    || matches!(ended, "s" | "d") && !before.is_alphanumeric() && before != ' '
                    || ended == "s" && !text[..*at].trim_end().ends_with(|digit: char| digit.is_ascii_digit())
            }
            '$' => starts && !DOLLARS.contains(&name.as_str()),
            _ => false,
        };
        if is_variable {
            return Some(shown(&text[*at..]));
        }
    }
    None
}

/// A greeting of nobody, such as "Hi undefined".
fn missing(lower: &str) -> Option<String> {
    let mut words = lower.split_whitespace().map(|word| word.trim_matches([',', '!', '.', ':', '-', '–', '—']));
    let (greeting, name) = (words.next()?, words.next()?);
    (GREETINGS.contains(&greeting) && MISSING.contains(&name)).then(|| format!("{greeting} {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_every_style_and_language_are_found() {
        for text in [
            "Hi [Name]",
            "Hi {{first_name}}, [insert price]",
            "{name}",
            "{ }",
            "Dear <first name>,",
            "Dear <NAME>,",
            "Dear <<Name>>,",
            "Hi %FIRST_NAME%",
            "Hi %FIRSTNAME%",
            "Hi %s, hello",
            "Hi $name",
            "Hi ${name}",
            "Hi #{name}",
            "Hi __name__",
            "Hi first_name",
            "Hi FIRSTNAME",
            "On ____",
            "call me at XXX",
            "It costs $XX",
            "on xx/xx/xxxx",
            "a ] b",
            "Hi *|FNAME|*",
            "Hi <%= name %>",
            "Lorem ipsum dolor sit amet",
            "Regards, your name here",
            "It costs (insert price)",
            "Regards, (your name)",
            "Hi undefined, hello",
            "Hi [First\u{200b} Name]",
            "Hi ［Name］, ｛｛name｝｝",
            "[Add a line about the product]",
            "Hola [nombre], su precio",
            "Saludos, (su nombre)",
            "Olá {nome}",
            "Bonjour <prénom>",
            "Bonjour «prénom»",
            "Votre nom ici",
            "Hallo [Vorname], (Preis einfügen)",
            "नमस्ते [नाम]",
            "مرحبا [الاسم]",
            "اسمك هنا",
            "Merhaba {ad}",
            "Merhaba <ŞİRKET ADI>",
            "Halo [nama], harga [masukkan harga]",
            "【会社名】様",
            "〇〇様",
            "○○株式会社",
            "（お名前）様",
        ] {
            assert!(placeholder(text).is_some(), "{text}");
        }
    }

    #[test]
    fn prices_comparisons_links_and_references_are_no_placeholders() {
        for text in [
            "Hi Jane, $5,000 is 10% less",
            "US$500, $USD 500 and $CAD 20",
            "https://acme.com/%C3%BCber",
            "https://acme.com/a__b?utm_source=x",
            "«automatización»",
            "5 < 6 and 7 > 6",
            "I <3 this :-}",
            "100% of 50% off, 20% sooner",
            "A/B & C",
            "As the study says [1], and [2, 3]",
            "Re: [Ticket #4711] and [ACME-42]",
            "See the attached plan [PDF]",
            "He said \"[...] we want it\"",
            "a table of {1, 2, 3}",
            "Jane Smith <jane@acme.example>",
            "the plan (see page 3), by name (not by number)",
            "(click here) or (Enter)",
            "a XXL shirt, 10 x 20, Mad Max",
            "二〇〇〇年",
            "【重要】ご案内 【日時】12月3日",
            "The name of the company is in the title",
            "Is none of this useful? Hi there, none taken",
            "[our prices](https://acme.com/prices)",
            "ordered 3 (three) of them",
        ] {
            assert_eq!(placeholder(text), None, "{text}");
        }
    }
}
