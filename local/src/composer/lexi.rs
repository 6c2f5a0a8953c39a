//! Lexi, by rules: reads the person's message, uses a tool or answers, and says what the tools gave. English
//! only; what it does not understand it says so.

use serde_json::{Value, json};

use super::Reply;

const HELP: &str = "I can find prospects (\"Find 20 CEOs at law firms in New York\"), draft a campaign for a list \
(\"Create a campaign for my 'Q1 Leads' list about legal automation\"), look up contacts and lists, and change \
them. Whatever changes something waits for your approval.";

/// Answers a request of the chat endpoint that offers tools.
pub fn reply(request: &Value) -> Reply {
    let messages = request["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let context = messages.get(1).and_then(|context| context["content"].as_str());
    let context: Value = context.and_then(|context| serde_json::from_str(context).ok()).unwrap_or_default();
    let asked = messages.iter().rposition(|message| message["role"] == "user").unwrap_or_default();
    let message = messages.get(asked).and_then(|message| message["content"].as_str()).unwrap_or_default();
    let after = messages.get(asked + 1..).unwrap_or_default();
    let calls = after.iter().rev().find_map(|message| message["tool_calls"].as_array());
    if let Some(calls) = calls {
        let texts: Vec<String> = calls.iter().filter_map(|call| told(call, after)).collect();
        return Reply::text(texts.join("\n\n"));
    }
    let offers = |name: &str| {
        let tools = request["tools"].as_array();
        tools.is_some_and(|tools| tools.iter().any(|tool| tool["function"]["name"] == name))
    };
    match wish(message, &context) {
        Wish::Use(name, arguments) if offers(name) => Reply::call(name, &arguments),
        Wish::Use(..) => Reply::text(HELP.to_owned()),
        Wish::Say(text) => Reply::text(text),
    }
}

/// The memory of a conversation: how each message begins, the newest if those are too many.
pub fn summarise(facts: &Value) -> Value {
    let before = facts["summary"].as_str().unwrap_or_default().lines().map(str::to_owned);
    let begun = facts["messages"].as_array().into_iter().flatten().map(|message| {
        let text = message["text"].as_str().unwrap_or_default();
        let who = if message["who"] == "user" { "Asked" } else { "Answered" };
        format!("{who}: {}", text.split_whitespace().take(20).collect::<Vec<_>>().join(" "))
    });
    let lines: Vec<String> = before.chain(begun).collect();
    let mut length = 0;
    let fits = |line: &&String| {
        length += line.chars().count() + 1;
        length <= 2_500
    };
    let mut kept: Vec<&str> = lines.iter().rev().take_while(fits).map(String::as_str).collect();
    kept.reverse();
    json!({"summary": kept.join("\n")})
}

enum Wish {
    Use(&'static str, Value),
    Say(String),
}

/// What a message wants.
fn wish(message: &str, context: &Value) -> Wish {
    let text = message.trim().trim_end_matches(['.', '!', '?']).trim();
    let text = after_words(text, &["please", "can you", "could you"]);
    let text = text.strip_suffix(" please").unwrap_or(text).trim_end_matches(',');
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let begins = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));

    if has(&["credit", "balance"]) {
        return Wish::Use("credits", json!({}));
    }
    if has(&[
        "did you find",
        "what did you find",
        "is it done",
        "are you done",
        "how far",
        "task stand",
        "status of",
        "did it work",
        "did you change",
        "did you add",
        "what happened",
        "is it finished",
    ]) {
        return Wish::Use("show_task", json!({}));
    }
    if has(&[
        "pending task",
        "waiting for my approval",
        "waits for my approval",
        "waiting for approval",
        "what is waiting",
        "what's waiting",
    ]) {
        return Wish::Use("list_tasks", json!({}));
    }
    for (begin, end) in [("who have i got at ", ""), ("which contacts work at ", ""), ("who works at ", "")] {
        if lower.starts_with(begin) {
            return Wish::Use(
                "search_contacts",
                json!({"text": text.get(begin.len()..).unwrap_or_default().trim_end_matches(end)}),
            );
        }
    }
    if has(&["casual", "formal", "shorter", "friendlier", "rewrite", "more personal"]) {
        return rewrite(&lower, context);
    }
    if has(&["campaign"]) {
        return match has(&["create", "start", "launch", "draft", "prepare", "set up"]) {
            true => campaign(text, &lower, context),
            false => {
                let named = lower.find("campaign ").and_then(|at| text.get(at + "campaign ".len()..));
                let named = named.map(|named| named.strip_suffix("going").unwrap_or(named).trim());
                let named = quoted(text).or(named).filter(|named| !named.is_empty());
                Wish::Use("show_campaign", json!({ "campaign": named }))
            }
        };
    }
    if (has(&[" list", "lists"]) || begins(&["add ", "put ", "remove ", "rename "]))
        && let Some(wish) = list(text, &lower)
    {
        return wish;
    }
    if begins(&["set ", "change ", "update "])
        && let Some(wish) = update(text, &lower)
    {
        return wish;
    }
    let last = &context["last_search"];
    if last.is_object() && has(&["filter", "only", "narrow", "just those", "instead", "limit to", "restrict"]) {
        return narrow(text, &lower, last);
    }
    if begins(&["find", "search", "look for", "get me", "i need", "show me", "give me"]) {
        let wanted = after_words(
            text,
            &["find me", "find", "search for", "search", "look for", "get me", "i need", "show me", "give me"],
        );
        return match query(wanted) {
            Some(query) if !begins_with_contacts(wanted) => Wish::Use("prospect_search", query),
            _ if begins_with_contacts(wanted) => {
                let (_, at) = cut_at(wanted, " at ").unwrap_or_default();
                Wish::Use("search_contacts", json!({"text": at.unwrap_or_default()}))
            }
            _ => Wish::Use(
                "search_contacts",
                json!({"text": after_words(wanted, &["contact", "the contact", "lead", "the lead"])}),
            ),
        };
    }
    if begins(&["who is", "tell me about", "what do we know about", "what do you know about"]) {
        let whom = after_words(text, &["who is", "tell me about", "what do we know about", "what do you know about"]);
        return Wish::Use("get_contact", json!({"contact": whom}));
    }
    if begins(&["what did you tell", "repeat", "say that again"]) {
        return Wish::Use("read_back", json!({}));
    }
    if begins(&["thank", "ok", "great", "good"]) {
        return Wish::Say("You are welcome.".to_owned());
    }
    if begins(&["hello", "hi", "hey", "help", "what can you"]) {
        return Wish::Say(HELP.to_owned());
    }
    Wish::Say(format!("I did not understand that. {HELP}"))
}

