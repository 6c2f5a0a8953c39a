//! A recommendation's draft, with the reason for its channel. Both use only the facts.

use serde_json::{Value, json};

use super::text::{capitalize, greeting, one_line, shorten};

/// A part of a word in the recent activity, and the topic that it stands for.
const TOPICS: [(&str, &str); 7] = [
    ("pric", "pricing"),
    ("quote", "a quote"),
    ("contract", "the contract"),
    ("demo", "the demo"),
    ("trial", "the trial"),
    ("integrat", "the integration"),
    ("security", "security"),
];

/// Replies to the prompt `recommend_follow_up`.
pub fn recommend(facts: &Value) -> Value {
    let channel = facts["channel"].as_str().unwrap_or_default();
    let activity = facts["recent_activity"].as_str().unwrap_or_default().to_lowercase();
    let topic = TOPICS.iter().find(|(part, _)| activity.contains(part)).map(|(_, topic)| *topic);
    let is_rewrite = facts["rejected"]["reason"].is_string();

    let greeting = greeting(&facts["lead"]["name"]);
    let opening = match topic {
        Some(topic) => format!("I wanted to follow up on your question about {topic}."),
        None => "I wanted to follow up on our last exchange.".to_owned(),
    };
    let question = match is_rewrite {
        false => "Let me know if a short call would help.",
        true => "What would help you most right now?",
    };
    let (title, message) = match channel {
        "email" => {
            let title = topic.map_or_else(|| "Following up".to_owned(), |topic| format!("Your question about {topic}"));
            (Some(shorten(&title, 80)), format!("{greeting},\n\n{opening}\n\n{question}"))
        }
        "phone_call" | "meeting" => (
            Some(capitalize(topic.unwrap_or("next steps"))),
            format!("- {opening}\n- Ask what has changed since.\n- Agree on the next step."),
        ),
        _ => (None, format!("{greeting}, {opening} {question}")),
    };
    let reason = reason(facts, channel, topic, is_rewrite);
    json!({"reasoning_summary": reason, "draft_title": title, "draft_message": message})
}

fn reason(facts: &Value, channel: &str, topic: Option<&str>, is_rewrite: bool) -> String {
    let name = match channel {
        "sms" => "SMS",
        "whatsapp" => "WhatsApp",
        "phone_call" => "phone",
        "meeting" => "a meeting",
        _ => "email",
    };
    let has_replied = facts["events"].as_array().into_iter().flatten().any(|event| {
        event["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case(channel))
            && (event["outcome"] == "replied" || event["direction"] == "inbound")
    });
    let mut reasons = vec![match has_replied {
        true => format!("The lead has answered by {name}"),
        false => format!("{} is the likeliest way to reach the lead", capitalize(name)),
    }];
    reasons.extend(topic.map(|topic| format!("recently asked about {topic}")));
    if is_rewrite {
        reasons.push("the draft was written anew because the last one was rejected".to_owned());
    }
    one_line(&format!("{}.", reasons.join("; ")))
}
