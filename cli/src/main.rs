//! `cargo cli`: the operator's tool, for the local stack and for one in AWS alike. It works on the
//! tables through the same stores as the functions do and has no keys or items of its own.

mod agent;
mod channel;
mod connection;
mod credits;
mod error;
mod evaluate;
mod import;
mod key;
mod leads;
mod output;
mod prospects;
mod seed;
mod site;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::connection::{Connection, Target};
use crate::error::CliError;
use crate::output::{Answer, Output};

/// Workspaces, keys, credits, sites, leads and prospects of Lead Follow-up.
#[derive(Debug, Parser)]
#[command(name = "cargo cli", bin_name = "cargo cli", version, propagate_version = true, after_help = include_str!("../help/examples.txt"))]
struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Print one JSON document on stdout instead of text
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make and list workspaces
    #[command(subcommand)]
    Workspace(workspace::Command),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(key::Command),
    /// Grant, show and verify credits
    #[command(subcommand)]
    Credits(credits::Command),
    /// Add, list and remove the phone numbers and accounts whose webhooks are taken
    #[command(subcommand)]
    Channel(channel::Command),
    /// Add and list the sites that leads are followed up for
    #[command(subcommand)]
    Site(site::Command),
    /// Add and list the agents that write for a site
    #[command(subcommand)]
    Agent(agent::Command),
    /// Import, find and list leads
    #[command(subcommand)]
    Leads(leads::Command),
    /// Import messages of a user's leads
    #[command(subcommand)]
    Messages(import::messages::Command),
    /// Import prospects, and try a search for them
    #[command(subcommand)]
    Prospects(prospects::Command),
    /// Fill a stack on this machine with known data
    #[command(subcommand)]
    Seed(seed::Command),
    /// Measure the channel model in simulated workspaces; needs no stack
    Evaluate(evaluate::Evaluate),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    match run(arguments, &output).await {
        Ok(code) => code,
        // The reader of a pipe has seen enough.
        Err(CliError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments, output: &Output) -> Result<ExitCode, CliError> {
    let answer = answer(arguments, output).await?;
    output.answer(&answer)?;
    Ok(answer.code)
}

async fn answer(arguments: Arguments, output: &Output) -> Result<Answer, CliError> {
    if let Command::Seed(_) = &arguments.command {
        seed::check(&arguments.target)?;
    }
    // It needs no stack.
    if let Command::Evaluate(command) = &arguments.command {
        return Ok(evaluate::run(command));
    }
    let connection = &Connection::open(&arguments.target).await?;
    let done = match arguments.command {
        Command::Workspace(command) => workspace::run(command, connection, output).await,
        Command::Key(command) => key::run(command, connection).await,
        Command::Credits(command) => credits::run(command, connection).await,
        Command::Channel(command) => channel::run(command, connection).await,
        Command::Site(command) => site::run(command, connection).await,
        Command::Agent(command) => agent::run(command, connection).await,
        Command::Leads(command) => leads::run(command, connection, output).await,
        Command::Messages(command) => import::messages::run(command, connection, output).await,
        Command::Prospects(command) => prospects::run(command, connection, output).await,
        Command::Seed(command) => seed::run(command, connection).await,
        Command::Evaluate(command) => Ok(evaluate::run(&command)),
    };
    done.map_err(|error| connection.explain(error))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_deployed_stack_and_a_ready_file_exclude_each_other() {
        let both = ["cargo cli", "--stack", "a", "--ready-file", "b", "seed", "demo"];
        assert_eq!(Arguments::try_parse_from(both).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn a_key_needs_a_permission_that_exists() {
        let with = |permissions| {
            let workspace = "7b0d52fe-9a2b-4b33-8d8a-8f2f4a0d4e5c";
            ["cargo cli", "key", "create", "--workspace", workspace, "--permissions", permissions]
        };
        assert!(Arguments::try_parse_from(with("read, lexi")).is_ok());
        for wrong in ["", ",", "admin", "read,"] {
            assert!(Arguments::try_parse_from(with(wrong)).is_err(), "{wrong:?}");
        }
    }
}
