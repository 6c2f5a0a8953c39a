//! A campaign's message to one contact. It follows the campaign's example word for word, except for the greeting;
//! without an example it writes about the campaign's topic. One sentence mentions the contact's role and company.

use serde_json::{Value, json};

use super::text::{capitalize, first_name, one_line, shorten, without_stop};

/// Limits in characters.
const TITLE: usize = 120;
const LETTER: usize = 4_500;
const TEXT_MESSAGE: usize = 400;
const TOPIC: usize = 300;
/// A role or company that is longer is not mentioned.
const POSITION: usize = 60;

struct Tone {
    greeting: &'static str,
    is_casual: bool,
}

/// Replies to the prompt `campaign_draft`.
pub fn write(facts: &Value) -> Value {
    let contact = &facts["contact"];
    let topic = topic(facts["campaign"]["about"].as_str().unwrap_or_default());
    let example = &facts["campaign"]["example"];
    let tone = Tone::of(example["message"].as_str());
    let greeting = tone.greet(&contact["name"]);
    let (position, reason) = mention(contact, tone.is_casual);
    let mut paragraphs = match example["message"].as_str() {
        Some(example) => body(example),
        None => vec![
            format!("I am writing to you about {topic}."),
            "Would a short call this week be of use to you?".to_owned(),
        ],
    };
    if let Some(position) = position {
        paragraphs.insert(1.min(paragraphs.len()), position);
    }
    let (title, message) = if facts["channel"] == "email" {
        let title = example["title"].as_str().map(one_line).filter(|title| !title.is_empty());
        let title = shorten(&title.unwrap_or_else(|| capitalize(&topic)), TITLE);
        let letter = paragraphs.join("\n\n");
        let fits = letter.chars().count() <= LETTER;
        (Some(title), format!("{greeting},\n\n{}", if fits { letter } else { shorten(&one_line(&letter), LETTER) }))
    } else {
        (None, shorten(&format!("{greeting}, {}", one_line(&paragraphs.join(" "))), TEXT_MESSAGE))
    };
    json!({"draft_title": title, "draft_message": message, "reasoning_summary": reason})
}

impl Tone {
    /// The example's tone; polite without one.
    fn of(example: Option<&str>) -> Self {
        let Some(example) = example else { return Self { greeting: "Hi", is_casual: false } };
        let lower = example.to_lowercase().replace('’', "'");
        let contractions = ["'re ", "'ll ", "'d ", "n't ", "it's ", "that's "];
        let has_contraction = contractions.iter().any(|contraction| lower.contains(contraction));
        let greeting = match first_word(&lower).as_str() {
            "hey" => "Hey",
            "dear" => "Dear",
            "hello" => "Hello",
            _ => "Hi",
        };
        Self { greeting, is_casual: greeting == "Hey" || has_contraction }
    }

    fn greet(&self, name: &Value) -> String {
        let name = first_name(name);
        let name = name.as_deref().map(|name| name.trim_matches(|end: char| !end.is_alphanumeric()));
        match (name.filter(|name| !name.is_empty()), self.is_casual) {
            (Some(name), _) => format!("{} {name}", self.greeting),
            (None, true) => format!("{} there", self.greeting),
            (None, false) => "Hello".to_owned(),
        }
    }
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphabetic()).collect()
}

