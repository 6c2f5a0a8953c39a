//! What could be done next, and why.

use super::record::{Record, Touch, says_one};

/// One thing to do, before it has a channel.
pub struct Idea {
    /// Channels that suit it, best first.
    pub suits: &'static [&'static str],
    /// Whether it makes sense on those channels only.
    pub bound: bool,
    /// Short title of the action.
    pub title: String,
    /// What in the record it rests on.
    pub reason: String,
    /// Natural-language timing hint.
    pub when: &'static str,
    /// The message, after the greeting.
    pub message: String,
    /// How likely it is to help: 0–1.
    pub confidence: f64,
}

const WRITTEN: &[&str] = &["email", "whatsapp", "linkedin"];
const TALK: &[&str] = &["meeting", "call", "email"];

/// Everything that comes to mind for this record.
pub fn for_record(record: &Record<'_>) -> Vec<Idea> {
    let mut ideas: Vec<Idea> = [
        pricing(record),
        legal_review(record),
        demo(record),
        last_word(record),
        silence(record),
        recap(record),
        wish(record),
        timing(record),
        agenda(record),
    ]
    .into_iter()
    .flatten()
    .collect();
    if record.past.is_empty() {
        ideas.extend(opening(record));
    }
    ideas.extend(always_useful(record));
    ideas
}

fn idea(
    suits: &'static [&'static str],
    title: impl Into<String>,
    reason: String,
    when: &'static str,
    message: String,
    confidence: f64,
) -> Idea {
    Idea { suits, bound: false, title: title.into(), reason, when, message, confidence }
}

fn pricing(record: &Record<'_>) -> Option<Idea> {
    const PRICE: &[&str] = &["pricing", "price", "prices", "quote", "fee", "cost", "costs", "charge"];
    let asks = |touch: &Touch<'_>, sentence: &str| {
        says_one(sentence, PRICE) && (touch.is_inbound() || is_wish(sentence))
            || says_one(sentence, &["proposal"]) && is_wish(sentence)
    };
    let (index, touch, _) = record.sentence(asks)?;
    if record.sent_since(index, &["proposal", "offer", "quote", "pricing"]) {
        return None;
    }
    let title = if touch.says_one(&["proposal", "fee"]) { "Share fee proposal" } else { "Send pricing details" };
    let reason = format!(
        "{} asked for pricing in {} on {} and no proposal is on record since.",
        record.name(),
        touch.said(),
        touch.date
    );
    let message = format!(
        "Following up on {} on {}: you asked about pricing. I am putting our proposal together for you; is there anything it should cover in particular?",
        touch.said(),
        touch.date
    );
    Some(idea(WRITTEN, title, reason, "Today", message, 0.9))
}

fn legal_review(record: &Record<'_>) -> Option<Idea> {
    let (_, touch, sentence) = record.sentence(|_, sentence| says_one(sentence, &["legal review"]))?;
    if record.planned.iter().any(|touch| touch.says_one(&["legal", "contract", "counsel"])) {
        return None;
    }
    let reason = format!("From {} on {}: \"{sentence}\"", touch.said(), touch.date);
    let message = format!(
        "In {} on {} a legal review came up. Which day next week would suit you and your colleagues for it?",
        touch.said(),
        touch.date
    );
    Some(idea(TALK, "Schedule legal review session", reason, "Next week", message, 0.78))
}

fn demo(record: &Record<'_>) -> Option<Idea> {
    let given = record
        .past
        .iter()
        .chain(&record.planned)
        .any(|touch| matches!(touch.kind, "meeting" | "call") && touch.is_titled(&["demo"]));
    let (_, touch, sentence) = record.sentence(|touch, sentence| {
        says_one(sentence, &["demo", "walkthrough"]) && (touch.is_inbound() || is_wish(sentence))
    })?;
    if given {
        return None;
    }
    let reason = format!("From {} on {}: \"{sentence}\"", touch.said(), touch.date);
    let message = "You mentioned a demo. Would half an hour this week suit you?".to_owned();
    Some(idea(TALK, "Settle a date for the demo", reason, "This week", message, 0.8))
}

