//! `GET /users/{user_id}/leads/stats`: counts of a user's leads (seeds/leads.md, 2).

pub mod operations;

use serde_json::json;
use shared::api::http::{Call, Dialect, Input, RawEndpoint, Reply};
use shared::base::clock::Clock;
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::problem::Problem;
use shared::crm::conversations::Rows;
use shared::crm::conversations::list::stats;
use shared::crm::identifiers::User;
use shared::workspace::auth::Permission;

pub use operations::operations;

/// The function's name in `template.yaml`.
pub const NAME: &str = "lead-stats";

/// Builds the function from its configuration.
pub fn function(context: &Context) -> Result<shared::api::lambda::Function, ConfigError> {
    shared::api::lambda::Function::endpoint(context, LeadStats::new)
}

/// The endpoint and what it works with.
#[derive(Clone, FromContext)]
pub struct LeadStats {
    clock: Clock,
    rows: Rows,
}

impl RawEndpoint for LeadStats {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::ReadLeads;
    /// Whose leads.
    type Request = String;

    fn parse(&self, input: &Input) -> Result<String, Problem> {
        Ok(input.in_path("user_id").to_owned())
    }

    async fn handle(&self, call: &Call, user_id: String) -> Result<Reply, Problem> {
        let user =
            User::new(call.workspace_id, &user_id).map_err(|error| Problem::field("user_id", &error.to_string()))?;
        let now = self.clock.now();
        let stats = self.rows.read(&user, |rows| stats(rows.iter(), now)).await?;
        let ([hot, warm, cold], [whatsapp, instagram, webchat]) = (stats.by_status, stats.by_platform);
        Ok(call.raw_success(json!({
            "total_leads": stats.total,
            "leads_with_extraction": stats.with_extraction,
            "hot_leads": hot,
            "warm_leads": warm,
            "cold_leads": cold,
            "by_platform": {"whatsapp": whatsapp, "instagram": instagram, "webchat": webchat},
            "leads_last_7_days": stats.last_7_days,
            "leads_last_30_days": stats.last_30_days,
        })))
    }
}
