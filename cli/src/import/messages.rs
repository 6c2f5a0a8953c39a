//! `messages import`: messages of a user's leads from a JSON Lines file, as `POST
//! /users/{user_id}/messages` takes them and by the same check. Messages of one lead are recorded in
//! the order of the file, because that is how they are numbered; leads side by side.

use shared::base::context::FromContext;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use shared::base::problem::Problem;
use shared::base::store::StoreError;
use shared::crm::conversations::row::Message;
use shared::crm::conversations::{Conversations, Recorded, incoming};
use shared::crm::identifiers::{CustomerPhone, User};
use uuid::Uuid;

use super::field::{REJECTED_LINE, REJECTED_REASON};
use super::json_rows::broken;
use super::report::tell;
use super::row::{NOT_UTF_8, Place, Rejection};
use super::{SOME_REJECTED, interrupted, lines_of, progress, rejects, rejects_file, report};
use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Output, facts};
use crate::workspace;

/// How many leads are worked on at once.
const AT_ONCE: usize = 8;

/// What can be done with messages.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import messages from a JSON Lines file; repeating it is harmless
    #[command(after_help = HELP)]
    Import(Import),
}

const HELP: &str = "\
An object a line, as POST /users/{user_id}/messages takes it: message_id, customer_phone, platform
(whatsapp, instagram, webchat), sender (user, agent), text, timestamp such as 2025-10-05T06:21:35.197Z;
and where they are known conversation_id, agent_id, agent_name, phone_number_id, status (sent, pending,
failed).

A message whose message_id the lead has already is a duplicate and changes nothing. A line that cannot
be taken goes to the rejects file with its number and the reason; corrected there, that file can be
imported.

Exit status: 0 every line was taken, 3 some were rejected, 1 failed, 2 wrong usage.

Examples:
  cargo cli messages import chats.jsonl --workspace ID --user USER --dry-run
  cargo cli messages import chats.jsonl --workspace ID --user USER --rejects bad.jsonl";

/// A file that is to be imported.
#[derive(Args, Debug)]
pub struct Import {
    /// The file: one JSON object a line
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The workspace that the user belongs to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// The user whose leads the messages were exchanged with
    #[arg(long, value_name = "USER")]
    user: String,
    /// Where rejected lines go [default: FILE with the extension .rejects.jsonl]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Read and compare everything, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a file was found to hold.
#[derive(Debug, Default)]
struct Content {
    rows: usize,
    /// The messages of each lead, in the order of the file.
    leads: HashMap<CustomerPhone, Vec<Message>>,
    rejected: Vec<Rejection>,
}

/// What became of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    new: usize,
    duplicate: usize,
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    match command {
        Command::Import(import) => self::import(import, connection, output).await,
    }
}

async fn import(import: Import, connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    let rejects = rejects_file(import.rejects.as_deref(), &import.file, "rejects.jsonl")?;
    let user = User::new(import.workspace, &import.user)
        .map_err(|error| CliError::Refused(format!("the user {:?} {error}", import.user)))?;
    connection.workspace(import.workspace).await?;
    let mut content = read(&import.file)?;

    let importer = Importer { table: Conversations::new(&connection.context)?, user, dry_run: import.dry_run };
    let progress = progress(output);
    let applied = importer.apply(std::mem::take(&mut content.leads), &progress).await;
    progress.finish_and_clear();
    let (leads, tally) = applied.map_err(|error| interrupted(error, import.dry_run))?;

    let written = !content.rejected.is_empty() && !import.dry_run;
    if written {
        let source = File::open(&import.file).map_err(CliError::file(&import.file))?;
        let into = File::create(&rejects).map_err(CliError::file(&rejects))?;
        rejects::write(BufReader::new(source), into, None, &content.rejected).map_err(CliError::file(&rejects))?;
    }
    let rejects = written.then(|| rejects.display().to_string());
    tell_result(&content, leads, tally, rejects.as_deref(), import.dry_run, output)?;
    Ok(if content.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(SOME_REJECTED) })
}

fn read(file: &Path) -> Result<Content, CliError> {
    let mut lines = lines_of(file)?;
    let mut content = Content::default();
    while let Some(line) = lines.next_filled().map_err(CliError::file(file))? {
        content.rows += 1;
        match parse(&line.bytes) {
            Ok((lead, message)) => content.leads.entry(lead).or_default().push(message),
            Err(reason) => {
                let place = Place { line: line.number, span: line.span() };
                content.rejected.push(Rejection { place, reason });
            }
        }
    }
    Ok(content)
}

/// The message of a line, or why it holds none.
fn parse(line: &[u8]) -> Result<(CustomerPhone, Message), String> {
    let line = std::str::from_utf8(line).map_err(|_| NOT_UTF_8)?;
    let mut value: Value = serde_json::from_str(line.trim_end()).map_err(|error| broken(&error))?;
    if let Some(object) = value.as_object_mut() {
        // A rejects file that is imported says where its lines were.
        object.remove(REJECTED_LINE);
        object.remove(REJECTED_REASON);
    }
    incoming::message(&value).map_err(|problem| reason(&problem))
}

