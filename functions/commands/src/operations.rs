//! The description of the endpoint.

use shared::api::openapi::Operation;
use shared::base::problem::Code;

use crate::GetCommand;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<GetCommand>("GET /api/agents/commands/{id}", "getCommand", "Shows a command")
        .description("A command is what leadFollowUp has an agent do; the copywriter's is done behind a queue.")
        .never(Code::Validation)
        .refuses(&[Code::InvalidInput, Code::CommandNotFound]);
    vec![operation]
}
