//! The description of the endpoint.

use shared::api::openapi::Operation;

use crate::Credits;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<Credits>("GET /v1/credits", "getCredits", "The balance and its entries")
        .description(
            "At every moment `granted` = `balance` + `held` + `spent`. A credit is held before the AI model is \
             asked, and charged only where that succeeds. Entries come newest first.",
        );
    vec![operation]
}
