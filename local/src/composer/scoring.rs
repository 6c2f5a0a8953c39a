//! Scores by rule: phrases in the lead's messages that speak for each score, quoted in the reason. The agent's
//! messages are not read.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::text::{data, spaced_words};

#[derive(Default, Deserialize)]
struct Rules {
    intent: Rule,
    urgency: Rule,
    /// Phrases for the lowest score of the budget, whatever else the lead says.
    no_budget: Vec<String>,
    budget: Rule,
    fit: Rule,
}

/// Phrases for the scores 3 and 2, and the score and reason without any.
#[derive(Default, Deserialize)]
struct Rule {
    high: Vec<String>,
    middle: Vec<String>,
    default: (u8, String),
}

static RULES: LazyLock<Rules> = LazyLock::new(|| data(include_str!("scoring.json")));

/// Replies to the prompt `score_lead`.
pub fn score(facts: &Value) -> Value {
    let messages = facts["messages"].as_array().into_iter().flatten();
    let texts: Vec<&str> =
        messages.filter(|message| message["sender"] == "user").filter_map(|message| message["text"].as_str()).collect();
    let budget = match newest(&texts, &RULES.no_budget) {
        Some(text) => scored(1, &quote(text)),
        None => RULES.budget.apply(&texts),
    };
    json!({
        "intent": RULES.intent.apply(&texts),
        "urgency": RULES.urgency.apply(&texts),
        "budget": budget,
        "fit": RULES.fit.apply(&texts),
        "engagement": engagement(texts.len()),
        "name": texts.iter().rev().find_map(|text| name(text)),
        "email": texts.iter().rev().find_map(|text| email(text)),
        "company": texts.iter().rev().find_map(|text| company(text)),
    })
}

impl Rule {
    fn apply(&self, texts: &[&str]) -> Value {
        match (newest(texts, &self.high), newest(texts, &self.middle)) {
            (Some(text), _) => scored(3, &quote(text)),
            (None, Some(text)) => scored(2, &quote(text)),
            (None, None) => scored(self.default.0, &self.default.1),
        }
    }
}

fn engagement(messages: usize) -> Value {
    let score = match messages {
        0 | 1 => 1,
        2..=4 => 2,
        _ => 3,
    };
    scored(score, &format!("The lead wrote {messages} message{}.", if messages == 1 { "" } else { "s" }))
}

fn scored(score: u8, reason: &str) -> Value {
    json!({"score": score, "reason": reason})
}

/// The newest text that contains one of these phrases, in whole words.
fn newest<'a>(texts: &[&'a str], phrases: &[String]) -> Option<&'a str> {
    texts.iter().rev().copied().find(|text| {
        let words = spaced_words(text, |character| character == '\'');
        phrases.iter().any(|phrase| words.contains(&format!(" {phrase} ")))
    })
}

