//! `GET /api/agents/commands/{id}`: the status of a command and the messages it wrote.

pub mod operations;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Path};
use shared::api::lambda::Definition;
use shared::base::channel::Channel;
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::time::Timestamp;
use shared::outreach::writing::Messages;
use shared::workflow::commands::{Command, CommandId, Commands, Status};
use shared::workflow::commands::{StepView, Stop};
use shared::workspace::accounts::Role;
use shared::workspace::auth::Permission;
use uuid::Uuid;

pub use operations::operations;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::endpoint::<GetCommand>("commands");

#[derive(Clone, Debug, FromContext)]
pub struct GetCommand {
    commands: Commands,
}

/// A command, in the path.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CommandPath {
    /// The command, as `command_ids` of leadFollowUp names it.
    pub id: Uuid,
}

/// A command of an agent, with its result.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Command")]
pub struct CommandView {
    /// Its identifier.
    pub command_id: Uuid,
    /// The role of the agent that does it.
    pub role: Role,
    /// Where it stands.
    pub status: Status,
    /// The site.
    pub site_id: Uuid,
    /// The lead.
    pub lead_id: Uuid,
    /// The agent.
    pub agent_id: Uuid,
    /// The messages. Until the copywriter is done, and if it fails, those of the sales agent.
    pub messages: Option<Messages>,
    /// The steps of the sequence that it begins; empty if it begins none.
    pub steps: Vec<StepView>,
    /// Why its message was not written; null unless it is `stopped`.
    pub stopped_by: Option<Stop>,
    /// The recommendation of each message, for a reviewer.
    #[schemars(with = "BTreeMap<String, Uuid>")]
    pub recommendation_ids: BTreeMap<Channel, Uuid>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was first taken.
    pub started_at: Option<Timestamp>,
    /// When it was completed or had failed.
    pub finished_at: Option<Timestamp>,
    /// The processing time in milliseconds.
    pub duration_ms: Option<i64>,
    /// The language model.
    pub model: Option<String>,
    /// The prompt's version.
    pub prompt_version: Option<String>,
}

impl CommandView {
    fn of(command: Command, steps: Vec<StepView>) -> Self {
        let duration = command.started_at.zip(command.finished_at).map(|(from, until)| until - from);
        Self {
            command_id: command.id.command_id,
            role: command.role,
            status: command.status,
            site_id: command.site_id,
            lead_id: command.lead_id,
            agent_id: command.agent_id,
            messages: command.messages.or(command.draft),
            steps,
            stopped_by: command.stopped_by,
            recommendation_ids: command.recommendations,
            attempts: command.attempts,
            created_at: command.created_at.into(),
            started_at: command.started_at.map(Timestamp),
            finished_at: command.finished_at.map(Timestamp),
            duration_ms: duration.map(|duration| duration.num_milliseconds()),
            model: command.model,
            prompt_version: command.prompt_version,
        }
    }
}

impl Endpoint for GetCommand {
    const DIALECT: Dialect = Dialect::Agents;
    const PERMISSION: Permission = Permission::ReadAi;
    const MALFORMED: Code = Code::InvalidInput;
    type Request = Path<CommandPath>;
    type Answer = CommandView;

    async fn handle(&self, call: &Call, Path(path): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let id = CommandId { workspace_id: call.workspace_id, command_id: path.id };
        let command = self.commands.get(id).await?;
        let command =
            command.ok_or_else(|| Problem::new(Code::CommandNotFound, "no command with this id in this workspace"))?;
        let steps = self.commands.steps(&command).await?;
        call.success(CommandView::of(command, steps))
    }
}
