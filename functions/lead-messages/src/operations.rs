//! The description of the endpoint.

use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::LeadMessages;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let route = "GET /users/{user_id}/leads/{customer_phone}/messages";
    let operation = Operation::of::<LeadMessages>(route, "listLeadMessages", "List a lead's messages")
        .description("The messages of all the lead's conversations, oldest first.")
        .refuses_with(Problem::new(Code::LeadNotFound, "Lead not found"));
    vec![operation]
}
