//! The description of the endpoint.

use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::GetLead;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let route = "GET /users/{user_id}/leads/{customer_phone}";
    let operation = Operation::of::<GetLead>(route, "getLead", "Get a lead")
        .refuses_with(Problem::new(Code::LeadNotFound, "Lead not found"));
    vec![operation]
}
