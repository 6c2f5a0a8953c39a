//! `prospects import`: a workspace's own prospects from a CSV file.
//!
//! The file is read as one of leads is: rows that are wrong go to the rejects file, values that are wrong
//! are left out. A prospect's identifier derives from what it is found by, so that the same file again writes
//! nothing, and a row that says something else of somebody takes the place of what was there.

use shared::base::context::FromContext;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use serde_json::json;
use shared::base::store::StoreError;
use shared::crm::prospects::{OwnProspects, Prospect, Put};
use uuid::Uuid;

use super::csv_rows::{self, Layout};
use super::field::{Columns, Field, Mapping, Rows};
use super::row::{NOT_UTF_8, Place, RawRow, Reading, Rejection, Warning};
use super::{SOME_REJECTED, interrupted, lines_of, normal, progress, rejects, rejects_file, report};
use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Output, facts};
use crate::workspace;

/// What `--help` ends with.
pub const HELP: &str = "\
The first row names the columns. Those of the usual exports are known: ID, First Name, Last Name or Name,
Title, Company, Industry, Employees or Company Size, City, State, Country or Location, Email, Phone, LinkedIn
URL; German ones too, such as Vorname, Firma, Branche and Mitarbeiter.

Employees: 120, 1,200, 51-200, 10,001+. A range counts as its middle, and one without an end as its start.

Fields for --map: external_ref, full_name, first_name, last_name, email, phone, linkedin, job_title,
company_name, industry, employees, city, region, country, location.

A prospect is known by its external_ref, else its email, else its linkedin, else its phone: of those the first
that is filled has to be right, and a name has to be there. A row without goes to the rejects file with its line
and the reason; corrected there, that file can be imported. Any other value that is wrong is left out with a
warning. A row of a prospect that is there already takes its place, with everything that it says and leaves
empty; of several rows of one prospect the last counts.

Exit status: 0 every row was kept, warnings or not, 3 some rows were rejected, 1 failed, 2 wrong usage.

Examples:
  cargo cli prospects import prospects.csv --workspace ID --dry-run
  cargo cli prospects import prospects.csv --workspace ID --map \"Branch=industry\" --country-code 44";

/// How many prospects are compared or written at once.
const AT_ONCE: usize = 8;

/// A file that is to be imported.
#[derive(Args, Debug)]
pub struct Import {
    /// The file: comma-, semicolon- or tab-separated values with a header
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The workspace that the prospects belong to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// Take a field from this column; repeatable
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = Mapping::of_prospects)]
    map: Vec<Mapping>,
    /// The country of phone numbers that start with a single 0, such as 44. With 1, also of those
    /// with ten digits
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(1..=999))]
    country_code: Option<u16>,
    /// Where rejected rows go [default: FILE with the extension .rejects.csv]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Read and compare everything, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a file was found to hold.
#[derive(Debug)]
struct Content {
    layout: Layout,
    rows: usize,
    /// The prospects by identifier, as the last row of each tells them.
    prospects: BTreeMap<String, Prospect>,
    warnings: Vec<Warning>,
    rejected: Vec<Rejection>,
    ignored: Vec<String>,
    notes: Vec<String>,
}

/// What became of the prospects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    created: usize,
    updated: usize,
    unchanged: usize,
}

/// Imports a file.
pub async fn run(import: Import, connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    let rejects = rejects_file(import.rejects.as_deref(), &import.file, "rejects.csv")?;
    connection.workspace(import.workspace).await?;
    let content = read(&import)?;
    if output.is_for_people() {
        for note in &content.notes {
            output.note(format_args!("note: {note}"));
        }
        if !content.ignored.is_empty() {
            output.note(format_args!("ignored columns: {}", content.ignored.join(", ")));
        }
    }
    let table = OwnProspects::new(&connection.context)?;
    let progress = progress(output);
    let applied = apply(&table, &import, &content, &progress).await;
    progress.finish_and_clear();
    let tally = applied.map_err(|error| interrupted(error, import.dry_run))?;
    let written = !content.rejected.is_empty() && !import.dry_run;
    if written {
        let source = File::open(&import.file).map_err(CliError::file(&import.file))?;
        let into = File::create(&rejects).map_err(CliError::file(&rejects))?;
        rejects::write(BufReader::new(source), into, Some(&content.layout), &content.rejected)
            .map_err(CliError::file(&rejects))?;
    }
    let rejects = written.then(|| rejects.display().to_string());
    tell(&content, tally, rejects.as_deref(), import.dry_run, output)?;
    Ok(if content.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(SOME_REJECTED) })
}

