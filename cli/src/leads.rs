//! `leads`: the leads of a workspace, brought in from a file, found again, and erased.

use std::io::BufRead;

use chrono::DateTime;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::base::time::timestamp;
use shared::crm::leads::{Lead, Leads};
use shared::workflow::erasure::{Erasure, ErasureReport, Subject};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::import::leads::{self as import, Import};
use crate::import::normal;
use crate::output::{Answer, Output, columns, facts, or_dash, table};
use crate::workspace;

/// What can be done with leads.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import leads and their activities from a CSV or JSON Lines file; repeating it is harmless
    #[command(after_help = include_str!("../help/leads-import.txt"))]
    Import(Import),
    /// Find the lead that has this reference, e-mail address or phone number; exit status 1 if none
    #[command(after_help = include_str!("../help/leads-find.txt"))]
    Find(Find),
    /// Show a lead with its latest activities
    Show(Show),
    /// List a workspace's leads with their ids, by name; reads the whole table of leads
    #[command(after_help = include_str!("../help/leads-list.txt"))]
    List(List),
    /// Erase a person: everything that is stored about a lead, wherever it is; repeating it is harmless
    #[command(after_help = include_str!("../help/leads-erase.txt"))]
    Erase(Erase),
}

/// A person that is to be erased.
#[derive(Args, Debug)]
pub struct Erase {
    /// The workspace that it is to be erased from
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    #[command(flatten)]
    who: Who,
    /// The country of a phone number that starts with a single 0, such as 44
    #[arg(long, value_name = "CODE", requires = "phone", value_parser = clap::value_parser!(u16).range(1..=999))]
    country_code: Option<u16>,
    /// Only show how many items would be erased
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

/// Who is to be erased.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Who {
    /// The lead's id
    #[arg(long, value_name = "UUID")]
    lead: Option<Uuid>,
    /// The person's e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The person's phone number
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
}

impl Erase {
    fn wanted(&self) -> Result<Subject, CliError> {
        let refused = |field: &str, why: String| CliError::Refused(format!("--{field} {why}"));
        match &self.who {
            Who { lead: Some(lead_id), .. } => Ok(Subject::Lead(*lead_id)),
            Who { email: Some(email), .. } => {
                normal::email(email).map(Subject::Email).map_err(|why| refused("email", why))
            }
            Who { phone, .. } => normal::phone(phone.as_deref().unwrap_or_default(), self.country_code)
                .map(Subject::Phone)
                .map_err(|why| refused("phone", why)),
        }
    }
}

/// A lead that is looked for.
#[derive(Args, Debug)]
pub struct Find {
    /// Its reference (record id), e-mail address or phone number
    #[arg(value_name = "VALUE")]
    value: String,
    /// The workspace that it belongs to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// The country of a phone number that starts with a single 0, such as 44. With 1, numbers with ten digits are also
    /// read as US or Canadian numbers
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(1..=999))]
    country_code: Option<u16>,
}

/// A lead that is shown.
#[derive(Args, Debug)]
pub struct Show {
    /// Its id, reference, e-mail address or phone number
    #[arg(value_name = "LEAD")]
    value: String,
    /// The workspace that it belongs to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// How many activities, newest first
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1000))]
    activities: u16,
}

/// Leads that are to be listed.
#[derive(Args, Debug)]
pub struct List {
    /// The workspace that they belong to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// Only those with this text in their name, e-mail address, company, phone number or reference
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection, output: &Output) -> Result<Answer, CliError> {
    match command {
        Command::Import(import) => import::run(import, connection, output).await,
        Command::Find(find) => self::find(find, connection).await,
        Command::Show(show) => self::show(show, connection).await,
        Command::List(list) => self::list(list, connection).await,
        Command::Erase(erase) => self::erase(erase, connection, output).await,
    }
}

async fn find(find: Find, connection: &Connection) -> Result<Answer, CliError> {
    let leads: Leads = connection.store(find.workspace).await?;
    let lead = found(&leads, &find).await?;
    Ok(Answer::new(shown(&lead), told(&lead)))
}

