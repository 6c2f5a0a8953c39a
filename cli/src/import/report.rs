//! What an import tells: before anything is written, and after.

use std::fmt::Display;
use std::path::Path;

use serde_json::{Value, json};

use super::apply::{Outcome, Tally};
use super::row::Rejection;
use super::{Content, Format};
use crate::error::CliError;
use crate::output::{Output, facts};

/// How many rejected rows, and how many warnings, are told on the terminal.
const TOLD: usize = 10;

/// An import that was done.
#[derive(Debug)]
pub struct Done<'a> {
    /// What the file is.
    pub format: Format,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Where rejected rows are, if there are any.
    pub rejects: Option<&'a Path>,
    /// The command that lists the leads.
    pub list: String,
}

impl Format {
    /// What the places are called that hold values.
    fn places(self) -> &'static str {
        match self {
            Self::Csv => "columns",
            Self::Jsonl => "fields",
        }
    }
}

/// Tells a person what to know before the leads are written.
pub fn before(content: &Content, format: Format, output: &Output) {
    if !output.is_for_people() {
        return;
    }
    for note in &content.notes {
        output.note(format_args!("note: {note}"));
    }
    if !content.ignored.is_empty() {
        output.note(format_args!("ignored {}: {}", format.places(), content.ignored.join(", ")));
    }
}

/// Tells what became of the file.
pub fn after(done: &Done, content: &Content, tally: &Tally, output: &Output) -> Result<(), CliError> {
    let rejects = done.rejects.map(|path| path.display().to_string());
    let [created, updated, unchanged] =
        [Outcome::Created, Outcome::Updated, Outcome::Unchanged].map(|outcome| tally.count(outcome));
    if output.is_for_people() {
        let warned = tally.warnings.iter().map(|warning| format!("line {}: warning: {}", warning.line, warning.reason));
        tell(warned, "warnings; --json tells all", output);
        let rejected = tally.rejected.iter();
        let rejected =
            rejected.map(|rejection| format!("line {}: rejected: {}", rejection.place.line, rejection.reason));
        tell(rejected, "rejected", output);
    }
    let mut document = json!({
        "dry_run": done.dry_run,
        "rows": content.rows,
        "created": created,
        "updated": updated,
        "unchanged": unchanged,
        "activities_added": tally.activities_added,
        "leads": tally.leads,
        "warnings": tally.warnings.len(),
        // All of them, because no file holds them.
        "warned": tally.warnings,
        "rejected": tally.rejected.len(),
        "first_rejected": first_rejected(&tally.rejected),
        "rejects_file": rejects,
        "notes": content.notes,
    });
    document[format!("ignored_{}", done.format.places())] = json!(content.ignored);

    let rejected = match &rejects {
        Some(path) => format!("{}, in {path}", tally.rejected.len()),
        None => tally.rejected.len().to_string(),
    };
    let mut text = facts(&[
        ("rows", content.rows.to_string()),
        ("leads created", created.to_string()),
        ("leads updated", updated.to_string()),
        ("leads unchanged", unchanged.to_string()),
        ("activities added", tally.activities_added.to_string()),
        ("warnings", tally.warnings.len().to_string()),
        ("rows rejected", rejected),
    ]);
    if done.dry_run {
        text.push_str("\n\nThis was a dry run: nothing was written.");
    } else if !tally.leads.is_empty() {
        text.push_str(&format!("\n\nThe leads and their ids: {}", done.list));
    }
    output.result(&document, &text)
}

/// The first rejected rows, as JSON.
pub fn first_rejected(rejected: &[Rejection]) -> Vec<Value> {
    let first = rejected.iter().take(TOLD);
    first.map(|row| json!({ "line": row.place.line, "reason": row.reason })).collect()
}

/// The first lines, and how many more there are.
pub fn tell(lines: impl ExactSizeIterator<Item = impl Display>, what: &str, output: &Output) {
    let more = lines.len().saturating_sub(TOLD);
    for line in lines.take(TOLD) {
        output.note(line);
    }
    if more > 0 {
        output.note(format_args!("… and {more} more {what}"));
    }
}
