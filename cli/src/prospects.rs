//! `prospects`: a workspace's own prospects, brought in from a file and searched as Lexi does.

use std::collections::HashSet;

use clap::{Args, Subcommand};
use serde_json::json;
use shared::crm::prospects::{OwnProspects, Prospect, Query, USUAL};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::import::prospects::{self as import, Import};
use crate::output::{Answer, Output, or_dash, table};
use crate::workspace;

/// What can be done with prospects.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import prospects from a CSV file; repeating it is harmless
    #[command(after_help = include_str!("../help/prospects-import.txt"))]
    Import(Import),
    /// Try a search among a workspace's own prospects; costs no credits, and asks no provider
    #[command(after_help = include_str!("../help/prospects-search.txt"))]
    Search(Search),
}

/// Prospects that are looked for.
#[derive(Args, Debug)]
pub struct Search {
    /// The workspace that they belong to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// A job title; repeatable
    #[arg(long, value_name = "TITLE")]
    title: Vec<String>,
    /// An industry; repeatable
    #[arg(long, value_name = "INDUSTRY")]
    industry: Vec<String>,
    /// A city, region or country; repeatable
    #[arg(long, value_name = "PLACE")]
    place: Vec<String>,
    /// The fewest employees of the company
    #[arg(long, value_name = "N")]
    min_employees: Option<u32>,
    /// The most employees of the company
    #[arg(long, value_name = "N")]
    max_employees: Option<u32>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = USUAL)]
    count: u32,
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection, output: &Output) -> Result<Answer, CliError> {
    match command {
        Command::Import(import) => import::run(import, connection, output).await,
        Command::Search(search) => self::search(search, connection).await,
    }
}

async fn search(search: Search, connection: &Connection) -> Result<Answer, CliError> {
    let Search { workspace, title, industry, place, min_employees, max_employees, count } = search;
    let query = Query { titles: title, industries: industry, places: place, min_employees, max_employees, count };
    if let Some(fault) = query.fault() {
        return Err(CliError::Refused(fault));
    }
    let found = connection.store::<OwnProspects>(workspace).await?.search(workspace, &query, &HashSet::new()).await?;
    let searched = query.describe();
    let text = match found.as_slice() {
        [] => format!("Searched for {searched}: the workspace has no such prospects of its own."),
        _ => format!("Searched for {searched}, found {}:\n\n{}", found.len(), listed(&found)),
    };
    Ok(Answer::new(json!({ "searched": searched, "found": found.len(), "prospects": found }), text))
}

fn listed(prospects: &[Prospect]) -> String {
    let rows = prospects.iter().map(|prospect| {
        let places = [&prospect.city, &prospect.region, &prospect.country];
        let places: Vec<_> = places.into_iter().flatten().map(String::as_str).collect();
        [
            prospect.full_name.clone(),
            prospect.job_title.clone(),
            prospect.company_name.clone(),
            prospect.industry.clone(),
            prospect.employees.map(|employees| employees.to_string()).unwrap_or_default(),
            places.join(", "),
            prospect.email.clone().unwrap_or_default(),
        ]
        .map(|cell| or_dash(&Some(cell).filter(|cell| !cell.is_empty())))
    });
    table(["name", "title", "company", "industry", "employees", "place", "email"], rows)
}
