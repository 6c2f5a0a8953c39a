//! The memory of a long conversation: a summary replaces the oldest messages, so that the input fits the model. The
//! model writes the summary. Names, numbers, addresses and decisions that it leaves out are appended, so that they are
//! always kept.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::base::problem::Problem;
use shared::clients::llm::{Checked, Model, Prompt, Ready};
use shared::workflow::chats::{Message, Speaker};
use shared::workflow::tasks::{TaskId, Tasks};
use uuid::Uuid;

use crate::history::Known;

/// From how many characters, or messages, on the oldest messages give way.
const MOST_CHARACTERS: usize = 24_000;
const MOST_MESSAGES: usize = 40;

/// What is left of them then.
const LEFT_CHARACTERS: usize = 12_000;
const LEFT_MESSAGES: usize = 16;

/// The longest summary that a model may write, in characters.
const LONGEST: usize = 3_000;

/// How many names, numbers and addresses are kept behind it, and how many decisions: the newest.
const MOST_ITEMS: usize = 150;
const MOST_DECISIONS: usize = 20;

/// The beginnings of the line with the model's omissions, and of a line with a decision.
const ALSO: &str = "Also said: ";
const DECISION: &str = "Proposed: ";

/// What the model writes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Summary {
    /// The new summary.
    summary: String,
}

/// Lets the oldest messages of a conversation give way to its summaries, if there are too many.
pub(crate) async fn shorten(
    known: &mut Known,
    (model, ready): (&Model, &mut Ready),
    tasks: &Tasks,
    now: DateTime<Utc>,
    deadline: DateTime<Utc>,
) -> Result<(), Problem> {
    let going = going(&known.recent);
    if going == 0 {
        return Ok(());
    }
    let rest = known.recent.split_off(going);
    let gone = std::mem::replace(&mut known.recent, rest);
    let chat = &mut known.chat;
    chat.summarised = gone.last().map_or(chat.summarised, |last| last.number);
    let given = gone.iter().filter(|message| message.speaker == Speaker::User);
    chat.given.extend(given.flat_map(|message| items(&message.text)));
    chat.given = newest(std::mem::take(&mut chat.given), &HashSet::new());
    model.enter(ready).await?;
    let decisions = decisions(chat.id.workspace_id, &gone, tasks).await?;
    let (told, own): (Vec<_>, Vec<_>) = gone.iter().partition(|message| message.from_records);
    // The answer needs most of the time; without a summary in time, the messages' beginnings do.
    let deadline = now + (deadline - now) / 3;
    let records = async {
        match told.is_empty() {
            true => chat.summary_of_records.clone(),
            false => written(model, ready, &chat.summary_of_records, &told, Vec::new(), deadline).await,
        }
    };
    let (summary, records) = tokio::join!(written(model, ready, &chat.summary, &own, decisions, deadline), records);
    (chat.summary, chat.summary_of_records) = (summary, records);
    Ok(())
}

/// How many messages, from the first, are summarised. The rest begins with a message of the user.
fn going(recent: &[Message]) -> usize {
    let length = |message: &Message| message.text.chars().count();
    let mut characters: usize = recent.iter().map(length).sum();
    if characters <= MOST_CHARACTERS && recent.len() <= MOST_MESSAGES {
        return 0;
    }
    let mut going = 0;
    for message in recent {
        let left = recent.len() - going;
        let is_within = characters <= LEFT_CHARACTERS && left <= LEFT_MESSAGES;
        if left == 0 || is_within && message.speaker == Speaker::User {
            break;
        }
        characters -= length(message);
        going += 1;
    }
    going
}

/// The proposals in these messages with their outcomes, one on each line.
async fn decisions(workspace_id: Uuid, gone: &[Message], tasks: &Tasks) -> Result<Vec<String>, Problem> {
    let proposed = gone.iter().filter_map(|message| message.proposed.as_ref());
    let lines = try_join_all(proposed.map(|proposed| async move {
        let task = tasks.get(TaskId { workspace_id, task_id: proposed.task_id }).await?;
        let status = task.map_or("forgotten", |task| task.status.name());
        Ok::<_, Problem>(format!("{DECISION}{} ({status})", proposed.description))
    }));
    lines.await
}

