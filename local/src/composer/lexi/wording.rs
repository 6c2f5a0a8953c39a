//! How Lexi words the result of a tool.

use serde_json::{Value, json};

/// An answer from a tool's result; `None` for a tool that Lexi does not know or a result that lacks what it needs.
pub fn tool_result(call: &Value, messages: &[Value]) -> Option<String> {
    let result = messages.iter().find(|message| message["tool_call_id"] == call["id"])?;
    let content = result["content"].as_str()?;
    let result: Value =
        serde_json::from_str(content).unwrap_or_else(|_| json!({"refused": "there was too much to read"}));
    if let Some(reason) = result["refused"].as_str() {
        return Some(refusal(reason));
    }
    Some(match call["function"]["name"].as_str()? {
        "prospect_search" | "contact_update" | "list_operation" => {
            format!("I'll {}. Please approve this task to proceed.", plan(&result))
        }
        "campaign_start" => campaign_plan(&result, call["function"]["arguments"].as_str()?)?,
        "write_email" => {
            let task = result["task_id"].is_string();
            let approve = if task { "\n\nPlease approve the task with it to proceed." } else { "" };
            let note = result["note"].as_str().map(|note| format!("\n\nBut {note}.")).unwrap_or_default();
            format!("Here is the e-mail:\n\n{}{approve}{note}", email(&result["email"])?)
        }
        "show_task" => task(&result),
        "credits" => match result["held"].as_u64().unwrap_or_default() {
            0 => format!("You have {} credits left.", result["available"]),
            held => format!("You have {} credits left, and {held} more that are held for tasks.", result["available"]),
        },
        "list_tasks" => match result["tasks"].as_array()?.as_slice() {
            [] => "Nothing waits for your approval.".to_owned(),
            tasks => {
                let plans = joined(tasks, "; ", |task| text(task, "description").to_owned());
                format!("{} wait for your approval: {plans}.", result["total"])
            }
        },
        "search_contacts" => contacts(&result["contacts"], "I found"),
        "get_contact" => contact_with_activity(&result),
        "list_lists" => match result["lists"].as_array()?.as_slice() {
            [] => "You have no lists yet.".to_owned(),
            lists => {
                let list = |list: &Value| format!("{} ({} contacts)", text(list, "name"), list["contacts"]);
                format!("Your lists: {}.", joined(lists, ", ", list))
            }
        },
        "show_list" => list(&result),
        "show_campaign" => campaign(&result),
        "read_back" => match result["answers"].as_array()?.as_slice() {
            [] => "I have told you nothing from the records yet.".to_owned(),
            answers => joined(answers, "\n\n", |answer| answer.as_str().unwrap_or_default().to_owned()),
        },
        _ => return None,
    })
}

fn refusal(reason: &str) -> String {
    let reason = reason.split(';').next().unwrap_or_default();
    // "contact Jane: …" names a parameter of the tool.
    let reason =
        reason.split_once(": ").filter(|(before, _)| before.starts_with("contact ")).map_or(reason, |(_, why)| why);
    let question = if reason.contains("several") { " Tell me the e-mail address, or the id." } else { "" };
    format!("I could not do that: {reason}.{question}")
}

/// What a task does, as the server describes it, inside a sentence.
fn plan(result: &Value) -> String {
    let mut characters = result["description"].as_str().unwrap_or_default().chars();
    let first = characters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(characters).collect()
}

fn campaign_plan(result: &Value, arguments: &str) -> Option<String> {
    let email = email(&serde_json::from_str(arguments).ok()?)?;
    Some(format!(
        "I'll {}. Each draft follows this e-mail:\n\n{email}\n\nPlease approve this task to proceed; nothing is sent \
         before you have reviewed each draft.",
        plan(result)
    ))
}

fn email(email: &Value) -> Option<String> {
    Some(format!("Subject: {}\n\n{}", email["subject"].as_str()?, email["message"].as_str()?))
}

