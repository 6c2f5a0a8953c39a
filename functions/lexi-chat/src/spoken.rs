//! Lexi's answer to one message: whole at the end, and as events meanwhile, sentence by sentence. A sentence that does
//! not pass the gate is left out.

use serde_json::json;
use shared::api::http::Events;
use shared::outreach::gate::{Basis, Fault, Part};
use shared::workflow::chats::Step;
use uuid::Uuid;

use crate::links::Links;

/// The replacement for a sentence that does not pass the gate.
const LEFT_OUT: &str = "(left out)";

/// What was said so far.
pub(crate) struct Spoken<'a> {
    events: &'a Events,
    conversation_id: Uuid,
    links: Links,
    basis: Basis,
    /// What the answer is: general, or about records.
    part: Part,
    /// A sentence that is not complete yet.
    held: String,
    text: String,
    /// Whether a new paragraph begins with the next word.
    is_paused: bool,
}

impl<'a> Spoken<'a> {
    /// Nothing yet; it may name what stands in `known`, and its links.
    pub(crate) fn new(events: &'a Events, conversation_id: Uuid, known: &str) -> Self {
        let links = Links::of(known);
        let (basis, part) = (Basis::default(), Part::Answer);
        let (held, text) = (String::new(), String::new());
        let mut spoken = Self { events, conversation_id, links, basis, part, held, text, is_paused: false };
        spoken.basis.learn(known);
        spoken
    }

    /// It may name what stands in this, and its links, too.
    pub(crate) fn learn(&mut self, known: &str) {
        self.links.learn(known);
        self.basis.learn(known);
    }

    /// It may name what stands in this, but none of its links.
    pub(crate) fn learn_facts(&mut self, known: &str) {
        self.basis.learn(known);
    }

    /// From now on it is about records.
    pub(crate) fn report(&mut self) {
        self.part = Part::Report;
    }

    /// The fault of a whole answer at the gate, without the links that are removed anyway.
    pub(crate) fn fault(&self, text: &str) -> Option<Fault> {
        let mut links = self.links.clone();
        let shown = links.push(text) + &links.finish();
        self.basis.fault(self.part, &shown)
    }

    /// The next piece of the model's text.
    pub(crate) fn say(&mut self, piece: &str) {
        let shown = self.links.push(piece);
        self.hold(&shown);
    }

    /// Shows the sentences that are complete with these words.
    fn hold(&mut self, words: &str) {
        self.held.push_str(words);
        while let Some(end) = sentence_end(&self.held) {
            let rest = self.held.split_off(end);
            let sentence = std::mem::replace(&mut self.held, rest);
            self.show_checked(&sentence);
        }
    }

    /// The model's turn has ended; what it says next is another paragraph.
    pub(crate) fn pause(&mut self) {
        let shown = self.links.finish();
        self.hold(&shown);
        let rest = std::mem::take(&mut self.held);
        self.show_checked(&rest);
        self.is_paused = !self.text.is_empty();
    }

    /// A tool is used.
    pub(crate) fn step(&self, step: &Step) {
        self.events.send("tool_step", &json!(step));
    }

    /// Everything that was said; empty if all of it was left out.
    pub(crate) fn text(self) -> String {
        let is_empty =
            self.text.split_whitespace().collect::<Vec<_>>().join(" ").replace(LEFT_OUT, "").trim().is_empty();
        if is_empty { String::new() } else { self.text.trim_end().to_owned() }
    }

    fn show_checked(&mut self, sentence: &str) {
        if self.basis.fault(self.part, sentence).is_none() {
            for word in sentence.split_inclusive(' ') {
                self.show(word);
            }
        } else if !self.text.trim_end().ends_with(LEFT_OUT) {
            let space = &sentence[sentence.trim_end().len()..];
            self.show(&format!("{LEFT_OUT}{space}"));
        }
    }

    fn show(&mut self, more: &str) {
        let begins = self.text.is_empty() || self.is_paused;
        let more = if begins { more.trim_start() } else { more };
        if more.is_empty() {
            return;
        }
        let break_before = if self.is_paused { "\n\n" } else { "" };
        let delta = format!("{break_before}{more}");
        self.is_paused = false;
        self.text.push_str(&delta);
        self.events.send("text", &json!({"delta": delta, "conversation_id": self.conversation_id}));
    }
}

/// The length of the first sentence or line of a text with the spaces behind it, once something follows them. A point
/// before a number or a small letter is that of an abbreviation.
fn sentence_end(text: &str) -> Option<usize> {
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        let after = &text[end..];
        let next = after.trim_start();
        let has_space = next.len() < after.len();
        let goes_on = |next: char| next.is_lowercase() || next.is_numeric() || matches!(next, '+' | '(');
        let ends = match character {
            '\n' | '。' | '！' | '？' | '।' => true,
            '!' | '?' | '؟' => has_space,
            '.' => has_space && !next.starts_with(goes_on),
            _ => false,
        };
        if ends && !next.is_empty() {
            return Some(text.len() - next.len());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(known: &str, text: &str) -> String {
        let events = Events::default();
        let mut spoken = Spoken::new(&events, Uuid::nil(), known);
        for piece in text.split_inclusive(char::is_whitespace) {
            spoken.say(piece);
        }
        spoken.pause();
        spoken.text()
    }

    #[test]
    fn a_sentence_that_does_not_pass_is_left_out_and_the_others_stay() {
        for (text, shown) in [
            ("Here it is. Hi [Name], hello. Shall we talk?", "Here it is. (left out) Shall we talk?"),
            (
                "Call Jane today. Her card is 4111 1111 1111 1111. Then write.",
                "Call Jane today. (left out) Then write.",
            ),
            ("One. It costs $499 a month, e.g. for you. Two.", "One. (left out) Two."),
            (
                "Call +1 202 555 0142 today.\n\nOr +1 202 555 0199.\nThanks",
                "Call +1 202 555 0142 today.\n\n(left out)\nThanks",
            ),
            ("Hi {{name}}.", ""),
            ("It is $20, as you said.", "It is $20, as you said."),
        ] {
            assert_eq!(said("Jane, (202) 555-0142, pays $20.", text), shown, "{text}");
        }
    }
}
