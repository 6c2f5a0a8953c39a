//! Ideas for the next step with a contact, each with its reason.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::record::{Record, Touch, says_one};
use crate::composer::text::data;

/// A next step, before a channel is chosen for it. Its texts have places for facts, such as `{name}`.
#[derive(Clone, Deserialize)]
pub struct Idea {
    /// Channels that suit it, best first.
    pub suits: Vec<String>,
    /// Whether no other channel will do.
    #[serde(default)]
    pub only_suitable: bool,
    pub title: String,
    pub reason: String,
    /// A timing hint in natural language.
    pub when: String,
    /// The message, without its greeting.
    pub message: String,
    pub confidence: f64,
}

#[derive(Default, Deserialize)]
struct Ideas {
    /// Ideas that a rule finds in the record, by name.
    found: HashMap<String, Idea>,
    /// Ideas that fit any contact without recent activity.
    first_contact: Vec<Idea>,
    /// Ideas that fit any contact.
    general: Vec<Idea>,
}

static IDEAS: LazyLock<Ideas> = LazyLock::new(|| data(include_str!("ideas.json")));

/// The idea that a rule found.
#[derive(Default)]
struct Found<'a> {
    name: &'static str,
    /// `{touch}` and `{date}` in its texts.
    touch: Option<&'a Touch<'a>>,
    /// `{detail}` in its texts.
    detail: String,
    /// Channels that suit it better than its own.
    suits: &'static [&'static str],
}

type Rule = for<'a> fn(&'a Record<'a>) -> Option<Found<'a>>;

const RULES: [Rule; 10] = [pricing, legal_review, demo, last_word, silence, recap, request, timing, agenda, opening];

/// All ideas for a record.
pub fn for_record(record: &Record<'_>) -> Vec<Idea> {
    let found = RULES.iter().filter_map(|rule| rule(record));
    let found = found.filter_map(|found| Some(IDEAS.found.get(found.name)?.filled(record, &found)));
    let first_contact = IDEAS.first_contact.iter().filter(|_| record.past.is_empty());
    let of_any_contact = first_contact.chain(&IDEAS.general).map(|idea| idea.filled(record, &Found::default()));
    found.chain(of_any_contact).collect()
}

impl Idea {
    /// The idea with the facts in their places.
    fn filled(&self, record: &Record<'_>, found: &Found<'_>) -> Self {
        let at_company = record.company.map(|company| format!(" at {company}")).unwrap_or_default();
        let (touch, date) = found.touch.map(|touch| (touch.dated(), touch.date)).unwrap_or_default();
        let facts = [
            ("{name}", record.name()),
            ("{at_company}", &at_company),
            ("{summary}", record.summary),
            ("{touch}", &touch),
            ("{date}", date),
            ("{detail}", &found.detail),
        ];
        let fill = |text: &String| facts.iter().fold(text.clone(), |text, (place, fact)| text.replace(place, fact));
        let (title, reason, message) = (fill(&self.title), fill(&self.reason), fill(&self.message));
        let better = found.suits.iter().map(|channel| (*channel).to_owned());
        let suits = if found.suits.is_empty() { self.suits.clone() } else { better.collect() };
        Self { suits, title, reason, message, ..self.clone() }
    }
}

fn found<'a>(name: &'static str, touch: &'a Touch<'a>, detail: impl ToString) -> Option<Found<'a>> {
    Some(Found { name, touch: Some(touch), detail: detail.to_string(), suits: &[] })
}

fn pricing<'a>(record: &'a Record<'a>) -> Option<Found<'a>> {
    const PRICE: &[&str] = &["pricing", "price", "prices", "quote", "fee", "cost", "costs", "charge"];
    let (index, touch, _) = record.sentence(|touch, sentence| {
        says_one(sentence, PRICE) && (touch.is_inbound() || is_request(sentence))
            || says_one(sentence, &["proposal"]) && is_request(sentence)
    })?;
    if record.sent_since(index, &["proposal", "offer", "quote", "pricing"]) {
        return None;
    }
    found(if touch.says_one(&["proposal", "fee"]) { "fee_proposal" } else { "pricing" }, touch, "")
}

