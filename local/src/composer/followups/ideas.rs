//! Ideas for the next step with a contact, each with its reason.

use std::sync::LazyLock;

use serde::Deserialize;

use super::record::{Record, Touch, says_one};
use crate::composer::text::data;

/// A next step, before a channel is chosen for it.
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

/// Ideas that fit any contact. `{summary}` in a reason and `{at_company}` in a message are filled in.
#[derive(Default, Deserialize)]
struct General {
    first_contact: Vec<Idea>,
    general: Vec<Idea>,
}

static GENERAL: LazyLock<General> = LazyLock::new(|| data(include_str!("ideas.json")));

const WRITTEN: &[&str] = &["email", "whatsapp", "linkedin"];
const TALK: &[&str] = &["meeting", "call", "email"];

/// All ideas for a record.
pub fn for_record(record: &Record<'_>) -> Vec<Idea> {
    let specific = [
        pricing(record),
        legal_review(record),
        demo(record),
        last_word(record),
        silence(record),
        recap(record),
        request(record),
        timing(record),
        agenda(record),
    ];
    let mut ideas: Vec<Idea> = specific.into_iter().flatten().collect();
    let at_company = record.company.map(|company| format!(" at {company}")).unwrap_or_default();
    let fill = |idea: &Idea| Idea {
        reason: idea.reason.replace("{summary}", record.summary),
        message: idea.message.replace("{at_company}", &at_company),
        ..idea.clone()
    };
    if record.past.is_empty() {
        ideas.push(opening(record));
        ideas.extend(GENERAL.first_contact.iter().map(fill));
    }
    ideas.extend(GENERAL.general.iter().map(fill));
    ideas
}

fn idea(
    suits: &[&str],
    title: impl Into<String>,
    reason: impl Into<String>,
    when: &str,
    message: impl Into<String>,
    confidence: f64,
) -> Idea {
    Idea {
        suits: suits.iter().map(|channel| (*channel).to_owned()).collect(),
        only_suitable: false,
        title: title.into(),
        reason: reason.into(),
        when: when.to_owned(),
        message: message.into(),
        confidence,
    }
}

fn pricing(record: &Record<'_>) -> Option<Idea> {
    const PRICE: &[&str] = &["pricing", "price", "prices", "quote", "fee", "cost", "costs", "charge"];
    let asks = |touch: &Touch<'_>, sentence: &str| {
        says_one(sentence, PRICE) && (touch.is_inbound() || is_request(sentence))
            || says_one(sentence, &["proposal"]) && is_request(sentence)
    };
    let (index, touch, _) = record.sentence(asks)?;
    if record.sent_since(index, &["proposal", "offer", "quote", "pricing"]) {
        return None;
    }
    let title = if touch.says_one(&["proposal", "fee"]) { "Share fee proposal" } else { "Send pricing details" };
    let (name, touch) = (record.name(), touch.dated());
    let reason = format!("{name} asked for pricing in {touch} and no proposal is on record since.");
    let message = format!(
        "Following up on {touch}: you asked about pricing. I am putting our proposal together for you; is there \
         anything it should cover in particular?"
    );
    Some(idea(WRITTEN, title, reason, "Today", message, 0.9))
}

fn legal_review(record: &Record<'_>) -> Option<Idea> {
    let (_, touch, sentence) = record.sentence(|_, sentence| says_one(sentence, &["legal review"]))?;
    if record.planned.iter().any(|touch| touch.says_one(&["legal", "contract", "counsel"])) {
        return None;
    }
    let message = format!(
        "In {} a legal review came up. Which day next week would suit you and your colleagues for it?",
        touch.dated()
    );
    Some(idea(TALK, "Schedule legal review session", quote(touch, sentence), "Next week", message, 0.78))
}

fn demo(record: &Record<'_>) -> Option<Idea> {
    let is_demo = |touch: &Touch<'_>| matches!(touch.kind, "meeting" | "call") && touch.is_titled(&["demo"]);
    if record.past.iter().chain(&record.planned).any(is_demo) {
        return None;
    }
    let (_, touch, sentence) = record.sentence(|touch, sentence| {
        says_one(sentence, &["demo", "walkthrough"]) && (touch.is_inbound() || is_request(sentence))
    })?;
    let message = "You mentioned a demo. Would half an hour this week suit you?";
    Some(idea(TALK, "Settle a date for the demo", quote(touch, sentence), "This week", message, 0.8))
}

