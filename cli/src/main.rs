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
mod recommendations;
mod seed;
mod site;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

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
    #[command(flatten)]
    OfStack(OfStack),
    /// List, show and approve recommendations, over the API and with your API key
    #[command(subcommand)]
    Recommendations(recommendations::Command),
    /// Measure the channel model in simulated workspaces; needs no stack
    Evaluate(evaluate::Evaluate),
    /// Print the script with which a shell completes commands and options
    #[command(after_help = include_str!("../help/completions.txt"))]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Commands that work on the tables of a stack.
#[derive(Debug, Subcommand)]
enum OfStack {
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
    /// Import messages of a user's leads, and remove old drafts from conversations
    #[command(subcommand)]
    Messages(import::messages::Command),
    /// Import prospects, and try a search for them
    #[command(subcommand)]
    Prospects(prospects::Command),
    /// Fill a stack on this machine with known data
    #[command(subcommand)]
    Seed(seed::Command),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    match run(arguments, &output).await {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments, output: &Output) -> Result<ExitCode, CliError> {
    let answer = answer(arguments, output).await?;
    match output.answer(&answer) {
        // The reader of a pipe has seen enough; what was done stays done, or refused.
        Err(CliError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(answer.code),
        shown => shown.map(|()| answer.code),
    }
}

async fn answer(arguments: Arguments, output: &Output) -> Result<Answer, CliError> {
    let command = match arguments.command {
        Command::OfStack(command) => command,
        Command::Recommendations(command) => return recommendations::run(command, &arguments.target).await,
        Command::Evaluate(command) => return Ok(evaluate::run(&command)),
        Command::Completions { shell } => return Ok(completions(shell)),
    };
    if let OfStack::Seed(_) = &command {
        seed::check(&arguments.target)?;
    }
    let connection = &Connection::open(&arguments.target).await?;
    let done = match command {
        OfStack::Workspace(command) => workspace::run(command, connection, output).await,
        OfStack::Key(command) => key::run(command, connection).await,
        OfStack::Credits(command) => credits::run(command, connection).await,
        OfStack::Channel(command) => channel::run(command, connection).await,
        OfStack::Site(command) => site::run(command, connection).await,
        OfStack::Agent(command) => agent::run(command, connection).await,
        OfStack::Leads(command) => leads::run(command, connection, output).await,
        OfStack::Messages(command) => import::messages::run(command, connection, output).await,
        OfStack::Prospects(command) => prospects::run(command, connection, output).await,
        OfStack::Seed(command) => seed::run(command, connection).await,
    };
    done.map_err(|error| connection.explain(error))
}

/// A script that completes the program under the name with which `cargo install` installs it.
fn completions(shell: clap_complete::Shell) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command().bin_name("cli"), "cli", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Answer::new(serde_json::json!({ "script": script }), script)
}

#[cfg(test)]
mod tests {
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
