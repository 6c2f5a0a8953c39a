//! The one place that writes to the terminal: results on stdout, as text or as one JSON document;
//! everything else on stderr.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::error::CliError;

/// The result of a command: one JSON document, and the same as text.
#[derive(Debug)]
pub struct Answer {
    pub document: Value,
    pub text: String,
    pub code: ExitCode,
}

impl Answer {
    /// The answer of a command that succeeded.
    pub fn new(document: Value, text: impl Into<String>) -> Self {
        Self { document, text: text.into(), code: ExitCode::SUCCESS }
    }

    /// A list of things with a row for each; `none` is the text without any.
    pub fn list<T, const N: usize>(
        name: &str,
        none: &str,
        things: &[T],
        shown: impl Fn(&T) -> Value,
        head: [&str; N],
        row: impl Fn(&T) -> [String; N],
    ) -> Self {
        let text = if things.is_empty() { none.to_owned() } else { table(head, things.iter().map(row)) };
        Self::new(json!({ name: things.iter().map(shown).collect::<Vec<_>>() }), text)
    }
}

/// How results are shown.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// JSON, or readable text.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a person reads the output.
    pub fn is_for_people(&self) -> bool {
        !self.json
    }

    /// Prints the result of a command, as JSON or as text.
    pub fn answer(&self, Answer { document, text, .. }: &Answer) -> Result<(), CliError> {
        let shown = if self.json { format!("{document:#}") } else { text.trim_end().to_owned() };
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{shown}").and_then(|()| stdout.flush()).map_err(CliError::Output)
    }

    /// A remark that is no part of the result.
    pub fn note(&self, text: impl Display) {
        // A remark that cannot be shown is no reason to stop.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// The one line that says why a command failed.
    pub fn error(&self, error: &CliError) {
        self.note(format_args!("error: {}", error.to_string().replace(['\r', '\n'], " ")));
    }
}

/// Lines of `name  value`, the values below each other.
pub fn facts(facts: &[(impl AsRef<str>, String)]) -> String {
    let rows: Vec<_> = facts.iter().map(|(name, value)| vec![name.as_ref().to_owned(), value.clone()]).collect();
    columns(&rows)
}

/// A field as text; a dash where there is none, so that the columns stay apart.
pub fn or_dash(field: &Option<String>) -> String {
    field.clone().unwrap_or_else(|| "-".to_owned())
}

/// Rows below a row of names.
pub fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    columns(&[head.map(str::to_owned)].into_iter().chain(rows).map(Vec::from).collect::<Vec<_>>())
}

/// Rows with their columns below each other, two spaces apart.
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(columns(&rows), "a     b\nlong");
    }
}
