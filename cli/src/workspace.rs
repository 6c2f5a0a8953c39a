//! `workspace`: tenants.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use shared::accounts::{Accounts, Workspace};
use shared::http::dialect::timestamp;
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Output, facts};

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
}

fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    match name.chars().count() {
        0 => Err("a name is needed".to_owned()),
        1..=200 => Ok(name.to_owned()),
        _ => Err("a name has at most 200 characters".to_owned()),
    }
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    let Command::Create { name, id } = command;
    let accounts = Accounts::new(&connection.context)?;
    let workspace_id = id.unwrap_or_else(|| connection.context.random.uuid());
    let existing = accounts.workspace(workspace_id).await?;
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
            workspace
        }
    };
    output.result(
        &json!({
            "workspace_id": workspace.workspace_id,
            "name": workspace.name,
            "created_at": timestamp(workspace.created_at),
        }),
        &facts(&[
            ("workspace", workspace.workspace_id.to_string()),
            ("name", workspace.name),
            ("created", timestamp(workspace.created_at)),
        ]),
    )?;
    Ok(ExitCode::SUCCESS)
}
