//! `workspace`: tenants.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use shared::accounts::{Accounts, Workspace};
use shared::http::dialect::timestamp;
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Output, columns, facts};

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
    /// List the workspaces with their ids, by name; reads the whole table of accounts
    List,
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
pub async fn run(command: Command, connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    match command {
        Command::Create { name, id } => create(name, id, connection, output).await,
        Command::List => list(connection, output).await,
    }
}

async fn create(
    name: String,
    id: Option<Uuid>,
    connection: &Connection,
    output: &Output,
) -> Result<ExitCode, CliError> {
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
            let workspace = Workspace { workspace_id, name, prices: Default::default(), created_at };
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
    output.result(
        &document,
        &facts(&[
            ("workspace", workspace.workspace_id.to_string()),
            ("name", workspace.name),
            ("created", timestamp(workspace.created_at)),
        ]),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The other workspaces of that name. None if they cannot be listed, because the workspace is made
/// by then and the remark is not worth a failure.
async fn others_named(workspace: &Workspace, accounts: &Accounts) -> Vec<Uuid> {
    let mut all = accounts.workspaces().await.unwrap_or_default();
    all.retain(|other| other.name == workspace.name && other.workspace_id != workspace.workspace_id);
    all.sort_by_key(|other| (other.created_at, other.workspace_id));
    all.into_iter().map(|other| other.workspace_id).collect()
}

async fn list(connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    let mut workspaces = Accounts::new(&connection.context)?.workspaces().await?;
    workspaces.sort_by_key(|workspace| (workspace.name.to_lowercase(), workspace.created_at, workspace.workspace_id));
    let mut rows = vec![["workspace", "name", "created"].map(str::to_owned).to_vec()];
    rows.extend(workspaces.iter().map(|workspace| {
        vec![workspace.workspace_id.to_string(), workspace.name.clone(), timestamp(workspace.created_at)]
    }));
    let text = if workspaces.is_empty() { "There are no workspaces.".to_owned() } else { columns(&rows) };
    output.result(&json!({ "workspaces": workspaces.iter().map(shown).collect::<Vec<_>>() }), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// A workspace as JSON.
fn shown(workspace: &Workspace) -> Value {
    json!({
        "workspace_id": workspace.workspace_id,
        "name": workspace.name,
        "created_at": timestamp(workspace.created_at),
    })
}
