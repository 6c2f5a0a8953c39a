//! Links in what Lexi says. A reader's program may follow a link, or load a picture, by itself; a link that
//! nobody gave could carry what the records say to a stranger. So Lexi's text keeps only links that stand in
//! what the person or the records say, to the letter; behind other words, or as a picture, none is left.

use shared::outreach::writing::addresses;

/// The replacement for a link that the model made up.
const REMOVED: &str = "(link removed)";

/// Lets text through, piece by piece as it arrives, without links that nobody gave.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    /// What links may stand in.
    known: String,
    /// A word that is not complete yet.
    held: String,
}

impl Links {
    /// Keeps the links that stand in `known`.
    pub(crate) fn of(known: &str) -> Self {
        Self { known: known.to_lowercase(), held: String::new() }
    }

    /// Learns what else links may stand in.
    pub(crate) fn learn(&mut self, known: &str) {
        self.known.push('\n');
        self.known.push_str(&known.to_lowercase());
    }

    /// The next part of the text that can be shown.
    pub(crate) fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        let Some(end) = self.held.rfind(char::is_whitespace) else { return String::new() };
        let end = end + self.held[end..].chars().next().map_or(1, char::len_utf8);
        let rest = self.held.split_off(end);
        let complete = std::mem::replace(&mut self.held, rest);
        self.shown(&complete)
    }

    /// The rest, once the text has ended.
    pub(crate) fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.held);
        self.shown(&rest)
    }

    fn shown(&self, text: &str) -> String {
        text.split_inclusive(char::is_whitespace).map(|word| self.word(word)).collect()
    }

    fn word(&self, word: &str) -> String {
        let space = word.find(char::is_whitespace).unwrap_or(word.len());
        let (bare, space) = word.split_at(space);
        let lower = bare.to_lowercase();
        // Where a link is dressed up, nobody sees where it leads; a picture is even loaded without being asked for.
        // Markup may write any of a link's characters in other ways.
        let is_dressed = ["](", "][", "]:", "<", "src=", "href=", "&#", "&colon", "&sol", "\\"];
        let leads_away = ["://", "mailto:", "tel:", "data:", "javascript:", "www.", "//"];
        let leads_away = leads_away.iter().any(|scheme| lower.contains(scheme));
        let is_removed =
            is_dressed.iter().any(|markup| lower.contains(markup) && (*markup != "<" || lower.contains('=')))
                || addresses(&lower).any(|address| !self.has(&address))
                || leads_away && addresses(&lower).next().is_none();
        if is_removed { format!("{REMOVED}{space}") } else { word.to_owned() }
    }

    /// Whether the texts contain the whole address.
    fn has(&self, address: &str) -> bool {
        let is_part =
            |part: char| part.is_alphanumeric() || matches!(part, '-' | '_' | '/' | '?' | '#' | '=' | '&' | '@' | '%');
        self.known.match_indices(address).any(|(at, found)| {
            let before = &self.known[..at];
            let mut next = self.known[at + found.len()..].chars();
            // A point or a colon goes on only if letters follow it.
            let ends = match next.next() {
                Some('.' | ':') => !next.next().is_some_and(char::is_alphanumeric),
                other => !other.is_some_and(is_part),
            };
            ends && (before.ends_with("://") || !before.ends_with(|part: char| is_part(part) || part == '.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(known: &str, pieces: &[&str]) -> String {
        let mut links = Links::of(known);
        let mut shown: String = pieces.iter().map(|piece| links.push(piece)).collect();
        shown.push_str(&links.finish());
        shown
    }

    #[test]
    fn a_link_that_was_given_stays_and_any_other_goes() {
        let known = "Our page is https://acme.example/pricing, look there.";
        for (text, shown) in [
            ("See https://acme.example/pricing.", "See https://acme.example/pricing."),
            ("See https://ACME.example/pricing now", "See https://ACME.example/pricing now"),
            ("See https://acme.example/pricing?q=jane@x.example now", "See (link removed) now"),
            ("See https://evil.example/a", "See (link removed)"),
            ("[click](http://evil.example)\nthere", "(link removed)\nthere"),
            ("[click](https://acme.example/pricing)", "(link removed)"),
            ("![x](https://acme.example/pricing)", "(link removed)"),
            ("<img src=\"//evil.example/x\">", "<img (link removed)"),
            ("<img src=/\\evil.example/p?d=x>", "<img (link removed)"),
            ("a < b and 3<4", "a < b and 3<4"),
            ("www.evil.example", "(link removed)"),
            ("evil.example/?d=jane", "(link removed)"),
            ("jane.evil.example", "(link removed)"),
            ("x@evil.example", "(link removed)"),
            ("mailto:x@acme.example?body=jane", "(link removed)"),
            ("![x](https\\:\\/\\/evil.example/p)", "(link removed)"),
            ("![x](https&colon;&sol;&sol;evil.example/p)", "(link removed)"),
            ("[x]: //evil.example", "(link removed) (link removed)"),
            ("See https://acme.example/pricingx or https://acme.exam", "See (link removed) or (link removed)"),
            (
                "acme.example/pricing, e.g. at 9.30 for 4.5 %, or so...",
                "acme.example/pricing, e.g. at 9.30 for 4.5 %, or so...",
            ),
            ("Nothing to see: either/or, 24/7, 50 %", "Nothing to see: either/or, 24/7, 50 %"),
            ("", ""),
        ] {
            assert_eq!(through(known, &[text]), shown);
        }
    }

    #[test]
    fn however_a_text_is_cut_the_same_is_shown() {
        let text = "Go to https://evil.example/x?é=1 or to\thttps://acme.example/pricing\n\nnow";
        let whole = through("https://acme.example/pricing", &[text]);
        let characters: Vec<String> = text.chars().map(String::from).collect();
        let pieces: Vec<&str> = characters.iter().map(String::as_str).collect();
        assert_eq!(through("https://acme.example/pricing", &pieces), whole);
        assert_eq!(whole, "Go to (link removed) or to\thttps://acme.example/pricing\n\nnow");
    }
}