fn quote(text: &str) -> String {
    let short: String = text.chars().take(120).collect();
    format!("The lead wrote: \"{}\"", short.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The text after a phrase that begins a word.
fn after<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    // ASCII alone, so that positions stay the same.
    let lower = text.to_ascii_lowercase();
    let starts = |at: usize| !lower[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    let at = lower.match_indices(phrase).map(|(at, _)| at).find(|at| starts(*at))?;
    Some(&text[at + phrase.len()..])
}

/// One or two words after "my name is", or after "I am" if they are capitalised.
fn name(text: &str) -> Option<String> {
    if let Some(rest) = after(text, "my name is ") {
        let words = leading_words(rest, |_| true);
        // "my name is jane and …" has only one.
        let second_is_a_name = words.get(1).is_some_and(|word| is_capitalised(word));
        return joined(words, if second_is_a_name { 2 } else { 1 });
    }
    let rest = after(text, "i am ").or_else(|| after(text, "i'm "))?;
    joined(leading_words(rest, is_capitalised), 2)
}

/// The capitalised words after "I work at", or after a name and "at" or "from".
fn company(text: &str) -> Option<String> {
    if let Some(rest) = after(text, "i work at ").or_else(|| after(text, "i work for ")) {
        return joined(leading_words(rest, is_capitalised), 3);
    }
    let phrases = ["my name is ", "i am ", "i'm ", "this is "];
    let (phrase, rest) = phrases.iter().find_map(|phrase| Some((*phrase, after(text, phrase)?)))?;
    let words = leading_words(rest, |_| true);
    let behind = words.iter().position(|word| matches!(*word, "at" | "from"))?;
    let (name, company) = (words.get(..behind)?, words.get(behind + 1..)?);
    let is_name =
        (1..=2).contains(&behind) && (phrase == "my name is " || name.iter().all(|word| is_capitalised(word)));
    let company = company.iter().copied().take_while(|word| is_capitalised(word));
    if is_name { joined(company.collect(), 3) } else { None }
}

fn is_capitalised(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

/// The words up to the first punctuation mark or the first word that does not fit.
fn leading_words(text: &str, mut fits: impl FnMut(&str) -> bool) -> Vec<&str> {
    let end = text.find([',', '.', '!', '?', ';', ':', '\n', '(', '"']).unwrap_or(text.len());
    text[..end].split_whitespace().take_while(|word| fits(word)).collect()
}

fn joined(mut words: Vec<&str>, limit: usize) -> Option<String> {
    words.truncate(limit);
    (!words.is_empty()).then(|| words.join(" "))
}

fn email(text: &str) -> Option<String> {
    let marks = |character: char| !character.is_alphanumeric();
    let candidate = text.split_whitespace().map(|word| word.trim_matches(marks)).find(|word| {
        word.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !domain.contains('@') && !domain.starts_with('.')
        })
    });
    candidate.map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Value {
        let messages: Vec<_> = texts.iter().map(|text| json!({"sender": "user", "text": text})).collect();
        score(&json!({ "messages": messages }))
    }

    #[test]
    fn a_buyer_in_a_hurry_scores_high_and_is_quoted() {
        let reply =
            of(&["Hi, I am Jane Smith from Acme Inc.", "We need it this week, our budget is 5k. Can I get a demo?"]);
        for (name, score) in [("intent", 3), ("urgency", 3), ("budget", 3), ("fit", 3), ("engagement", 2)] {
            assert_eq!(reply[name]["score"], score, "{name}: {reply}");
        }
        assert!(reply["urgency"]["reason"].as_str().unwrap().contains("this week"));
        assert_eq!((&reply["name"], &reply["company"]), (&json!("Jane Smith"), &json!("Acme Inc")));
    }

    #[test]
    fn small_talk_scores_low_and_names_nobody() {
        let reply = of(&["hello", "I am from here and fine"]);
        assert_eq!((&reply["intent"]["score"], &reply["urgency"]["score"]), (&json!(1), &json!(1)));
        assert!(reply["name"].is_null() && reply["email"].is_null() && reply["company"].is_null(), "{reply}");
    }

    #[test]
    fn what_the_agent_writes_counts_for_nothing() {
        let reply =
            score(&json!({"messages": [{"sender": "agent", "text": "My name is Aria, buy today! a@b.example"}]}));
        assert_eq!((&reply["intent"]["score"], &reply["engagement"]["score"]), (&json!(1), &json!(1)));
        assert!(reply["name"].is_null() && reply["email"].is_null());
    }

    #[test]
    fn who_the_lead_is_is_read_as_it_is_written() {
        for (text, name, email, company) in [
            ("hi my name is siddhant", json!("siddhant"), json!(null), json!(null)),
            ("My name is Ana López and I work at Globex, ok?", json!("Ana López"), json!(null), json!("Globex")),
            ("write to <Jane@Acme.Example>.", json!(null), json!("jane@acme.example"), json!(null)),
            ("this is Jane from Acme Corp!", json!(null), json!(null), json!("Acme Corp")),
            ("I'm interested, look at Monday", json!(null), json!(null), json!(null)),
            ("I am available from Monday", json!(null), json!(null), json!(null)),
        ] {
            let reply = of(&[text]);
            assert_eq!((&reply["name"], &reply["email"], &reply["company"]), (&name, &email, &company), "{text}");
        }
    }

    #[test]
    fn too_expensive_is_a_low_budget() {
        assert_eq!(of(&["The price is too expensive"])["budget"]["score"], 1);
    }
}
