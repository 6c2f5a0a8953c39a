//! Scores by rule: phrases in the lead's messages that speak for each score, in ten languages, quoted in the reason. The
//! agent's messages are not read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};
use shared::crm::leads::folded;

use super::text::{data, spaced_words};

#[derive(Default, Deserialize)]
struct Rules {
    /// The scores and reasons without any phrase.
    defaults: Defaults,
    languages: BTreeMap<String, Phrases>,
}

#[derive(Default, Deserialize)]
struct Defaults {
    intent: (u8, String),
    urgency: (u8, String),
    budget: (u8, String),
    fit: (u8, String),
}

/// The phrases of a language. `*` at the end of a phrase stands for any ending of its last word.
#[derive(Default, Deserialize)]
struct Phrases {
    intent: Levels,
    urgency: Levels,
    /// Phrases for the lowest score of the budget, whatever else the lead says.
    no_budget: Vec<String>,
    budget: Levels,
    fit: Levels,
}

/// Phrases for the scores 3 and 2.
#[derive(Default, Deserialize)]
struct Levels {
    high: Vec<String>,
    middle: Vec<String>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| data(include_str!("scoring.json")));

/// Replies to the prompt `score_lead`.
pub fn score(facts: &Value) -> Value {
    let messages = facts["messages"].as_array().into_iter().flatten();
    let texts: Vec<&str> =
        messages.filter(|message| message["sender"] == "user").filter_map(|message| message["text"].as_str()).collect();
    let Rules { defaults, .. } = &*RULES;
    let budget = match newest(&texts, |phrases| &phrases.no_budget) {
        Some(text) => scored(1, &quote(text)),
        None => by_phrases(&texts, |phrases| &phrases.budget, &defaults.budget),
    };
    json!({
        "intent": by_phrases(&texts, |phrases| &phrases.intent, &defaults.intent),
        "urgency": by_phrases(&texts, |phrases| &phrases.urgency, &defaults.urgency),
        "budget": budget,
        "fit": by_phrases(&texts, |phrases| &phrases.fit, &defaults.fit),
        "engagement": engagement(texts.len()),
        "name": texts.iter().rev().find_map(|text| name(text)),
        "email": texts.iter().rev().find_map(|text| email(text)),
        "company": texts.iter().rev().find_map(|text| company(text)),
    })
}

fn by_phrases(texts: &[&str], levels: impl Fn(&Phrases) -> &Levels, default: &(u8, String)) -> Value {
    match (newest(texts, |phrases| &levels(phrases).high), newest(texts, |phrases| &levels(phrases).middle)) {
        (Some(text), _) => scored(3, &quote(text)),
        (None, Some(text)) => scored(2, &quote(text)),
        (None, None) => scored(default.0, &default.1),
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

/// The newest text that contains one of these phrases of any language, in whole words.
fn newest<'a>(texts: &[&'a str], phrases: impl Fn(&Phrases) -> &Vec<String>) -> Option<&'a str> {
    let phrases: Vec<_> = RULES.languages.values().flat_map(phrases).map(|phrase| in_words(phrase)).collect();
    texts.iter().rev().copied().find(|text| {
        let words = spaced_words(&folded(text), is_mark);
        phrases.iter().any(|phrase| words.contains(phrase))
    })
}

/// A phrase as [`newest`] looks for it: between spaces, without the space after it if any ending fits, and without both
/// in Japanese, which has no spaces.
fn in_words(phrase: &str) -> String {
    let words = spaced_words(&folded(phrase), is_mark);
    if phrase.chars().any(|character| matches!(character, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')) {
        return words.trim().to_owned();
    }
    if phrase.ends_with('*') { words.trim_end().to_owned() } else { words }
}

/// The virama, which joins two consonants of a Hindi word.
fn is_mark(character: char) -> bool {
    character == '\u{94d}'
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
    fn a_buyer_is_understood_in_ten_languages() {
        assert_eq!(RULES.languages.len(), 10);
        for text in [
            "We want to buy it today. Our budget is 5k for our team",
            "Queremos comprarlo: necesitamos una cotización hoy. Nuestro presupuesto es de 5.000",
            "Precisamos de uma proposta ainda hoje, o nosso orçamento é de 5 mil",
            "Nous avons besoin d'un devis aujourd'hui, notre budget est de 5 000 euros",
            "Wir brauchen heute ein Angebot, unser Budget liegt bei 5.000 Euro",
            "Bugün satın almak istiyoruz, ihtiyacımız büyük, bütçemiz 5.000",
            "Kami butuh penawaran hari ini, anggaran kami 5 juta",
            "हमें चाहिए, आज कोटेशन भेजिए। हमारा बजट 5000 है",
            "نحتاج عرض سعر اليوم، ميزانيتنا 5000",
            "本日中に見積をください。弊社の予算は50万円です",
        ] {
            let reply = of(&[text]);
            for name in ["intent", "urgency", "budget", "fit"] {
                assert_eq!(reply[name]["score"], 3, "{name}: {text}: {reply}");
            }
        }
        for small_talk in
            ["hola, buenos días", "bonjour", "hallo zusammen", "merhaba", "halo", "नमस्ते", "مرحبا", "こんにちは"]
        {
            assert_eq!(of(&[small_talk])["intent"]["score"], 1, "{small_talk}");
        }
    }

    #[test]
    fn too_expensive_is_a_low_budget() {
        for text in ["The price is too expensive", "We can't afford our budget", "Das ist zu teuer", "高すぎます"]
        {
            assert_eq!(of(&[text])["budget"]["score"], 1, "{text}");
        }
    }
}
