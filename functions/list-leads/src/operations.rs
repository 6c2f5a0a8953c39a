//! The description of the endpoint.

use shared::api::openapi::Operation;

use crate::ListLeads;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<ListLeads>("GET /users/{user_id}/leads", "listLeads", "List leads").description(
        "Filters combine with AND, the values of one filter with OR. `days`, `from_date` and `to_date` apply to \
         `last_message_at`; a date without a time means the whole UTC day. Nulls come last in both orders.",
    );
    vec![operation]
}