fn read(import: &Import) -> Result<Content, CliError> {
    let mut lines = lines_of(&import.file)?;
    let refused = |reason: String| CliError::Refused(format!("{}: {reason}", import.file.display()));
    let failed = CliError::file(&import.file);
    let header = csv_rows::header(&mut lines).map_err(&failed)?;
    let layout = header.ok_or_else(|| refused("the file is empty".to_owned()))?.map_err(refused)?;
    let columns = Columns::of_header(&layout.header, &import.map, Rows::Prospects).map_err(refused)?;
    if !columns.have_a_name() {
        let name = "no column could be read as a name; name one with --map COLUMN=full_name";
        return Err(refused(name.to_owned()));
    }
    let (mut rows, mut prospects) = (0, BTreeMap::new());
    let (mut warnings, mut rejected, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(row) = csv_rows::next(&mut lines, &layout, &columns).map_err(&failed)? {
        rows += 1;
        let line = row.as_ref().map_or_else(|rejection| rejection.place.line, |(place, _)| place.line);
        match row.and_then(|(place, row)| prospect(place, &row, import.workspace, import.country_code)) {
            Ok((prospect, left_out)) => {
                prospects.insert(prospect.prospect_id.clone(), prospect);
                warnings.extend(left_out.into_iter().map(|reason| Warning { line, reason }));
            }
            Err(rejection) => rejected.push(rejection),
        }
    }
    for (field, what) in [(Field::JobTitle, "a job title"), (Field::Industry, "an industry")] {
        if !columns.have(field) {
            let note = format!("no column could be read as {what}, so no search for one finds these prospects");
            notes.push(format!("{note}; name one with --map COLUMN={field}"));
        }
    }
    let not_utf_8 = rejected.iter().filter(|rejection: &&Rejection| rejection.reason == NOT_UTF_8).count();
    if not_utf_8 > 1 {
        notes.push(format!("{not_utf_8} rows are not UTF-8; {} and import it again", csv_rows::SAVE_AS_UTF_8));
    }
    Ok(Content { layout, rows, prospects, warnings, rejected, ignored: columns.ignored, notes })
}

/// The prospect of a row, and what of it was left out, and why.
fn prospect(
    place: Place,
    row: &RawRow,
    workspace_id: Uuid,
    country_code: Option<u16>,
) -> Result<(Prospect, Vec<String>), Rejection> {
    let mut reading = Reading::new(&row.lead);
    let external_ref = reading.line(Field::ExternalRef, 200);
    let full_name = reading.full_name();
    let mut prospect = Prospect {
        prospect_id: String::new(),
        full_name: String::new(),
        job_title: reading.line(Field::JobTitle, 200).unwrap_or_default(),
        company_name: reading.line(Field::CompanyName, 200).unwrap_or_default(),
        industry: reading.line(Field::Industry, 200).unwrap_or_default(),
        employees: reading.filled(Field::Employees).and_then(|text| reading.note(employees(text))),
        city: reading.line(Field::City, 200),
        region: reading.line(Field::Region, 200),
        country: reading.line(Field::Country, 200),
        email: reading.filled(Field::Email).and_then(|text| reading.note(normal::email(text))),
        phone: reading.filled(Field::Phone).and_then(|text| reading.note(normal::phone(text, country_code))),
        linkedin: reading.line(Field::Linkedin, 500),
    };
    if prospect.city.is_none() && prospect.region.is_none() {
        locate(&mut prospect, reading.line(Field::Location, 200));
    }
    let identities = [
        (Field::ExternalRef, &external_ref),
        (Field::Email, &prospect.email),
        (Field::Linkedin, &prospect.linkedin),
        (Field::Phone, &prospect.phone),
    ];
    let strongest = identities.into_iter().find(|(field, _)| reading.has(*field));
    let is_called = [Field::FullName, Field::FirstName, Field::LastName].into_iter().any(|field| reading.has(field));
    let missing = [
        (strongest.is_some(), "needs a reference (ID), an e-mail address, a LinkedIn address or a phone number"),
        (is_called, "needs a name"),
    ];
    match (strongest, full_name) {
        (Some((field, Some(value))), Some(full_name)) => {
            // What an identifier says of somebody would be in logs and results.
            let name = format!("prospect\0{field}\0{value}");
            prospect.prospect_id = Uuid::new_v5(&workspace_id, name.as_bytes()).to_string();
            prospect.full_name = full_name;
            Ok((prospect, reading.wrong.iter().map(|reason| format!("{reason}; left out")).collect()))
        }
        _ => {
            let missing = missing.into_iter().filter(|(is_there, _)| !is_there).map(|(_, reason)| reason.to_owned());
            let reason = missing.chain(reading.wrong).collect::<Vec<_>>().join("; ");
            Err(Rejection { place, reason })
        }
    }
}

/// Takes a location apart that has three parts; one that has fewer is left to the search to understand.
fn locate(prospect: &mut Prospect, location: Option<String>) {
    let Some(location) = location else { return };
    let parts: Vec<_> = location.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [city, region, country] => {
            let [city, region, country] = [city, region, country].map(|part| Some((*part).to_owned()));
            (prospect.city, prospect.region) = (city, region);
            prospect.country = prospect.country.take().or(country);
        }
        _ => prospect.city = Some(location),
    }
}

