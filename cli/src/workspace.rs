//! `workspace`: tenants.

use clap::{Args, Subcommand};
use data_encoding::BASE64;
use serde_json::{Value, json};
use shared::base::context::FromContext;
use shared::base::time::timestamp;
use shared::workspace::accounts::{Accounts, Webhook, Workspace};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, Output, facts};

/// What can be done with workspaces.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a workspace; keys, credits and leads belong to exactly one
    #[command(after_help = "Example:\n  cargo cli workspace create --name \"Acme\"")]
    Create {
        /// What people call it
        #[arg(long, value_name = "NAME", value_parser = name)]
        name: String,
        /// Its identifier; a fresh one if left out. The same again with the same name is harmless
        #[arg(long, value_name = "UUID")]
        id: Option<Uuid>,
    },
    /// Say where a workspace's notifications are sent, signed; each time with a new secret, shown once
    #[command(after_help = include_str!("../help/workspace-webhook.txt"))]
    Webhook {
        #[command(flatten)]
        of: Of,
        /// The address, https unless it is on this machine
        #[arg(long, value_name = "URL", value_parser = webhook_url, required_unless_present = "off")]
        url: Option<String>,
        /// Send them nowhere any more
        #[arg(long, conflicts_with = "url")]
        off: bool,
    },
    /// List the workspaces with their ids, by name; reads the whole table of accounts
    List,
}

/// The option of a command about one workspace.
#[derive(Args, Debug)]
pub struct Of {
    /// The workspace
    #[arg(long, value_name = "UUID", value_parser = id)]
    pub workspace: Uuid,
}

/// The value of `--url`.
fn webhook_url(text: &str) -> Result<String, String> {
    let url = text.trim();
    let host =
        |scheme: &str| url.strip_prefix(scheme).map(|rest| rest.split(['/', ':', '?']).next().unwrap_or_default());
    let is_usable = host("https://").is_some_and(|host| !host.is_empty())
        || host("http://").is_some_and(|host| matches!(host, "localhost" | "127.0.0.1"));
    if is_usable && !url.contains(char::is_whitespace) {
        Ok(url.to_owned())
    } else {
        Err("must be an address that starts with https://".to_owned())
    }
}

/// The value of `--name`.
pub fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    match name.chars().count() {
        0 => Err("a name is needed".to_owned()),
        1..=200 => Ok(name.to_owned()),
        _ => Err("a name has at most 200 characters".to_owned()),
    }
}

/// The value of `--workspace`.
pub fn id(text: &str) -> Result<Uuid, String> {
    text.trim().parse().map_err(|_| "must be a UUID, as `cargo cli workspace create` prints it".to_owned())
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection, output: &Output) -> Result<Answer, CliError> {
    match command {
        Command::Create { name, id } => create(name, id, connection, output).await,
        Command::Webhook { of, url, .. } => webhook(of.workspace, url, connection).await,
        Command::List => list(connection).await,
    }
}

async fn create(name: String, id: Option<Uuid>, connection: &Connection, output: &Output) -> Result<Answer, CliError> {
    let accounts = Accounts::new(&connection.context)?;
    let workspace_id = id.unwrap_or_else(|| connection.context.random.uuid());
    let existing = accounts.workspace(workspace_id).await?;
    let mut namesakes = Vec::new();
    let workspace = match existing {
        // Written again, it would lose what else it holds, such as its prices.
        Some(existing) if existing.name == name => existing,
        Some(existing) => {
            let reason = format!("the workspace {workspace_id} exists already and is called {:?}", existing.name);
            return Err(CliError::Refused(reason));
        }
        None => {
            let created_at = connection.context.clock.now();
            let workspace = Workspace { workspace_id, name, prices: Default::default(), webhook: None, created_at };
            accounts.put_workspace(&workspace).await?;
            namesakes = others_named(&workspace, &accounts).await;
            workspace
        }
    };
    if output.is_for_people() {
        for namesake in &namesakes {
            output.note(format_args!("note: the workspace {namesake} is called {:?} too", workspace.name));
        }
    }
    let mut document = shown(&workspace);
    document["same_name"] = json!(namesakes);
    let text = facts(&[
        ("workspace", workspace.workspace_id.to_string()),
        ("name", workspace.name),
        ("created", timestamp(workspace.created_at)),
    ]);
    Ok(Answer::new(document, text))
}

async fn webhook(workspace_id: Uuid, url: Option<String>, connection: &Connection) -> Result<Answer, CliError> {
    let accounts = Accounts::new(&connection.context)?;
    let workspace = connection.workspace(workspace_id).await?;
    let secret = format!("whsec_{}", BASE64.encode(&connection.context.random.bytes::<32>()));
    let webhook = url.map(|url| Webhook { url, secret });
    accounts.put_workspace(&Workspace { webhook: webhook.clone(), ..workspace }).await?;
    let document = json!({
        "workspace_id": workspace_id,
        "url": webhook.as_ref().map(|webhook| &webhook.url),
        "secret": webhook.as_ref().map(|webhook| &webhook.secret),
    });
    let text = match &webhook {
        Some(webhook) => facts(&[("url", webhook.url.clone()), ("secret", webhook.secret.clone())]),
        None => "Notifications are sent nowhere any more.".to_owned(),
    };
    Ok(Answer::new(document, text))
}

/// The other workspaces of that name. None if they cannot be listed, because the workspace is made
/// by then and the remark is not worth a failure.
async fn others_named(workspace: &Workspace, accounts: &Accounts) -> Vec<Uuid> {
    let mut all = accounts.workspaces().await.unwrap_or_default();
    all.retain(|other| other.name == workspace.name && other.workspace_id != workspace.workspace_id);
    all.sort_by_key(|other| (other.created_at, other.workspace_id));
    all.into_iter().map(|other| other.workspace_id).collect()
}

async fn list(connection: &Connection) -> Result<Answer, CliError> {
    let mut workspaces = Accounts::new(&connection.context)?.workspaces().await?;
    workspaces.sort_by_key(|workspace| (workspace.name.to_lowercase(), workspace.created_at, workspace.workspace_id));
    let row = |of: &Workspace| [of.workspace_id.to_string(), of.name.clone(), timestamp(of.created_at)];
    let head = ["workspace", "name", "created"];
    Ok(Answer::list("workspaces", "There are no workspaces.", &workspaces, shown, head, row))
}

/// A workspace as JSON.
fn shown(workspace: &Workspace) -> Value {
    json!({
        "workspace_id": workspace.workspace_id,
        "name": workspace.name,
        "created_at": timestamp(workspace.created_at),
    })
}
