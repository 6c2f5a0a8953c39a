//! `seed`: known data for a stack on this machine.

use clap::Subcommand;
use cli::demo;
use serde_json::json;
use shared::base::context::FromContext;
use shared::crm::prospects::OwnProspects;

use crate::connection::{Connection, Target};
use crate::error::CliError;
use crate::output::{Answer, columns};

/// What a stack can be filled with.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load the demo data: workspaces, leads of the last 90 days, prospects, credits, and keys that are public.
    /// Loads only into a stack on this machine; if the data is there, nothing changes
    Demo,
}

/// Refuses what the options alone show to be elsewhere, before any AWS configuration is looked at.
pub fn check(target: &Target) -> Result<(), CliError> {
    if target.is_elsewhere() { Err(elsewhere()) } else { Ok(()) }
}

fn elsewhere() -> CliError {
    CliError::Refused("the demo data loads only into a stack on this machine: its keys are public".to_owned())
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection) -> Result<Answer, CliError> {
    match command {
        Command::Demo => seed_demo(connection).await,
    }
}

async fn seed_demo(connection: &Connection) -> Result<Answer, CliError> {
    if !connection.is_on_this_machine() {
        return Err(elsewhere());
    }
    let table = OwnProspects::new(&connection.context)?;
    let loaded =
        demo::load(&connection.context, async |workspace, prospects| table.load(workspace, prospects).await).await?;
    let did = match loaded.workspaces {
        0 => "The demo data was there already.".to_owned(),
        workspaces => {
            format!(
                "Loaded {workspaces} workspaces, {} leads, {} activities, {} conversations with {} messages, {} prospects.",
                loaded.leads, loaded.activities, loaded.conversations, loaded.messages, loaded.prospects
            )
        }
    };
    let keys = demo::keys(connection.context.clock.now())?;
    let rows: Vec<_> = keys.iter().map(|key| vec![demo::key(&key.word), key.purpose.clone()]).collect();
    let shown = keys.iter().map(|key| json!({"word": key.word, "key": demo::key(&key.word), "purpose": key.purpose}));
    let mut document = json!(loaded);
    document["keys"] = shown.collect();
    Ok(Answer::new(document, format!("{did} Its keys:\n\n{}", columns(&rows))))
}
