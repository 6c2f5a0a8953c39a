//! The reports of an import, before and after writing.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::row::{Rejection, Warning};
use super::{Content, Format, RowKind};
use crate::output::{Answer, Output, facts};

/// How many rejected rows, and how many warnings, the terminal shows.
const SHOWN: usize = 10;

/// The outcome of a kept row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Created,
    /// Something of it changed.
    Updated,
    /// It was as the file says.
    Unchanged,
}

/// A lead that was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    pub lead_id: Uuid,
    /// The first line about it.
    pub line: u64,
    pub outcome: Outcome,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many groups the rows made.
    pub groups: usize,
    /// How many things each outcome happened to.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// Rows about something that an earlier row is about.
    pub repeated: usize,
    pub leads: Vec<Kept>,
    /// Activities that were not there.
    pub activities_added: usize,
    /// What was left out of kept rows.
    pub warnings: Vec<Warning>,
    /// Rows that were not kept.
    pub rejected: Vec<Rejection>,
}

impl Tally {
    /// Adds what another group of rows came to.
    pub fn add(&mut self, other: Self) {
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.repeated += other.repeated;
        self.leads.extend(other.leads);
        self.activities_added += other.activities_added;
        self.warnings.extend(other.warnings);
        self.rejected.extend(other.rejected);
    }

    pub fn record(&mut self, outcome: Outcome) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    /// How many things had this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// The number of each outcome, for the report.
    pub fn outcomes(&self, things: &str) -> Vec<Count> {
        let outcomes =
            [("created", Outcome::Created), ("updated", Outcome::Updated), ("unchanged", Outcome::Unchanged)];
        outcomes.map(|(name, outcome)| Count::new(name, format!("{things} {name}"), self.count(outcome))).into()
    }

    /// Brings everything into the order of the file.
    pub fn sort(&mut self) {
        self.leads.sort_by_key(|lead| lead.line);
        self.warnings.sort_by_key(|warning| warning.line);
        self.rejected.sort_by_key(|rejection| rejection.place.line);
    }
}

/// A number in the report.
pub struct Count {
    /// The name in the JSON report.
    pub name: &'static str,
    /// Its name on the terminal, if it is shown there.
    pub label: Option<String>,
    pub value: Value,
}

impl Count {
    /// A number that both the JSON report and the terminal show.
    pub fn new(name: &'static str, label: impl Into<String>, count: usize) -> Self {
        Self { name, label: Some(label.into()), value: count.into() }
    }
}

/// An import that was done.
pub struct Done {
    pub format: Format,
    pub dry_run: bool,
    /// The file with the rejected rows, if there are any.
    pub rejects: Option<String>,
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

/// Shows a person what to know before anything is written.
pub fn before(notes: &[String], ignored: &[String], format: Format, output: &Output) {
    if !output.is_for_people() {
        return;
    }
    for note in notes {
        output.note(format_args!("note: {note}"));
    }
    if !ignored.is_empty() {
        output.note(format_args!("ignored {}: {}", format.places(), ignored.join(", ")));
    }
}

/// Shows what became of the file.
pub fn after<K: RowKind>(kind: &K, content: &Content<K::Row>, tally: &Tally, done: Done, output: &Output) -> Answer {
    let Tally { warnings, rejected, .. } = tally;
    if output.is_for_people() {
        let lines = warnings.iter().map(|warning| format!("line {}: warning: {}", warning.line, warning.reason));
        show_first(lines, "warnings; --json tells all", output);
        let lines = rejected.iter().map(|row| format!("line {}: rejected: {}", row.place.line, row.reason));
        show_first(lines, "rejected", output);
    }
    let mut document = json!({ "dry_run": done.dry_run, "rows": content.count });
    let mut text = vec![(K::ROWS.to_owned(), content.count.to_string())];
    for Count { name, label, value } in kind.counts(tally) {
        text.extend(label.map(|label| (label, value.to_string())));
        document[name] = value;
    }
    if K::LEAVES_OUT {
        text.push(("warnings".to_owned(), warnings.len().to_string()));
        document["warnings"] = warnings.len().into();
        // All of them, because no file holds them.
        document["warned"] = json!(warnings);
        document["notes"] = json!(content.notes);
        document[format!("ignored_{}", done.format.places())] = json!(content.ignored);
    }
    let first = rejected.iter().take(SHOWN).map(|row| json!({ "line": row.place.line, "reason": row.reason }));
    document["rejected"] = rejected.len().into();
    document["first_rejected"] = first.collect();
    document["rejects_file"] = json!(done.rejects);
    let place = done.rejects.map(|path| format!(", in {path}")).unwrap_or_default();
    text.push((format!("{} rejected", K::ROWS), format!("{}{place}", rejected.len())));

    let ending = match done.dry_run {
        true => Some("This was a dry run: nothing was written.".to_owned()),
        false => kind.advice(tally),
    };
    let ending = ending.map(|ending| format!("\n\n{ending}")).unwrap_or_default();
    Answer::new(document, facts(&text) + &ending)
}

/// Shows the first lines, and how many more there are.
fn show_first(lines: impl ExactSizeIterator<Item = impl Display>, what: &str, output: &Output) {
    let more = lines.len().saturating_sub(SHOWN);
    for line in lines.take(SHOWN) {
        output.note(line);
    }
    if more > 0 {
        output.note(format_args!("… and {more} more {what}"));
    }
}
