//! The description of the endpoint.

use shared::api::openapi::Operation;

use crate::Credits;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<Credits>("GET /v1/credits", "getCredits", "Get the credit balance and its entries")
        .description(
            "`granted` always equals `balance` + `held` + `spent`. Credits are held before the AI model is asked, and \
             charged only if it succeeds. Entries come newest first.",
        );
    vec![operation]
}
