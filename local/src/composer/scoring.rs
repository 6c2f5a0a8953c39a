//! Scores by rule: words of the lead that speak for or against each score, quoted in the reason.
//! What the agent writes counts for nothing.

use serde_json::{Value, json};

/// Words that speak for the highest, and for the middle score.
struct Rule {
    high: &'static [&'static str],
    middle: &'static [&'static str],
    /// The score, and why, where nothing speaks.
    otherwise: (u8, &'static str),
}

const INTENT: Rule = Rule {
    high: &["buy", "order", "purchase", "sign up", "demo", "quote", "proposal", "appointment", "book a", "get started"],
    middle: &["price", "pricing", "cost", "interested", "plan", "offer", "trial", "feature", "looking for"],
    otherwise: (1, "The lead does not ask to buy anything."),
};

const URGENCY: Rule = Rule {
    high: &["today", "urgent", "urgently", "asap", "immediately", "right now", "this week", "tomorrow"],
    middle: &["soon", "next week", "this month", "next month", "quickly"],
    otherwise: (1, "The lead names no time."),
};

const NO_BUDGET: [&str; 4] = ["too expensive", "no budget", "cannot afford", "can't afford"];

const BUDGET: Rule = Rule {
    high: &["budget is", "budget of", "our budget", "my budget", "we can pay", "approved", "works for us"],
    middle: &["budget", "price", "pricing", "cost", "discount"],
    otherwise: (2, "The lead does not speak of money."),
};

const FIT: Rule = Rule {
    high: &["our team", "employees", "people", "users", "integrate", "use it for", "we need", "i need", "use case"],
    middle: &["how does", "does it", "can it", "can you", "do you", "size", "support"],
    otherwise: (1, "The lead describes no need."),
};

/// A reply to the prompt `score_lead`.
pub fn score(facts: &Value) -> Value {
    let messages = facts["messages"].as_array().into_iter().flatten();
    let said: Vec<&str> =
        messages.filter(|message| message["sender"] == "user").filter_map(|message| message["text"].as_str()).collect();
    let budget = match find(&said, &NO_BUDGET) {
        Some(text) => scored(1, &quoted(text)),
        None => BUDGET.apply(&said),
    };
    json!({
        "intent": INTENT.apply(&said),
        "urgency": URGENCY.apply(&said),
        "budget": budget,
        "fit": FIT.apply(&said),
        "engagement": engagement(said.len()),
        "name": said.iter().rev().find_map(|text| name(text)),
        "email": said.iter().rev().find_map(|text| email(text)),
        "company": said.iter().rev().find_map(|text| company(text)),
    })
}

impl Rule {
    fn apply(&self, said: &[&str]) -> Value {
        if let Some(text) = find(said, self.high) {
            return scored(3, &quoted(text));
        }
        match find(said, self.middle) {
            Some(text) => scored(2, &quoted(text)),
            None => scored(self.otherwise.0, self.otherwise.1),
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

/// The newest text that has one of these words, each as words of its own.
fn find<'a>(said: &[&'a str], words: &[&str]) -> Option<&'a str> {
    said.iter().rev().copied().find(|text| {
        let text = spaced(text);
        words.iter().any(|word| text.contains(&format!(" {word} ")))
    })
}

/// Lower case, with everything that is neither a letter, a digit nor an apostrophe as one space.
fn spaced(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|character: char| !character.is_alphanumeric() && character != '\'');
    format!(" {} ", words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
}

fn quoted(text: &str) -> String {
    let short: String = text.chars().take(120).collect();
    format!("The lead wrote: \"{}\"", short.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What follows the phrase, with the case that it has. The phrase begins a word.
fn after<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    // Only ASCII changes its case here, so that positions stay what they are.
    let lower = text.to_ascii_lowercase();
    let starts = |at: usize| !lower[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    let at = lower.match_indices(phrase).map(|(at, _)| at).find(|at| starts(*at))?;
    Some(&text[at + phrase.len()..])
}

/// One or two words after "my name is"; after "I am" only where they are written as names are.
fn name(text: &str) -> Option<String> {
    if let Some(rest) = after(text, "my name is ") {
        let words = leading_words(rest, |_| true);
        // In "my name is jane and …" the second word is none.
        let second_is_a_name = words.get(1).is_some_and(|word| is_capitalised(word));
        return joined(words, if second_is_a_name { 2 } else { 1 });
    }
    let rest = after(text, "i am ").or_else(|| after(text, "i'm "))?;
    joined(leading_words(rest, is_capitalised), 2)
}

/// The capitalised words after "I work at", or after "at" or "from" behind a name.
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

/// The words up to the first punctuation mark, as long as they are as they should be.
fn leading_words(text: &str, mut fits: impl FnMut(&str) -> bool) -> Vec<&str> {
    let end = text.find([',', '.', '!', '?', ';', ':', '\n', '(', '"']).unwrap_or(text.len());
    text[..end].split_whitespace().take_while(|word| fits(word)).collect()
}

fn joined(words: Vec<&str>, most: usize) -> Option<String> {
    let words: Vec<_> = words.into_iter().take(most).collect();
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

    fn of(said: &[&str]) -> Value {
        let messages: Vec<_> = said.iter().map(|text| json!({"sender": "user", "text": text})).collect();
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
