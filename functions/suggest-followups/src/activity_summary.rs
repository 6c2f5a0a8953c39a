//! The `activity_summary`: counted from stored data, never generated.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use shared::crm::leads::{Activity, History};

/// One sentence on a contact's recent activity, such as "3 emails and 1 meeting with Jane in the
/// last 14 days; last touch was a discovery call on 2026-04-15."
///
/// The span it names is the shortest customary one that holds everything counted, at most the
/// window asked for. Planned activity is not counted but named.
pub fn activity_summary(history: &History, lookback_days: u32, now: DateTime<Utc>) -> String {
    let name = history.lead.first_name();
    let (past, planned): (Vec<&Activity>, Vec<_>) =
        history.recent.iter().partition(|activity| activity.occurred_at <= now);
    let day = |activity: &Activity| activity.occurred_at.format("%Y-%m-%d").to_string();
    let touch = past.iter().copied().chain(&history.earlier).find(|activity| activity.is_touch());
    let touch = touch.map(|activity| format!("last touch was {} on {}", described(activity), day(activity)));
    let note = history.earlier.as_ref().map(|note| format!("last note was on {}", day(note)));
    // The list runs backward, so the last planned is the next to come.
    let next = planned.last().map(|activity| format!("; {} is planned for {}", described(activity), day(activity)));
    let next = next.unwrap_or_default();
    let Some(oldest) = past.last() else {
        let days = plural(i64::from(lookback_days), "day", "days");
        let before = touch.or(note).unwrap_or_else(|| "nothing before is on record".to_owned());
        return format!("No activity with {name} in the last {days}; {before}{next}.");
    };
    let days = plural(customary_span((now - oldest.occurred_at).num_days(), lookback_days), "day", "days");
    let counts = counted(&past);
    match touch {
        Some(touch) => format!("{counts} with {name} in the last {days}; {touch}{next}."),
        None => format!("{counts} with {name} in the last {days}{next}."),
    }
}

/// The shortest of the customary spans that holds `days` whole days.
fn customary_span(days: i64, lookback_days: u32) -> i64 {
    let lookback = i64::from(lookback_days);
    [1, 7, 14, 30, 60, 90, 180, 365, 730, 1_825]
        .into_iter()
        .find(|span| days < *span)
        .map_or(lookback, |span| span.min(lookback))
}

/// "3 emails and 1 meeting": the most frequent kind first, kinds as frequent in alphabetical order.
fn counted(activities: &[&Activity]) -> String {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for activity in activities {
        *counts.entry(noun(activity.kind.as_str())).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(noun, count)| (-count, noun.to_lowercase()));
    let mut parts: Vec<_> = counts.iter().map(|(noun, count)| plural(*count, noun, &format!("{noun}s"))).collect();
    let last = parts.pop().unwrap_or_default();
    if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) }
}

fn noun(kind: &str) -> String {
    match kind {
        "email" | "call" | "meeting" | "note" => kind.to_owned(),
        "sms" => "SMS message".to_owned(),
        "linkedin" => "LinkedIn message".to_owned(),
        "whatsapp" => "WhatsApp message".to_owned(),
        "instagram" => "Instagram message".to_owned(),
        "webchat" => "webchat message".to_owned(),
        "phone_call" => "call".to_owned(),
        other => other.replace('_', " "),
    }
}

