//! Lexi's answer to one message: whole at the end, and as events meanwhile.

use serde_json::json;
use shared::api::http::Events;
use shared::workflow::chats::Step;
use uuid::Uuid;

use crate::links::Links;

/// What was said so far.
pub(crate) struct Spoken<'a> {
    events: &'a Events,
    conversation_id: Uuid,
    links: Links,
    text: String,
    /// Whether a new paragraph begins with the next word.
    is_paused: bool,
}

impl<'a> Spoken<'a> {
    /// Nothing yet; it may name the links that stand in `known`.
    pub(crate) fn new(events: &'a Events, conversation_id: Uuid, known: &str) -> Self {
        Self { events, conversation_id, links: Links::of(known), text: String::new(), is_paused: false }
    }

    /// It may name the links that stand in this, too.
    pub(crate) fn learn(&mut self, known: &str) {
        self.links.learn(known);
    }

    /// The next piece of the model's text.
    pub(crate) fn say(&mut self, piece: &str) {
        let shown = self.links.push(piece);
        self.show(&shown);
    }

    /// The model's turn has ended; what it says next is another paragraph.
    pub(crate) fn pause(&mut self) {
        let shown = self.links.finish();
        self.show(&shown);
        self.is_paused = !self.text.is_empty();
    }

    /// A tool is used.
    pub(crate) fn step(&self, step: &Step) {
        self.events.send("tool_step", &json!(step));
    }

    /// Everything that was said.
    pub(crate) fn text(self) -> String {
        self.text.trim_end().to_owned()
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
