//! `agent`: who writes for a site, in which role and on whose behalf.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::base::time::timestamp;
use shared::workspace::accounts::{Accounts, Agent, Role};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, facts};
use crate::workspace::Of;
use crate::{site, workspace};

/// What can be done with agents.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add an agent that writes for a site, or change one
    #[command(after_help = include_str!("../help/agent-add.txt"))]
    Add(Add),
    /// List the agents of a site
    List {
        #[command(flatten)]
        of: Of,
        /// The site
        #[arg(long, value_name = "UUID", value_parser = site::id)]
        site: Uuid,
    },
}

/// An agent that is to be added or changed.
#[derive(Args, Debug)]
pub struct Add {
    /// The workspace that the site belongs to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// The site that it writes for, as `site list` shows it
    #[arg(long, value_name = "UUID", value_parser = site::id)]
    site: Uuid,
    /// Its name
    #[arg(long, value_name = "NAME", value_parser = workspace::name)]
    name: String,
    /// What it does
    #[arg(long, value_name = "sales|copywriter", value_parser = role)]
    role: Role,
    /// The representative for whom it writes, the `userId` of requests
    #[arg(long, value_name = "UUID", value_parser = user)]
    user: Uuid,
    /// The agent to change, as `agent list` shows it; a new one if left out
    #[arg(long, value_name = "UUID", value_parser = id)]
    id: Option<Uuid>,
    /// Give it no work
    #[arg(long)]
    inactive: bool,
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|_| "must be sales or copywriter".to_owned())
}

fn user(text: &str) -> Result<Uuid, String> {
    text.trim().parse().map_err(|_| "must be a UUID".to_owned())
}

fn id(text: &str) -> Result<Uuid, String> {
    text.trim().parse().map_err(|_| "must be a UUID, as `cargo cli agent list` shows it".to_owned())
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection) -> Result<Answer, CliError> {
    match command {
        Command::Add(add) => self::add(add, connection).await,
        Command::List { of, site } => list(of.workspace, site, connection).await,
    }
}

async fn add(add: Add, connection: &Connection) -> Result<Answer, CliError> {
    let accounts: Accounts = connection.store(add.workspace).await?;
    let staffed = site::existing(&accounts, add.workspace, add.site).await?;
    let (agent_id, created_at) = match add.id {
        Some(id) => {
            let known = staffed.agents.iter().find(|agent| agent.agent_id == id);
            let known = known.ok_or_else(|| CliError::Refused(format!("the site {} has no agent {id}", add.site)))?;
            (id, known.created_at)
        }
        None => (connection.context.random.uuid(), connection.context.clock.now()),
    };
    let agent = Agent {
        agent_id,
        site_id: add.site,
        name: add.name,
        role: add.role,
        user_id: add.user,
        active: !add.inactive,
        created_at,
    };
    accounts.put_agent(add.workspace, &agent).await?;
    let text = facts(&[
        ("agent", agent.agent_id.to_string()),
        ("site", format!("{} ({})", agent.site_id, staffed.site.name)),
        ("name", agent.name.clone()),
        ("role", agent.role.name().to_owned()),
        ("user", agent.user_id.to_string()),
        ("active", yes_or_no(agent.active)),
    ]);
    Ok(Answer::new(shown(&agent), text))
}

async fn list(workspace_id: Uuid, site_id: Uuid, connection: &Connection) -> Result<Answer, CliError> {
    let agents = site::existing(&connection.store(workspace_id).await?, workspace_id, site_id).await?.agents;
    let row = |agent: &Agent| {
        let (role, user) = (agent.role.name().to_owned(), agent.user_id.to_string());
        [agent.agent_id.to_string(), agent.name.clone(), role, user, yes_or_no(agent.active)]
    };
    let head = ["agent", "name", "role", "user", "active"];
    Ok(Answer::list("agents", "The site has no agents.", &agents, shown, head, row))
}

fn yes_or_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// An agent as JSON.
fn shown(agent: &Agent) -> Value {
    let mut shown = json!(agent);
    shown["created_at"] = timestamp(agent.created_at).into();
    shown
}