fn plural(count: i64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// "a discovery call" where the title of a call or meeting ends in what it was; otherwise the kind,
/// and the title as it stands.
fn described(activity: &Activity) -> String {
    const ENDINGS: [&str; 6] = ["call", "meeting", "demo", "session", "review", "lunch"];
    let kind = with_article(&noun(activity.kind.as_str()));
    let Some(title) = activity.title.as_deref().map(str::trim).filter(|title| !title.is_empty()) else { return kind };
    let words = title.to_lowercase();
    let names_itself = words.rsplit(' ').next().is_some_and(|last| ENDINGS.contains(&last));
    if names_itself && matches!(activity.kind.as_str(), "call" | "phone_call" | "meeting") {
        with_article(&words)
    } else {
        format!("{kind} (\"{title}\")")
    }
}

fn with_article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u', 'I']) || noun.starts_with("SMS");
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use shared::crm::leads::Lead;
    use uuid::Uuid;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-04-17T09:00:00Z").unwrap().to_utc()
    }

    fn activity(kind: &str, days_ago: i64, title: Option<&str>) -> Activity {
        Activity {
            opens_window: false,
            activity_id: Uuid::nil(),
            kind: kind.into(),
            occurred_at: now() - TimeDelta::days(days_ago),
            direction: None,
            outcome: None,
            title: title.map(str::to_owned),
            body: None,
        }
    }

    fn history(recent: Vec<Activity>, earlier: Option<Activity>) -> History {
        let lead = Lead { full_name: Some("Jane Smith".to_owned()), ..Lead::default() };
        History { lead, rows: Vec::new(), recent, earlier }
    }

    #[test]
    fn the_documents_example_reads_as_in_the_document() {
        let recent = vec![
            activity("meeting", 2, Some("Discovery call")),
            activity("email", 5, Some("Re: intro")),
            activity("email", 9, None),
            activity("email", 13, None),
        ];
        assert_eq!(
            activity_summary(&history(recent, None), 60, now()),
            "3 emails and 1 meeting with Jane in the last 14 days; last touch was a discovery call on 2026-04-15."
        );
    }

    #[test]
    fn no_recent_activity_is_said_with_the_last_touch_before_it() {
        let earlier = activity("email", 100, Some("Q4 pricing"));
        assert_eq!(
            activity_summary(&history(Vec::new(), Some(earlier)), 60, now()),
            "No activity with Jane in the last 60 days; last touch was an email (\"Q4 pricing\") on 2026-01-07."
        );
        assert_eq!(
            activity_summary(&history(Vec::new(), None), 1, now()),
            "No activity with Jane in the last 1 day; nothing before is on record."
        );
    }

    #[test]
    fn planned_activity_is_not_counted_and_a_note_is_no_touch() {
        let recent = vec![activity("meeting", -3, None), activity("note", 0, None), activity("sms", 1, None)];
        assert_eq!(
            activity_summary(&history(recent, None), 30, now()),
            "1 note and 1 SMS message with Jane in the last 7 days; last touch was an SMS message on 2026-04-16; a meeting is planned for 2026-04-20."
        );
    }

    #[test]
    fn messages_are_counted_by_where_they_were_written() {
        let recent = vec![activity("instagram", 1, None), activity("webchat", 1, None), activity("instagram", 2, None)];
        assert_eq!(
            activity_summary(&history(recent, None), 30, now()),
            "2 Instagram messages and 1 webchat message with Jane in the last 7 days; last touch was an Instagram message on 2026-04-16."
        );
    }

    #[test]
    fn an_email_is_called_an_email_whatever_its_subject_ends_in() {
        assert_eq!(described(&activity("email", 1, Some("Re: Demo"))), "an email (\"Re: Demo\")");
        assert_eq!(described(&activity("call", 1, Some("Intro call"))), "an intro call");
        assert_eq!(described(&activity("call", 1, Some(" "))), "a call");
    }

    #[test]
    fn what_came_before_is_told_even_if_it_was_a_note() {
        let note = activity("note", 70, None);
        assert_eq!(
            activity_summary(&history(Vec::new(), Some(note)), 60, now()),
            "No activity with Jane in the last 60 days; last note was on 2026-02-06."
        );
        let planned = vec![activity("meeting", -8, None), activity("meeting", -3, Some("Contract review"))];
        assert_eq!(
            activity_summary(&history(planned, None), 60, now()),
            "No activity with Jane in the last 60 days; nothing before is on record; a contract review is planned for 2026-04-20."
        );
    }

    #[test]
    fn the_span_holds_everything_counted_and_no_more_than_was_asked_for() {
        for (days, lookback, expected) in [
            (0, 60, 1),
            (6, 60, 7),
            (7, 60, 14),
            (13, 60, 14),
            (14, 60, 30),
            (59, 60, 60),
            (40, 45, 45),
            (364, 365, 365),
            (400, 3_650, 730),
            (2_000, 3_650, 3_650),
        ] {
            assert_eq!(customary_span(days, lookback), expected, "{days} of {lookback}");
        }
    }

    #[test]
    fn kinds_are_counted_in_words() {
        let recent = [
            activity("site_visit", 1, None),
            activity("call", 1, None),
            activity("site_visit", 1, None),
            activity("whatsapp", 1, None),
        ];
        assert_eq!(counted(&recent.iter().collect::<Vec<_>>()), "2 site visits, 1 call and 1 WhatsApp message");
    }
}
