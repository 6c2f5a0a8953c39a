//! `leads import`, `messages import` and `prospects import`: one pipeline for three kinds of rows.
//!
//! The file is read once, row by row; what is wrong with a row is noted with its place. Good rows are grouped
//! by what they are about, each group is compared with what is stored, and the differences are written. Rejected
//! rows are read again, for the file that they go to.

mod apply;
mod csv_rows;
mod drafts;
mod field;
mod json_rows;
pub mod leads;
mod lines;
pub mod messages;
mod moment;
pub mod normal;
pub mod prospects;
mod rejects;
mod report;
mod row;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};
use shared::base::store::StoreError;
use uuid::Uuid;

use self::csv_rows::Layout;
use self::field::Columns;
use self::lines::Lines;
use self::report::{Count, Tally};
use self::row::{NOT_UTF_8, Placed, RawRow, Rejection};
use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, Output};
use crate::workspace;

/// How many groups of rows are looked up or written at once.
const AT_ONCE: usize = 8;

/// The exit status of an import that kept some rows and rejected others.
const SOME_REJECTED: u8 = 3;

/// The options of every import.
#[derive(Args, Debug)]
pub struct Source {
    /// The file to import
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The workspace that the rows belong to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// Where rejected rows go [default: FILE with the extension .rejects.csv or .rejects.jsonl]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Read and compare everything, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-, semicolon- or tab-separated values with a header
    Csv,
    /// One JSON object a line
    Jsonl,
}

impl Format {
    fn of_file(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }

    fn rejects_extension(self) -> &'static str {
        match self {
            Self::Csv => "rejects.csv",
            Self::Jsonl => "rejects.jsonl",
        }
    }
}

/// The fields of one row of a file.
pub enum Record {
    /// The cells of a CSV row.
    Cells(RawRow),
    /// The object of a JSON line.
    Object(Map<String, Value>),
}

/// A kind of rows: how one is read, which ones are written together, and how.
pub trait RowKind {
    /// A row that holds no wrong value.
    type Row;
    /// Rows that are about one thing.
    type Group;
    const GROUPS: &str;
    /// The name of the rows in the report.
    const ROWS: &str;
    /// Whether a row is kept without a value that is wrong, and the report lists what was left out.
    const LEAVES_OUT: bool;

    /// Which column of a CSV file holds what, and notes for a person; or why the file cannot be imported.
    fn columns(&self, header: &[String]) -> Result<(Columns, Vec<String>), String>;

    /// Reads a row, and notes what was left out of it. Fields that are not known are added to `ignored`.
    ///
    /// # Errors
    /// Why the row is rejected.
    fn parse(&self, record: Record, ignored: &mut BTreeSet<String>) -> Result<(Self::Row, Vec<String>), String>;

    /// Brings rows together, and adds those that contradict others to `rejected`.
    async fn group(
        &self,
        rows: Vec<Placed<Self::Row>>,
        rejected: &mut Vec<Rejection>,
        progress: &ProgressBar,
    ) -> Result<Vec<Self::Group>, StoreError>;

    /// Compares a group with what is stored and writes the difference, unless this is a dry run.
    async fn write(&self, group: Self::Group) -> Result<Tally, StoreError>;

    /// The counts of the report, in order.
    fn counts(&self, tally: &Tally) -> Vec<Count>;

    /// The advice after rows were written.
    fn advice(&self, _tally: &Tally) -> Option<String> {
        None
    }
}

/// What a file was found to hold.
struct Content<T> {
    /// Of a CSV file.
    layout: Option<Layout>,
    count: usize,
    rows: Vec<Placed<T>>,
    rejected: Vec<Rejection>,
    ignored: Vec<String>,
    /// Notes for a person before anything is written.
    notes: Vec<String>,
}

impl<T> Content<T> {
    fn new(layout: Option<Layout>, ignored: Vec<String>, notes: Vec<String>) -> Self {
        Self { layout, count: 0, rows: Vec::new(), rejected: Vec::new(), ignored, notes }
    }

    /// Notes what many rows have in common that are not UTF-8; a single one may be damaged.
    fn note_encoding(&mut self, format: Format) {
        let count = self.rejected.iter().filter(|rejection| rejection.reason == NOT_UTF_8).count();
        let advice = match format {
            Format::Csv => csv_rows::SAVE_AS_UTF_8,
            Format::Jsonl => "save the file as UTF-8",
        };
        if count > 1 {
            self.notes.push(format!("{count} rows are not UTF-8; {advice} and import it again"));
        }
    }
}

