//! Follow-up suggestions by rule: what the recent activity left open comes first, then what helps
//! with any contact. Nothing is said that the facts do not say.

use serde_json::{Value, json};

/// One thing to do, before it has a channel.
struct Idea {
    /// Channels that suit it, best first; another is taken if none of them may be used.
    suits: &'static [&'static str],
    title: String,
    reason: String,
    when: &'static str,
    /// The message, after the greeting.
    message: String,
    confidence: f64,
}

struct Touch<'a> {
    kind: &'a str,
    title: &'a str,
    /// The words of title and text.
    text: String,
    date: &'a str,
    days_ago: i64,
    direction: &'a str,
    unanswered: bool,
}

/// A reply to the prompt `suggest_followups`.
pub fn suggest(facts: &Value) -> Value {
    let channels: Vec<&str> = texts(&facts["asked"]["channels"]);
    let reachable: Vec<&str> = texts(&facts["contact"]["reachable_by"]);
    let count = facts["asked"]["count"].as_u64().unwrap_or(3);
    let first_name = facts["contact"]["name"].as_str().and_then(|name| name.split_whitespace().next());
    let greeting = first_name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hi {name},"));

    let mut ideas = ideas(facts, first_name.unwrap_or("The contact"));
    ideas.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    let suggestions = ideas.into_iter().take(usize::try_from(count).unwrap_or(3)).filter_map(|idea| {
        let usable = |channel: &&&str| channels.contains(*channel) && reachable.contains(*channel);
        let by_suit = idea.suits.iter().find(usable);
        let by_reach = channels.iter().find(|channel| reachable.contains(*channel));
        let channel = by_suit.or(by_reach).or(channels.first())?;
        let mut reason = idea.reason;
        if !reachable.contains(channel) {
            reason = format!("{reason} No contact detail for {channel} is on record yet.");
        }
        let draft = (!matches!(*channel, "call" | "meeting")).then(|| format!("{greeting}\n\n{}", idea.message));
        Some(json!({
            "type": channel,
            "title": idea.title,
            "reason": reason,
            "suggested_when": idea.when,
            "draft_body": draft,
            "confidence": idea.confidence,
        }))
    });
    json!({ "suggestions": suggestions.collect::<Vec<_>>() })
}

fn ideas(facts: &Value, name: &str) -> Vec<Idea> {
    let touches: Vec<Touch<'_>> = facts["activity"].as_array().into_iter().flatten().map(touch).collect();
    let (planned, past): (Vec<_>, Vec<_>) = touches.iter().partition(|touch| touch.days_ago < 0);
    let mut ideas = open_matters(&past, name);
    if let Some(meeting) = planned.iter().find(|touch| touch.kind == "meeting") {
        ideas.push(Idea {
            suits: &["email", "whatsapp"],
            title: "Confirm the agenda".to_owned(),
            reason: format!("{} is planned for {}.", said(meeting), meeting.date),
            when: "The day before",
            message: format!(
                "Ahead of {} on {}: is there anything you would like to have on the agenda?",
                said(meeting),
                meeting.date
            ),
            confidence: 0.74,
        });
    }
    if past.is_empty() {
        ideas.extend(reconnecting(facts, name));
    }
    ideas.extend(always_useful(facts, name));
    ideas
}