/// Whether somebody is looked for among one's own.
fn begins_with_contacts(wanted: &str) -> bool {
    let lower = wanted.to_lowercase();
    let own = [
        "contacts",
        "my contacts",
        "all contacts",
        "the contacts",
        "leads",
        "my leads",
        "people",
        "everybody",
        "everyone",
    ];
    own.iter().any(|own| lower.strip_prefix(own).is_some_and(|rest| rest.starts_with(" at ")))
}

/// What follows the longest of these beginnings.
fn after_words<'a>(text: &'a str, beginnings: &[&str]) -> &'a str {
    let lower = text.to_lowercase();
    let found = beginnings.iter().filter(|beginning| {
        lower.strip_prefix(**beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    let length = found.map(|beginning| beginning.len()).max().unwrap_or_default();
    text.get(length..).unwrap_or_default().trim()
}

/// What stands in quotation marks.
fn quoted(text: &str) -> Option<&str> {
    for (open, close) in [('\'', '\''), ('"', '"'), ('“', '”'), ('‘', '’')] {
        let mut from = 0;
        while let Some(at) = text[from..].find(open).map(|at| from + at) {
            let inner = at + open.len_utf8();
            // An apostrophe stands behind a letter.
            let is_apostrophe = text[..at].ends_with(char::is_alphanumeric);
            match text[inner..].find(close) {
                Some(length) if !is_apostrophe && length > 0 => return Some(&text[inner..inner + length]),
                _ => from = inner,
            }
        }
    }
    None
}

/// A search for prospects: "20 CEOs at law firms in New York with 50-200 employees".
fn query(text: &str) -> Option<Value> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let count = words.first().and_then(|first| first.parse::<u32>().ok());
    let text = words.get(usize::from(count.is_some())..)?.join(" ");
    let (text, size) = sized(&text);
    let (text, places) = cut_at(&text, " in ").or_else(|| cut_at(&text, " from ")).unwrap_or((text, None));
    let (titles, industries) = cut_at(&text, " at ").unwrap_or((text, None));
    let titles = several(&titles);
    let is_title = |title: &String| {
        let last = title.split(' ').next_back().unwrap_or_default();
        let first = title.split(' ').next().unwrap_or_default();
        const TITLES: [&str; 22] = [
            "ceo",
            "cto",
            "cfo",
            "coo",
            "cmo",
            "cio",
            "vp",
            "head",
            "director",
            "manager",
            "founder",
            "owner",
            "partner",
            "president",
            "lawyer",
            "attorney",
            "engineer",
            "officer",
            "executive",
            "counsel",
            "chief",
            "decision",
        ];
        let plain = |word: &str| word.to_lowercase().trim_end_matches('s').to_owned();
        [plain(first), plain(last)].iter().any(|word| TITLES.contains(&word.as_str()))
    };
    if industries.is_none() && !titles.iter().any(is_title) {
        return None;
    }
    Some(json!({
        "titles": titles.iter().map(|title| singular(title)).collect::<Vec<_>>(),
        "industries": industries.as_deref().map(several).unwrap_or_default(),
        "places": places.as_deref().map(several).unwrap_or_default(),
        "min_employees": size.0,
        "max_employees": size.1,
        "count": count,
        "list": null,
    }))
}

/// The last search with what a message adds to it.
fn narrow(text: &str, lower: &str, last: &Value) -> Wish {
    let mut query = last.clone();
    let (rest, size) = sized(text);
    if size != (None, None) {
        query["min_employees"] = json!(size.0);
        query["max_employees"] = json!(size.1);
    }
    let at = [
        "to only ",
        "only in ",
        "only ",
        "filter to ",
        "limit to ",
        "restrict to ",
        "narrow to ",
        "narrow it down to ",
        "just those in ",
    ];
    let rest_lower = rest.to_lowercase();
    let found = at.iter().find_map(|words| rest_lower.find(words).map(|at| at + words.len()));
    if let Some(place) = found.and_then(|at| rest.get(at..)).map(|place| after_words(place.trim(), &["in", "those in"]))
    {
        let place = place.trim_start_matches("the ").trim();
        match query_title(place) {
            true => query["titles"] = json!(several(place).iter().map(|title| singular(title)).collect::<Vec<_>>()),
            false if !place.is_empty() => query["places"] = json!(several(place)),
            false => {}
        }
    }
    if lower.contains("instead")
        && let Some(number) = lower.split_whitespace().find_map(|word| word.parse::<u32>().ok())
    {
        query["count"] = json!(number);
    }
    query["list"] = Value::Null;
    Wish::Use("prospect_search", query)
}

fn query_title(text: &str) -> bool {
    self::query(&format!("{text} at x")).is_some() && self::query(text).is_some()
}

/// A text without "with 50-200 employees", and the size.
fn sized(text: &str) -> (String, (Option<u32>, Option<u32>)) {
    let lower = text.to_lowercase();
    let Some(end) = lower.find("employees") else { return (text.to_owned(), (None, None)) };
    let start = lower[..end].rfind(" with ").unwrap_or_else(|| lower[..end].rfind(" of ").unwrap_or(end));
    let numbers: Vec<u32> = lower[start..end]
        .split(|part: char| !part.is_ascii_digit() && part != ',')
        .filter_map(|number| number.replace(',', "").parse().ok())
        .collect();
    let between = &lower[start..end];
    let is_least = ["more than", "at least", "over", "+"].iter().any(|word| between.contains(word));
    let size = match numbers[..] {
        [least, most, ..] => (Some(least), Some(most)),
        [one] if is_least => (Some(one), None),
        [one] => (None, Some(one)),
        [] => (None, None),
    };
    let rest = text.get(end + "employees".len()..).unwrap_or_default();
    (format!("{}{rest}", text.get(..start).unwrap_or_default()), size)
}

/// A text before and behind the last of these words.
fn cut_at(text: &str, word: &str) -> Option<(String, Option<String>)> {
    let at = text.to_lowercase().rfind(word)?;
    let behind = text.get(at + word.len()..)?.trim().trim_end_matches(['.', ',']).to_owned();
    Some((text.get(..at)?.trim().to_owned(), Some(behind).filter(|behind| !behind.is_empty())))
}

fn several(text: &str) -> Vec<String> {
    let parts = text.split(',').flat_map(|part| part.split(" and ")).flat_map(|part| part.split(" or "));
    parts
        .map(|part| after_words(part.trim(), &["the", "all", "some"]).to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// `CEOs` is a CEO; what stands before "of" is what there are many of.
fn singular(title: &str) -> String {
    let (many, rest) = match title.find(" of ") {
        Some(at) => title.split_at(at),
        None => (title, ""),
    };
    let one = match many.strip_suffix("ies") {
        Some(stem) if !stem.is_empty() => format!("{stem}y"),
        _ => many.strip_suffix('s').filter(|stem| !stem.ends_with('s')).unwrap_or(many).to_owned(),
    };
    format!("{one}{rest}")
}

fn campaign(text: &str, lower: &str, context: &Value) -> Wish {
    let named = quoted(text);
    if named.is_none() && context["list"].is_null() {
        return Wish::Say("For which list is the campaign? Tell me its name, such as 'Q1 Leads'.".to_owned());
    }
    let about =
        lower.find(" about ").and_then(|at| text.get(at + " about ".len()..)).map(str::trim).unwrap_or_default();
    if about.is_empty() {
        return Wish::Say("What is the campaign about? Tell me in a few words.".to_owned());
    }
    let (subject, message) = email(about, Tone::Formal);
    let arguments = json!({"list": named, "name": null, "about": about, "subject": subject, "message": message});
    Wish::Use("campaign_start", arguments)
}

#[derive(Clone, Copy)]
enum Tone {
    Formal,
    Casual,
    Short,
}

/// An e-mail that names nobody.
fn email(about: &str, tone: Tone) -> (String, String) {
    let title: String = about.chars().take(80).collect();
    let (subject, message) = match tone {
        Tone::Formal => (
            format!("A thought on {title}"),
            format!(
                "Hello,\n\nI am writing to you about {about}. Teams like yours often ask us where to begin with it, and I \
                 would be glad to share what has worked for them.\n\nWould you be available for a short call next week?"
            ),
        ),
        Tone::Casual => (
            format!("Quick one on {title}"),
            format!(
                "Hey,\n\nJust wanted to drop you a line about {about}. Lots of teams ask us where to start, and I'm \
                 happy to share what's worked.\n\nUp for a quick chat next week?"
            ),
        ),
        Tone::Short => (
            format!("On {title}"),
            format!("Hello,\n\nI would like to talk with you about {about}. Does a short call next week suit you?"),
        ),
    };
    (subject, message)
}

fn rewrite(lower: &str, context: &Value) -> Wish {
    let last = &context["last_email"];
    let Some(subject) = last["subject"].as_str() else {
        return Wish::Say("There is no e-mail in this conversation yet. Ask me for a campaign first.".to_owned());
    };
    let about = context["last_campaign"]["about"].as_str().unwrap_or_else(|| {
        ["A thought on ", "Quick one on ", "On "]
            .iter()
            .find_map(|start| subject.strip_prefix(start))
            .unwrap_or(subject)
    });
    let tone = match lower {
        lower if lower.contains("short") => Tone::Short,
        lower if lower.contains("formal") && !lower.contains("less formal") => Tone::Formal,
        _ => Tone::Casual,
    };
    let (subject, message) = email(about, tone);
    Wish::Use("write_email", json!({"subject": subject, "message": message}))
}

fn list(text: &str, lower: &str) -> Option<Wish> {
    let operation = |operation: &str, list: Option<&str>, new_name: Option<&str>, contacts: &[String]| {
        let arguments = json!({"operation": operation, "list": list, "new_name": new_name, "contacts": contacts});
        Some(Wish::Use("list_operation", arguments))
    };
    let plain = |name: &str| {
        let name = after_words(name.trim(), &["the list", "my list", "list", "the", "my"]);
        let name = name.strip_suffix(" list").unwrap_or(name);
        name.trim_matches(['\'', '"', '“', '”', ' ']).to_owned()
    };
    if lower.starts_with("create") || lower.starts_with("make") || lower.starts_with("new list") {
        let at = ["called ", "named ", "list "].iter().find_map(|word| lower.find(word).map(|at| at + word.len()));
        let name = quoted(text).or_else(|| at.and_then(|at| text.get(at..)).map(str::trim))?;
        return operation("create", Some(name), None, &[]);
    }
    if lower.starts_with("rename") {
        let (from, to) = cut_at(after_words(text, &["rename"]), " to ")?;
        return operation("rename", Some(&plain(&from)), to.map(|to| plain(&to)).as_deref(), &[]);
    }
    for (word, name, between) in
        [("put", "add", " on "), ("add", "add", " to "), ("remove", "remove", " from "), ("take", "remove", " off ")]
    {
        if lower.starts_with(word) && lower.contains(between) {
            let (whom, list) = cut_at(after_words(text, &[word]), between)?;
            let list = list.map(|list| plain(&list)).filter(|list| !list.is_empty());
            return operation(name, list.as_deref(), None, &several(&whom));
        }
    }
    if lower.contains("lists") {
        return Some(Wish::Use("list_lists", json!({})));
    }
    let begins = ["who is on", "show me", "show", "what is on", "open"];
    begins.iter().any(|words| lower.starts_with(words)).then(|| {
        let name = plain(after_words(text, &begins));
        Wish::Use("show_list", json!({"list": Some(name).filter(|name| !name.is_empty())}))
    })
}

/// "Set Jane Smith's phone to +1 202 555 0142", "Change the title of Jane Smith to CEO".
fn update(text: &str, lower: &str) -> Option<Wish> {
    let at = lower.find(" to ")?;
    let (what, value) = (text.get(..at)?, text.get(at + " to ".len()..)?.trim());
    let what = after_words(what, &["set", "change", "update"]);
    const FIELDS: [(&str, &str); 11] = [
        ("phone number", "phone"),
        ("phone", "phone"),
        ("e-mail address", "email"),
        ("e-mail", "email"),
        ("email address", "email"),
        ("email", "email"),
        ("job title", "job_title"),
        ("title", "job_title"),
        ("company", "company_name"),
        ("stage", "stage"),
        ("name", "full_name"),
    ];
    let lower = what.to_lowercase();
    let (contact, field) = FIELDS.iter().find_map(|(word, field)| {
        let behind = ["'s ", "’s "].iter().find_map(|owner| lower.strip_suffix(&format!("{owner}{word}")));
        let of = || ["the ", ""].iter().find_map(|the| lower.strip_prefix(&format!("{the}{word} of ")));
        match (behind, of()) {
            (Some(contact), _) => Some((what.get(..contact.len())?, *field)),
            (None, Some(contact)) => Some((what.get(what.len() - contact.len()..)?, *field)),
            (None, None) => None,
        }
    })?;
    let mut arguments = json!({
        "contact": contact, "full_name": null, "email": null, "phone": null, "job_title": null,
        "company_name": null, "stage": null,
    });
    arguments[field] = json!(value.trim_matches(['\'', '"', '“', '”']));
    Some(Wish::Use("contact_update", arguments))
}

/// What is said of a tool's result.
fn told(call: &Value, messages: &[Value]) -> Option<String> {
    let result = messages.iter().find(|message| message["tool_call_id"] == call["id"])?;
    let content = result["content"].as_str()?;
    let result: Value =
        serde_json::from_str(content).unwrap_or_else(|_| json!({"refused": "there was too much to read"}));
    if let Some(refused) = result["refused"].as_str() {
        let why = refused.split(';').next().unwrap_or_default();
        let why = why.split_once(": ").filter(|(before, _)| before.starts_with("contact ")).map_or(why, |(_, why)| why);
        let more = if why.contains("several") { " Tell me the e-mail address, or the id." } else { "" };
        return Some(format!("I could not do that: {why}.{more}"));
    }
    Some(match call["function"]["name"].as_str()? {
        "prospect_search" | "contact_update" | "list_operation" => {
            format!("I'll {}. Please approve this task to proceed.", will(&result))
        }
        "campaign_start" => {
            let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str()?).ok()?;
            let (subject, message) = (arguments["subject"].as_str()?, arguments["message"].as_str()?);
            format!(
                "I'll {}. Each draft follows this e-mail:\n\nSubject: {subject}\n\n{message}\n\nPlease approve this task to \
                 proceed; nothing is sent before you have reviewed each draft.",
                will(&result)
            )
        }
        "write_email" => {
            let email = &result["email"];
            let (subject, message) = (email["subject"].as_str()?, email["message"].as_str()?);
            let task = result["task_id"].is_string();
            let approve = if task { "\n\nPlease approve the task with it to proceed." } else { "" };
            let note = result["note"].as_str().map(|note| format!("\n\nBut {note}.")).unwrap_or_default();
            format!("Here is the e-mail:\n\nSubject: {subject}\n\n{message}{approve}{note}")
        }
        "show_task" => task(&result),
        "credits" => match result["held"].as_u64().unwrap_or_default() {
            0 => format!("You have {} credits left.", result["available"]),
            held => format!("You have {} credits left, and {held} more that are held for tasks.", result["available"]),
        },
        "list_tasks" => {
            let tasks = result["tasks"].as_array()?;
            let waiting = tasks.iter().map(|task| text(task, "description"));
            match tasks.len() {
                0 => "Nothing waits for your approval.".to_owned(),
                _ => format!("{} wait for your approval: {}.", result["total"], waiting.collect::<Vec<_>>().join("; ")),
            }
        }
        "search_contacts" => contacts(&result["contacts"], "I found"),
        "get_contact" => contact_with_activity(&result),
        "list_lists" => {
            let lists = result["lists"].as_array()?;
            let names = lists.iter().map(|list| format!("{} ({} contacts)", text(list, "name"), list["contacts"]));
            match lists.len() {
                0 => "You have no lists yet.".to_owned(),
                _ => format!("Your lists: {}.", names.collect::<Vec<_>>().join(", ")),
            }
        }
        "show_list" => {
            let list = &result["list"];
            let head = format!("{} has {} contacts.", text(list, "name"), list["contacts"]);
            match result["contacts"].as_array().is_some_and(Vec::is_empty) {
                true => head,
                false => format!("{head} {}", contacts(&result["contacts"], "The first")),
            }
        }
        "show_campaign" => {
            let counts = &result["counts"];
            let written = format!("{} drafts are written for {} contacts", counts["drafted"], counts["contacts"]);
            let more = if result["status"] == "completed" { "" } else { ", and more are on their way" };
            let name = text(&result["campaign"], "name");
            format!("{name}: {written}{more}. Nothing is sent before you approve each draft.")
        }
        "read_back" => {
            let answers = result["answers"].as_array()?.iter().filter_map(Value::as_str);
            let answers: Vec<_> = answers.collect();
            if answers.is_empty() {
                "I have told you nothing from the records yet.".to_owned()
            } else {
                answers.join("\n\n")
            }
        }
        _ => return None,
    })
}

/// What a task will do, as the server describes it.
fn will(result: &Value) -> String {
    let mut characters = result["description"].as_str().unwrap_or_default().chars();
    let first = characters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(characters).collect()
}

fn task(result: &Value) -> String {
    let description = will(result);
    let what = description.strip_prefix("search for ").and_then(|rest| rest.split_once(" and add them to "));
    match (result["status"].as_str().unwrap_or_default(), what) {
        ("completed", Some((what, list))) => {
            let what = what.trim_start_matches(|count: char| count.is_ascii_digit() || count == ' ');
            let found = result["result"]["found"].as_u64().unwrap_or_default();
            match found {
                0 => format!("I found no {what}."),
                fewer if result["result"]["requested"].as_u64().is_some_and(|asked| asked > fewer) => {
                    format!("I found only {fewer} {what}. I've added them to {list}.")
                }
                _ => format!("I found {found} {what}. I've added them to {list}."),
            }
        }
        ("completed", None) => format!("That is done: {description}."),
        ("pending", _) => format!("The task waits for your approval: {description}."),
        ("approved" | "running", _) => {
            format!("I am at it: {description}. {} are done so far.", result["progress"]["done"])
        }
        ("failed", _) => {
            format!(
                "That failed: {}.",
                result["failure"]["message"].as_str().unwrap_or("nobody knows why").trim_end_matches('.')
            )
        }
        ("dismissed", _) => format!("You dismissed the task: {description}."),
        _ => "Nobody knows how the task stands.".to_owned(),
    }
}

fn text<'a>(of: &'a Value, field: &str) -> &'a str {
    of[field].as_str().unwrap_or("unnamed")
}

