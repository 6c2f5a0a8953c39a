//! The description of the endpoint.

use shared::api::openapi::Operation;

use crate::LeadStats;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    vec![Operation::of::<LeadStats>("GET /users/{user_id}/leads/stats", "getLeadStats", "Count leads")]
}