async fn found(leads: &Leads, find: &Find) -> Result<Lead, CliError> {
    let wanted = wanted(&find.value, find.country_code);
    let found = match leads.find(find.workspace, &wanted).await? {
        Some(lead_id) => leads.lead(find.workspace, lead_id).await?,
        None => None,
    };
    found.ok_or_else(|| CliError::Refused(none(find)))
}

/// The fields of a lead by which a person recognises it.
fn told(lead: &Lead) -> String {
    facts(&[
        ("lead", lead.lead_id.to_string()),
        ("name", or_dash(&lead.full_name)),
        ("company", or_dash(&lead.company_name)),
        ("reference", or_dash(&lead.external_ref)),
        ("email", or_dash(&lead.email)),
        ("phone", or_dash(&lead.phone)),
    ])
}

async fn show(show: Show, connection: &Connection) -> Result<Answer, CliError> {
    let Show { value, workspace, activities } = show;
    let leads: Leads = connection.store(workspace).await?;
    let by_id = match value.trim().parse() {
        Ok(lead_id) => leads.lead(workspace, lead_id).await?,
        Err(_) => None,
    };
    let lead = match by_id {
        Some(lead) => lead,
        None => found(&leads, &Find { value, workspace, country_code: None }).await?,
    };
    let history = leads.history(workspace, lead.lead_id, DateTime::UNIX_EPOCH).await?;
    let mut history = history.map(|history| history.recent).unwrap_or_default();
    history.truncate(usize::from(activities));
    let more = [("role", &lead.job_title), ("stage", &lead.stage), ("linkedin", &lead.linkedin)];
    let more = facts(&more.map(|(name, value)| (name, or_dash(value))));
    let rows = history.iter().map(|activity| {
        let kind = String::from(activity.kind.clone());
        [timestamp(activity.occurred_at), kind, or_dash(&activity.outcome), or_dash(&activity.title)]
    });
    let rows = rows.collect::<Vec<_>>();
    let mut text = format!("{}\n{more}", told(&lead));
    if !rows.is_empty() {
        text = format!("{text}\n\n{}", table(["when", "activity", "outcome", "title"], rows.into_iter()));
    }
    let mut document = shown(&lead);
    document["activities"] = json!(history);
    Ok(Answer::new(document, text))
}

/// The identities that a value can be, as an import keeps them.
fn wanted(value: &str, country_code: Option<u16>) -> Lead {
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    Lead {
        email: normal::email(&value).ok(),
        phone: normal::phone(&value, country_code).ok(),
        external_ref: Some(value),
        ..Lead::default()
    }
}

async fn erase(erase: Erase, connection: &Connection, output: &Output) -> Result<Answer, CliError> {
    let wanted = erase.wanted()?;
    let erasure: Erasure = connection.store(erase.workspace).await?;
    let there = erasure.look(erase.workspace, &wanted).await?;
    if erase.dry_run || there.counts.is_empty() {
        let text = told_of(&there, "Would be erased:");
        return Ok(Answer::new(json!({ "erased": false, "found": there }), text));
    }
    if !erase.yes {
        output.note(told_of(&there, "To be erased, and not to be brought back:"));
        output.note("Type erase to go on:");
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map_err(CliError::Output)?;
        if answer.trim() != "erase" {
            return Err(CliError::Refused("nothing was erased".to_owned()));
        }
    }
    let erased = erasure.erase(erase.workspace, &wanted).await?;
    Ok(Answer::new(json!({ "erased": true, "found": erased }), told_of(&erased, "Erased:")))
}

