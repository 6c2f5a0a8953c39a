//! `prospects import`: a workspace's own prospects from a CSV file.
//!
//! A prospect's identifier derives from what it is found by, so that the same file again writes nothing, and a
//! row that says something else about a prospect replaces what was there.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use indicatif::ProgressBar;
use shared::base::context::FromContext;
use shared::base::store::StoreError;
use shared::crm::prospects::{OwnProspects, Prospect, Put};
use uuid::Uuid;

use super::field::{Columns, Field, FieldSet, Mapping};
use super::report::{Count, Outcome, Tally};
use super::row::{Placed, RawRow, Reading, Rejection};
use super::{Format, Record, RowKind, Source, normal};
use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, Output};

/// A file of prospects.
#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    source: Source,
    /// Take a field from this column; repeatable
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = Mapping::of_prospects)]
    map: Vec<Mapping>,
    /// The country of phone numbers that start with a single 0, such as 44. With 1, also of those
    /// with ten digits
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(1..=999))]
    country_code: Option<u16>,
}

/// Imports a file.
pub async fn run(import: Import, connection: &Connection, output: &Output) -> Result<Answer, CliError> {
    let kind = ProspectRows { table: OwnProspects::new(&connection.context)?, import };
    super::run(&kind, &kind.import.source, Format::Csv, connection, output).await
}

struct ProspectRows {
    table: OwnProspects,
    import: Import,
}

impl RowKind for ProspectRows {
    type Row = Prospect;
    type Group = Vec<Placed<Prospect>>;
    const GROUPS: &str = "prospects";
    const ROWS: &str = "rows";
    const LEAVES_OUT: bool = true;

    fn columns(&self, header: &[String]) -> Result<(Columns, Vec<String>), String> {
        let columns = Columns::of_header(header, &self.import.map, FieldSet::Prospects)?;
        if !columns.have_a_name() {
            return Err("no column could be read as a name; name one with --map COLUMN=full_name".to_owned());
        }
        let needed = [(Field::JobTitle, "a job title"), (Field::Industry, "an industry")].into_iter();
        let notes = needed.filter(|(field, _)| !columns.have(*field)).map(|(field, what)| {
            let note = format!("no column could be read as {what}, so no search for one finds these prospects");
            format!("{note}; name one with --map COLUMN={field}")
        });
        let notes = notes.collect();
        Ok((columns, notes))
    }

    fn parse(&self, record: Record, _: &mut BTreeSet<String>) -> Result<(Prospect, Vec<String>), String> {
        match record {
            Record::Cells(row) => prospect(&row, self.import.source.workspace, self.import.country_code),
            Record::Object(_) => Err("is not a CSV row".to_owned()),
        }
    }

    async fn group(
        &self,
        rows: Vec<Placed<Prospect>>,
        _: &mut Vec<Rejection>,
        _: &ProgressBar,
    ) -> Result<Vec<Self::Group>, StoreError> {
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for row in rows {
            groups.entry(row.row.prospect_id.clone()).or_default().push(row);
        }
        Ok(groups.into_values().collect())
    }

    /// Writes the last row of a prospect.
    async fn write(&self, rows: Self::Group) -> Result<Tally, StoreError> {
        let Some(Placed { row: prospect, .. }) = rows.last() else { return Ok(Tally::default()) };
        let workspace = self.import.source.workspace;
        let put = if self.import.source.dry_run {
            match self.table.get(workspace, &prospect.prospect_id).await? {
                None => Put::Created,
                Some(stored) if stored == *prospect => Put::Unchanged,
                Some(_) => Put::Updated,
            }
        } else {
            self.table.put(workspace, prospect).await?
        };
        let warnings = rows.iter().flat_map(Placed::warnings).collect();
        let mut tally = Tally { repeated: rows.len() - 1, warnings, ..Tally::default() };
        tally.record(match put {
            Put::Created => Outcome::Created,
            Put::Updated => Outcome::Updated,
            Put::Unchanged => Outcome::Unchanged,
        });
        Ok(tally)
    }

    fn counts(&self, tally: &Tally) -> Vec<Count> {
        let mut counts = tally.outcomes("prospects");
        counts.push(Count::new("repeated", "rows of one before", tally.repeated));
        counts
    }
}

/// The prospect of a row, and what was left out of it, and why.
fn prospect(row: &RawRow, workspace_id: Uuid, country_code: Option<u16>) -> Result<(Prospect, Vec<String>), String> {
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
            Err(missing.chain(reading.wrong).collect::<Vec<_>>().join("; "))
        }
    }
}

/// Splits a location with three parts. A shorter one is left to the search.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[(Field, &str)]) -> Result<(Prospect, Vec<String>), String> {
        let lead = fields.iter().map(|(field, text)| (*field, Ok((*text).to_owned()))).collect();
        let row = RawRow { lead, activities: Vec::new() };
        prospect(&row, Uuid::nil(), None)
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