/// The summary with these messages added. Without a model that answers, the messages' beginnings are kept.
async fn written(
    model: &Model,
    ready: &Ready,
    before: &str,
    gone: &[&Message],
    decisions: Vec<String>,
    deadline: DateTime<Utc>,
) -> String {
    let (before, earlier) = parts(before);
    let messages = gone.iter().map(|message| {
        json!({"who": message.speaker, "text": message.text, "proposed": message.proposed.as_ref().map(|task| &task.description)})
    });
    let prompt = Prompt {
        name: "summarise_conversation",
        instructions: include_str!("../../../shared/prompts/lexi-summary.md"),
        facts: json!({"summary": before.join("\n"), "messages": messages.collect::<Vec<_>>()}),
    };
    let check = |reply: Summary| match reply.summary.chars().count() {
        1..=LONGEST => Checked::Fine(reply),
        0 => Checked::Wrong { complaint: "the summary is empty".to_owned(), usable: None },
        _ => {
            let summary = reply.summary.chars().take(LONGEST).collect();
            let complaint = format!("the summary must have at most {LONGEST} characters");
            Checked::Wrong { complaint, usable: Some(Summary { summary }) }
        }
    };
    let asked = model.complete(ready.clone(), &prompt, deadline, check).await;
    let summary = asked.map(|reply| reply.summary).unwrap_or_else(|problem| {
        tracing::warn!(cause = problem.cause.as_deref().unwrap_or_default(), "summarised without the model");
        beginnings(&before, gone)
    });
    let mut lines = vec![summary.lines().filter(|line| !line.starts_with(ALSO)).collect::<Vec<_>>().join("\n")];
    let mut decided: Vec<String> = earlier.iter().map(|line| (*line).to_owned()).chain(decisions).collect();
    decided.drain(..decided.len().saturating_sub(MOST_DECISIONS));
    lines.extend(decided);
    let known: HashSet<String> = lines.iter().flat_map(|line| items(line)).map(|item| item.to_lowercase()).collect();
    let texts = before.iter().copied().chain(gone.iter().map(|message| message.text.as_str()));
    let left_out = newest(texts.flat_map(items).collect(), &known);
    if !left_out.is_empty() {
        lines.push(format!("{ALSO}{}", left_out.join("; ")));
    }
    lines.join("\n")
}

/// The newest of what is not known, each once.
fn newest(items: Vec<String>, known: &HashSet<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let is_new = |item: &String| !known.contains(&item.to_lowercase()) && seen.insert(item.to_lowercase());
    let mut newest: Vec<String> = items.into_iter().rev().filter(is_new).take(MOST_ITEMS).collect();
    newest.reverse();
    newest
}

/// A summary's own lines, and its decisions.
fn parts(summary: &str) -> (Vec<&str>, Vec<&str>) {
    summary.lines().partition(|line| !line.starts_with(DECISION))
}

/// The replacement for a summary that the model did not write: the beginnings of the newest messages.
fn beginnings(before: &[&str], gone: &[&Message]) -> String {
    let before = before.iter().filter(|line| !line.starts_with(ALSO)).copied();
    let gone = gone.iter().map(|message| message.text.lines().next().unwrap_or_default());
    let lines: Vec<String> = before.chain(gone).map(|line| line.chars().take(160).collect()).collect();
    let mut left = LONGEST;
    let kept = lines.iter().rev().take_while(|line| {
        let length = line.chars().count() + 1;
        let fits = length <= left;
        left = left.saturating_sub(length);
        fits
    });
    let mut kept: Vec<&str> = kept.map(String::as_str).collect();
    kept.reverse();
    kept.join("\n")
}

/// The names, numbers and addresses in a text: whatever holds a digit or an @, and capitalised words that do
/// not begin a sentence.
fn items(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut name: Vec<&str> = Vec::new();
    let mut begins = true;
    for word in text.strip_prefix(ALSO).unwrap_or(text).split_whitespace() {
        let bare = word.trim_matches(|end: char| !end.is_alphanumeric() && !matches!(end, '$' | '€' | '£' | '%' | '+'));
        let is_exact = bare.contains(|part: char| part.is_ascii_digit() || part == '@');
        let is_name = bare.chars().next().is_some_and(char::is_uppercase) && bare.chars().count() > 1;
        // A name of several words may begin a sentence.
        if is_name && !is_exact {
            if begins {
                name.clear();
            }
            name.push(bare);
        }
        let ends = word.ends_with(['.', '!', '?', ';', ':', ',', '\n']);
        if !is_name || is_exact || ends {
            let is_first_alone = name.len() == 1 && text.split_whitespace().next() == Some(name[0]);
            if !name.is_empty() && !is_first_alone {
                items.push(name.join(" "));
            }
            name.clear();
        }
        if is_exact && bare.chars().count() <= 80 {
            items.push(bare.to_owned());
        }
        begins = word.ends_with(['.', '!', '?']);
    }
    if name.len() > 1 || name.first().is_some_and(|only| text.split_whitespace().next() != Some(*only)) {
        items.push(name.join(" "));
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_addresses_are_what_has_to_be_kept() {
        let text = "We met Amara Oduya of Brightwell on 2026-11-20. Budget is $5,000 or 20 %; write to amara@oduya.example, or call.";
        let found = items(text);
        for item in ["Amara Oduya", "Brightwell", "2026-11-20", "$5,000", "20", "amara@oduya.example"] {
            assert!(found.iter().any(|found| found == item), "{item}: {found:?}");
        }
        assert_eq!(items("Also said: Jane Smith; $50; 2026"), ["Jane Smith", "$50", "2026"]);
    }

    #[test]
    fn what_is_part_of_something_else_is_kept_too() {
        let known = items("In 2026 for $500").into_iter().collect();
        assert_eq!(newest(items("or 20 and $50, or $500"), &known), ["20", "$50"]);
    }
}
