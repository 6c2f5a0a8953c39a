//! `messages remove-drafts`, and `messages import`: messages of a user's leads from a JSON Lines file, as `POST
//! /users/{user_id}/messages` takes them and by the same check. Messages of one lead are recorded in
//! the order of the file, because that is how they are numbered; leads side by side.

use std::collections::{BTreeSet, HashMap, HashSet};

use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use shared::base::context::FromContext;
use shared::base::store::StoreError;
use shared::crm::conversations::row::Message;
use shared::crm::conversations::{Conversations, Recorded, incoming};
use shared::crm::identifiers::{CustomerPhone, User};
use uuid::Uuid;

use super::field::Columns;
use super::report::{Count, Outcome, Tally};
use super::row::{Placed, Rejection};
use super::{Format, Record, RowKind, Source};
use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, Output, facts};
use crate::workspace;

/// What can be done with messages.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import messages from a JSON Lines file; repeating it is harmless
    #[command(after_help = include_str!("../../help/messages-import.txt"))]
    Import(Import),
    /// Remove drafts of follow-ups that earlier versions recorded in conversations; repeating it is harmless
    #[command(after_help = include_str!("../../help/messages-remove-drafts.txt"))]
    RemoveDrafts(RemoveDrafts),
}

/// Drafts in conversations.
#[derive(Args, Debug)]
pub struct RemoveDrafts {
    /// The workspace
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
}

/// A file of messages.
#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    source: Source,
    /// The user whose leads the messages were exchanged with
    #[arg(long, value_name = "USER")]
    user: String,
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection, output: &Output) -> Result<Answer, CliError> {
    let Import { source, user } = match command {
        Command::Import(import) => import,
        Command::RemoveDrafts(RemoveDrafts { workspace, dry_run }) => {
            let conversations: Conversations = connection.store(workspace).await?;
            let found = conversations.remove_drafts(workspace, dry_run).await?;
            let rows = [("drafts", found.drafts), ("leads", found.leads), ("left the lists", found.emptied)];
            let counts = facts(&rows.map(|(name, count)| (name, count.to_string())));
            let heading = if dry_run { "Would be removed:" } else { "Removed:" };
            return Ok(Answer::new(json!({"removed": !dry_run, "found": found}), format!("{heading}\n{counts}")));
        }
    };
    let user =
        User::new(source.workspace, &user).map_err(|error| CliError::Refused(format!("the user {user:?} {error}")))?;
    let kind = MessageRows { table: Conversations::new(&connection.context)?, user, dry_run: source.dry_run };
    super::run(&kind, &source, Format::Jsonl, connection, output).await
}

/// The messages of one user.
struct MessageRows {
    table: Conversations,
    user: User,
    dry_run: bool,
}

impl RowKind for MessageRows {
    type Row = (CustomerPhone, Message);
    type Group = (CustomerPhone, Vec<Message>);
    const GROUPS: &str = "leads";
    const ROWS: &str = "lines";
    const LEAVES_OUT: bool = false;

    fn columns(&self, _: &[String]) -> Result<(Columns, Vec<String>), String> {
        Err("is not a JSON Lines file".to_owned())
    }

    fn parse(&self, record: Record, _: &mut BTreeSet<String>) -> Result<(Self::Row, Vec<String>), String> {
        Ok((message(record)?, Vec::new()))
    }

    async fn group(
        &self,
        rows: Vec<Placed<Self::Row>>,
        _: &mut Vec<Rejection>,
        _: &ProgressBar,
    ) -> Result<Vec<Self::Group>, StoreError> {
        let mut leads = HashMap::<_, Vec<_>>::new();
        for Placed { row: (lead, message), .. } in rows {
            leads.entry(lead).or_default().push(message);
        }
        Ok(leads.into_iter().collect())
    }

    async fn write(&self, (lead, messages): Self::Group) -> Result<Tally, StoreError> {
        let (mut tally, mut seen) = (Tally::default(), HashSet::new());
        for message in &messages {
            let first = seen.insert(message.message_id.as_str());
            let recorded = match (first, self.dry_run) {
                (false, _) => Recorded::Known,
                (true, false) => self.table.record_message(&self.user, &lead, message).await?.0,
                (true, true) if self.table.knows_message(&self.user, &lead, message).await? => Recorded::Known,
                (true, true) => Recorded::New,
            };
            tally.record(match recorded {
                Recorded::New => Outcome::Created,
                Recorded::Known => Outcome::Unchanged,
            });
        }
        Ok(tally)
    }

    fn counts(&self, tally: &Tally) -> Vec<Count> {
        let new = if self.dry_run { "messages to record" } else { "messages recorded" };
        vec![
            Count::new("leads", "leads", tally.groups),
            Count::new("new", new, tally.count(Outcome::Created)),
            Count::new("duplicate", "messages known before", tally.count(Outcome::Unchanged)),
        ]
    }
}

/// The message of a line, or why it holds none.
fn message(record: Record) -> Result<(CustomerPhone, Message), String> {
    let Record::Object(object) = record else { return Err("is not a JSON object".to_owned()) };
    incoming::message(&Value::Object(object)).map_err(|problem| {
        let reasons = problem.fields.iter().map(|(name, complaint)| format!("{name} {complaint}"));
        reasons.collect::<Vec<_>>().join("; ")
    })
}

#[cfg(test)]
mod tests {
    use super::super::json_rows;
    use super::super::lines::Lines;
    use super::super::row::NOT_UTF_8;
    use super::*;

    fn parse(line: &[u8]) -> Result<(CustomerPhone, Message), String> {
        json_rows::next(&mut Lines::new(line)).unwrap().unwrap().1.and_then(message)
    }

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