fn legal_review<'a>(record: &'a Record<'a>) -> Option<Found<'a>> {
    let (_, touch, sentence) = record.sentence(|_, sentence| says_one(sentence, &["legal review"]))?;
    let is_planned = record.planned.iter().any(|touch| touch.says_one(&["legal", "contract", "counsel"]));
    if is_planned { None } else { found("legal_review", touch, sentence) }
}

fn demo<'a>(record: &'a Record<'a>) -> Option<Found<'a>> {
    let is_demo = |touch: &Touch<'_>| matches!(touch.kind, "meeting" | "call") && touch.is_titled(&["demo"]);
    if record.past.iter().chain(&record.planned).any(is_demo) {
        return None;
    }
    let (_, touch, sentence) = record.sentence(|touch, sentence| {
        says_one(sentence, &["demo", "walkthrough"]) && (touch.is_inbound() || is_request(sentence))
    })?;
    found("demo", touch, sentence)
}

/// For a contact who wrote or called last.
fn last_word<'a>(record: &'a Record<'a>) -> Option<Found<'a>> {
    let touch = record.past.first().filter(|touch| touch.is_inbound())?;
    let question = touch.sentences().find(|sentence| sentence.ends_with('?'));
    let sentence = question.or_else(|| touch.sentences().next());
    let name = match sentence {
        None => "come_back",
        Some(_) if touch.says_one(&["complaint", "wrong", "disappointed", "mistake"]) => "complaint",
        Some(_) if question.is_some() => "question",
        Some(_) => "last_message",
    };
    let suits: &[_] = match touch.kind {
        "whatsapp" | "sms" => &["whatsapp", "call", "email"],
        "linkedin" => &["linkedin", "email"],
        "call" => &["call", "email"],
        _ => &[],
    };
    found(name, touch, sentence.unwrap_or_default()).map(|found| Found { suits, ..found })
}

fn silence<'a>(record: &'a Record<'a>) -> Option<Found<'a>> {
    let unanswered = record.past.iter().take_while(|touch| touch.unanswered).count();
    found("silence", record.past.first().filter(|_| unanswered >= 2)?, unanswered)
}

fn recap<'a>(record: &'a Record<'a>) -> Option<Found<'a>> {
    found("recap", record.past.first().filter(|touch| touch.kind == "meeting")?, "")
}

/// For a request that no other idea answers.
fn request<'a>(record: &'a Record<'a>) -> Option<Found<'a>> {
    const OTHERS: &[&str] = &["pricing", "price", "quote", "fee", "cost", "proposal", "demo"];
    let (_, touch, sentence) = record.sentence(|_, sentence| is_request(sentence) && !says_one(sentence, OTHERS))?;
    found("request", touch, sentence)
}

fn timing<'a>(record: &'a Record<'a>) -> Option<Found<'a>> {
    let cues = &["budget", "quarter", "next year", "timeline", "on hold", "end of the month"];
    let (_, touch, sentence) = record.sentence(|_, sentence| says_one(sentence, cues))?;
    found("timing", touch, sentence)
}

fn agenda<'a>(record: &'a Record<'a>) -> Option<Found<'a>> {
    let touch = record.planned.last()?;
    found("agenda", touch, touch.name())
}

/// Starts, continues or resumes the conversation with a contact without recent activity.
fn opening<'a>(record: &'a Record<'a>) -> Option<Found<'a>> {
    if !record.past.is_empty() {
        return None;
    }
    match &record.before {
        None => Some(Found { name: "introduction", ..Found::default() }),
        Some(touch) if touch.days_ago <= 30 => found("continuation", touch, ""),
        Some(touch) => found("reconnection", touch, ""),
    }
}

/// Whether a sentence notes what the contact wants.
fn is_request(sentence: &str) -> bool {
    says_one(sentence, &["wants", "wanted", "asked", "asks", "would like"])
}
