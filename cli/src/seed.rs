//! `seed`: known data for a stack on this machine.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::Output;

/// What a stack can be filled with.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The demo data: workspaces, leads and keys that are written down in the documentation
    Demo,
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    let Command::Demo = command;
    demo(connection, output).await
}

async fn demo(connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    if !connection.is_on_this_machine() {
        let reason = "seed demo only loads into an endpoint on this machine: its keys are public";
        return Err(CliError::Refused(reason.to_owned()));
    }
    let _ = (json!({}), output);
    Err(CliError::Refused("the demo data is not there yet".to_owned()))
}
