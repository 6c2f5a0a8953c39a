//! Links in what Lexi says. A reader's program may follow a link, or load a picture, by itself; a link that
//! nobody gave could carry what the records say to a stranger. So Lexi's text keeps only links that stand in
//! what the person or the records say, to the letter; behind other words, or as a picture, none is left.

/// What stands in the place of a link that nobody gave.
const REMOVED: &str = "(link removed)";

/// Lets text through, piece by piece as it arrives, without links that nobody gave.
#[derive(Debug)]
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

    /// What may be shown of the text so far, after what was shown before.
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
        let Some(start) = ["http:", "https:", "www.", "//", "data:", "javascript:"]
            .iter()
            .filter_map(|scheme| lower.find(scheme))
            .min()
        else {
            return word.to_owned();
        };
        // Where a link is dressed up, nobody sees where it leads; a picture is even loaded without being asked for.
        let is_dressed = ["](", "<img", "src=", "href="].iter().any(|markup| lower.contains(markup));
        let link = lower[start..].trim_end_matches(|end: char| !end.is_alphanumeric() && end != '/');
        if !is_dressed && !link.is_empty() && self.has(link) {
            return word.to_owned();
        }
        format!("{REMOVED}{space}")
    }

    /// Whether the link stands somewhere as a whole.
    fn has(&self, link: &str) -> bool {
        self.known.match_indices(link).any(|(at, found)| {
            let next = self.known[at + found.len()..].chars().next();
            next.is_none_or(|next| !next.is_alphanumeric() && !matches!(next, '/' | '?' | '#' | '=' | '&' | '-' | '_'))
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
            ("www.evil.example", "(link removed)"),
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
