//! Requests that change something: campaigns, e-mails, lists and contacts.

use serde_json::{Value, json};

use super::intent::{Intent, PHRASES};
use super::words::{Message, after_prefix, items, quoted, split_at_last};

/// The beginning of an e-mail's subject, and its message with `{about}` for the topic.
type Wording = (&'static str, &'static str);

const FORMAL: Wording = (
    "A thought on ",
    "Hello,\n\nI am writing to you about {about}. Teams like yours often ask us where to begin with it, and I would be \
     glad to share what has worked for them.\n\nWould you be available for a short call next week?",
);
const CASUAL: Wording = (
    "Quick one on ",
    "Hey,\n\nJust wanted to drop you a line about {about}. Lots of teams ask us where to start, and I'm happy to share \
     what's worked.\n\nUp for a quick chat next week?",
);
const SHORT: Wording =
    ("On ", "Hello,\n\nI would like to talk with you about {about}. Does a short call next week suit you?");

/// The subject and message of an e-mail to every contact of a list.
fn email(about: &str, (subject, message): Wording) -> (String, String) {
    let title: String = about.chars().take(80).collect();
    (format!("{subject}{title}"), message.replace("{about}", about))
}

/// Rewrites the conversation's last e-mail in the tone that the message names.
pub fn rewrite_email(message: &Message<'_>, context: &Value) -> Intent {
    let Some(subject) = context["last_email"]["subject"].as_str() else {
        return Intent::Answer("There is no e-mail in this conversation yet. Ask me for a campaign first.".to_owned());
    };
    let about = context["last_campaign"]["about"].as_str().unwrap_or_else(|| {
        let mut subjects = [FORMAL, CASUAL, SHORT].into_iter().map(|(subject, _)| subject);
        subjects.find_map(|start| subject.strip_prefix(start)).unwrap_or(subject)
    });
    let wording = match &message.lower {
        lower if lower.contains("short") => SHORT,
        lower if lower.contains("formal") && !lower.contains("less formal") => FORMAL,
        _ => CASUAL,
    };
    let (subject, message) = email(about, wording);
    Intent::Call("write_email", json!({"subject": subject, "message": message}))
}

/// Starts a campaign, or shows one.
pub fn campaign(message: &Message<'_>, context: &Value) -> Intent {
    let name = quoted(message.text);
    if !message.has(&PHRASES.start_campaign) {
        let rest = message.behind("campaign ").map(|rest| rest.strip_suffix("going").unwrap_or(rest).trim());
        let name = name.or(rest).filter(|name| !name.is_empty());
        return Intent::Call("show_campaign", json!({ "campaign": name }));
    }
    if name.is_none() && context["list"].is_null() {
        return Intent::Answer("For which list is the campaign? Tell me its name, such as 'Q1 Leads'.".to_owned());
    }
    let about = message.behind(" about ").map(str::trim).unwrap_or_default();
    if about.is_empty() {
        return Intent::Answer("What is the campaign about? Tell me in a few words.".to_owned());
    }
    let (subject, message) = email(about, FORMAL);
    let arguments = json!({"list": name, "name": null, "about": about, "subject": subject, "message": message});
    Intent::Call("campaign_start", arguments)
}

/// Creates, renames, changes or shows a list; `None` if the message is about something else.
pub fn list(message: &Message<'_>) -> Option<Intent> {
    let Message { text, lower } = message;
    if !message.has(&PHRASES.list) && !message.starts_with(&PHRASES.change_list) {
        return None;
    }
    if lower.starts_with("create") || lower.starts_with("make") || lower.starts_with("new list") {
        let name = || ["called ", "named ", "list "].iter().find_map(|word| message.behind(word)).map(str::trim);
        return Some(list_operation("create", Some(quoted(text).or_else(name)?), None, &[]));
    }
    if lower.starts_with("rename") {
        let (from, to) = split_at_last(after_prefix(text, &["rename"]), " to ")?;
        return Some(list_operation("rename", Some(list_name(&from)), to.as_deref().map(list_name), &[]));
    }
    for (verb, operation, between) in
        [("put", "add", " on "), ("add", "add", " to "), ("remove", "remove", " from "), ("take", "remove", " off ")]
    {
        if lower.starts_with(verb) && lower.contains(between) {
            let (contacts, list) = split_at_last(after_prefix(text, &[verb]), between)?;
            let list = list.as_deref().map(list_name).filter(|list| !list.is_empty());
            return Some(list_operation(operation, list, None, &items(&contacts)));
        }
    }
    if lower.contains("lists") {
        return Some(Intent::Call("list_lists", json!({})));
    }
    message.starts_with(&PHRASES.show_list).then(|| {
        let name = Some(list_name(message.after(&PHRASES.show_list))).filter(|name| !name.is_empty());
        Intent::Call("show_list", json!({ "list": name }))
    })
}

fn list_operation(operation: &str, list: Option<&str>, new_name: Option<&str>, contacts: &[String]) -> Intent {
    let arguments = json!({"operation": operation, "list": list, "new_name": new_name, "contacts": contacts});
    Intent::Call("list_operation", arguments)
}

/// The name in "the list 'Q1 Leads'" or "the Q1 Leads list".
fn list_name(text: &str) -> &str {
    let name = after_prefix(text.trim(), &PHRASES.list_articles);
    name.strip_suffix(" list").unwrap_or(name).trim_matches(['\'', '"', '“', '”', ' '])
}

/// "Set Jane Smith's phone to +1 202 555 0142", "Change the title of Jane Smith to CEO"; otherwise `None`.
pub fn contact(message: &Message<'_>) -> Option<Intent> {
    if !message.starts_with(&PHRASES.change_contact) {
        return None;
    }
    let value = message.behind(" to ")?.trim();
    let target = message.text.get(..message.lower.find(" to ")?)?;
    let target = after_prefix(target, &["set", "change", "update"]);
    let lower = target.to_lowercase();
    let (contact, field) = PHRASES.contact_fields.iter().find_map(|(word, field)| {
        let owner = ["'s ", "’s "].iter().find_map(|genitive| lower.strip_suffix(&format!("{genitive}{word}")));
        let of = || ["the ", ""].iter().find_map(|the| lower.strip_prefix(&format!("{the}{word} of ")));
        let contact = match owner {
            Some(owner) => target.get(..owner.len())?,
            None => target.get(target.len().checked_sub(of()?.len())?..)?,
        };
        Some((contact, field))
    })?;
    let mut arguments = json!({
        "contact": contact, "full_name": null, "email": null, "phone": null, "job_title": null,
        "company_name": null, "stage": null,
    });
    arguments[field] = json!(value.trim_matches(['\'', '"', '“', '”']));
    Some(Intent::Call("contact_update", arguments))
}
