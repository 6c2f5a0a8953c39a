//! `channel`: which workspace and user a phone number or account belongs to, for webhooks.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::base::channel::Channel;
use shared::base::context::FromContext;
use shared::base::time::timestamp;
use shared::crm::identifiers::User;
use shared::workspace::accounts::{Accounts, ChannelAccount};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, facts, or_dash};
use crate::workspace::{self, Of};

/// What can be done with channels.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a phone number or account whose webhooks are accepted, or change one
    #[command(after_help = include_str!("../help/channel-add.txt"))]
    Add(Add),
    /// List the channels of a workspace
    List(Of),
    /// Remove a channel: its events are ignored from then on, earlier ones stay
    Remove {
        #[command(flatten)]
        of: Of,
        /// Where it is
        #[arg(long, value_name = "whatsapp|instagram", value_parser = platform)]
        platform: Channel,
        /// Its identifier, as `channel list` shows it
        #[arg(long, value_name = "ID", value_parser = id)]
        id: String,
    },
}

/// A channel that is to be added.
#[derive(Args, Debug)]
pub struct Add {
    /// The workspace that it belongs to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// The user whose leads write to it, as in /users/USER/leads
    #[arg(long, value_name = "USER", value_parser = user)]
    user: String,
    /// Where it is
    #[arg(long, value_name = "whatsapp|instagram", value_parser = platform)]
    platform: Channel,
    /// Its identifier at the provider
    #[arg(long, value_name = "ID", value_parser = id)]
    id: String,
    /// The agent that answers on it
    #[arg(long, value_name = "ID")]
    agent_id: Option<String>,
    /// The agent's name
    #[arg(long, value_name = "NAME")]
    agent_name: Option<String>,
}

fn platform(text: &str) -> Result<Channel, String> {
    let named = Channel::one_of(&Channel::PLATFORMS, text).filter(|platform| *platform != Channel::Webchat);
    named.ok_or_else(|| "must be whatsapp or instagram".to_owned())
}

fn user(text: &str) -> Result<String, String> {
    User::new(Uuid::nil(), text).map(|user| user.user_id).map_err(|error| error.to_string())
}

/// An identifier as Meta gives it.
pub fn id(text: &str) -> Result<String, String> {
    let is_usable = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_usable { Ok(text.to_owned()) } else { Err("must be digits, as Meta shows the identifier".to_owned()) }
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection) -> Result<Answer, CliError> {
    match command {
        Command::Add(add) => self::add(add, connection).await,
        Command::List(of) => list(of.workspace, connection).await,
        Command::Remove { of, platform, id } => remove(of.workspace, platform, &id, connection).await,
    }
}

async fn add(add: Add, connection: &Connection) -> Result<Answer, CliError> {
    let accounts: Accounts = connection.store(add.workspace).await?;
    let channel = ChannelAccount {
        platform: add.platform,
        channel_id: add.id,
        workspace_id: add.workspace,
        user_id: add.user,
        agent_id: add.agent_id,
        agent_name: add.agent_name,
        created_at: connection.context.clock.now(),
    };
    accounts.put_channel(&channel).await?.map_err(|taken| CliError::Refused(taken.to_string()))?;
    let text = facts(&[
        ("platform", channel.platform.name().to_owned()),
        ("id", channel.channel_id.clone()),
        ("workspace", channel.workspace_id.to_string()),
        ("user", channel.user_id.clone()),
        ("agent", or_dash(&channel.agent_id)),
        ("agent name", or_dash(&channel.agent_name)),
    ]);
    Ok(Answer::new(shown(&channel), text))
}

async fn list(workspace_id: Uuid, connection: &Connection) -> Result<Answer, CliError> {
    let channels = connection.store::<Accounts>(workspace_id).await?.channels(workspace_id).await?;
    let row = |channel: &ChannelAccount| {
        let agent = or_dash(&channel.agent_name.clone().or(channel.agent_id.clone()));
        let (id, user) = (channel.channel_id.clone(), channel.user_id.clone());
        [channel.platform.name().to_owned(), id, user, agent, timestamp(channel.created_at)]
    };
    let head = ["platform", "id", "user", "agent", "added"];
    Ok(Answer::list("channels", "The workspace has no channels.", &channels, shown, head, row))
}

async fn remove(workspace_id: Uuid, platform: Channel, id: &str, connection: &Connection) -> Result<Answer, CliError> {
    if !Accounts::new(&connection.context)?.remove_channel(workspace_id, platform, id).await? {
        return Err(CliError::Refused(format!("the workspace {workspace_id} has no such channel")));
    }
    Ok(Answer::new(json!({"platform": platform, "id": id, "removed": true}), "removed"))
}

/// A channel as JSON.
fn shown(channel: &ChannelAccount) -> Value {
    json!({
        "platform": channel.platform,
        "id": channel.channel_id,
        "workspace_id": channel.workspace_id,
        "user_id": channel.user_id,
        "agent_id": channel.agent_id,
        "agent_name": channel.agent_name,
        "created_at": timestamp(channel.created_at),
    })
}