/// What the activity left open, newest matter first.
fn open_matters(past: &[&Touch<'_>], name: &str) -> Vec<Idea> {
    let mut ideas = Vec::new();
    let proposed = past.iter().any(|touch| {
        touch.direction == "outbound"
            && touch.kind == "email"
            && ["proposal", "offer", "quote"].iter().any(|word| touch.says(word))
    });
    let asked = |touch: &&&Touch<'_>| {
        touch.says_one(&["pricing", "price", "proposal", "quote", "fee", "cost", "charge"])
            && (touch.direction == "inbound" || touch.says_one(&["asked", "asks", "wants", "wanted"]))
    };
    if let Some(touch) = past.iter().filter(|touch| touch.brought_up()).find(asked)
        && !proposed
    {
        let fee = touch.says_one(&["fee", "proposal"]);
        ideas.push(Idea {
            suits: &["email", "whatsapp", "linkedin"],
            title: if fee { "Share fee proposal" } else { "Send pricing details" }.to_owned(),
            reason: format!(
                "{name} asked for pricing in {} on {} and no proposal was sent since.",
                said(touch),
                touch.date
            ),
            when: "Today",
            message: format!(
                "Following up on {} on {}: you asked about pricing. I will send you our proposal; is there anything it should cover in particular?",
                said(touch),
                touch.date
            ),
            confidence: 0.9,
        });
    }
    if let Some(touch) = mentioned(past, &["legal review", "contract review", "counsel"]) {
        ideas.push(Idea {
            suits: &["meeting", "call", "email"],
            title: "Schedule legal review session".to_owned(),
            reason: format!("Legal review came up as a next step in {} on {}.", said(touch), touch.date),
            when: "Next week",
            message: format!(
                "In {} we spoke of a legal review. Which day next week would suit you and your colleagues for it?",
                said(touch)
            ),
            confidence: 0.78,
        });
    }
    if let Some(touch) = mentioned(past, &["demo", "walkthrough"])
        && touch.kind != "meeting"
    {
        ideas.push(Idea {
            suits: &["meeting", "call", "email"],
            title: "Book a product demo".to_owned(),
            reason: format!("A demo came up in {} on {}.", said(touch), touch.date),
            when: "This week",
            message: "You mentioned that you would like to see the product. Would half an hour this week suit you?"
                .to_owned(),
            confidence: 0.72,
        });
    }
    if let Some(touch) = past.first().filter(|touch| touch.direction == "inbound" && touch.kind != "meeting") {
        ideas.push(Idea {
            suits: reply_channels(touch.kind),
            title: format!("Answer {name}'s last message"),
            reason: format!("{name} wrote last, on {} ({}), and nothing went back since.", touch.date, said(touch)),
            when: "Today",
            message: format!("Thank you for your message of {}. I wanted to come back to you on it.", touch.date),
            confidence: 0.86,
        });
    }
    let unanswered = past.iter().take_while(|touch| touch.unanswered).count();
    if unanswered >= 2 {
        ideas.push(Idea {
            suits: &["call", "whatsapp", "linkedin"],
            title: "Try another channel".to_owned(),
            reason: format!("The last {unanswered} attempts got no response, the latest on {}.", past[0].date),
            when: "Tomorrow morning",
            message: "I have written to you before and would rather ask: is this a better way to reach you?".to_owned(),
            confidence: 0.7,
        });
    }
    if let Some(touch) = past.first().filter(|touch| touch.kind == "meeting") {
        ideas.push(Idea {
            suits: &["email", "linkedin", "whatsapp"],
            title: "Send a recap of the meeting".to_owned(),
            reason: format!("The last touch was {} on {}, and no recap is on record.", said(touch), touch.date),
            when: "Today",
            message: format!(
                "Thank you for your time in {} on {}. Here is what I took away; please correct me where I am wrong.",
                said(touch),
                touch.date
            ),
            confidence: 0.68,
        });
    }
    if let Some(touch) = mentioned(past, &["budget", "quarter", "next year", "timeline"]) {
        ideas.push(Idea {
            suits: &["call", "email"],
            title: "Check the timing".to_owned(),
            reason: format!("Timing or budget came up in {} on {}.", said(touch), touch.date),
            when: "Next week",
            message: "You mentioned your timing when we last spoke. Does it still stand, and what would have to happen before?".to_owned(),
            confidence: 0.64,
        });
    }
    ideas
}

/// What to do about a contact with no recent activity, without pretending that there was any.
fn reconnecting(facts: &Value, name: &str) -> Vec<Idea> {
    let days = facts["lookback_days"].as_i64().unwrap_or_default();
    let reason = format!("There was no activity with {name} in the last {days} days.");
    let idea = |suits, title: &str, when, message: &str, confidence| Idea {
        suits,
        title: title.to_owned(),
        reason: reason.clone(),
        when,
        message: message.to_owned(),
        confidence,
    };
    vec![
        idea(
            &["email", "linkedin", "whatsapp"],
            "Reconnect with a short note",
            "This week",
            "It has been a while since we were last in touch. What is on your list at the moment, and is there anything I can help with?",
            0.66,
        ),
        idea(
            &["call"],
            "Call to hear what changed",
            "Tomorrow morning",
            "I would like to hear what has changed on your side. When may I call you?",
            0.6,
        ),
        idea(
            &["linkedin", "email"],
            "Ask whether to stay in touch",
            "Next week",
            "I do not want to write to you for nothing: shall I stay in touch, or is this no longer your topic?",
            0.5,
        ),
    ]
}

