//! `GET /api/agents/commands/{id}`: where a command stands, and what it wrote (contract, section 8).

pub mod operations;

use serde_json::{Value, json};
use shared::api::http::{Call, Dialect, Input, RawEndpoint, Reply};
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::problem::{Code, Problem};
use shared::base::time::timestamp;
use shared::workflow::commands::{Command, CommandId, Commands};
use shared::workspace::auth::Permission;
use uuid::Uuid;

pub use operations::operations;

/// The function's name in `template.yaml`.
pub const NAME: &str = "commands";

pub fn function(context: &Context) -> Result<shared::api::lambda::Function, ConfigError> {
    shared::api::lambda::Function::endpoint(context, GetCommand::new)
}

#[derive(Clone, Debug, FromContext)]
pub struct GetCommand {
    commands: Commands,
}

impl RawEndpoint for GetCommand {
    const DIALECT: Dialect = Dialect::Agents;
    const PERMISSION: Permission = Permission::ReadAi;
    /// Which command.
    type Request = Uuid;

    fn parse(&self, input: &Input) -> Result<Uuid, Problem> {
        input.uuid_in_path("id").map_err(|problem| problem.with_code(Code::InvalidInput))
    }

    async fn handle(&self, call: &Call, command_id: Uuid) -> Result<Reply, Problem> {
        let id = CommandId { workspace_id: call.workspace_id, command_id };
        let command = self.commands.get(id).await?;
        let command =
            command.ok_or_else(|| Problem::new(Code::CommandNotFound, "no command with this id in this workspace"))?;
        Ok(call.raw_success(shown(&command)))
    }
}

fn shown(command: &Command) -> Value {
    let duration = command.started_at.zip(command.finished_at).map(|(from, until)| (until - from).num_milliseconds());
    json!({
        "command_id": command.id.command_id,
        "role": command.role,
        "status": command.status,
        "site_id": command.site_id,
        "lead_id": command.lead_id,
        "agent_id": command.agent_id,
        "messages": command.messages,
        "recommendation_ids": command.recommendations,
        "attempts": command.attempts,
        "created_at": timestamp(command.created_at),
        "started_at": command.started_at.map(timestamp),
        "finished_at": command.finished_at.map(timestamp),
        "duration_ms": duration,
        "model": command.model,
        "prompt_version": command.prompt_version,
    })
}
