//! The description of the endpoint.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::Code;

use crate::GetCommand;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<GetCommand>("GET /api/agents/commands/{id}", "getCommand", "Shows a command")
        .description("A command is what leadFollowUp has an agent do; the copywriter's is done behind a queue.")
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