/// An example's paragraphs, without its greeting.
fn body(example: &str) -> Vec<String> {
    let lines = example.trim().lines().map(one_line).filter(|line| !line.is_empty());
    let mut paragraphs: Vec<_> = lines.collect();
    if let Some(first) = paragraphs.first_mut() {
        // "Hey there, quick one" and "Hello," greet up to the comma.
        let (greeting, rest) = first.split_once([',', '!']).unwrap_or((first.as_str(), ""));
        let word = first_word(greeting).to_lowercase();
        if ["hi", "hey", "hello", "dear"].contains(&word.as_str()) && greeting.chars().count() < 40 {
            *first = capitalize(rest.trim());
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// A sentence about the contact's role and company, and the reason for it.
fn mention(contact: &Value, is_casual: bool) -> (Option<String>, String) {
    let field = |name: &str| {
        let text = one_line(contact[name].as_str().unwrap_or_default());
        let text = text.trim_end_matches(['.', '!', '?', ',', ' ']).to_owned();
        Some(text).filter(|text| !text.is_empty() && text.chars().count() <= POSITION)
    };
    let (mentioned, position) = match (field("job_title"), field("company")) {
        (Some(role), Some(company)) => ("role and company", format!("{role} at {company}")),
        (Some(role), None) => ("role", role),
        (None, Some(company)) => {
            let sentence = match is_casual {
                true => format!("I figured this might be one for you at {company}."),
                false => format!("This may be of interest to you at {company}."),
            };
            return (Some(sentence), "Takes up the contact's company.".to_owned());
        }
        (None, None) => {
            return (None, "Little is known of the contact, so it says what the campaign is about.".to_owned());
        }
    };
    let sentence = match is_casual {
        true => format!("You're {position}, so I figured this might be one for you."),
        false => format!("As {position}, you may be looking at this as well."),
    };
    (Some(sentence), format!("Takes up the contact's {mentioned}."))
}

/// The campaign's topic as a part of a sentence.
fn topic(about: &str) -> String {
    let topic = one_line(about);
    let topic = without_stop(&topic);
    let topic = topic.strip_prefix("about ").unwrap_or(topic);
    if topic.is_empty() { "how we could work together".to_owned() } else { shorten(topic, TOPIC) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(channel: &str, example: Value, contact: Value) -> Value {
        json!({
            "channel": channel,
            "campaign": {"about": "legal automation.", "example": example},
            "contact": contact,
        })
    }

    fn message(facts: &Value) -> String {
        write(facts)["draft_message"].as_str().unwrap().to_owned()
    }

    #[test]
    fn it_follows_the_examples_tone_and_words() {
        let casual = json!({"title": "Less paperwork?", "message": "Hey there,\n\nwe've built something that'll save you hours.\n\nUp for a quick chat?"});
        let formal = json!({"title": "Less paperwork", "message": "Hello,\n\nWe have built a tool for law firms.\n\nMay I show it to you?"});
        let jane = json!({"name": "Jane Smith", "job_title": "CEO", "company": "Acme Inc."});
        assert_eq!(
            message(&facts("email", casual.clone(), jane.clone())),
            "Hey Jane,\n\nwe've built something that'll save you hours.\n\nYou're CEO at Acme Inc, so I figured this \
             might be one for you.\n\nUp for a quick chat?"
        );
        assert_eq!(
            message(&facts("email", formal.clone(), jane)),
            "Hello Jane,\n\nWe have built a tool for law firms.\n\nAs CEO at Acme Inc, you may be looking at this as \
             well.\n\nMay I show it to you?"
        );
        assert_eq!(write(&facts("email", formal, Value::Null))["draft_title"], "Less paperwork");
        assert!(message(&facts("email", casual.clone(), Value::Null)).starts_with("Hey there,\n\nwe've built"));
        assert!(message(&facts("sms", casual, Value::Null)).starts_with("Hey there, we've built"));
    }

    #[test]
    fn without_an_example_it_writes_of_what_the_campaign_is_about() {
        let written = write(&facts("email", Value::Null, json!({"name": "Dr. Ana Lima", "company": "Lumen"})));
        assert_eq!(written["draft_title"], "Legal automation");
        assert_eq!(
            written["draft_message"],
            "Hi Ana,\n\nI am writing to you about legal automation.\n\nThis may be of interest to you at Lumen.\n\n\
             Would a short call this week be of use to you?"
        );
        let text = write(&facts("sms", Value::Null, json!({"job_title": "CTO"})));
        assert_eq!(text["draft_title"], Value::Null);
        assert!(!text["draft_message"].as_str().unwrap().contains('\n'));
    }

    #[test]
    fn an_example_without_a_greeting_stays_whole() {
        assert_eq!(body("We are new.\n\nTalk?"), ["We are new.", "Talk?"]);
        assert_eq!(body("Hi! we are new.\nTalk?"), ["We are new.", "Talk?"]);
        assert_eq!(body("Hello,"), Vec::<String>::new());
    }
}
