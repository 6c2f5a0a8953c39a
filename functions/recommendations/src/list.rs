//! Lists: recommendations, and notifications.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Pages, Query};
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::workflow::notifications::{NotificationView, Notifications, Role};
use shared::workflow::recommendations::{Listing, RecommendationView, Recommendations, Status};
use shared::workspace::auth::Permission;
use uuid::Uuid;

/// `GET /api/v1/ai/followup/recommendations`.
#[derive(Clone, Debug, FromContext)]
pub struct ListRecommendations {
    recommendations: Recommendations,
}

/// Which recommendations.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct RecommendationsQuery {
    /// Only those of this status.
    pub status: Option<Status>,
    /// Only those of this lead.
    pub lead_id: Option<Uuid>,
    /// Whether snoozed recommendations are included; by default only if `lead_id` is given.
    pub include_snoozed: Option<bool>,
    /// Which page.
    #[serde(flatten)]
    pub pages: Pages,
}

/// A page of recommendations.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecommendationList {
    /// The recommendations, the most urgent first.
    pub recommendations: Vec<RecommendationView>,
    /// The page's number.
    pub page: u32,
    /// The number of items on a page.
    pub per_page: u32,
    /// Whether there are more.
    pub has_more: bool,
}

impl Endpoint for ListRecommendations {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Query<RecommendationsQuery>;
    type Answer = RecommendationList;

    async fn handle(&self, call: &Call, Query(query): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let RecommendationsQuery { status, lead_id, include_snoozed, pages } = query;
        let with_snoozed = include_snoozed.unwrap_or(lead_id.is_some());
        let listing = Listing { status, lead_id, with_snoozed, skip: pages.skip(), limit: pages.size() };
        let (found, has_more) = self.recommendations.list(call.workspace_id, listing).await?;
        let recommendations = found.into_iter().map(RecommendationView::from).collect();
        let Pages { page, per_page } = pages;
        call.success(RecommendationList { recommendations, page, per_page, has_more })
    }
}

/// `GET /api/v1/ai/followup/notifications`.
#[derive(Clone, Debug, FromContext)]
pub struct ListNotifications {
    notifications: Notifications,
}

/// Whose notifications.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct NotificationsQuery {
    /// The role that they are for.
    #[schemars(extend("x-complaint" = "must be manager, representative or compliance"))]
    pub role: Role,
    /// Which page.
    #[serde(flatten)]
    pub pages: Pages,
}

/// A page of notifications.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NotificationList {
    /// The notifications, newest first.
    pub notifications: Vec<NotificationView>,
    /// The page's number.
    pub page: u32,
    /// The number of items on a page.
    pub per_page: u32,
    /// Whether there are more.
    pub has_more: bool,
}

impl Endpoint for ListNotifications {
    const DIALECT: Dialect = Dialect::Followup;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Query<NotificationsQuery>;
    type Answer = NotificationList;

    async fn handle(&self, call: &Call, Query(query): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let NotificationsQuery { role, pages } = query;
        let (found, has_more) = self.notifications.list(call.workspace_id, role, (pages.skip(), pages.size())).await?;
        let notifications = found.into_iter().map(NotificationView::from).collect();
        let Pages { page, per_page } = pages;
        call.success(NotificationList { notifications, page, per_page, has_more })
    }
}
