//! The description of the endpoint.

use serde_json::json;
use shared::api::openapi::Operation;

use crate::LeadStats;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let route = "GET /users/{user_id}/leads/stats";
    let operation = Operation::of::<LeadStats>(route, "getLeadStats", "Counts leads").answers(
        "A user's leads",
        json!({
            "total_leads": 60,
            "leads_with_extraction": 42,
            "hot_leads": 9,
            "warm_leads": 21,
            "cold_leads": 12,
            "by_platform": {"whatsapp": 38, "instagram": 14, "webchat": 8},
            "leads_last_7_days": 17,
            "leads_last_30_days": 41,
        }),
    );
    vec![operation]
}