fn reason(problem: &Problem) -> String {
    if problem.fields.is_empty() {
        return "is not a JSON object".to_owned();
    }
    let complaints = problem.fields.iter().map(|(name, complaint)| format!("{name} {complaint}"));
    complaints.collect::<Vec<_>>().join("; ")
}

/// The messages of one user, as an import sees them.
struct Importer {
    table: Conversations,
    user: User,
    dry_run: bool,
}

impl Importer {
    /// Records all messages; gives how many leads they are of, and what became of them.
    async fn apply(
        &self,
        leads: HashMap<CustomerPhone, Vec<Message>>,
        progress: &ProgressBar,
    ) -> Result<(usize, Tally), StoreError> {
        let count = leads.len();
        progress.set_length(leads.values().map(Vec::len).sum::<usize>() as u64);
        progress.set_message(if self.dry_run { "messages compared" } else { "messages recorded" });
        let one = |(lead, messages)| self.apply_one(lead, messages, progress);
        let mut working = stream::iter(leads).map(one).buffer_unordered(AT_ONCE);
        let mut tally = Tally::default();
        while let Some(done) = working.next().await {
            let done = done?;
            tally.new += done.new;
            tally.duplicate += done.duplicate;
        }
        Ok((count, tally))
    }

    async fn apply_one(
        &self,
        lead: CustomerPhone,
        messages: Vec<Message>,
        progress: &ProgressBar,
    ) -> Result<Tally, StoreError> {
        let (mut tally, mut seen) = (Tally::default(), HashSet::new());
        for message in &messages {
            let first = seen.insert(message.message_id.as_str());
            let recorded = match (first, self.dry_run) {
                (false, _) => Recorded::Known,
                (true, false) => self.table.record_message(&self.user, &lead, message).await?.0,
                (true, true) if self.table.knows_message(&self.user, &lead, message).await? => Recorded::Known,
                (true, true) => Recorded::New,
            };
            match recorded {
                Recorded::New => tally.new += 1,
                Recorded::Known => tally.duplicate += 1,
            }
            progress.inc(1);
        }
        Ok(tally)
    }
}

fn tell_result(
    content: &Content,
    leads: usize,
    tally: Tally,
    rejects: Option<&str>,
    dry_run: bool,
    output: &Output,
) -> Result<(), CliError> {
    let Content { rows, rejected, .. } = content;
    if output.is_for_people() {
        let lines =
            rejected.iter().map(|rejection| format!("line {}: rejected: {}", rejection.place.line, rejection.reason));
        tell(lines, "rejected", output);
    }
    let document = json!({
        "dry_run": dry_run,
        "rows": rows,
        "leads": leads,
        "new": tally.new,
        "duplicate": tally.duplicate,
        "rejected": rejected.len(),
        "first_rejected": report::first_rejected(rejected),
        "rejects_file": rejects,
    });
    let rejected = match rejects {
        Some(path) => format!("{}, in {path}", rejected.len()),
        None => rejected.len().to_string(),
    };
    let mut text = facts(&[
        ("lines", rows.to_string()),
        ("leads", leads.to_string()),
        (if dry_run { "messages to record" } else { "messages recorded" }, tally.new.to_string()),
        ("messages known before", tally.duplicate.to_string()),
        ("lines rejected", rejected),
    ]);
    if dry_run {
        text.push_str("\n\nThis was a dry run: nothing was written.");
    }
    output.result(&document, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"message_id":"m","customer_phone":"+1","platform":"whatsapp","sender":"user","text":"t","timestamp":"2026-01-01T00:00:00Z","rejected_line":1,"rejected_reason":"x"}"#;

    #[test]
    fn a_line_of_a_corrected_rejects_file_is_a_message() {
        let (lead, message) = parse(GOOD.as_bytes()).unwrap();
        assert_eq!((lead.as_str(), message.message_id.as_str()), ("1", "m"));
    }

    #[test]
    fn a_line_that_is_no_message_says_everything_that_is_wrong_and_repeats_no_value() {
        let reason = parse(GOOD.replace("whatsapp", "secret").replace("\"t\"", "\" \"").as_bytes()).unwrap_err();
        assert!(reason.contains("platform must be whatsapp") && reason.contains("text "), "{reason}");
        assert!(!reason.contains("secret"));
        assert_eq!(parse(b"[]").unwrap_err(), "is not a JSON object");
        assert_eq!(parse(b"{").unwrap_err(), "is not valid JSON: it ends before it is complete");
        assert_eq!(parse(b"\xff").unwrap_err(), NOT_UTF_8);
    }
}
