//! Whether the texts contain a phrase.

/// Whether words hold a value: in its letters and digits, as whole words, whatever the case; of a phone number,
/// its digits in a row.
pub(crate) fn says(words: &str, value: &str) -> bool {
    let value = plain(value);
    if !value.contains(char::is_alphanumeric) {
        return false;
    }
    if value.chars().all(is_number) {
        let digits = digits(&value);
        let runs = words.split(|part: char| !is_number(part)).map(self::digits);
        return runs.into_iter().any(|run| run.starts_with(&digits) || run.ends_with(&digits));
    }
    let words = plain(words);
    let goes_on =
        |part: Option<char>| part.is_some_and(|part| part.is_alphanumeric() || matches!(part, '@' | '_' | '-'));
    words.match_indices(&value).any(|(at, found)| {
        let (before, after) = (&words[..at], &words[at + found.len()..]);
        let mut next = after.chars();
        // A point or an apostrophe goes on only if letters follow it.
        let ends = match next.next() {
            Some('.') => !goes_on(next.next()),
            other => !goes_on(other),
        };
        let mut last = before.chars().rev();
        let begins = match last.next() {
            Some('.') => !goes_on(last.next()),
            other => !goes_on(other),
        };
        ends && begins
    })
}

fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_number(part: char) -> bool {
    part.is_ascii_digit() || "+-() ./".contains(part)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_to_stand_in_the_words_as_it_is() {
        let words =
            "Set Jane  Smith's phone to (202) 555-0142, e-mail Jane@Acme.example. She will start\nin 24 days: 555";
        for value in ["jane smith", "jane@acme.example", "202 555 0142", "202-555-0142", "24", "She will"] {
            assert!(says(words, value), "{value}");
        }
        for value in [
            "John",
            "+1 415 555 0100",
            "jane@evil.example",
            "ane@acme.example",
            "acme.example",
            "art",
            "--",
            "",
            " ",
            "0142 24",
            "2025550143",
        ] {
            assert!(!says(words, value), "{value}");
        }
    }
}
