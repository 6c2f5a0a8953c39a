//! The composer's follow-ups: what the sales specialist writes for each medium, and how the copywriter
//! refines it. Both say only what the facts or the draft hold.

use serde_json::{Map, Value, json};

/// Writes a message for each medium that is asked for.
pub fn write(facts: &Value) -> Value {
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(one_line);
    let lead = &facts["lead"];
    let greeting = match text(&lead["name"]).as_deref().and_then(|name| name.split_whitespace().next()) {
        Some(name) => format!("Hi {name}"),
        None => "Hello".to_owned(),
    };
    let site = text(&facts["site"]["name"]).unwrap_or_else(|| "our team".to_owned());
    let products = list(&facts["product_interest"]);
    let pains = list(&lead["pain_points"]);
    let last = facts["interactions"].as_array().and_then(|interactions| interactions.first());
    let last_title = last.and_then(|last| text(&last["summary"]).or_else(|| text(&last["title"])));
    let subject = products.clone().or_else(|| text(&lead["company"]).map(|company| format!("your plans at {company}")));
    let subject = subject.unwrap_or_else(|| "your question".to_owned());

    let (opening, strategy) = match (&last_title, &products) {
        (Some(title), _) => (
            format!("I am following up on our last exchange: \"{}\"", short(title.trim_end_matches('.'), 160)),
            format!("Take up the last exchange (\"{}\") and ask for the next step.", short(title, 80)),
        ),
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
        |pains| format!("You told us about {pains}; I would like to show how we can help with that."),
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
            ("I am following up on our last exchange:", "Picking up where we left off:"),
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

/// A list of texts as one text.
fn list(value: &Value) -> Option<String> {
    let texts: Vec<_> = value.as_array()?.iter().filter_map(Value::as_str).map(one_line).collect();
    (!texts.is_empty()).then(|| texts.join(" and "))
}

/// A text without line breaks and without what would look like a placeholder.
fn one_line(text: &str) -> String {
    let plain = text.replace(['[', ']', '{', '}', '<', '>', '$', '%'], " ").replace('_', " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many characters, cut at a word.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most - 1).collect();
    format!("{}…", cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole))
}
