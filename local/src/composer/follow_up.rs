//! The composer's follow-ups: what the sales specialist writes for each medium, and how the copywriter
//! refines it. Both say only what the facts or the draft hold.

use serde_json::{Map, Value, json};

/// Writes a message for each medium that is asked for.
pub fn write(facts: &Value) -> Value {
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(one_line);
    let lead = &facts["lead"];
    let greeting = first_name(&lead["name"]).map_or_else(|| "Hello".to_owned(), |name| format!("Hi {name}"));
    let site = text(&facts["site"]["name"]).unwrap_or_else(|| "our team".to_owned());
    let products = list(&facts["product_interest"]);
    let pains = list(&lead["pain_points"]);
    // A note is not for the lead's eyes, and what somebody summed up was not written for them either.
    let last = facts["interactions"].as_array().and_then(|interactions| {
        interactions.iter().find_map(|one| Some((exchange(one["type"].as_str()?)?, one["date"].as_str()?)))
    });
    let last = last.map(|(kind, date)| format!("our {kind} of {}", one_line(date)));
    let company = text(&lead["company"]).map(|company| format!("your plans at {}", unstopped(&company)));
    let subject = products.clone().or(company).unwrap_or_else(|| site.clone());

    let (opening, strategy) = match (&last, &products) {
        (Some(last), Some(products)) => (
            format!("I am following up on {last} and your interest in {products}"),
            format!("Take up {last} and the interest in {}, and ask for the next step.", short(products, 120)),
        ),
        (Some(last), None) => {
            (format!("I am following up on {last}"), format!("Take up {last} and ask for the next step."))
        }
        (None, Some(products)) => (
            format!("I am following up on your interest in {products}"),
            format!("Build on the interest in {} and ask for the next step.", short(products, 120)),
        ),
        (None, None) => (
            format!("I am following up on your interest in {site}"),
            "Little is known of the lead: ask what would help.".to_owned(),
        ),
    };
    let help = pains.map_or_else(
        || "I would like to understand what would help you most.".to_owned(),
        |pains| format!("You told us about {pains}. I would like to show how we can help with that."),
    );
    let question = "Would a short call this week suit you?";
    let subject = short(&subject, 90);
    let asked = facts["media"].as_array().cloned().unwrap_or_default();
    let mut messages = Map::new();
    for medium in ["email", "whatsapp", "notification", "web"] {
        let written =
            |title: String, message: String| json!({"title": title, "message": message, "strategy": strategy});
        let message = match medium {
            _ if !asked.contains(&json!(medium)) => Value::Null,
            "email" => written(
                format!("Following up on {subject}"),
                format!("{greeting},\n\n{}.\n\n{} {question}", short(&opening, 1_000), short(&help, 1_000)),
            ),
            "whatsapp" => written(
                format!("Quick follow-up about {subject}"),
                format!("{greeting}! {}. {question}", short(&opening, 500)),
            ),
            "notification" => written(
                format!("A follow-up about {subject}"),
                short(&format!("{site} has a next step for you about {subject}."), 200),
            ),
            _ => written(
                format!("More about {subject}"),
                short(&format!("See what {site} can do for you about {subject}."), 300),
            ),
        };
        messages.insert(medium.to_owned(), message);
    }
    Value::Object(messages)
}

/// Refines a draft: the same facts, said more directly.
pub fn refine(facts: &Value) -> Value {
    let mut messages = Map::new();
    for medium in ["email", "whatsapp", "notification", "web"] {
        let draft = &facts["draft"][medium];
        let Some(message) = draft["message"].as_str() else {
            messages.insert(medium.to_owned(), Value::Null);
            continue;
        };
        let refined = [
            ("I am following up on your interest in", "Thank you for your interest in"),
            ("I am following up on our", "Thank you for our"),
            ("I would like to show how we can help with that.", "Let me show you how we can help."),
            ("Would a short call this week suit you?", "Shall we talk it through in a short call this week?"),
            ("has a next step for you about", "is ready to help you with"),
            ("See what", "Discover what"),
        ]
        .iter()
        .fold(message.to_owned(), |text, (before, after)| text.replace(before, after));
        let title = draft["title"].as_str().unwrap_or_default();
        let title = [("Following up on", "Next steps for"), ("Quick follow-up about", "A quick word about")]
            .iter()
            .fold(title.to_owned(), |text, (before, after)| text.replace(before, after));
        messages.insert(medium.to_owned(), json!({"title": title, "message": refined, "strategy": draft["strategy"]}));
    }
    Value::Object(messages)
}

/// What an interaction is called where it is spoken of with the lead.
fn exchange(kind: &str) -> Option<&'static str> {
    Some(match kind.to_lowercase().as_str() {
        "email" | "e-mail" => "e-mail",
        "call" | "phone_call" | "phone" => "call",
        "meeting" | "demo" => "meeting",
        "whatsapp" | "sms" | "linkedin" | "instagram" | "webchat" | "chat" => "conversation",
        _ => return None,
    })
}

/// The first name that a lead goes by, without a title.
pub(super) fn first_name(name: &Value) -> Option<String> {
    let name = one_line(name.as_str()?);
    let first = name.split_whitespace().find(|word| !word.ends_with('.'))?;
    (!first.contains('@')).then(|| first.to_owned())
}

/// A list of texts as one text.
fn list(value: &Value) -> Option<String> {
    let texts = value.as_array()?.iter().filter_map(Value::as_str).map(|text| unstopped(&one_line(text)).to_owned());
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).take(3).collect();
    let (last, others) = texts.split_last()?;
    Some(if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) })
}

/// A text without what ends a sentence.
fn unstopped(text: &str) -> &str {
    text.trim_end_matches(['.', '!', '?', ' '])
}

/// A text without line breaks and without what would look like a placeholder.
pub(super) fn one_line(text: &str) -> String {
    let plain = text.replace(['[', ']', '{', '}', '<', '>', '_', '|'], " ").replace("XXX", " ");
    let mut line = String::new();
    let mut characters = plain.chars().peekable();
    while let Some(character) = characters.next() {
        let before_letter = characters.peek().is_some_and(|next| next.is_ascii_alphabetic() || *next == character);
        if !(matches!(character, '$' | '%') && before_letter) {
            line.push(character);
        }
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many characters, cut at a word.
pub(super) fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most - 1).collect();
    format!("{}…", cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole))
}
