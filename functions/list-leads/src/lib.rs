//! `GET /users/{user_id}/leads`: a user's leads, filtered, sorted and paged (docs/behaviour.md, "The
//! lead list").

pub mod operations;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::request::{Since, Until, period};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Page, Pagination, Path, Query};
use shared::api::lambda::Definition;
use shared::base::channel::{Channel, Platform};
use shared::base::clock::Clock;
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::base::store::StoreError;
use shared::crm::conversations::list::{Filter, Order, SortBy, page, searched};
use shared::crm::conversations::{LeadObject, LeadStatus, Rows};
use shared::crm::identifiers::{CustomerPhone, UserPath};
use shared::workspace::auth::Permission;

pub use operations::operations;

/// Which leads, in which order.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct LeadsQuery {
    /// Only leads on one of these platforms, separated by commas.
    #[schemars(
        with = "Option<Vec<Platform>>",
        length(min = 1),
        extend("x-complaint" = "must be one or more of whatsapp, instagram, webchat, separated by commas")
    )]
    pub platform: Option<BTreeSet<Channel>>,
    /// Only leads of these classes, separated by commas.
    #[schemars(
        with = "Option<Vec<LeadStatus>>",
        length(min = 1),
        extend("x-complaint" = "must be one or more of Hot, Warm, Cold, separated by commas")
    )]
    pub lead_status: Option<BTreeSet<LeadStatus>>,
    /// Only leads with, or without, scores.
    pub has_extraction: Option<bool>,
    /// Only leads with, or without, an e-mail address.
    pub has_email: Option<bool>,
    /// With at least this score.
    #[schemars(with = "Option<u32>", range(min = 5, max = 15))]
    pub min_total_score: Option<u8>,
    /// With at most this score.
    #[schemars(with = "Option<u32>", range(min = 5, max = 15))]
    pub max_total_score: Option<u8>,
    /// Only leads with a message in this number of last days.
    #[schemars(range(min = 1))]
    pub days: Option<u32>,
    /// With a last message from then on.
    pub from_date: Option<Since>,
    /// With a last message until then.
    pub to_date: Option<Until>,
    /// Only leads with this text in the name, e-mail address, company or identifier.
    #[schemars(extend("x-complaint" = "must be a text"))]
    pub search: Option<String>,
    /// Only the lead with this identifier.
    #[schemars(extend("x-complaint" = "must be a text"))]
    pub customer_phone: Option<String>,
    /// What the order goes by.
    #[serde(default)]
    #[schemars(extend(
        "x-complaint" = "must be last_message_at, first_contact_at, total_messages, total_score or name"
    ))]
    pub sort_by: SortBy,
    /// Ascending or descending.
    #[serde(default)]
    pub sort_order: SortOrder,
    /// The maximum number of leads; more than 100 count as 100.
    #[serde(default = "usual")]
    #[schemars(range(min = 1))]
    pub limit: u32,
    /// After how many.
    #[serde(default)]
    pub offset: u32,
}

fn usual() -> u32 {
    50
}

/// Ascending or descending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SortOrder {
    /// The least first.
    Asc,
    /// The greatest first.
    #[default]
    Desc,
}

impl LeadsQuery {
    fn filter(self, now: DateTime<Utc>) -> Filter {
        // As many days back as a timestamp can go.
        let since = self.days.map(|days| now - TimeDelta::days(i64::from(days.min(100_000))));
        Filter {
            platforms: self.platform,
            statuses: self.lead_status,
            has_extraction: self.has_extraction,
            has_email: self.has_email,
            min_total_score: self.min_total_score,
            max_total_score: self.max_total_score,
            from: self.from_date.map(|from| from.0).max(since),
            before: self.to_date.map(|until| until.0),
            search: self.search.filter(|text| !text.is_empty()).map(|text| searched(&text)),
            customer_phone: self.customer_phone.filter(|phone| !phone.is_empty()).map(|phone| {
                // A plus in a query is a space.
                let phone = phone.strip_prefix(' ').unwrap_or(&phone);
                CustomerPhone::parse(phone).map_or_else(|_| phone.to_owned(), |phone| phone.as_str().to_owned())
            }),
        }
    }
}

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::endpoint::<ListLeads>("list-leads");

/// The endpoint and what it works with.
#[derive(Clone, FromContext)]
pub struct ListLeads {
    clock: Clock,
    rows: Rows,
}

impl Endpoint for ListLeads {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::ReadLeads;
    type Request = (Path<UserPath>, Query<LeadsQuery>);
    type Answer = Page<Vec<LeadObject>, Pagination>;

    fn check(&self, (_, Query(query)): &Self::Request) -> Result<(), Problem> {
        period(query.from_date, query.to_date)
    }

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (Path(path), Query(query)) = request;
        let (user, now) = (path.user(call.workspace_id)?, self.clock.now());
        let (limit, offset) = (query.limit.min(100), query.offset);
        let order = Order { by: query.sort_by, ascending: query.sort_order == SortOrder::Asc };
        let filter = query.filter(now);
        let (data, total) = self
            .rows
            .read(&user, |rows| {
                let (rows, total) = page(rows.iter(), &filter, order, offset as usize, limit as usize);
                let leads = rows.into_iter().map(|listed| listed.row().map(|row| LeadObject::new(&row, now)));
                leads.collect::<Result<Vec<_>, StoreError>>().map(|leads| (leads, total))
            })
            .await??;
        let meta = Pagination::new(total, limit, offset, data.len());
        call.page(Page { data, meta })
    }
}
