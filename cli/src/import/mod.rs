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
pub mod messages;
mod moment;
pub mod normal;
pub mod prospects;
mod rejects;
mod report;
mod row;

use shared::base::context::FromContext;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use shared::base::store::StoreError;
use shared::crm::leads::Leads;
use uuid::Uuid;

use self::apply::Importer;
use self::csv_rows::Layout;
use self::drafts::Drafts;
use self::field::{Columns, Mapping, Rows};
use self::lines::Lines;
use self::moment::DateOrder;
use self::report::Done;
use self::row::{NOT_UTF_8, Place, RawRow, Rejection, Rules};
use crate::connection::Connection;
use crate::error::CliError;
use crate::output::Output;
use crate::workspace;

/// What `--help` ends with.
pub const HELP: &str = "\
CSV: the first row names the columns. Those of the usual CRM exports are known, such as Record ID,
First Name, Last Name, Email, Phone Number, Job Title, Company Name, Lifecycle Stage, LinkedIn URL; a
row may carry one activity in Activity Type, Activity Date, Activity Subject, Activity Notes, Activity
Direction, Activity Outcome. German names such as Vorname, Telefon and Firma are known too. Rows with
the same Record ID, email or phone are one lead.

JSON Lines: an object a line with external_ref, full_name, email, phone, linkedin, job_title,
company_name, stage, and activities: [{activity_id, type, occurred_at, direction, outcome, title, body}].
name, title and company stand for full_name, job_title and company_name.

Dates: 2026-01-31, 31.01.2026, either with a time such as 14:05, and RFC 3339; UTC where they do not say.
Of dates with slashes only those are taken that can be read in one way, and all with --date-order.

Fields for --map: external_ref, full_name, first_name, last_name, email, phone, linkedin, job_title,
company_name, stage, activity_id, activity_type, activity_occurred_at, activity_direction,
activity_outcome, activity_title, activity_body.

A lead that is stored already is found by its external_ref, else its email, else its phone. What the
file says overwrites, what it leaves empty stays.

A value that is wrong, such as a date that is none, is left out with a warning, and the rest of its row
is kept; an activity without a type or a date is left out whole. What a lead is found by has to be
right: of its external_ref, email and phone the first that is filled. A row where it is wrong, or none
is filled, goes to the rejects file with its line and the reason; corrected there, that file can be
imported.

Exit status: 0 every row was kept, warnings or not, 3 some rows were rejected, 1 failed, 2 wrong usage.

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
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// What the file is, where its extension does not say
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Take a field from this column (CSV); repeatable
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = Mapping::of_leads)]
    map: Vec<Mapping>,
    /// The country of phone numbers that start with a single 0, such as 44. With 1, also of those
    /// with ten digits
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(1..=999))]
    country_code: Option<u16>,
    /// What comes first in dates with slashes
    #[arg(long, value_name = "ORDER")]
    date_order: Option<DateOrder>,
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

/// What a file was found to hold.
#[derive(Debug, Default)]
struct Content {
    /// Of a CSV file.
    layout: Option<Layout>,
    rows: usize,
    drafts: Drafts,
    rejected: Vec<Rejection>,
    ignored: Vec<String>,
    /// What a person should know before anything is written.
    notes: Vec<String>,
}

impl Content {
    fn add(&mut self, row: Result<(Place, RawRow), Rejection>, rules: Rules) {
        self.rows += 1;
        let kept = row.and_then(|(place, row)| row.check(place, rules)).and_then(|row| self.drafts.add(row));
        self.rejected.extend(kept.err());
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
pub async fn run(import: Import, connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    let format = import.format.or_else(|| Format::of_file(&import.file)).ok_or_else(|| {
        CliError::Refused("the file is neither .csv nor .jsonl by its name; say which it is with --format".to_owned())
    })?;
    let rejects = rejects_file(import.rejects.as_deref(), &import.file, format.rejects_extension())?;
    connection.workspace(import.workspace).await?;
    let rules =
        Rules { now: connection.context.clock.now(), country_code: import.country_code, date_order: import.date_order };
    let mut content = read(&import, format, rules)?;
    report::before(&content, format, output);

    let importer =
        Importer { leads: Leads::new(&connection.context)?, workspace_id: import.workspace, dry_run: import.dry_run };
    let progress = progress(output);
    let applied = importer.apply(std::mem::take(&mut content.drafts).finish(), &progress).await;
    progress.finish_and_clear();
    let mut tally = applied.map_err(|error| interrupted(error, import.dry_run))?;
    tally.rejected.append(&mut content.rejected);
    tally.sort();

    let written = !tally.rejected.is_empty() && !import.dry_run;
    if written {
        let source = File::open(&import.file).map_err(CliError::file(&import.file))?;
        let into = File::create(&rejects).map_err(CliError::file(&rejects))?;
        rejects::write(BufReader::new(source), into, content.layout.as_ref(), &tally.rejected)
            .map_err(CliError::file(&rejects))?;
    }
    let list = format!("{} leads list --workspace {}", connection.invocation, import.workspace);
    let done = Done { format, dry_run: import.dry_run, rejects: written.then_some(rejects.as_path()), list };
    report::after(&done, &content, &tally, output)?;
    Ok(if tally.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(SOME_REJECTED) })
}

fn read(import: &Import, format: Format, rules: Rules) -> Result<Content, CliError> {
    let mut lines = lines_of(&import.file)?;
    let refused = |reason: String| CliError::Refused(format!("{}: {reason}", import.file.display()));
    let failed = CliError::file(&import.file);
    let mut content = Content::default();
    match format {
        Format::Csv => {
            let header = csv_rows::header(&mut lines).map_err(&failed)?;
            let layout = header.ok_or_else(|| refused("the file is empty".to_owned()))?.map_err(refused)?;
            let columns = Columns::of_header(&layout.header, &import.map, Rows::Leads).map_err(refused)?;
            while let Some(row) = csv_rows::next(&mut lines, &layout, &columns).map_err(&failed)? {
                content.add(row, rules);
            }
            if !columns.have_a_name() {
                content
                    .notes
                    .push("no column could be read as a name; name one with --map COLUMN=full_name".to_owned());
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
    content.note_encoding(format);
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

/// The lines of a file that is imported.
fn lines_of(file: &Path) -> Result<Lines<BufReader<File>>, CliError> {
    let opened = File::open(file).map_err(CliError::file(file))?;
    Ok(Lines::new(BufReader::with_capacity(256 * 1024, opened)))
}

/// Where rejected rows go: beside the file unless said otherwise, and never over it.
fn rejects_file(given: Option<&Path>, file: &Path, extension: &str) -> Result<PathBuf, CliError> {
    let rejects = given.map_or_else(|| file.with_extension(extension), Path::to_owned);
    if is_same_file(&rejects, file) {
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