fn task(result: &Value) -> String {
    let plan = plan(result);
    let search = plan.strip_prefix("search for ").and_then(|rest| rest.split_once(" and add them to "));
    match (result["status"].as_str().unwrap_or_default(), search) {
        ("completed", Some((prospects, list))) => {
            let prospects = prospects.trim_start_matches(|count: char| count.is_ascii_digit() || count == ' ');
            let found = result["result"]["found"].as_u64().unwrap_or_default();
            let only = if result["result"]["requested"].as_u64() > Some(found) { "only " } else { "" };
            match found {
                0 => format!("I found no {prospects}."),
                _ => format!("I found {only}{found} {prospects}. I've added them to {list}."),
            }
        }
        ("completed", None) => format!("That is done: {plan}."),
        ("pending", _) => format!("The task waits for your approval: {plan}."),
        ("approved" | "running", _) => format!("I am at it: {plan}. {} are done so far.", result["progress"]["done"]),
        ("failed", _) => {
            let cause = result["failure"]["message"].as_str().unwrap_or("nobody knows why");
            format!("That failed: {}.", cause.trim_end_matches('.'))
        }
        ("dismissed", _) => format!("You dismissed the task: {plan}."),
        _ => "Nobody knows how the task stands.".to_owned(),
    }
}

fn list(result: &Value) -> String {
    let list = &result["list"];
    let head = format!("{} has {} contacts.", text(list, "name"), list["contacts"]);
    match result["contacts"].as_array().is_some_and(Vec::is_empty) {
        true => head,
        false => format!("{head} {}", contacts(&result["contacts"], "The first")),
    }
}

fn campaign(result: &Value) -> String {
    let counts = &result["counts"];
    let drafts = format!("{} drafts are written for {} contacts", counts["drafted"], counts["contacts"]);
    let more = if result["status"] == "completed" { "" } else { ", and more are on their way" };
    let name = text(&result["campaign"], "name");
    format!("{name}: {drafts}{more}. Nothing is sent before you approve each draft.")
}

fn contact(contact: &Value) -> String {
    let name = contact["full_name"].as_str().or(contact["email"].as_str()).unwrap_or("somebody without a name");
    let position = match (contact["job_title"].as_str(), contact["company_name"].as_str()) {
        (Some(title), Some(company)) => format!(", {title} at {company}"),
        (Some(one), None) | (None, Some(one)) => format!(", {one}"),
        (None, None) => String::new(),
    };
    let email = contact["email"].as_str().filter(|email| *email != name);
    format!("{name}{position}{}", email.map(|email| format!(" ({email})")).unwrap_or_default())
}

fn contacts(found: &Value, begin: &str) -> String {
    match found.as_array().map_or(&[][..], Vec::as_slice) {
        [] => "I found no contact for that.".to_owned(),
        [one] => format!("{begin} 1 contact: {}.", contact(one)),
        many => format!("{begin} {} contacts: {}.", many.len(), joined(many, "; ", contact)),
    }
}

fn contact_with_activity(result: &Value) -> String {
    let head = format!("{}.", contact(&result["contact"]));
    let Some(last) = result["activity"].as_array().and_then(|activity| activity.first()) else {
        return head + " Nothing has happened with them yet.";
    };
    let day = last["date"].as_str().and_then(|date| date.get(..10)).unwrap_or_default();
    let content = last["title"].as_str().or(last["text"].as_str()).unwrap_or_default();
    let colon = if content.is_empty() { "" } else { ": " };
    format!("{head} Last: {} on {day}{colon}{content}.", text(last, "type"))
}

fn text<'a>(of: &'a Value, field: &str) -> &'a str {
    of[field].as_str().unwrap_or("unnamed")
}

fn joined(items: &[Value], separator: &str, word: impl Fn(&Value) -> String) -> String {
    items.iter().map(word).collect::<Vec<_>>().join(separator)
}
