//! `site`: the websites that leads come from, with the channels over which they are followed up.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::base::time::timestamp;
use shared::workspace::accounts::{Accounts, Site, Staffed};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, facts, or_dash};
use crate::workspace::{self, Of};

/// What can be done with sites.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a site that leads are followed up for, or change one
    #[command(after_help = include_str!("../help/site-add.txt"))]
    Add(Add),
    /// List the sites of a workspace with their channels
    List(Of),
}

/// A site that is to be added or changed.
#[derive(Args, Debug)]
pub struct Add {
    /// The workspace that it belongs to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// Its name, as leads know it
    #[arg(long, value_name = "NAME", value_parser = workspace::name)]
    name: String,
    /// Its address
    #[arg(long, value_name = "URL", value_parser = url)]
    url: String,
    /// The site to change, as `site list` shows it; a new one if left out
    #[arg(long, value_name = "UUID", value_parser = id)]
    id: Option<Uuid>,
    /// The address that e-mails are sent from
    #[arg(long, value_name = "ADDRESS", value_parser = email)]
    email: Option<String>,
    /// The phone number id that WhatsApp messages are sent from (Meta's, not the number itself)
    #[arg(long, value_name = "PHONE_NUMBER_ID", value_parser = crate::channel::id)]
    whatsapp: Option<String>,
    /// The phone number, or the messaging service (MG…), that text messages are sent from
    #[arg(long, value_name = "NUMBER", value_parser = sms)]
    sms: Option<String>,
}

/// The value of an option that names a site.
pub fn id(text: &str) -> Result<Uuid, String> {
    text.trim().parse().map_err(|_| "must be a UUID, as `cargo cli site list` shows it".to_owned())
}

fn url(text: &str) -> Result<String, String> {
    let url = text.trim();
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_usable = host.is_some_and(|host| !host.is_empty()) && !url.contains(char::is_whitespace);
    if is_usable {
        Ok(url.to_owned())
    } else {
        Err("must be an address that starts with http:// or https://".to_owned())
    }
}

fn sms(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_service =
        text.len() == 34 && text.strip_prefix("MG").is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_service {
        return Ok(text.to_owned());
    }
    shared::pii::addresses::phone(text, None).map_err(str::to_owned)
}

fn email(text: &str) -> Result<String, String> {
    shared::pii::addresses::email(text.trim()).map_err(str::to_owned)
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection) -> Result<Answer, CliError> {
    match command {
        Command::Add(add) => self::add(add, connection).await,
        Command::List(of) => list(of.workspace, connection).await,
    }
}

/// A site that has to exist, with its agents.
pub async fn existing(accounts: &Accounts, workspace_id: Uuid, site_id: Uuid) -> Result<Staffed, CliError> {
    let found = accounts.site(workspace_id, site_id).await?;
    found.ok_or_else(|| CliError::Refused(format!("the workspace {workspace_id} has no site {site_id}")))
}

async fn add(add: Add, connection: &Connection) -> Result<Answer, CliError> {
    let accounts: Accounts = connection.store(add.workspace).await?;
    let (site_id, created_at) = match add.id {
        Some(id) => (id, existing(&accounts, add.workspace, id).await?.site.created_at),
        None => (connection.context.random.uuid(), connection.context.clock.now()),
    };
    let Add { name, url, email, whatsapp, sms, .. } = add;
    let site = Site { site_id, name, url, email, whatsapp, sms, created_at };
    if !accounts.put_site(add.workspace, &site).await? {
        let taken = "another workspace sends text messages from this number; answers to it are that one's";
        return Err(CliError::Refused(taken.to_owned()));
    }
    let text = facts(&[
        ("site", site.site_id.to_string()),
        ("workspace", add.workspace.to_string()),
        ("name", site.name.clone()),
        ("url", site.url.clone()),
        ("email", or_dash(&site.email)),
        ("whatsapp", or_dash(&site.whatsapp)),
        ("sms", or_dash(&site.sms)),
    ]);
    Ok(Answer::new(shown(&site), text))
}

async fn list(workspace_id: Uuid, connection: &Connection) -> Result<Answer, CliError> {
    let sites = connection.store::<Accounts>(workspace_id).await?.sites(workspace_id).await?;
    let row = |site: &Site| [site.site_id.to_string(), site.name.clone(), site.url.clone(), channels(site)];
    let head = ["site", "name", "url", "channels"];
    Ok(Answer::list("sites", "The workspace has no sites.", &sites, shown, head, row))
}

/// The channels of a site, each with what it is sent from.
fn channels(site: &Site) -> String {
    let all = [("email", &site.email), ("whatsapp", &site.whatsapp), ("sms", &site.sms)];
    let told: Vec<_> = all.iter().filter_map(|(name, from)| Some(format!("{name} {}", from.as_ref()?))).collect();
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}

/// A site as JSON.
fn shown(site: &Site) -> Value {
    json!({
        "site_id": site.site_id,
        "name": site.name,
        "url": site.url,
        "email": site.email,
        "whatsapp": site.whatsapp,
        "sms": site.sms,
        "created_at": timestamp(site.created_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_its_scheme_and_something_behind_it() {
        assert_eq!(url(" https://acme.example "), Ok("https://acme.example".to_owned()));
        assert!(url("http://localhost:8080").is_ok());
        for wrong in ["", "acme.example", "ftp://acme.example", "https://", "https://a b"] {
            assert!(url(wrong).is_err(), "{wrong:?}");
        }
    }
}
