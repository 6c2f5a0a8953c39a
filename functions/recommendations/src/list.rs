//! Lists: recommendations, and notifications.

use serde_json::json;
use shared::api::http::{Call, Dialect, Input, RawEndpoint, RawQuery, Reply, uuid};
use shared::base::context::FromContext;
use shared::base::names::names;
use shared::base::problem::Problem;
use shared::workflow::notifications::{Notification, Notifications, Role};
use shared::workflow::recommendations::{Listing, Recommendation, Recommendations, Status};
use shared::workspace::auth::Permission;

/// `GET /api/v1/ai/followup/recommendations`.
#[derive(Clone, Debug, FromContext)]
pub struct ListRecommendations {
    recommendations: Recommendations,
}

/// Which page: its number from 1, and how many it has.
fn page_of(query: &mut RawQuery<'_>) -> (usize, usize) {
    // A page far out would read everything before it.
    let page = query.integer("page", 1..=1_000, 1);
    (page as usize, query.integer("per_page", 1..=100, 20) as usize)
}

impl RawEndpoint for ListRecommendations {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::ReadAi;
    /// What to list, and the page's number.
    type Request = (Listing, usize);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let mut query = RawQuery::of(&input.query);
        let status = query.parsed("status", format!("must be one of {}", names::<Status>()), |name| name.parse().ok());
        let lead_id = query.parsed("lead_id", "must be a UUID", uuid);
        let with_snoozed = query.flag("include_snoozed").unwrap_or(lead_id.is_some());
        let (page, limit) = page_of(&mut query);
        query.finish()?;
        Ok((Listing { status, lead_id, with_snoozed, skip: (page - 1) * limit, limit }, page))
    }

    async fn handle(&self, call: &Call, (listing, page): Self::Request) -> Result<Reply, Problem> {
        let (found, has_more) = self.recommendations.list(call.workspace_id, listing).await?;
        let shown: Vec<_> = found.iter().map(Recommendation::shown).collect();
        Ok(call.raw_success(
            json!({"recommendations": shown, "page": page, "per_page": listing.limit, "has_more": has_more}),
        ))
    }
}

/// `GET /api/v1/ai/followup/notifications`.
#[derive(Clone, Debug, FromContext)]
pub struct ListNotifications {
    notifications: Notifications,
}

impl RawEndpoint for ListNotifications {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::ReadAi;
    /// Whose, which page, and how many it has.
    type Request = (Role, usize, usize);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let mut query = RawQuery::of(&input.query);
        let role = query.parsed("role", "must be manager, representative or compliance", |name| name.parse().ok());
        if query.text("role").is_none() {
            query.complain("role", shared::base::problem::MISSING);
        }
        let (page, limit) = page_of(&mut query);
        query.finish()?;
        let role = role.ok_or_else(|| Problem::field("role", shared::base::problem::MISSING))?;
        Ok((role, page, limit))
    }

    async fn handle(&self, call: &Call, (role, page, limit): Self::Request) -> Result<Reply, Problem> {
        let (found, has_more) = self.notifications.list(call.workspace_id, role, ((page - 1) * limit, limit)).await?;
        let shown: Vec<_> = found.iter().map(Notification::shown).collect();
        Ok(call.raw_success(json!({"notifications": shown, "page": page, "per_page": limit, "has_more": has_more})))
    }
}
