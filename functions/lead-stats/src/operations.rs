//! The description of the endpoint.

use schemars::JsonSchema;
use serde_json::json;
use shared::api::openapi::Operation;

use crate::LeadStats;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let route = "GET /users/{user_id}/leads/stats";
    let operation = Operation::raw::<LeadStats, LeadCounts>(route, "getLeadStats", "Counts leads")
        .identifier("user_id", "Whose leads.", "789895c8-4bd6-43e9-bfea-a4171ec47197")
        .answers(
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

/// How many leads a user has.
#[derive(JsonSchema)]
pub struct LeadCounts {
    /// All.
    pub total_leads: u64,
    /// With scores.
    pub leads_with_extraction: u64,
    /// Hot.
    pub hot_leads: u64,
    /// Warm.
    pub warm_leads: u64,
    /// Cold.
    pub cold_leads: u64,
    /// By platform.
    pub by_platform: ByPlatform,
    /// With a message in the last 7 days.
    pub leads_last_7_days: u64,
    /// With a message in the last 30 days.
    pub leads_last_30_days: u64,
}

/// How many leads there are on each platform.
#[derive(JsonSchema)]
pub struct ByPlatform {
    /// On WhatsApp.
    pub whatsapp: u64,
    /// On Instagram.
    pub instagram: u64,
    /// In the webchat.
    pub webchat: u64,
}
