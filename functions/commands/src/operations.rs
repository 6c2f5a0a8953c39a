//! The description of the endpoint.

use shared::api::openapi::Operation;
use shared::base::problem::Code;

use crate::GetCommand;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<GetCommand>("GET /api/agents/commands/{id}", "getCommand", "Get a command")
        .description("`leadFollowUp` creates one command for each agent. The copywriter's command runs from a queue. Each later step of a sequence is a command, too.")
        .never(Code::Validation)
        .refuses(&[Code::InvalidInput, Code::CommandNotFound]);
    vec![operation]
}
