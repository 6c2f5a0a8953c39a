//! A follow-up for each medium, and the copywriter's revision of it. Both use only the facts or the draft.

use serde_json::{Map, Value, json};
use shared::outreach::aim::{Ask, Stage};

use super::text::{greeting, one_line, shorten, texts, without_stop};

const MEDIA: [&str; 4] = ["email", "whatsapp", "notification", "web"];

/// Wordings of a draft's message, each with a more direct one.
const MESSAGES: [(&str, &str); 6] = [
    ("I am following up on your interest in", "Thank you for your interest in"),
    ("I am following up on our", "Thank you for our"),
    ("I would like to show how we can help with that.", "Let me show you how we can help."),
    ("Would a short call this week suit you?", "Shall we talk it through in a short call this week?"),
    ("has a next step for you about", "is ready to help you with"),
    ("See what", "Discover what"),
];
const TITLES: [(&str, &str); 2] =
    [("Following up on", "Next steps for"), ("Quick follow-up about", "A quick word about")];

/// Replies to the prompt `sales_follow_up`.
pub fn write(facts: &Value) -> Value {
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(one_line);
    let lead = &facts["lead"];
    let greeting = greeting(&lead["name"]);
    let site = text(&facts["site"]["name"]).unwrap_or_else(|| "our team".to_owned());
    let products = enumeration(&facts["product_interest"]);
    let company = text(&lead["company"]).map(|company| format!("your plans at {}", without_stop(&company)));
    let subject = shorten(products.as_ref().or(company.as_ref()).unwrap_or(&site), 90);
    let (opening, strategy) = opening(last_exchange(facts), products, &site);
    let help = enumeration(&lead["pain_points"]).map_or_else(
        || "I would like to understand what would help you most.".to_owned(),
        |pains| format!("You told us about {pains}. I would like to show how we can help with that."),
    );
    let (wish, question) = (wish(&lead["preferences"]), question(Ask::of(facts["follow_up_type"].as_str())));
    let (opening, help) = match later(facts) {
        Some((back, why)) => {
            (format!("{back} {}", opening.trim_start_matches("I am following up on ")), why.unwrap_or(help))
        }
        None => (
            opening,
            standing(Stage::of(lead["lead_stage"].as_str())).map_or(help.clone(), |about| format!("{help} {about}")),
        ),
    };
    let help = help + &wish;
    let media = texts(&facts["media"]);
    let messages = MEDIA.map(|medium| {
        if !media.contains(&medium) {
            return (medium.to_owned(), Value::Null);
        }
        let (title, message) = match medium {
            "email" => (
                format!("Following up on {subject}"),
                format!("{greeting},\n\n{}.\n\n{} {question}", shorten(&opening, 1_000), shorten(&help, 1_000)),
            ),
            "whatsapp" => (
                format!("Quick follow-up about {subject}"),
                format!("{greeting}! {}. {question}", shorten(&opening, 500)),
            ),
            "notification" => (
                format!("A follow-up about {subject}"),
                shorten(&format!("{site} has a next step for you about {subject}."), 200),
            ),
            _ => (
                format!("More about {subject}"),
                shorten(&format!("See what {site} can do for you about {subject}."), 300),
            ),
        };
        (medium.to_owned(), json!({"title": title, "message": message, "strategy": strategy}))
    });
    Value::Object(Map::from_iter(messages))
}

/// The first sentence, without its stop, and the strategy behind it.
fn opening(exchange: Option<String>, products: Option<String>, site: &str) -> (String, String) {
    let strategy = match (&exchange, products.as_ref().map(|products| shorten(products, 120))) {
        (Some(exchange), Some(products)) => {
            format!("Take up {exchange} and the interest in {products}, and ask for the next step.")
        }
        (Some(exchange), None) => format!("Take up {exchange} and ask for the next step."),
        (None, Some(products)) => format!("Build on the interest in {products} and ask for the next step."),
        (None, None) => "Little is known of the lead: ask what would help.".to_owned(),
    };
    let interest = products.map(|products| format!("your interest in {products}"));
    let grounds = [exchange, interest].into_iter().flatten().reduce(|one, other| format!("{one} and {other}"));
    let grounds = grounds.unwrap_or_else(|| format!("your interest in {site}"));
    (format!("I am following up on {grounds}"), strategy)
}

/// The question at the end.
fn question(ask: Ask) -> &'static str {
    match ask {
        Ask::Call => "Would a short call this week suit you?",
        Ask::Meeting => "Would a meeting this week suit you?",
        Ask::Answer => "May I have a short answer from you?",
    }
}

/// A sentence about where the lead stands in the pipeline.
fn standing(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Early => None,
        Stage::Engaged => Some("I can show it with your own example."),
        Stage::Closing => Some("I would like to settle what is still open."),
        Stage::Customer => Some("I would also like to hear how it is going."),
        Stage::Lost => Some("Perhaps something has changed since then."),
    }
}

/// What the lead prefers, as a sentence with a space before it.
fn wish(preferences: &Value) -> String {
    let one = preferences.as_str().map(|text| without_stop(&one_line(text)).to_owned()).filter(|text| !text.is_empty());
    one.or_else(|| enumeration(preferences))
        .map_or_else(String::new, |text| format!(" I keep in mind what you prefer: {text}."))
}

/// How a later step of a sequence begins, and its sentence in place of the first message's.
fn later(facts: &Value) -> Option<(&'static str, Option<String>)> {
    let step = &facts["step"];
    let (number, of) = (step["number"].as_u64()?, step["of"].as_u64()?);
    Some(if number == of {
        ("This is my last note for now about", Some("If the time is not right, I will not insist.".to_owned()))
    } else if number == 2 {
        ("I am coming back to", None)
    } else {
        ("I have thought again about", Some("If anything is unclear, I will gladly explain it.".to_owned()))
    })
}

/// Replies to the prompt `refine_follow_up`.
pub fn refine(facts: &Value) -> Value {
    let replace = |text: &str, wordings: &[(&str, &str)]| {
        wordings.iter().fold(text.to_owned(), |text, (before, after)| text.replace(before, after))
    };
    let messages = MEDIA.map(|medium| {
        let draft = &facts["draft"][medium];
        let refined = draft["message"].as_str().map(|message| {
            let title = replace(draft["title"].as_str().unwrap_or_default(), &TITLES);
            json!({"title": title, "message": replace(message, &MESSAGES), "strategy": draft["strategy"]})
        });
        (medium.to_owned(), refined.unwrap_or_default())
    });
    Value::Object(Map::from_iter(messages))
}

/// The newest exchange with the lead: "our call of 3 May". Notes and other entries that are not for the lead are
/// skipped.
fn last_exchange(facts: &Value) -> Option<String> {
    facts["interactions"].as_array()?.iter().find_map(|interaction| {
        let kind = match interaction["type"].as_str()?.to_lowercase().as_str() {
            "email" | "e-mail" => "e-mail",
            "call" | "phone_call" | "phone" => "call",
            "meeting" | "demo" => "meeting",
            "whatsapp" | "sms" | "linkedin" | "instagram" | "webchat" | "chat" => "conversation",
            _ => return None,
        };
        Some(format!("our {kind} of {}", one_line(interaction["date"].as_str()?)))
    })
}

/// The first three texts of an array as an enumeration: "a, b and c".
fn enumeration(value: &Value) -> Option<String> {
    let texts = texts(value).into_iter().map(|text| without_stop(&one_line(text)).to_owned());
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).take(3).collect();
    let (last, others) = texts.split_last()?;
    Some(if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) })
}
