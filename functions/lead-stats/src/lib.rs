//! `GET /users/{user_id}/leads/stats`: counts of a user's leads.

pub mod operations;

use schemars::JsonSchema;
use serde::Serialize;
use shared::api::http::{Answered, Call, Dialect, Endpoint, Path};
use shared::api::lambda::Definition;
use shared::base::clock::Clock;
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::crm::conversations::Rows;
use shared::crm::conversations::list::stats;
use shared::crm::identifiers::UserPath;
use shared::workspace::auth::Permission;

pub use operations::operations;

/// How many leads a user has.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LeadCounts {
    /// The number of leads.
    pub total_leads: u64,
    /// The number of leads that are scored.
    pub leads_with_extraction: u64,
    /// The number of hot leads: 12 to 15 points.
    pub hot_leads: u64,
    /// The number of warm leads: 8 to 11 points.
    pub warm_leads: u64,
    /// The number of cold leads: 5 to 7 points.
    pub cold_leads: u64,
    /// The number of leads on each platform.
    pub by_platform: ByPlatform,
    /// The number of leads with a message in the last 7 days.
    pub leads_last_7_days: u64,
    /// The number of leads with a message in the last 30 days.
    pub leads_last_30_days: u64,
}

/// How many leads there are on each platform.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ByPlatform {
    /// The number of leads on WhatsApp.
    pub whatsapp: u64,
    /// The number of leads on Instagram.
    pub instagram: u64,
    /// The number of leads in the webchat.
    pub webchat: u64,
}

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::endpoint::<LeadStats>("lead-stats");

/// The endpoint and what it works with.
#[derive(Clone, FromContext)]
pub struct LeadStats {
    clock: Clock,
    rows: Rows,
}

impl Endpoint for LeadStats {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::ReadLeads;
    type Request = Path<UserPath>;
    type Answer = LeadCounts;

    async fn handle(&self, call: &Call, Path(path): Self::Request) -> Result<Answered<LeadCounts>, Problem> {
        let (user, now) = (path.user(call.workspace_id)?, self.clock.now());
        let stats = self.rows.read(&user, |rows| stats(rows.iter(), now)).await?;
        let [hot_leads, warm_leads, cold_leads] = stats.by_status.map(|count| count as u64);
        let [whatsapp, instagram, webchat] = stats.by_platform.map(|count| count as u64);
        call.success(LeadCounts {
            total_leads: stats.total as u64,
            leads_with_extraction: stats.with_extraction as u64,
            hot_leads,
            warm_leads,
            cold_leads,
            by_platform: ByPlatform { whatsapp, instagram, webchat },
            leads_last_7_days: stats.last_7_days as u64,
            leads_last_30_days: stats.last_30_days as u64,
        })
    }
}
