//! `leads import`: leads and their activities from a CRM's export.
//!
//! The file is read once, row by row; what is wrong with a row is noted with its place. Good rows
//! become one draft for each lead, the drafts are compared with what is stored, and the
//! differences are written. Rejected rows are read again, for the file that they go to.

mod apply;
mod csv_rows;
mod drafts;
mod field;
mod json_rows;
mod lines;
mod normal;
mod rejects;
mod row;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use shared::leads::Leads;
use shared::store::StoreError;
use uuid::Uuid;

use self::apply::{Importer, Tally};
use self::csv_rows::Layout;
use self::drafts::Drafts;
use self::field::{Columns, Mapping};
use self::lines::Lines;
use self::row::{Place, RawRow, Rejection, Rules};
use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Output, facts};

/// What can be done with leads.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import leads and their activities from a CSV or JSON Lines file; repeating it is harmless
    #[command(after_help = HELP)]
    Import(Import),
}

const HELP: &str = "\
CSV: the first row names the columns. Those of the usual CRM exports are known, such as Record ID,
First Name, Last Name, Email, Phone Number, Job Title, Company Name, Lifecycle Stage, LinkedIn URL; a
row may carry one activity in Activity Type, Activity Date, Activity Subject, Activity Notes, Activity
Direction, Activity Outcome. Rows with the same Record ID, email or phone are one lead.

JSON Lines: an object a line with external_ref, full_name, email, phone, linkedin, job_title,
company_name, stage, and activities: [{activity_id, type, occurred_at, direction, outcome, title, body}].

Fields for --map: external_ref, full_name, first_name, last_name, email, phone, linkedin, job_title,
company_name, stage, activity_id, activity_type, activity_occurred_at, activity_direction,
activity_outcome, activity_title, activity_body.

A lead that is stored already is found by its external_ref, else its email, else its phone. What the
file says overwrites, what it leaves empty stays. A row that cannot be kept goes to the rejects file
with its line and the reason; corrected there, that file can be imported.

Exit status: 0 every row was kept, 3 some rows were rejected, 1 failed, 2 wrong usage.

Examples:
  cargo cli leads import contacts.csv --workspace ID --dry-run
  cargo cli leads import contacts.csv --workspace ID --country-code 44 --map \"Cell=phone\"
  cargo cli leads import leads.jsonl --workspace ID --rejects bad.jsonl";

/// A file that is to be imported.
#[derive(Args, Debug)]
pub struct Import {
    /// The file: .csv, .jsonl or .ndjson
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The workspace that the leads belong to
    #[arg(long, value_name = "UUID")]
    workspace: Uuid,
    /// What the file is, where its extension does not say
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Take a field from this column (CSV); repeatable
    #[arg(long, value_name = "COLUMN=FIELD")]
    map: Vec<Mapping>,
    /// The country of phone numbers that start with a single 0, such as 44. With 1, also of those
    /// with ten digits
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(1..=999))]
    country_code: Option<u16>,
    /// Where rejected rows go [default: FILE with the extension .rejects.csv or .rejects.jsonl]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Read and compare everything, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
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

/// The exit status of an import that kept some rows and rejected others.
const SOME_REJECTED: u8 = 3;

/// How many rejected rows are told on the terminal.
const REJECTIONS_TOLD: usize = 10;

/// What a file was found to hold.
#[derive(Debug, Default)]
struct Content {
    /// Of a CSV file.
    layout: Option<Layout>,
    rows: usize,
    drafts: Drafts,
    rejected: Vec<Rejection>,
    ignored: Vec<String>,
}

impl Content {
    fn add(&mut self, row: Result<(Place, RawRow), Rejection>, rules: Rules) {
        self.rows += 1;
        let kept = row.and_then(|(place, row)| row.check(place, rules)).and_then(|row| self.drafts.add(row));
        self.rejected.extend(kept.err());
    }
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    let Command::Import(import) = command;
    let format = import.format.or_else(|| Format::of_file(&import.file)).ok_or_else(|| {
        CliError::Refused("the file is neither .csv nor .jsonl by its name; say which it is with --format".to_owned())
    })?;
    let rejects = import.rejects.clone().unwrap_or_else(|| import.file.with_extension(format.rejects_extension()));
    if is_same_file(&rejects, &import.file) {
        return Err(CliError::Refused("the rejects file would overwrite the file that is imported".to_owned()));
    }
    connection.workspace(import.workspace).await?;
    let rules = Rules { now: connection.context.clock.now(), country_code: import.country_code };
    let mut content = read(&import, format, rules)?;
    if output.is_for_people() && !content.ignored.is_empty() {
        output.note(format_args!("ignored columns: {}", content.ignored.join(", ")));
    }