/// For a contact who wrote or called last.
fn last_word(record: &Record<'_>) -> Option<Idea> {
    let touch = record.past.first().filter(|touch| touch.is_inbound())?;
    let (name, date) = (record.name(), touch.date);
    let suits: &[&str] = match touch.kind {
        "whatsapp" | "sms" => &["whatsapp", "call", "email"],
        "linkedin" => &["linkedin", "email"],
        "call" => &["call", "email"],
        _ => &["email", "call", "whatsapp"],
    };
    let Some(first) = touch.sentences().next() else {
        let reason = format!("{name} was the last to get in touch, on {date}, and nothing went back since.");
        let message = format!("Thank you for getting in touch on {date}.");
        return Some(idea(suits, format!("Come back to {name}"), reason, "Today", message, 0.84));
    };
    let question = touch.sentences().find(|sentence| sentence.ends_with('?'));
    let quoted = question.unwrap_or(first);
    let reason = format!("On {date} {name} wrote or said: \"{quoted}\" Nothing went back since.");
    let (title, message) = if touch.says_one(&["complaint", "wrong", "disappointed", "mistake"]) {
        let message = format!(
            "I am sorry about this. On {date} you told us: \"{quoted}\" I am looking into it and will come back to you."
        );
        (format!("Set right what {name} complained about"), message)
    } else if question.is_some() {
        let message = format!(
            "On {date} you asked: \"{quoted}\" I would like to answer that properly. Shall I write it down for you, or \
             would a short call suit you better?"
        );
        (format!("Answer {name}'s question"), message)
    } else {
        let message = format!("Thank you for your message of {date}: \"{quoted}\" Let us take it from there.");
        (format!("Answer {name}'s last message"), message)
    };
    Some(idea(suits, title, reason, "Today", message, 0.86))
}

fn silence(record: &Record<'_>) -> Option<Idea> {
    let unanswered = record.past.iter().take_while(|touch| touch.unanswered).count();
    let latest = record.past.first().filter(|_| unanswered >= 2)?;
    let reason = format!("The last {unanswered} attempts got no response, the latest on {}.", latest.date);
    let message = "I have tried to reach you before and would rather ask: is this a better way?";
    Some(idea(&["call", "whatsapp", "linkedin"], "Try another channel", reason, "Tomorrow morning", message, 0.82))
}

fn recap(record: &Record<'_>) -> Option<Idea> {
    let touch = record.past.first().filter(|touch| touch.kind == "meeting")?.dated();
    let reason = format!("The last touch was {touch}, and nothing was sent since.");
    let message = format!(
        "Thank you for your time in {touch}. I will send you what I took away from it; please correct me where I am \
         wrong."
    );
    Some(idea(WRITTEN, "Send a recap of the meeting", reason, "Today", message, 0.68))
}

/// For a request that no other idea answers.
fn request(record: &Record<'_>) -> Option<Idea> {
    const OTHERS: &[&str] = &["pricing", "price", "quote", "fee", "cost", "proposal", "demo"];
    let (_, touch, sentence) = record.sentence(|_, sentence| is_request(sentence) && !says_one(sentence, OTHERS))?;
    let touch = touch.dated();
    let title = format!("Pick up what {} asked for", record.name());
    let reason = format!("Noted in {touch}: \"{sentence}\"");
    let message = format!("After {touch} I noted this: \"{sentence}\" Is that still what matters most to you?");
    Some(idea(&["email", "call", "meeting"], title, reason, "This week", message, 0.7))
}

fn timing(record: &Record<'_>) -> Option<Idea> {
    let cues = &["budget", "quarter", "next year", "timeline", "on hold", "end of the month"];
    let (_, touch, sentence) = record.sentence(|_, sentence| says_one(sentence, cues))?;
    let message = "How do you see the timing at the moment, and what would have to happen before?";
    Some(idea(&["call", "email"], "Check the timing", quote(touch, sentence), "Next week", message, 0.64))
}

fn agenda(record: &Record<'_>) -> Option<Idea> {
    let touch = record.planned.last()?;
    let reason = format!("Planned for {}: {}.", touch.date, touch.name());
    let message = format!("Ahead of {}: is there anything you would like to have on the agenda?", touch.dated());
    Some(idea(&["email", "whatsapp"], "Confirm the agenda", reason, "The day before", message, 0.74))
}

/// Starts, continues or resumes the conversation with a contact without recent activity.
fn opening(record: &Record<'_>) -> Idea {
    let (title, message) = match &record.before {
        None => (
            "Introduce yourself",
            "We have not been in touch yet, so let me introduce myself. What is on your list at the moment?".to_owned(),
        ),
        Some(touch) if touch.days_ago <= 30 => (
            "Keep the conversation going",
            format!("I wanted to come back to you after {}. What should happen next, in your view?", touch.dated()),
        ),
        Some(touch) => (
            "Reconnect with a short note",
            format!(
                "It has been a while since {}. What is on your list at the moment, and is there anything I can help with?",
                touch.dated()
            ),
        ),
    };
    idea(&["email", "linkedin", "whatsapp"], title, record.summary, "This week", message, 0.66)
}

fn quote(touch: &Touch<'_>, sentence: &str) -> String {
    format!("From {}: \"{sentence}\"", touch.dated())
}

/// Whether a sentence notes what the contact wants.
fn is_request(sentence: &str) -> bool {
    says_one(sentence, &["wants", "wanted", "asked", "asks", "would like"])
}