fn contact(contact: &Value) -> String {
    let name = contact["full_name"].as_str().or(contact["email"].as_str()).unwrap_or("somebody without a name");
    let role = match (contact["job_title"].as_str(), contact["company_name"].as_str()) {
        (Some(title), Some(company)) => format!(", {title} at {company}"),
        (Some(one), None) | (None, Some(one)) => format!(", {one}"),
        (None, None) => String::new(),
    };
    let email = contact["email"].as_str().filter(|email| *email != name);
    format!("{name}{role}{}", email.map(|email| format!(" ({email})")).unwrap_or_default())
}

fn contacts(found: &Value, begin: &str) -> String {
    let found = found.as_array().map_or(&[][..], Vec::as_slice);
    match found.len() {
        0 => "I found no contact for that.".to_owned(),
        1 => format!("{begin} 1 contact: {}.", contact(&found[0])),
        many => format!("{begin} {many} contacts: {}.", found.iter().map(contact).collect::<Vec<_>>().join("; ")),
    }
}

fn contact_with_activity(result: &Value) -> String {
    let head = format!("{}.", contact(&result["contact"]));
    let last = result["activity"].as_array().and_then(|activity| activity.first());
    let last = last.map(|last| {
        let day = last["date"].as_str().and_then(|date| date.get(..10)).unwrap_or_default();
        let what = last["title"].as_str().or(last["text"].as_str()).unwrap_or_default();
        format!(" Last: {} on {day}{}{what}.", text(last, "type"), if what.is_empty() { "" } else { ": " })
    });
    head + &last.unwrap_or_else(|| " Nothing has happened with them yet.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wished(message: &str, context: Value) -> (String, Value) {
        match wish(message, &context) {
            Wish::Use(name, arguments) => (name.to_owned(), arguments),
            Wish::Say(text) => ("say".to_owned(), json!(text)),
        }
    }

    #[test]
    fn the_documents_prompts_are_understood() {
        let (tool, query) = wished("Find me 20 CEOs at law firms in New York", json!({}));
        assert_eq!(tool, "prospect_search");
        assert_eq!(query["titles"], json!(["CEO"]));
        assert_eq!((&query["industries"], &query["places"]), (&json!(["law firms"]), &json!(["New York"])));
        assert_eq!(query["count"], 20);
        let (_, query) = wished("Find CTOs at SaaS companies with 50-200 employees in California", json!({}));
        assert_eq!((&query["titles"], &query["industries"]), (&json!(["CTO"]), &json!(["SaaS companies"])));
        assert_eq!((&query["places"], &query["count"]), (&json!(["California"]), &Value::Null));
        assert_eq!((&query["min_employees"], &query["max_employees"]), (&json!(50), &json!(200)));
        let context = json!({"list": {"id": "x", "name": "Q1 Leads"}});
        let (tool, asked) =
            wished("Create an outreach campaign for my 'Q1 Leads' list about legal automation", context);
        assert_eq!((tool.as_str(), &asked["about"]), ("campaign_start", &json!("legal automation")));
        assert_eq!(asked["list"], "Q1 Leads");
        let context = json!({"last_email": {"subject": "A thought on legal automation", "message": "Hello"}});
        let (tool, email) = wished("Can you make the email more casual?", context);
        assert_eq!(tool, "write_email");
        assert!(
            email["message"].as_str().unwrap().contains("Hey") && email["subject"].as_str().unwrap().contains("legal")
        );
        let (tool, _) = wished("Find CEOs at law firms", json!({}));
        assert_eq!(tool, "prospect_search");
        let last = json!({"titles": ["CEO"], "industries": ["law firms"], "places": [], "count": 20});
        let (tool, query) = wished("Filter to only New York", json!({"last_search": last}));
        assert_eq!(
            (tool.as_str(), &query["places"], &query["titles"]),
            ("prospect_search", &json!(["New York"]), &json!(["CEO"]))
        );
    }

    #[test]
    fn the_other_wishes_are_understood() {
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
            let (used, arguments) = wished(message, json!({}));
            assert_eq!(used, tool, "{message}");
            if !field.is_empty() {
                assert_eq!(arguments[field], value, "{message}");
            }
        }
        for message in ["Hello", "Make it casual", "Create a campaign about x", "Blargh"] {
            assert_eq!(wished(message, json!({})).0, "say", "{message}");
        }
    }
}
