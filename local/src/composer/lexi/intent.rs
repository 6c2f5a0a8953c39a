//! What a message asks Lexi to do, recognised by the phrases in `phrases.json`.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::words::Message;
use super::{changes, language, search};
use crate::composer::text::data;

/// What Lexi does next.
pub enum Intent {
    /// Calls a tool with these arguments.
    Call(&'static str, Value),
    Answer(String),
}

/// The phrases that Lexi knows, in lower case. If one starts with another, the longer one comes first.
#[derive(Default, Deserialize)]
pub struct Phrases {
    pub polite_prefixes: Vec<String>,
    credits: Vec<String>,
    task_status: Vec<String>,
    open_tasks: Vec<String>,
    works_at: Vec<String>,
    rewrite_email: Vec<String>,
    pub start_campaign: Vec<String>,
    pub list: Vec<String>,
    pub change_list: Vec<String>,
    pub show_list: Vec<String>,
    pub list_articles: Vec<String>,
    pub change_contact: Vec<String>,
    /// How a person calls a field of a contact, and its name.
    pub contact_fields: Vec<(String, String)>,
    narrow: Vec<String>,
    pub narrow_to: Vec<String>,
    pub search: Vec<String>,
    pub own_contacts: Vec<String>,
    pub one_contact: Vec<String>,
    pub job_titles: Vec<String>,
    pub quantifiers: Vec<String>,
    pub at_least: Vec<String>,
    show_contact: Vec<String>,
    read_back: Vec<String>,
    thanks: Vec<String>,
    greetings: Vec<String>,
}

pub static PHRASES: LazyLock<Phrases> = LazyLock::new(|| data(include_str!("phrases.json")));

/// Reads a message in the context of its conversation.
pub fn read(message: &str, context: &Value) -> Intent {
    let message = Message::new(message);
    let phrases = &*PHRASES;
    let last_search = &context["last_search"];
    let call = |tool| Intent::Call(tool, json!({}));
    if message.has(&phrases.credits) {
        call("credits")
    } else if message.has(&phrases.task_status) {
        call("show_task")
    } else if message.has(&phrases.open_tasks) {
        call("list_tasks")
    } else if let Some(prefix) = phrases.works_at.iter().find(|prefix| message.lower.starts_with(*prefix)) {
        Intent::Call("search_contacts", json!({"text": message.text.get(prefix.len()..).unwrap_or_default()}))
    } else if message.has(&phrases.rewrite_email) {
        changes::rewrite_email(&message, context)
    } else if message.lower.contains("campaign") {
        changes::campaign(&message, context)
    } else if let Some(intent) = changes::list(&message) {
        intent
    } else if let Some(intent) = changes::contact(&message) {
        intent
    } else if last_search.is_object() && message.has(&phrases.narrow) {
        search::narrow(&message, last_search)
    } else if message.starts_with(&phrases.search) {
        search::find(message.after(&phrases.search))
    } else if message.starts_with(&phrases.show_contact) {
        Intent::Call("get_contact", json!({"contact": message.after(&phrases.show_contact)}))
    } else if message.starts_with(&phrases.read_back) {
        call("read_back")
    } else if message.starts_with(&phrases.thanks) {
        Intent::Answer("You are welcome.".to_owned())
    } else if message.starts_with(&phrases.greetings) {
        Intent::Answer(language::help(message.text).0.to_owned())
    } else {
        Intent::Answer(match language::help(message.text) {
            (help, true) => format!("I did not understand that. {help}"),
            (help, false) => help.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(message: &str, context: Value) -> (String, Value) {
        match read(message, &context) {
            Intent::Call(name, arguments) => (name.to_owned(), arguments),
            Intent::Answer(text) => ("say".to_owned(), json!(text)),
        }
    }

    #[test]
    fn the_documents_prompts_are_understood() {
        let (tool, query) = intent("Find me 20 CEOs at law firms in New York", json!({}));
        assert_eq!(tool, "prospect_search");
        assert_eq!(query["titles"], json!(["CEO"]));
        assert_eq!((&query["industries"], &query["places"]), (&json!(["law firms"]), &json!(["New York"])));
        assert_eq!(query["count"], 20);
        let (_, query) = intent("Find CTOs at SaaS companies with 50-200 employees in California", json!({}));
        assert_eq!((&query["titles"], &query["industries"]), (&json!(["CTO"]), &json!(["SaaS companies"])));
        assert_eq!((&query["places"], &query["count"]), (&json!(["California"]), &Value::Null));
        assert_eq!((&query["min_employees"], &query["max_employees"]), (&json!(50), &json!(200)));
        let context = json!({"list": {"id": "x", "name": "Q1 Leads"}});
        let (tool, asked) =
            intent("Create an outreach campaign for my 'Q1 Leads' list about legal automation", context);
        assert_eq!((tool.as_str(), &asked["about"]), ("campaign_start", &json!("legal automation")));
        assert_eq!(asked["list"], "Q1 Leads");
        let context = json!({"last_email": {"subject": "A thought on legal automation", "message": "Hello"}});
        let (tool, email) = intent("Can you make the email more casual?", context);
        assert_eq!(tool, "write_email");
        assert!(
            email["message"].as_str().unwrap().contains("Hey") && email["subject"].as_str().unwrap().contains("legal")
        );
        let (tool, _) = intent("Find CEOs at law firms", json!({}));
        assert_eq!(tool, "prospect_search");
        let last = json!({"titles": ["CEO"], "industries": ["law firms"], "places": [], "count": 20});
        let (tool, query) = intent("Filter to only New York", json!({"last_search": last}));
        assert_eq!(
            (tool.as_str(), &query["places"], &query["titles"]),
            ("prospect_search", &json!(["New York"]), &json!(["CEO"]))
        );
    }

    #[test]
    fn the_other_sentences_are_understood() {
        for (message, tool, field, value) in [
            ("How many credits do I have?", "credits", "", Value::Null),
            ("Did you find them?", "show_task", "", Value::Null),
            ("Find Jane Smith", "search_contacts", "text", json!("Jane Smith")),
            ("Who is Jane Smith?", "get_contact", "contact", json!("Jane Smith")),
            ("Show my lists", "list_lists", "", Value::Null),
            ("Who is on the Q1 Leads list?", "show_list", "list", json!("Q1 Leads")),
            ("Create a list called Spring", "list_operation", "operation", json!("create")),
            ("Rename the list Spring to 'Summer'", "list_operation", "new_name", json!("Summer")),
            ("Add Jane Smith and Tom Ray to Q1 Leads", "list_operation", "contacts", json!(["Jane Smith", "Tom Ray"])),
            ("Remove jane@acme.example from the list Q1 Leads", "list_operation", "operation", json!("remove")),
            ("Set Jane Smith's phone to +1 202 555 0142", "contact_update", "phone", json!("+1 202 555 0142")),
            ("Change the title of Jane Smith to CEO", "contact_update", "job_title", json!("CEO")),
            ("How is the campaign going?", "show_campaign", "campaign", Value::Null),
            ("How is my campaign tax going?", "show_campaign", "campaign", json!("tax")),
            ("Find contacts at Acme", "search_contacts", "text", json!("Acme")),
            ("Who have I got at Acme?", "search_contacts", "text", json!("Acme")),
            ("Please put Jane Smith on the Q1 list", "list_operation", "contacts", json!(["Jane Smith"])),
            ("Show me the pending tasks", "list_tasks", "", Value::Null),
            ("Did it work?", "show_task", "", Value::Null),
            ("Find 5 CEOs at law firms in New York please", "prospect_search", "places", json!(["New York"])),
        ] {
            let (used, arguments) = intent(message, json!({}));
            assert_eq!(used, tool, "{message}");
            if !field.is_empty() {
                assert_eq!(arguments[field], value, "{message}");
            }
        }
        for message in ["Hello", "Make it casual", "Create a campaign about x", "Blargh"] {
            assert_eq!(intent(message, json!({})).0, "say", "{message}");
        }
    }
}