/// A number of employees: `120`, `1,200`, `51-200`, `10,001+`. A range counts as its middle.
fn employees(text: &str) -> Result<u32, String> {
    let wrong = || "employees is not a number such as 120, or a range such as 51-200".to_owned();
    let text = text.to_lowercase().replace("employees", "").replace(['–', '—'], "-").replace(" to ", "-");
    let numbers: Option<Vec<u32>> = text.split('-').map(|part| number(part.trim())).collect();
    match numbers.as_deref() {
        Some([one]) => Ok(*one),
        Some([least, most]) if least <= most => Ok(least + (most - least) / 2),
        _ => Err(wrong()),
    }
}

/// A whole number, with or without something between its thousands.
fn number(text: &str) -> Option<u32> {
    let text = text.strip_suffix('+').unwrap_or(text);
    let groups: Vec<_> = text.split([',', '.', '\'', ' ', '\u{a0}']).collect();
    let (first, others) = groups.split_first()?;
    let is_number = !first.is_empty() && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
    let is_grouped = others.is_empty() || first.len() <= 3 && others.iter().all(|group| group.len() == 3);
    if is_number && is_grouped { groups.concat().parse().ok() } else { None }
}

/// Writes the prospects, or in a dry run only compares them with those that are stored.
async fn apply(
    table: &OwnProspects,
    import: &Import,
    content: &Content,
    progress: &ProgressBar,
) -> Result<Tally, StoreError> {
    progress.set_length(content.prospects.len() as u64);
    progress.set_message(if import.dry_run { "prospects compared" } else { "prospects written" });
    let one = async |prospect: &Prospect| {
        if !import.dry_run {
            return table.put(import.workspace, prospect).await;
        }
        Ok(match table.get(import.workspace, &prospect.prospect_id).await? {
            None => Put::Created,
            Some(stored) if stored == *prospect => Put::Unchanged,
            Some(_) => Put::Updated,
        })
    };
    let mut working = stream::iter(content.prospects.values()).map(one).buffer_unordered(AT_ONCE);
    let mut tally = Tally::default();
    while let Some(done) = working.next().await {
        match done? {
            Put::Created => tally.created += 1,
            Put::Updated => tally.updated += 1,
            Put::Unchanged => tally.unchanged += 1,
        }
        progress.inc(1);
    }
    Ok(tally)
}

