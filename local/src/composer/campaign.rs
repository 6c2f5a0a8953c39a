//! The composer's message of a campaign to one contact. It follows the example, if there is one, word for word
//! but for the greeting; otherwise it writes of what the campaign is about. Either way it takes up the contact's
//! role and company, and says only what the facts hold.

use serde_json::{Value, json};

use super::follow_up::{first_name, one_line, short};

/// The most characters of a text message, and of a role or company that is taken up.
const TEXT_MESSAGE: usize = 400;
const TAKEN_UP: usize = 60;

/// How a message speaks.
struct Tone {
    greeting: String,
    is_casual: bool,
}

/// Writes to the contact.
pub fn write(facts: &Value) -> Value {
    let channel = facts["channel"].as_str().unwrap_or_default();
    let contact = &facts["contact"];
    let about = about(facts["campaign"]["about"].as_str().unwrap_or_default());
    let example = facts["campaign"]["example"]["message"].as_str();
    let tone = Tone::of(example);
    let name = first_name(&contact["name"]);
    let name = name.as_deref().map(|name| name.trim_matches(|end: char| !end.is_alphanumeric()));
    let name = name.filter(|name| !name.is_empty());
    let greeting = match (name, tone.is_casual) {
        (Some(name), _) => format!("{} {name}", tone.greeting),
        (None, true) => format!("{} there", tone.greeting),
        (None, false) => "Hello".to_owned(),
    };
    let (taken_up, why) = taken_up(contact, tone.is_casual);
    let mut paragraphs = match example {
        Some(example) => body(example),
        None => vec![
            format!("I am writing to you about {about}."),
            "Would a short call this week be of use to you?".to_owned(),
        ],
    };
    if let Some(taken_up) = taken_up {
        paragraphs.insert(1.min(paragraphs.len()), taken_up);
    }
    let (title, message) = if channel == "email" {
        let title = facts["campaign"]["example"]["title"].as_str().map(one_line).filter(|title| !title.is_empty());
        let title = title.unwrap_or_else(|| capital(&about));
        (Some(short(&title, 120)), format!("{greeting},\n\n{}", short_letter(&paragraphs)))
    } else {
        let text = one_line(&paragraphs.join(" "));
        (None, short(&format!("{greeting}, {text}"), TEXT_MESSAGE))
    };
    json!({"draft_title": title, "draft_message": message, "reasoning_summary": why})
}

impl Tone {
    /// That of the example; polite without one.
    fn of(example: Option<&str>) -> Self {
        let Some(example) = example else { return Self { greeting: "Hi".to_owned(), is_casual: false } };
        let lower = example.to_lowercase().replace('’', "'");
        let is_contracted =
            ["'re ", "'ll ", "'d ", "n't ", "it's ", "that's "].iter().any(|contracted| lower.contains(contracted));
        let first: String = lower.chars().take_while(|character| character.is_alphabetic()).collect();
        let greeting = match first.as_str() {
            "hey" => "Hey",
            "dear" => "Dear",
            "hello" => "Hello",
            _ => "Hi",
        };
        Self { greeting: greeting.to_owned(), is_casual: first == "hey" || is_contracted }
    }
}

/// An example's paragraphs, without its greeting.
fn body(example: &str) -> Vec<String> {
    let lines = example.trim().lines().map(one_line).filter(|line| !line.is_empty());
    let mut paragraphs: Vec<_> = lines.collect();
    if let Some(first) = paragraphs.first_mut() {
        let is_greeting = |text: &str| {
            let word: String = text.chars().take_while(|character| character.is_alphabetic()).collect();
            ["hi", "hey", "hello", "dear"].contains(&word.to_lowercase().as_str()) && text.chars().count() < 40
        };
        // "Hey there, quick one" and "Hello," both greet up to the comma.
        let (greeting, rest) = first.split_once([',', '!']).unwrap_or((first.as_str(), ""));
        if is_greeting(greeting) {
            *first = capital(rest.trim());
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// A sentence that takes up who the contact is, and what that rests on.
fn taken_up(contact: &Value, is_casual: bool) -> (Option<String>, String) {
    let field = |name: &str| {
        let text = one_line(contact[name].as_str().unwrap_or_default());
        let text = text.trim_end_matches(['.', '!', '?', ',', ' ']).to_owned();
        Some(text).filter(|text| !text.is_empty() && text.chars().count() <= TAKEN_UP)
    };
    match (field("job_title"), field("company")) {
        (Some(role), Some(company)) => {
            let sentence = match is_casual {
                true => format!("You're {role} at {company}, so I figured this might be one for you."),
                false => format!("As {role} at {company}, you may be looking at this as well."),
            };
            (Some(sentence), "Takes up the contact's role and company.".to_owned())
        }
        (None, Some(company)) => {
            let sentence = match is_casual {
                true => format!("I figured this might be one for you at {company}."),
                false => format!("This may be of interest to you at {company}."),
            };
            (Some(sentence), "Takes up the contact's company.".to_owned())
        }
        (Some(role), None) => {
            let sentence = match is_casual {
                true => format!("You're {role}, so I figured this might be one for you."),
                false => format!("As {role}, you may be looking at this as well."),
            };
            (Some(sentence), "Takes up the contact's role.".to_owned())
        }
        (None, None) => (None, "Little is known of the contact, so it says what the campaign is about.".to_owned()),
    }
}

/// What a campaign is about, as a part of a sentence.
fn about(text: &str) -> String {
    let text = one_line(text);
    let text = text.trim_end_matches(['.', '!', '?', ' ']);
    let text = text.strip_prefix("about ").unwrap_or(text);
    if text.is_empty() { "how we could work together".to_owned() } else { short(text, 300) }
}

fn short_letter(paragraphs: &[String]) -> String {
    let letter = paragraphs.join("\n\n");
    if letter.chars().count() <= 4_500 { letter } else { short(&one_line(&letter), 4_500) }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
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