/// Imports a file.
pub async fn run<K: RowKind>(
    kind: &K,
    source: &Source,
    format: Format,
    connection: &Connection,
    output: &Output,
) -> Result<Answer, CliError> {
    let rejects = rejects_file(source, format)?;
    connection.workspace(source.workspace).await?;
    let mut content = read(kind, &source.file, format)?;
    report::before(&content.notes, &content.ignored, format, output);

    let progress = progress(output);
    let applied = apply(kind, std::mem::take(&mut content.rows), source.dry_run, &progress).await;
    progress.finish_and_clear();
    let mut tally = applied.map_err(|error| interrupted(error, source.dry_run))?;
    tally.rejected.append(&mut content.rejected);
    tally.sort();

    let written = !tally.rejected.is_empty() && !source.dry_run;
    if written {
        let from = File::open(&source.file).map_err(CliError::file(&source.file))?;
        let into = File::create(&rejects).map_err(CliError::file(&rejects))?;
        rejects::write(BufReader::new(from), into, content.layout.as_ref(), &tally.rejected)
            .map_err(CliError::file(&rejects))?;
    }
    let rejects = written.then(|| rejects.display().to_string());
    let done = report::Done { format, dry_run: source.dry_run, rejects };
    let answer = report::after(kind, &content, &tally, done, output);
    let code = if tally.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(SOME_REJECTED) };
    Ok(Answer { code, ..answer })
}

fn read<K: RowKind>(kind: &K, file: &Path, format: Format) -> Result<Content<K::Row>, CliError> {
    let failed = CliError::file(file);
    let refused = |reason: String| CliError::Refused(format!("{}: {reason}", file.display()));
    let opened = File::open(file).map_err(&failed)?;
    let mut lines = Lines::new(BufReader::with_capacity(256 * 1024, opened));
    let (mut content, columns) = match format {
        Format::Csv => {
            let header = csv_rows::header(&mut lines).map_err(&failed)?;
            let layout = header.ok_or_else(|| refused("the file is empty".to_owned()))?.map_err(refused)?;
            let (columns, notes) = kind.columns(&layout.header).map_err(refused)?;
            (Content::new(Some(layout), columns.ignored.clone(), notes), columns)
        }
        Format::Jsonl => (Content::new(None, Vec::new(), Vec::new()), Columns::default()),
    };
    let mut ignored = BTreeSet::new();
    while let Some((place, record)) = match &content.layout {
        Some(layout) => csv_rows::next(&mut lines, layout, &columns),
        None => json_rows::next(&mut lines),
    }
    .map_err(&failed)?
    {
        content.count += 1;
        match record.and_then(|record| kind.parse(record, &mut ignored)) {
            Ok((row, left_out)) => content.rows.push(Placed { place, row, left_out }),
            Err(reason) => content.rejected.push(Rejection { place, reason }),
        }
    }
    content.ignored.extend(ignored);
    content.note_encoding(format);
    Ok(content)
}

/// Brings all rows to the tables.
async fn apply<K: RowKind>(
    kind: &K,
    rows: Vec<Placed<K::Row>>,
    dry_run: bool,
    progress: &ProgressBar,
) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    let groups = kind.group(rows, &mut tally.rejected, progress).await?;
    tally.groups = groups.len();
    progress.reset();
    progress.set_length(groups.len() as u64);
    progress.set_message(format!("{} {}", K::GROUPS, if dry_run { "compared" } else { "written" }));
    let mut writing = stream::iter(groups).map(|group| kind.write(group)).buffer_unordered(AT_ONCE);
    while let Some(written) = writing.next().await {
        progress.inc(1);
        tally.add(written?);
    }
    Ok(tally)
}

/// The error of a store during the import. Written rows stay, and the same command continues from there.
fn interrupted(error: StoreError, dry_run: bool) -> CliError {
    match error {
        StoreError::Unavailable(cause) if !dry_run => CliError::Refused(format!(
            "the import was interrupted ({cause}); run it again, it goes on where it stopped"
        )),
        error => error.into(),
    }
}

/// The file for rejected rows: beside the imported file unless an option names another, and never that file itself.
fn rejects_file(source: &Source, format: Format) -> Result<PathBuf, CliError> {
    let beside = || source.file.with_extension(format.rejects_extension());
    let rejects = source.rejects.clone().unwrap_or_else(beside);
    if is_same_file(&rejects, &source.file) {
        return Err(CliError::Refused("the rejects file would overwrite the file that is imported".to_owned()));
    }
    Ok(rejects)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// A bar where a person watches; otherwise nothing.
fn progress(output: &Output) -> ProgressBar {
    if !output.is_for_people() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} ({eta} left)") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
