//! `leads import`: leads and their activities from a CRM's export.

use std::collections::{BTreeSet, HashMap};

use clap::Args;
use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use serde_json::json;
use shared::base::context::FromContext;
use shared::base::store::StoreError;
use shared::crm::leads::Leads;

use super::apply::{Group, LeadRows};
use super::drafts::Drafts;
use super::field::{Columns, FieldSet, Mapping};
use super::moment::DateOrder;
use super::report::{Count, Tally};
use super::row::{LeadRow, Placed, Rejection, Rules};
use super::{AT_ONCE, Format, Record, RowKind, Source, json_rows};
use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, Output};

/// A file of leads.
#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    source: Source,
    /// The file's format, if its extension does not show it
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Take a field from this column (CSV); repeatable
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = Mapping::of_leads)]
    map: Vec<Mapping>,
    /// The country of phone numbers that start with a single 0, such as 44. With 1, also of those
    /// with ten digits
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(1..=999))]
    country_code: Option<u16>,
    /// Which part comes first in dates with slashes
    #[arg(long, value_name = "ORDER")]
    date_order: Option<DateOrder>,
}

/// Imports a file.
pub async fn run(import: Import, connection: &Connection, output: &Output) -> Result<Answer, CliError> {
    let Import { source, format, map, country_code, date_order } = import;
    let format = format.or_else(|| Format::of_file(&source.file)).ok_or_else(|| {
        CliError::Refused("the file is neither .csv nor .jsonl by its name; say which it is with --format".to_owned())
    })?;
    if format == Format::Jsonl && !map.is_empty() {
        return Err(CliError::Refused(format!("{}: --map is for CSV files", source.file.display())));
    }
    let kind = LeadRows {
        leads: Leads::new(&connection.context)?,
        workspace_id: source.workspace,
        dry_run: source.dry_run,
        map,
        rules: Rules { now: connection.context.clock.now(), country_code, date_order },
        list: format!("{} leads list --workspace {}", connection.invocation, source.workspace),
    };
    super::run(&kind, &source, format, connection, output).await
}

impl RowKind for LeadRows {
    type Row = LeadRow;
    type Group = Group;
    const GROUPS: &str = "leads";
    const ROWS: &str = "rows";
    const LEAVES_OUT: bool = true;

    fn columns(&self, header: &[String]) -> Result<(Columns, Vec<String>), String> {
        let columns = Columns::of_header(header, &self.map, FieldSet::Leads)?;
        let note = "no column could be read as a name; name one with --map COLUMN=full_name";
        let notes = if columns.have_a_name() { Vec::new() } else { vec![note.to_owned()] };
        Ok((columns, notes))
    }

    fn parse(&self, record: Record, ignored: &mut BTreeSet<String>) -> Result<(LeadRow, Vec<String>), String> {
        let row = match record {
            Record::Cells(row) => row,
            Record::Object(object) => json_rows::lead(object, ignored),
        };
        row.check(self.rules)
    }

    /// One draft for each lead of the file, and one group for each stored lead that drafts turn out to be, lest they
    /// overwrite each other.
    async fn group(
        &self,
        rows: Vec<Placed<LeadRow>>,
        rejected: &mut Vec<Rejection>,
        progress: &ProgressBar,
    ) -> Result<Vec<Group>, StoreError> {
        let mut drafts = Drafts::default();
        rejected.extend(rows.into_iter().filter_map(|row| drafts.add(row).err()));
        let drafts = drafts.finish();
        progress.set_length(drafts.len() as u64);
        progress.set_message("leads looked up");
        let (mut stored, mut new) = (HashMap::<_, Vec<_>>::new(), Vec::new());
        let mut searches = stream::iter(drafts).map(|draft| self.locate(draft)).buffered(AT_ONCE);
        while let Some(located) = searches.next().await {
            progress.inc(1);
            match located? {
                (draft, Some((lead_id, by))) => stored.entry(lead_id).or_default().push((draft, by)),
                (draft, None) => new.push(Group::New(draft)),
            }
        }
        let stored = stored.into_iter().map(|(lead_id, drafts)| Group::Stored(lead_id, drafts));
        Ok(stored.chain(new).collect())
    }

    async fn write(&self, group: Group) -> Result<Tally, StoreError> {
        match group {
            Group::Stored(lead_id, drafts) => self.change(lead_id, drafts).await,
            Group::New(draft) => self.create(draft).await,
        }
    }

    fn counts(&self, tally: &Tally) -> Vec<Count> {
        let mut counts = tally.outcomes("leads");
        counts.push(Count::new("activities_added", "activities added", tally.activities_added));
        counts.push(Count { name: "leads", label: None, value: json!(tally.leads) });
        counts
    }

    fn advice(&self, tally: &Tally) -> Option<String> {
        (!tally.leads.is_empty()).then(|| format!("The leads and their ids: {}", self.list))
    }
}