/// The contact wrote or called last.
fn last_word(record: &Record<'_>) -> Option<Idea> {
    let touch = record.past.first().filter(|touch| touch.is_inbound())?;
    let name = record.name();
    let suits: &[&str] = match touch.kind {
        "whatsapp" | "sms" => &["whatsapp", "call", "email"],
        "linkedin" => &["linkedin", "email"],
        "call" => &["call", "email"],
        _ => &["email", "call", "whatsapp"],
    };
    let Some(first) = touch.sentences().next() else {
        let reason = format!("{name} was the last to get in touch, on {}, and nothing went back since.", touch.date);
        return Some(idea(
            suits,
            format!("Come back to {name}"),
            reason,
            "Today",
            format!("Thank you for getting in touch on {}.", touch.date),
            0.84,
        ));
    };
    let question = touch.sentences().find(|sentence| sentence.ends_with('?'));
    let quoted = question.unwrap_or(first);
    let reason = format!("On {} {name} wrote or said: \"{quoted}\" Nothing went back since.", touch.date);
    let (title, message) = if touch.says_one(&["complaint", "wrong", "disappointed", "mistake"]) {
        let message = format!(
            "I am sorry about this. On {} you told us: \"{quoted}\" I am looking into it and will come back to you.",
            touch.date
        );
        (format!("Set right what {name} complained about"), message)
    } else if question.is_some() {
        let message = format!(
            "On {} you asked: \"{quoted}\" I would like to answer that properly. Shall I write it down for you, or would a short call suit you better?",
            touch.date
        );
        (format!("Answer {name}'s question"), message)
    } else {
        (
            format!("Answer {name}'s last message"),
            format!("Thank you for your message of {}: \"{quoted}\" Let us take it from there.", touch.date),
        )
    };
    Some(idea(suits, title, reason, "Today", message, 0.86))
}

fn silence(record: &Record<'_>) -> Option<Idea> {
    let unanswered = record.past.iter().take_while(|touch| touch.unanswered).count();
    let latest = record.past.first().filter(|_| unanswered >= 2)?;
    let reason = format!("The last {unanswered} attempts got no response, the latest on {}.", latest.date);
    let message = "I have tried to reach you before and would rather ask: is this a better way?".to_owned();
    Some(idea(&["call", "whatsapp", "linkedin"], "Try another channel", reason, "Tomorrow morning", message, 0.82))
}

fn recap(record: &Record<'_>) -> Option<Idea> {
    let touch = record.past.first().filter(|touch| touch.kind == "meeting")?;
    let reason = format!("The last touch was {} on {}, and nothing was sent since.", touch.said(), touch.date);
    let message = format!(
        "Thank you for your time in {} on {}. I will send you what I took away from it; please correct me where I am wrong.",
        touch.said(),
        touch.date
    );
    Some(idea(WRITTEN, "Send a recap of the meeting", reason, "Today", message, 0.68))
}

fn wish(record: &Record<'_>) -> Option<Idea> {
    const OTHERS: &[&str] = &["pricing", "price", "quote", "fee", "cost", "proposal", "demo"];
    let (_, touch, sentence) = record.sentence(|_, sentence| is_wish(sentence) && !says_one(sentence, OTHERS))?;
    let reason = format!("Noted in {} on {}: \"{sentence}\"", touch.said(), touch.date);
    let message = format!(
        "After {} on {} I noted this: \"{sentence}\" Is that still what matters most to you?",
        touch.said(),
        touch.date
    );
    Some(idea(
        &["email", "call", "meeting"],
        format!("Pick up what {} asked for", record.name()),
        reason,
        "This week",
        message,
        0.7,
    ))
}

fn timing(record: &Record<'_>) -> Option<Idea> {
    let cues = &["budget", "quarter", "next year", "timeline", "on hold", "end of the month"];
    let (_, touch, sentence) = record.sentence(|_, sentence| says_one(sentence, cues))?;
    let reason = format!("From {} on {}: \"{sentence}\"", touch.said(), touch.date);
    let message = "How do you see the timing at the moment, and what would have to happen before?".to_owned();
    Some(idea(&["call", "email"], "Check the timing", reason, "Next week", message, 0.64))
}

fn agenda(record: &Record<'_>) -> Option<Idea> {
    let touch = record.planned.last()?;
    let reason = format!("Planned for {}: {}.", touch.date, touch.said());
    let message =
        format!("Ahead of {} on {}: is there anything you would like to have on the agenda?", touch.said(), touch.date);
    Some(idea(&["email", "whatsapp"], "Confirm the agenda", reason, "The day before", message, 0.74))
}

