//! The description of the endpoint.

use schemars::JsonSchema;
use serde_json::json;
use shared::api::openapi::{Operation, Pagination};
use shared::base::channel::Platform;
use shared::crm::conversations::{LeadShown, LeadStatus, MomentOrDay};

use crate::ListLeads;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation =
        Operation::raw::<ListLeads, Vec<LeadShown>>("GET /users/{user_id}/leads", "listLeads", "Lists leads")
            .description(
                "Filters combine with AND, the values inside one with OR. `days`, `from_date` and `to_date` apply to \
             `last_message_at`; a date without a time means the whole UTC day. Nulls come last in both orders.",
            )
            .identifier("user_id", "Whose leads.", "789895c8-4bd6-43e9-bfea-a4171ec47197")
            .query::<LeadsQuery>()
            .meta::<Pagination>()
            .answers_page(
                "The first page",
                json!([LeadShown::example()]),
                json!({"total": 1, "limit": 50, "offset": 0, "hasMore": false}),
            );
    vec![operation]
}

/// Which leads, in which order.
#[derive(JsonSchema)]
pub struct LeadsQuery {
    /// On any of these platforms, separated by commas.
    #[schemars(length(min = 1))]
    pub platform: Option<Vec<Platform>>,
    /// Of any of these classes, separated by commas.
    #[schemars(length(min = 1))]
    pub lead_status: Option<Vec<LeadStatus>>,
    /// Only leads with, or without, scores.
    pub has_extraction: Option<bool>,
    /// Only leads with, or without, an e-mail address.
    pub has_email: Option<bool>,
    /// With at least this score.
    #[schemars(range(min = 5, max = 15))]
    pub min_total_score: Option<u32>,
    /// With at most this score.
    #[schemars(range(min = 5, max = 15))]
    pub max_total_score: Option<u32>,
    /// With a message in the last so many days.
    #[schemars(range(min = 1))]
    pub days: Option<u32>,
    /// With a last message from then on.
    pub from_date: Option<MomentOrDay>,
    /// With a last message until then.
    pub to_date: Option<MomentOrDay>,
    /// With this in the name, e-mail address, company or identifier.
    pub search: Option<String>,
    /// Only the lead with this identifier.
    pub customer_phone: Option<String>,
    /// What the order goes by.
    #[schemars(extend("default" = "last_message_at"))]
    pub sort_by: Option<SortedBy>,
    /// Ascending or descending.
    #[schemars(extend("default" = "desc"))]
    pub sort_order: Option<SortOrder>,
    /// How many at most; more than 100 count as 100.
    #[schemars(range(min = 1), extend("default" = 50))]
    pub limit: Option<u32>,
    /// After how many.
    #[schemars(extend("default" = 0))]
    pub offset: Option<u32>,
}

/// What the order goes by.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum SortedBy {
    /// The latest message.
    LastMessageAt,
    /// The first contact.
    FirstContactAt,
    /// How many messages there are.
    TotalMessages,
    /// The score.
    TotalScore,
    /// The name.
    Name,
}

/// Ascending or descending.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum SortOrder {
    /// The least first.
    Asc,
    /// The greatest first.
    Desc,
}
