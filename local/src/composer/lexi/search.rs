//! Searches for prospects and among the workspace's own contacts.

use serde_json::{Value, json};

use super::intent::{Intent, PHRASES};
use super::words::{Message, after_prefix, items, singular, split_at_last, split_size};

/// Searches for what follows "find".
pub fn find(subject: &str) -> Intent {
    if is_own_contacts(subject) {
        let (_, company) = split_at_last(subject, " at ").unwrap_or_default();
        return Intent::Call("search_contacts", json!({"text": company.unwrap_or_default()}));
    }
    match prospects(subject) {
        Some(query) => Intent::Call("prospect_search", query),
        None => Intent::Call("search_contacts", json!({"text": after_prefix(subject, &PHRASES.one_contact)})),
    }
}

/// Whether the search is for contacts of the workspace: "my contacts at Acme".
fn is_own_contacts(subject: &str) -> bool {
    let lower = subject.to_lowercase();
    PHRASES.own_contacts.iter().any(|own| lower.strip_prefix(own).is_some_and(|rest| rest.starts_with(" at ")))
}

/// A query for prospects: "20 CEOs at law firms in New York with 50-200 employees".
fn prospects(text: &str) -> Option<Value> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let count = words.first().and_then(|first| first.parse::<u32>().ok());
    let text = words.get(usize::from(count.is_some())..)?.join(" ");
    let (text, (min_employees, max_employees)) = split_size(&text);
    let (text, places) =
        split_at_last(&text, " in ").or_else(|| split_at_last(&text, " from ")).unwrap_or((text, None));
    let (titles, industries) = split_at_last(&text, " at ").unwrap_or((text, None));
    let titles = items(&titles);
    if industries.is_none() && !titles.iter().any(|title| is_job_title(title)) {
        return None;
    }
    Some(json!({
        "titles": titles.iter().map(|title| singular(title)).collect::<Vec<_>>(),
        "industries": industries.as_deref().map(items).unwrap_or_default(),
        "places": places.as_deref().map(items).unwrap_or_default(),
        "min_employees": min_employees,
        "max_employees": max_employees,
        "count": count,
        "list": null,
    }))
}

fn is_job_title(text: &str) -> bool {
    let ends = [text.split(' ').next(), text.split(' ').next_back()];
    let mut words = ends.iter().flatten().map(|word| word.to_lowercase().trim_end_matches('s').to_owned());
    words.any(|word| PHRASES.job_titles.contains(&word))
}

/// The last search with what a message changes: a size, a place, titles or the count.
pub fn narrow(message: &Message<'_>, last_search: &Value) -> Intent {
    let mut query = last_search.clone();
    let (rest, size) = split_size(message.text);
    if size != (None, None) {
        query["min_employees"] = json!(size.0);
        query["max_employees"] = json!(size.1);
    }
    let lower = rest.to_lowercase();
    let at = PHRASES.narrow_to.iter().find_map(|phrase| lower.find(phrase).map(|at| at + phrase.len()));
    if let Some(limit) = at.and_then(|at| rest.get(at..)) {
        let limit = after_prefix(limit.trim(), &["in", "those in"]).trim_start_matches("the ").trim();
        if prospects(limit).is_some() {
            query["titles"] = items(limit).iter().map(|title| singular(title)).collect();
        } else if !limit.is_empty() {
            query["places"] = json!(items(limit));
        }
    }
    if message.lower.contains("instead")
        && let Some(count) = message.lower.split_whitespace().find_map(|word| word.parse::<u32>().ok())
    {
        query["count"] = json!(count);
    }
    query["list"] = Value::Null;
    Intent::Call("prospect_search", query)
}
