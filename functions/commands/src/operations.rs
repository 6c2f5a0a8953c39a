//! The description of the endpoint.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::Code;
use shared::outreach::writing::Messages;
use shared::workflow::commands::Status;
use shared::workspace::accounts::Role;
use uuid::Uuid;

use crate::GetCommand;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation =
        Operation::raw::<GetCommand, CommandShown>("GET /api/agents/commands/{id}", "getCommand", "Shows a command")
            .description("A command is what leadFollowUp has an agent do; the copywriter's is done behind a queue.")
            .uuid("id", "The command, as `command_ids` of leadFollowUp names it.")
            .answers(
                "The copywriter is done",
                json!({
                    "command_id": "5eed0000-0000-4000-8000-000000000902",
                    "role": "copywriter",
                    "status": "completed",
                    "site_id": "5eed0000-0000-4000-8000-000000000401",
                    "lead_id": "123e4567-e89b-12d3-a456-426614174000",
                    "agent_id": "5eed0000-0000-4000-8000-000000000412",
                    "messages": {"email": {
                        "title": "Following up on your content automation interest",
                        "message": "Hi Jane,\n\nI hope this email finds you well. …",
                        "strategy": "comprehensive sale strategy",
                    }},
                    "recommendation_ids": {"email": "5eed0000-0000-4000-8000-000000000802"},
                    "attempts": 1,
                    "created_at": "2026-11-20T09:30:00.000Z",
                    "started_at": "2026-11-20T09:30:00.100Z",
                    "finished_at": "2026-11-20T09:30:01.350Z",
                    "duration_ms": 1250,
                    "model": "composer",
                    "prompt_version": "9f86d081884c",
                }),
            )
            .never(Code::Validation)
            .refuses(&[Code::InvalidInput, Code::CommandNotFound]);
    vec![operation]
}

/// What an agent was told to do, and what came of it.
#[derive(JsonSchema)]
#[schemars(rename = "Command")]
pub struct CommandShown {
    /// Its identifier.
    pub command_id: Uuid,
    /// Whose work it is.
    pub role: Role,
    /// Where it stands.
    pub status: Status,
    /// The site.
    pub site_id: Uuid,
    /// The lead.
    pub lead_id: Uuid,
    /// The agent.
    pub agent_id: Uuid,
    /// What was written; until the copywriter is done, what the sales agent wrote.
    pub messages: Option<Messages>,
    /// The recommendation that each message became, for a person to decide on.
    pub recommendation_ids: BTreeMap<String, Uuid>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was first taken.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was completed or had failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long it was worked on, in milliseconds.
    pub duration_ms: Option<i64>,
    /// The language model.
    pub model: Option<String>,
    /// The prompt's version.
    pub prompt_version: Option<String>,
}