    let importer =
        Importer { leads: Leads::new(&connection.context)?, workspace_id: import.workspace, dry_run: import.dry_run };
    let progress = progress(output);
    let applied = importer.apply(std::mem::take(&mut content.drafts).finish(), &progress).await;
    progress.finish_and_clear();
    let mut tally = applied.map_err(|error| interrupted(error, import.dry_run))?;
    tally.rejected.append(&mut content.rejected);
    tally.rejected.sort_by_key(|rejection| rejection.place.line);

    let written = !tally.rejected.is_empty() && !import.dry_run;
    if written {
        let source = File::open(&import.file).map_err(CliError::file(&import.file))?;
        let into = File::create(&rejects).map_err(CliError::file(&rejects))?;
        rejects::write(BufReader::new(source), into, content.layout.as_ref(), &tally.rejected)
            .map_err(CliError::file(&rejects))?;
    }
    report(&import, &content, &tally, written.then_some(rejects.as_path()), output)?;
    Ok(if tally.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(SOME_REJECTED) })
}

fn read(import: &Import, format: Format, rules: Rules) -> Result<Content, CliError> {
    let file = File::open(&import.file).map_err(CliError::file(&import.file))?;
    let mut lines = Lines::new(BufReader::with_capacity(256 * 1024, file));
    let refused = |reason: String| CliError::Refused(format!("{}: {reason}", import.file.display()));
    let failed = CliError::file(&import.file);
    let mut content = Content::default();
    match format {
        Format::Csv => {
            let header = csv_rows::header(&mut lines).map_err(&failed)?;
            let layout = header.ok_or_else(|| refused("the file is empty".to_owned()))?.map_err(refused)?;
            let columns = Columns::of_header(&layout.header, &import.map).map_err(refused)?;
            while let Some(row) = csv_rows::next(&mut lines, &layout, &columns).map_err(&failed)? {
                content.add(row, rules);
            }
            (content.ignored, content.layout) = (columns.ignored, Some(layout));
        }
        Format::Jsonl if !import.map.is_empty() => return Err(refused("--map is for CSV files".to_owned())),
        Format::Jsonl => {
            let mut ignored = BTreeSet::new();
            while let Some(line) = lines.next_filled().map_err(&failed)? {
                let place = Place { line: line.number, span: line.span() };
                let row = json_rows::parse(&line.bytes, &mut ignored);
                let row = match row {
                    Ok(row) => Ok((place, row)),
                    Err(reason) => Err(Rejection { place, reason }),
                };
                content.add(row, rules);
            }
            content.ignored = ignored.into_iter().collect();
        }
    }
    Ok(content)
}

/// A store's error in the middle: what was written stays, and the same command goes on from there.
fn interrupted(error: StoreError, dry_run: bool) -> CliError {
    match error {
        StoreError::Unavailable(cause) if !dry_run => CliError::Refused(format!(
            "the import was interrupted ({cause}); run it again, it goes on where it stopped"
        )),
        error => error.into(),
    }
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

fn report(
    import: &Import,
    content: &Content,
    tally: &Tally,
    rejects: Option<&Path>,
    output: &Output,
) -> Result<(), CliError> {
    let told = &tally.rejected[..tally.rejected.len().min(REJECTIONS_TOLD)];
    let rejects = rejects.map(|path| path.display().to_string());
    if output.is_for_people() {
        for rejection in told {
            output.note(format_args!("line {}: {}", rejection.place.line, rejection.reason));
        }
        if tally.rejected.len() > told.len() {
            output.note(format_args!("… and {} more", tally.rejected.len() - told.len()));
        }
    }
    let told: Vec<_> =
        told.iter().map(|rejection| json!({ "line": rejection.place.line, "reason": rejection.reason })).collect();
    let document = json!({
        "dry_run": import.dry_run,
        "rows": content.rows,
        "created": tally.created,
        "updated": tally.updated,
        "unchanged": tally.unchanged,
        "activities_added": tally.activities_added,
        "rejected": tally.rejected.len(),
        "first_rejected": told,
        "rejects_file": rejects,
        "ignored_columns": content.ignored,
    });
    let rejected = match &rejects {
        Some(path) => format!("{}, in {path}", tally.rejected.len()),
        None => tally.rejected.len().to_string(),
    };
    let mut text = facts(&[
        ("rows", content.rows.to_string()),
        ("leads created", tally.created.to_string()),
        ("leads updated", tally.updated.to_string()),
        ("leads unchanged", tally.unchanged.to_string()),
        ("activities added", tally.activities_added.to_string()),
        ("rows rejected", rejected),
    ]);
    if import.dry_run {
        text.push_str("\n\nThis was a dry run: nothing was written.");
    }
    output.result(&document, &text)
}