/// How to begin, or begin again, with a contact with whom nothing happened lately.
fn opening(record: &Record<'_>) -> [Idea; 3] {
    let reason = || record.summary.to_owned();
    let (first, opener) = match &record.before {
        None => (
            "Introduce yourself",
            "We have not been in touch yet, so let me introduce myself. What is on your list at the moment?".to_owned(),
        ),
        Some(touch) if touch.days_ago <= 30 => (
            "Keep the conversation going",
            format!(
                "I wanted to come back to you after {} on {}. What should happen next, in your view?",
                touch.said(),
                touch.date
            ),
        ),
        Some(touch) => (
            "Reconnect with a short note",
            format!(
                "It has been a while since {} on {}. What is on your list at the moment, and is there anything I can help with?",
                touch.said(),
                touch.date
            ),
        ),
    };
    [
        idea(&["email", "linkedin", "whatsapp"], first, reason(), "This week", opener, 0.66),
        idea(
            &["call"],
            "Hear what they are working on",
            reason(),
            "Tomorrow morning",
            "I would like to hear what you are working on at the moment. When would be a good time?".to_owned(),
            0.6,
        ),
        idea(
            &["linkedin", "email"],
            "Ask whether this is their topic",
            reason(),
            "Next week",
            "I do not want to write to you for nothing: is this your topic, or should I talk to somebody else?"
                .to_owned(),
            0.5,
        ),
    ]
}

/// What helps with any contact, the more general the later.
fn always_useful(record: &Record<'_>) -> Vec<Idea> {
    let at_company = record.company.map(|company| format!(" at {company}")).unwrap_or_default();
    let idea = |suits, title: &str, why: &str, when, message: String, confidence| {
        idea(suits, title, format!("{why} {}", record.summary), when, message, confidence)
    };
    let connect = Idea {
        bound: true,
        ..idea(
            &["linkedin"],
            "Connect on LinkedIn",
            "A second channel keeps the contact when mail goes unread.",
            "This week",
            "I would be glad to stay in touch here as well.".to_owned(),
            0.42,
        )
    };
    vec![
        connect,
        idea(
            &["call", "meeting"],
            "Agree on a next step",
            "A step that both sides agreed on keeps things moving.",
            "This week",
            "What would be a good next step from your side?".to_owned(),
            0.48,
        ),
        idea(
            &["meeting", "call"],
            "Propose a short conversation",
            "Twenty minutes tell more than a week of messages.",
            "Next week",
            format!("Would twenty minutes next week suit you to talk about what matters most{at_company}?"),
            0.45,
        ),
        idea(
            &["whatsapp", "email"],
            "Check in briefly",
            "A small question is easy to answer.",
            "In a few days",
            "A quick check-in: is there any question I can answer for you?".to_owned(),
            0.4,
        ),
        idea(
            &["email", "call"],
            "Ask who else decides",
            "Decisions are rarely one person's.",
            "Next week",
            format!("Who else{at_company} should be part of this conversation?"),
            0.37,
        ),
        idea(
            &["email", "meeting"],
            "Ask for the main goal",
            "A goal tells what to offer.",
            "Next week",
            "What would have to be true in three months for you to say that this was worth it?".to_owned(),
            0.34,
        ),
        idea(
            &["call", "email"],
            "Ask what speaks against it",
            "An objection that is known can be answered.",
            "In two weeks",
            "Is there anything that speaks against going on? I would rather know now.".to_owned(),
            0.31,
        ),
        idea(
            &["email", "linkedin"],
            "Offer to answer questions",
            "Open questions hold a decision up.",
            "In two weeks",
            "Send me whatever questions you have, and I will answer them one by one.".to_owned(),
            0.28,
        ),
        idea(
            &["meeting", "email"],
            "Ask to bring in a colleague",
            "One more person who knows the matter makes it safer.",
            "Next month",
            "Would it help to have one of your colleagues join our next conversation?".to_owned(),
            0.25,
        ),
        idea(
            &["email", "call"],
            "Agree on when to talk again",
            "A date keeps the contact without pressing.",
            "Next month",
            "When should I come back to you? I will leave you in peace until then.".to_owned(),
            0.22,
        ),
        idea(
            &["email", "whatsapp"],
            "Ask how they like to be reached",
            "The right channel is half the answer.",
            "Next month",
            "How do you prefer to be reached: by e-mail, by phone or otherwise?".to_owned(),
            0.2,
        ),
    ]
}

/// Whether a sentence notes what the contact wants.
fn is_wish(sentence: &str) -> bool {
    says_one(sentence, &["wants", "wanted", "asked", "asks", "would like"])
}
