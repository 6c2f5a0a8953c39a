//! Follow-up suggestions by rule: open points of the record first, then what fits any contact. They state only
//! what the facts say, and quote them where it matters.

mod ideas;
mod record;

use serde_json::{Value, json};

use super::text::texts;
use ideas::Idea;
use record::Record;

/// Replies to the prompt `suggest_followups`.
pub fn suggest(facts: &Value) -> Value {
    let record = Record::read(facts);
    let channels = texts(&facts["asked"]["channels"]);
    let reachable = texts(&facts["contact"]["reachable_by"]);
    let count = facts["asked"]["count"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(3);
    let greeting = record.first_name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hi {name},"));

    let mut ideas = ideas::for_record(&record);
    ideas.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    let suggestions = ideas.into_iter().filter_map(|idea| {
        let channel = choose_channel(&idea, &channels, &reachable)?;
        let reason = match reachable.contains(&channel) {
            true => idea.reason,
            false => format!("{} No contact detail for {channel} is on record yet.", idea.reason),
        };
        let draft = (!matches!(channel, "call" | "meeting")).then(|| format!("{greeting}\n\n{}", idea.message));
        Some(json!({
            "type": channel,
            "title": idea.title,
            "reason": reason,
            "suggested_when": idea.when,
            "draft_body": draft,
            "confidence": idea.confidence,
        }))
    });
    json!({ "suggestions": suggestions.take(count).collect::<Vec<_>>() })
}

/// The best allowed channel that reaches the contact, or any allowed one if none does.
fn choose_channel<'a>(idea: &Idea, allowed: &[&'a str], reachable: &[&str]) -> Option<&'a str> {
    let suitable: Vec<&str> =
        idea.suits.iter().filter_map(|suits| allowed.iter().copied().find(|allowed| allowed == suits)).collect();
    let first_reaching = |channels: &[&'a str]| channels.iter().copied().find(|channel| reachable.contains(channel));
    let reaching = first_reaching(allowed);
    first_reaching(&suitable).or_else(|| match (idea.only_suitable, reaching) {
        (true, Some(_)) => None,
        (true, None) => suitable.first().copied(),
        (false, Some(channel)) => Some(channel),
        (false, None) => suitable.first().or(allowed.first()).copied(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 5] = ["email", "call", "meeting", "linkedin", "whatsapp"];

    fn facts(count: u64, channels: &[&str], activity: Value) -> Value {
        json!({
            "asked": {"count": count, "channels": channels},
            "contact": {"name": "Jane Smith", "company": "Acme Inc.", "reachable_by": ["email", "call", "meeting", "whatsapp"]},
            "lookback_days": 60,
            "activity_summary": "1 meeting with Jane in the last 7 days.",
            "last_touch_before": null,
            "activity": activity,
        })
    }

    fn touch(days: i64, kind: &str, direction: &str, title: &str, text: &str) -> Value {
        json!({"date": format!("day {days}"), "days_ago": days, "type": kind, "direction": direction, "title": title, "text": text})
    }

    fn titles(reply: &Value) -> Vec<String> {
        reply["suggestions"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn an_open_request_for_pricing_comes_first() {
        let activity = json!([touch(2, "meeting", "", "Discovery call", "Good talk. Asked for a fee proposal.")]);
        let reply = suggest(&facts(3, &ALL, activity));
        let first = &reply["suggestions"][0];
        assert_eq!((&first["title"], &first["type"]), (&json!("Share fee proposal"), &json!("email")));
        assert!(first["draft_body"].as_str().unwrap().starts_with("Hi Jane,"));
        assert!(first["reason"].as_str().unwrap().starts_with("Jane asked for pricing in the discovery call on day 2"));
    }

    #[test]
    fn a_proposal_that_was_sent_since_is_not_suggested_again() {
        let activity = json!([
            touch(1, "email", "outbound", "Our proposal", "As agreed."),
            touch(2, "meeting", "", "Discovery call", "Asked for a proposal."),
        ]);
        assert!(!titles(&suggest(&facts(10, &ALL, activity))).iter().any(|title| title.contains("proposal")));
    }

    #[test]
    fn talking_of_a_proposal_or_having_coffee_is_no_request_for_pricing() {
        let activity = json!([
            touch(1, "meeting", "", "Coffee", "Wants feedback from the team."),
            touch(3, "meeting", "", "Proposal review", "Went through the proposal line by line."),
            touch(9, "meeting", "", "Discovery call", "Contracts wait two weeks for a first review."),
        ]);
        let titles = titles(&suggest(&facts(10, &ALL, activity)));
        assert!(
            !titles
                .iter()
                .any(|title| title.contains("proposal") || title.contains("pricing") || title.contains("legal")),
            "{titles:?}"
        );
    }

    #[test]
    fn a_demo_that_was_given_and_a_review_that_is_planned_are_not_suggested() {
        let activity = json!([
            touch(-3, "meeting", "", "Contract review", "With their counsel."),
            touch(1, "email", "inbound", "Re: Demo", "Thank you for the demo! Legal review is next on our side."),
            touch(4, "meeting", "", "Kick-off demo", "Showed the product."),
        ]);
        let titles = titles(&suggest(&facts(10, &ALL, activity)));
        assert!(!titles.iter().any(|title| title.contains("demo") || title.contains("legal")), "{titles:?}");
        assert!(titles.contains(&"Confirm the agenda".to_owned()));
    }

    #[test]
    fn the_contacts_own_question_is_quoted() {
        let activity =
            json!([touch(2, "email", "inbound", "Website", "Hello. Do you work with practices of our size?")]);
        let reply = suggest(&facts(1, &ALL, activity));
        assert_eq!(reply["suggestions"][0]["title"], "Answer Jane's question");
        assert!(
            reply["suggestions"][0]["draft_body"]
                .as_str()
                .unwrap()
                .contains("\"Do you work with practices of our size?\"")
        );
    }

    #[test]
    fn nobody_is_told_it_has_been_a_while_who_was_never_written_to() {
        let mut never = facts(10, &ALL, json!([]));
        let reply = suggest(&never).to_string();
        assert!(!reply.contains("been a while") && reply.contains("not been in touch"), "{reply}");
        never["last_touch_before"] =
            json!({"date": "day 2", "days_ago": 2, "type": "meeting", "title": "Discovery call"});
        assert!(!suggest(&never).to_string().contains("been a while"));
        never["last_touch_before"]["days_ago"] = json!(200);
        assert!(suggest(&never).to_string().contains("been a while since the discovery call"));
    }

    #[test]
    fn silence_leads_to_another_channel() {
        let silent = |days: i64| {
            let mut touch = touch(days, "email", "outbound", "", "");
            touch["outcome"] = json!("no_response");
            touch
        };
        let reply = suggest(&facts(1, &ALL, json!([silent(3), silent(9)])));
        assert_eq!(
            (&reply["suggestions"][0]["title"], &reply["suggestions"][0]["type"]),
            (&json!("Try another channel"), &json!("call"))
        );
    }

    #[test]
    fn ten_different_suggestions_exist_on_any_single_channel() {
        for channel in ALL {
            let reply = suggest(&facts(10, &[channel], json!([])));
            let suggestions = reply["suggestions"].as_array().unwrap();
            let different: std::collections::BTreeSet<_> = titles(&reply).into_iter().collect();
            assert_eq!(different.len(), 10, "{channel}");
            assert!(suggestions.iter().all(|suggestion| suggestion["type"] == channel));
            let drafted = !matches!(channel, "call" | "meeting");
            assert!(suggestions.iter().all(|suggestion| suggestion["draft_body"].is_string() == drafted));
        }
    }

    #[test]
    fn a_title_that_names_a_channel_comes_on_that_channel() {
        let mut with_linkedin = facts(10, &ALL, json!([]));
        for reachable in [json!(["email"]), json!(["linkedin", "email"]), json!([])] {
            with_linkedin["contact"]["reachable_by"] = reachable;
            for suggestion in suggest(&with_linkedin)["suggestions"].as_array().unwrap() {
                if suggestion["title"].as_str().unwrap().contains("LinkedIn") {
                    assert_eq!(suggestion["type"], "linkedin");
                }
            }
        }
    }
}