/// The number of items of each kind, without their content.
fn told_of(erased: &ErasureReport, heading: &str) -> String {
    let counts = erased.counts.iter().map(|(kind, count)| vec![kind.replace('_', " "), count.to_string()]);
    let mut text = match erased.counts.is_empty() {
        true => "There is nothing of this person in the workspace.".to_owned(),
        false => format!("{heading}\n{}", columns(&counts.collect::<Vec<_>>())),
    };
    if !erased.shown_by.is_empty() {
        let leads: Vec<_> = erased.shown_by.iter().map(Uuid::to_string).collect();
        text.push_str(&format!(
            "\n\nNo lead has this address or number, but lists show it for several; they stay. Erase each that is this \
             person with --lead:\n{}",
            leads.join("\n")
        ));
    }
    if erased.named_elsewhere > 0 {
        let others = erased.named_elsewhere;
        text.push_str(&format!("\n\n{others} items of others hold an address or a number of this person; they stay."));
    }
    text
}

/// Says that no lead was found. If the value looks like a phone number, also says why it is not valid.
fn none(find: &Find) -> String {
    let none = format!("no lead of the workspace has the reference, e-mail address or phone number {:?}", find.value);
    match normal::phone(&find.value, find.country_code) {
        Err(reason) if !find.value.chars().any(|character| character.is_alphabetic() || character == '@') => {
            format!("{none} ({reason})")
        }
        _ => none,
    }
}

async fn list(list: List, connection: &Connection) -> Result<Answer, CliError> {
    let mut leads = connection.store::<Leads>(list.workspace).await?.all(list.workspace).await?;
    if let Some(text) = &list.search {
        let text = text.trim().to_lowercase();
        leads.retain(|lead| says(lead, &text));
    }
    // Those without a name come last.
    leads.sort_by_cached_key(|lead| {
        (lead.full_name.is_none(), lead.full_name.as_deref().map(str::to_lowercase), lead.lead_id)
    });
    let total = leads.len();
    leads.truncate(usize::try_from(list.limit).unwrap_or(usize::MAX));
    let none = match list.search {
        Some(_) => "No lead of the workspace has this text.",
        None => "The workspace has no leads.",
    };
    let row = |lead: &Lead| {
        let [name, company, reference] = [&lead.full_name, &lead.company_name, &lead.external_ref].map(or_dash);
        [lead.lead_id.to_string(), name, company, reference, or_dash(&lead.email), or_dash(&lead.phone)]
    };
    let head = ["lead", "name", "company", "reference", "email", "phone"];
    let mut answer = Answer::list("leads", none, &leads, shown, head, row);
    answer.document["total"] = total.into();
    if leads.len() < total {
        let shown = leads.len();
        let more = format!("\n\n{shown} of {total} leads; see more with --limit, or fewer with --search.");
        answer.text.push_str(&more);
    }
    Ok(answer)
}

/// Whether a lead has a text, in lower case, in one of the fields that are searched.
fn says(lead: &Lead, text: &str) -> bool {
    let fields = [&lead.full_name, &lead.email, &lead.company_name, &lead.phone, &lead.external_ref];
    fields.into_iter().flatten().any(|field| field.to_lowercase().contains(text))
}

/// A lead as JSON, with every field there.
fn shown(lead: &Lead) -> Value {
    [("lead_id".to_owned(), json!(lead.lead_id))].into_iter().chain(lead.fields()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_looked_for_in_the_form_that_is_kept() {
        let email = wanted(" Jane@Example.ORG ", None);
        assert_eq!(email.email.as_deref(), Some("jane@example.org"));
        assert_eq!(email.external_ref.as_deref(), Some("Jane@Example.ORG"));
        assert_eq!(email.phone, None);
        assert_eq!(wanted("020 7946 0000", Some(44)).phone.as_deref(), Some("+442079460000"));
    }

    #[test]
    fn a_national_number_that_is_not_found_says_what_it_lacks() {
        let find = |value: &str| Find { value: value.to_owned(), workspace: Uuid::nil(), country_code: None };
        assert!(none(&find("020 7946 0000")).contains("--country-code"));
        assert!(none(&find("LD-2048")).ends_with("\"LD-2048\""));
    }

    #[test]
    fn a_search_reads_every_field_and_no_case() {
        let lead = Lead { company_name: Some("ACME Ltd".to_owned()), stage: Some("new".to_owned()), ..Lead::default() };
        assert!(says(&lead, "acme"));
        assert!(!says(&lead, "new"));
    }
}