fn tell(
    content: &Content,
    tally: Tally,
    rejects: Option<&str>,
    dry_run: bool,
    output: &Output,
) -> Result<(), CliError> {
    let Content { rows, warnings, rejected, .. } = content;
    if output.is_for_people() {
        let warned = warnings.iter().map(|warning| format!("line {}: warning: {}", warning.line, warning.reason));
        report::tell(warned, "warnings; --json tells all", output);
        let lines =
            rejected.iter().map(|rejection| format!("line {}: rejected: {}", rejection.place.line, rejection.reason));
        report::tell(lines, "rejected", output);
    }
    let repeated = rows - rejected.len() - content.prospects.len();
    let document = json!({
        "dry_run": dry_run,
        "rows": rows,
        "created": tally.created,
        "updated": tally.updated,
        "unchanged": tally.unchanged,
        "repeated": repeated,
        "warnings": warnings.len(),
        "warned": warnings,
        "rejected": rejected.len(),
        "first_rejected": report::first_rejected(rejected),
        "rejects_file": rejects,
        "ignored_columns": content.ignored,
        "notes": content.notes,
    });
    let rejected = match rejects {
        Some(path) => format!("{}, in {path}", rejected.len()),
        None => rejected.len().to_string(),
    };
    let mut text = facts(&[
        ("rows", rows.to_string()),
        ("prospects created", tally.created.to_string()),
        ("prospects updated", tally.updated.to_string()),
        ("prospects unchanged", tally.unchanged.to_string()),
        ("rows of one before", repeated.to_string()),
        ("warnings", warnings.len().to_string()),
        ("rows rejected", rejected),
    ]);
    if dry_run {
        text.push_str("\n\nThis was a dry run: nothing was written.");
    }
    output.result(&document, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[(Field, &str)]) -> Result<(Prospect, Vec<String>), String> {
        let lead = fields.iter().map(|(field, text)| (*field, Ok((*text).to_owned()))).collect();
        let row = RawRow { lead, activities: Vec::new() };
        let place = Place { line: 2, span: 0..0 };
        prospect(place, &row, Uuid::nil(), None).map_err(|rejection| rejection.reason)
    }

    #[test]
    fn employees_are_a_number_or_the_middle_of_a_range() {
        for (text, expected) in [
            ("120", Some(120)),
            ("1,200", Some(1_200)),
            ("1.200", Some(1_200)),
            ("12 000", Some(12_000)),
            ("51-200", Some(125)),
            ("51 – 200 employees", Some(125)),
            ("1,001 to 5,000", Some(3_000)),
            ("10,001+", Some(10_001)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("200-51", None),
            ("1.5", None),
            ("1,2000", None),
            ("Nov-50", None),
            ("many", None),
            ("-5", None),
            ("", None),
        ] {
            assert_eq!(employees(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_prospect_has_the_id_of_its_strongest_identity_which_does_not_show_it() {
        let name = (Field::FullName, "Ada Ley");
        let by = |identity| check(&[name, identity]).unwrap().0.prospect_id;
        let email = (Field::Email, "ADA@x.example");
        assert_eq!(by(email), by((Field::Email, "ada@x.example")));
        assert_eq!(check(&[name, email, (Field::Phone, "+14155550100")]).unwrap().0.prospect_id, by(email));
        assert_ne!(by((Field::ExternalRef, "7")), by((Field::ExternalRef, "8")));
        assert_ne!(by((Field::ExternalRef, "ada@x.example")), by(email));
        assert!(Uuid::parse_str(&by(email)).is_ok());
    }

    #[test]
    fn a_row_needs_a_name_and_a_right_identity() {
        let identity = "needs a reference (ID), an e-mail address, a LinkedIn address or a phone number";
        for (fields, reason) in [
            (&[(Field::FullName, "Ada")][..], identity),
            (&[(Field::Email, "a@x.example")], "needs a name"),
            (&[(Field::JobTitle, "CEO")], "needs a reference"),
            (&[(Field::FullName, "Ada"), (Field::Email, "ada"), (Field::Phone, "+14155550100")], "email has no @"),
            (&[(Field::FullName, &"x".repeat(201)), (Field::ExternalRef, "1")], "full_name is longer"),
        ] {
            let told = check(fields).unwrap_err();
            assert!(told.starts_with(reason), "{told}");
        }
        let (prospect, left_out) = check(&[
            (Field::FirstName, "Ada"),
            (Field::LastName, "Ley"),
            (Field::ExternalRef, "1"),
            (Field::Email, "ada"),
            (Field::Employees, "some"),
        ])
        .unwrap();
        assert_eq!((prospect.full_name.as_str(), prospect.email, prospect.employees), ("Ada Ley", None, None));
        assert_eq!(left_out.len(), 2, "{left_out:?}");
    }

    #[test]
    fn a_location_gives_way_to_a_city() {
        let of = |fields: &[(Field, &str)]| {
            let prospect = check(&[&[(Field::FullName, "A"), (Field::ExternalRef, "1")], fields].concat()).unwrap().0;
            [prospect.city, prospect.region, prospect.country].map(Option::unwrap_or_default)
        };
        assert_eq!(
            of(&[(Field::Location, "Oakland, California, United States")]),
            ["Oakland", "California", "United States"]
        );
        assert_eq!(of(&[(Field::Location, "London, UK")]), ["London, UK", "", ""]);
        assert_eq!(of(&[(Field::Location, "Paris"), (Field::Country, "France")]), ["Paris", "", "France"]);
    }
}