/// What helps with any contact, the more general the later.
fn always_useful(facts: &Value, name: &str) -> Vec<Idea> {
    let company = facts["contact"]["company"].as_str();
    let at_company = company.map(|company| format!(" at {company}")).unwrap_or_default();
    let role = facts["contact"]["job_title"].as_str();
    let known_as = match (role, company) {
        (Some(role), Some(company)) => format!("{name} is on record as {role} at {company}."),
        (Some(role), None) => format!("{name} is on record as {role}."),
        (None, Some(company)) => format!("{name} is on record with {company}."),
        (None, None) => format!("Little is known of {name} so far."),
    };
    let stage = facts["contact"]["stage"].as_str().map_or_else(String::new, |stage| format!(" The stage is {stage}."));
    let idea = |suits, title: &str, when, message: String, confidence| Idea {
        suits,
        title: title.to_owned(),
        reason: format!("{known_as}{stage}"),
        when,
        message,
        confidence,
    };
    vec![
        idea(
            &["call", "meeting"],
            "Call to agree on a next step",
            "This week",
            "When would be a good time for a short call to agree on a next step?".to_owned(),
            0.48,
        ),
        idea(
            &["meeting", "call"],
            "Propose a short meeting",
            "Next week",
            format!("Would twenty minutes next week suit you to talk about what matters most{at_company}?"),
            0.45,
        ),
        idea(
            &["linkedin", "email"],
            "Connect on LinkedIn",
            "This week",
            "I would be glad to stay in touch here as well.".to_owned(),
            0.42,
        ),
        idea(
            &["whatsapp", "email"],
            "Send a quick check-in",
            "In a few days",
            "A quick check-in: is there any question I can answer for you?".to_owned(),
            0.4,
        ),
        idea(
            &["email", "call"],
            "Ask who else decides",
            "Next week",
            format!("Who else{at_company} should be part of this conversation?"),
            0.37,
        ),
        idea(
            &["email", "meeting"],
            "Ask for the main goal",
            "Next week",
            "What would have to be true in three months for you to say that this was worth it?".to_owned(),
            0.34,
        ),
        idea(
            &["call", "email"],
            "Ask what speaks against it",
            "In two weeks",
            "Is there anything that speaks against going on? I would rather know now.".to_owned(),
            0.31,
        ),
        idea(
            &["email", "linkedin"],
            "Offer to answer questions in writing",
            "In two weeks",
            "If writing suits you better than a call, send me your questions and I will answer them one by one."
                .to_owned(),
            0.28,
        ),
        idea(
            &["meeting", "email"],
            "Invite a colleague",
            "Next month",
            "Would it help to have one of your colleagues join our next conversation?".to_owned(),
            0.25,
        ),
        idea(
            &["email", "call"],
            "Agree on when to talk again",
            "Next month",
            "When should I come back to you? I will put it in my calendar and leave you in peace until then."
                .to_owned(),
            0.22,
        ),
    ]
}

fn touch(activity: &Value) -> Touch<'_> {
    let text = |name: &str| activity[name].as_str().unwrap_or_default();
    Touch {
        kind: text("type"),
        title: text("title"),
        text: words(&format!("{} {}", text("title"), text("text"))),
        date: text("date"),
        days_ago: activity["days_ago"].as_i64().unwrap_or_default(),
        direction: text("direction"),
        unanswered: text("outcome") == "no_response",
    }
}

impl Touch<'_> {
    /// Whether the contact may have brought up what it says: not so in what was only sent to them.
    fn brought_up(&self) -> bool {
        self.direction != "outbound" || self.kind == "call"
    }

    /// Whether these words stand in it, whole and in this order.
    fn says(&self, words: &str) -> bool {
        format!(" {} ", self.text).contains(&format!(" {words} "))
    }

    fn says_one(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.says(phrase))
    }
}

/// The newest touch in which the contact may have brought one of these up.
fn mentioned<'a, 'b>(past: &'b [&'a Touch<'a>], phrases: &[&str]) -> Option<&'b Touch<'a>> {
    past.iter().copied().filter(|touch| touch.brought_up()).find(|touch| touch.says_one(phrases))
}

