//! The description of the endpoint.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};
use shared::crm::conversations::LeadShown;

use crate::GetLead;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let route = "GET /users/{user_id}/leads/{customer_phone}";
    let operation = Operation::raw::<GetLead, LeadShown>(route, "getLead", "Shows a lead")
        .identifier("user_id", "Whose lead.", "789895c8-4bd6-43e9-bfea-a4171ec47197")
        .identifier("customer_phone", "The lead's identifier on its platform.", "918979556941")
        .answers("A lead on WhatsApp", json!(LeadShown::example()))
        .never(Code::Validation)
        .refuses_with(Problem::new(Code::LeadNotFound, "Lead not found"));
    vec![operation]
}
