//! The composer's recommendation: why this channel, and a draft in its form. It says only what the facts
//! hold.

use serde_json::{Value, json};

use super::follow_up::{first_name, one_line, short};

/// Writes what `channel` asks for.
pub fn recommend(facts: &Value) -> Value {
    let channel = facts["channel"].as_str().unwrap_or_default();
    let called = |channel: &str| match channel {
        "sms" => "SMS",
        "whatsapp" => "WhatsApp",
        "phone_call" => "phone",
        "meeting" => "a meeting",
        _ => "email",
    };
    let events = facts["events"].as_array().map_or(&[][..], Vec::as_slice);
    let is_here = |event: &&Value| event["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case(channel));
    let replied =
        events.iter().filter(is_here).any(|event| event["outcome"] == "replied" || event["direction"] == "inbound");
    let topic = topic(facts["recent_activity"].as_str().unwrap_or_default());
    let mut reasons = vec![match replied {
        true => format!("The lead has answered by {}", called(channel)),
        false => format!("{} is the likeliest way to reach the lead", capital(called(channel))),
    }];
    reasons.extend(topic.map(|topic| format!("recently asked about {topic}")));
    let rejected = facts["rejected"]["reason"].as_str();
    if rejected.is_some() {
        reasons.push("the draft was written anew because the last one was rejected".to_owned());
    }

    let greeting = first_name(&facts["lead"]["name"]).map_or_else(|| "Hello".to_owned(), |name| format!("Hi {name}"));
    let opening = match topic {
        Some(topic) => format!("I wanted to follow up on your question about {topic}."),
        None => "I wanted to follow up on our last exchange.".to_owned(),
    };
    let question = match rejected {
        None => "Let me know if a short call would help.",
        Some(_) => "What would help you most right now?",
    };
    let (title, message) = match channel {
        "email" => (
            Some(short(
                &topic.map_or_else(|| "Following up".to_owned(), |topic| format!("Your question about {topic}")),
                80,
            )),
            format!("{greeting},\n\n{opening}\n\n{question}"),
        ),
        "phone_call" | "meeting" => (
            Some(capital(topic.unwrap_or("next steps"))),
            format!("- {opening}\n- Ask what has changed since.\n- Agree on the next step."),
        ),
        _ => (None, format!("{greeting}, {opening} {question}")),
    };
    json!({"reasoning_summary": one_line(&format!("{}.", reasons.join("; "))), "draft_title": title, "draft_message": message})
}

/// What the lead asked about, as far as a few words tell.
fn topic(summary: &str) -> Option<&'static str> {
    let summary = summary.to_lowercase();
    [
        ("pric", "pricing"),
        ("quote", "a quote"),
        ("contract", "the contract"),
        ("demo", "the demo"),
        ("trial", "the trial"),
        ("integrat", "the integration"),
        ("security", "security"),
    ]
    .into_iter()
    .find(|(part, _)| summary.contains(part))
    .map(|(_, topic)| topic)
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