/// How a sentence speaks of a touch.
fn said(touch: &Touch<'_>) -> String {
    let title = touch.title.to_lowercase();
    let names_itself =
        [" call", " meeting", " demo", " review", " session"].iter().any(|ending| title.ends_with(ending));
    match touch.title {
        "" => format!("the {}", touch.kind.replace('_', " ")),
        _ if names_itself => format!("the {title}"),
        title => format!("the {} \"{title}\"", touch.kind.replace('_', " ")),
    }
}

/// Lower-case words with one space between them.
fn words(text: &str) -> String {
    let text = text.to_lowercase();
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn reply_channels(kind: &str) -> &'static [&'static str] {
    match kind {
        "whatsapp" | "sms" => &["whatsapp", "email"],
        "linkedin" => &["linkedin", "email"],
        "call" => &["call", "email"],
        _ => &["email", "whatsapp"],
    }
}

fn texts(values: &Value) -> Vec<&str> {
    values.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(count: u64, channels: &[&str], activity: Value) -> Value {
        json!({
            "asked": {"count": count, "channels": channels},
            "contact": {"name": "Jane Smith", "company": "Acme", "reachable_by": ["email", "call", "meeting", "whatsapp"]},
            "lookback_days": 60,
            "activity": activity,
        })
    }

    const ALL: [&str; 5] = ["email", "call", "meeting", "linkedin", "whatsapp"];

    #[test]
    fn an_open_request_for_pricing_comes_first() {
        let activity = json!([{"date": "Tuesday 2026-04-14", "days_ago": 2, "type": "meeting", "title": "Discovery call", "text": "Asked for a fee proposal"}]);
        let reply = suggest(&facts(3, &ALL, activity));
        assert_eq!(reply["suggestions"][0]["title"], "Share fee proposal");
        assert_eq!(reply["suggestions"][0]["type"], "email");
        assert!(reply["suggestions"][0]["draft_body"].as_str().unwrap().starts_with("Hi Jane,"));
    }

    #[test]
    fn a_proposal_that_was_sent_is_not_suggested_again() {
        let activity = json!([
            {"date": "d2", "days_ago": 1, "type": "email", "direction": "outbound", "title": "Our proposal"},
            {"date": "d1", "days_ago": 2, "type": "meeting", "title": "Discovery call", "text": "Asked for a proposal"},
        ]);
        let reply = suggest(&facts(10, &ALL, activity));
        assert!(
            reply["suggestions"]
                .as_array()
                .unwrap()
                .iter()
                .all(|suggestion| suggestion["title"] != "Share fee proposal")
        );
    }

    #[test]
    fn a_word_inside_another_is_no_request_for_pricing() {
        let activity = json!([
            {"date": "d2", "days_ago": 1, "type": "meeting", "title": "Coffee", "text": "Wants feedback from the team."},
            {"date": "d1", "days_ago": 3, "type": "meeting", "title": "Proposal review", "text": "Went through the proposal."},
        ]);
        let reply = suggest(&facts(10, &ALL, activity));
        let titles: Vec<_> =
            reply["suggestions"].as_array().unwrap().iter().map(|suggestion| suggestion["title"].to_string()).collect();
        assert!(!titles.iter().any(|title| title.contains("proposal") || title.contains("pricing")), "{titles:?}");
    }

    #[test]
    fn ten_different_suggestions_exist_on_any_single_channel() {
        for channel in ALL {
            let reply = suggest(&facts(10, &[channel], json!([])));
            let suggestions = reply["suggestions"].as_array().unwrap();
            let titles: std::collections::HashSet<_> =
                suggestions.iter().map(|suggestion| suggestion["title"].to_string()).collect();
            assert_eq!(titles.len(), 10, "{channel}");
            assert!(suggestions.iter().all(|suggestion| suggestion["type"] == channel));
            let drafted = !matches!(channel, "call" | "meeting");
            assert!(suggestions.iter().all(|suggestion| suggestion["draft_body"].is_string() == drafted));
        }
    }

    #[test]
    fn silence_leads_to_another_channel() {
        let silent = |date: &str, days: i64| json!({"date": date, "days_ago": days, "type": "email", "direction": "outbound", "outcome": "no_response"});
        let reply = suggest(&facts(1, &ALL, json!([silent("d2", 3), silent("d1", 9)])));
        assert_eq!(reply["suggestions"][0]["title"], "Try another channel");
        assert_eq!(reply["suggestions"][0]["type"], "call");
    }
}
