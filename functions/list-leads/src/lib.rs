//! `GET /users/{user_id}/leads`: a user's leads, filtered, sorted and paged (seeds/leads.md, 1).

pub mod operations;

use chrono::TimeDelta;
use serde_json::Value;
use shared::api::http::{Call, Dialect, Input, RawEndpoint, RawQuery, Reply};
use shared::base::channel::Channel;
use shared::base::clock::Clock;
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::problem::Problem;
use shared::base::store::StoreError;
use shared::crm::conversations::LeadStatus;
use shared::crm::conversations::list::{Filter, Order, SortBy, page, searched};
use shared::crm::conversations::{Rows, pagination};
use shared::crm::identifiers::{CustomerPhone, User};
use shared::workspace::auth::Permission;

pub use operations::operations;

/// The request, checked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose leads.
    pub user_id: String,
    /// Which.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// How many at most: 1–100, by default 50.
    pub limit: u32,
    /// After how many.
    pub offset: u32,
}

/// The function's name in `template.yaml`.
pub const NAME: &str = "list-leads";

/// Builds the function from its configuration.
pub fn function(context: &Context) -> Result<shared::api::lambda::Function, ConfigError> {
    shared::api::lambda::Function::endpoint(context, ListLeads::new)
}

/// The endpoint and what it works with.
#[derive(Clone, FromContext)]
pub struct ListLeads {
    clock: Clock,
    rows: Rows,
}

impl RawEndpoint for ListLeads {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::ReadLeads;
    type Request = Request;

    fn parse(&self, input: &Input) -> Result<Request, Problem> {
        let mut query = RawQuery::of(&input.query);
        let score = |score: Option<u32>| score.and_then(|score| u8::try_from(score).ok());
        // As many days back as a timestamp can go.
        let days = query.optional_integer("days", 1..=u32::MAX).map(|days| days.min(100_000));
        let from_date = query.moment("from_date", false);
        let before = query.moment("to_date", true);
        if let (Some(from), Some(before)) = (from_date, before)
            && from >= before
        {
            query.complain("from_date", "must not be after to_date");
        }
        let since = days.map(|days| self.clock.now() - TimeDelta::days(i64::from(days)));
        let filter = Filter {
            platforms: query
                .list("platform", "whatsapp, instagram, webchat", |name| Channel::one_of(&Channel::PLATFORMS, name)),
            statuses: query.list("lead_status", "Hot, Warm, Cold", |name| name.parse::<LeadStatus>().ok()),
            has_extraction: query.flag("has_extraction"),
            has_email: query.flag("has_email"),
            min_total_score: score(query.optional_integer("min_total_score", 5..=15)),
            max_total_score: score(query.optional_integer("max_total_score", 5..=15)),
            from: from_date.max(since),
            before,
            search: query.text("search").filter(|text| !text.is_empty()).map(searched),
            customer_phone: query.text("customer_phone").filter(|phone| !phone.is_empty()).map(|phone| {
                // A plus in a query is a space.
                let phone = phone.strip_prefix(' ').unwrap_or(phone);
                CustomerPhone::parse(phone).map_or_else(|_| phone.to_owned(), |phone| phone.as_str().to_owned())
            }),
        };
        let order = Order {
            by: query
                .parsed(
                    "sort_by",
                    "must be last_message_at, first_contact_at, total_messages, total_score or name",
                    SortBy::named,
                )
                .unwrap_or_default(),
            ascending: query
                .parsed("sort_order", "must be asc or desc", |order| match order {
                    "asc" => Some(true),
                    "desc" => Some(false),
                    _ => None,
                })
                .unwrap_or(false),
        };
        let limit = query.limit(50, 100);
        let offset = query.integer("offset", 0..=u32::MAX, 0);
        query.finish()?;
        Ok(Request { user_id: input.in_path("user_id").to_owned(), filter, order, limit, offset })
    }

    async fn handle(&self, call: &Call, request: Request) -> Result<Reply, Problem> {
        let Request { user_id, filter, order, limit, offset } = request;
        let user =
            User::new(call.workspace_id, &user_id).map_err(|error| Problem::field("user_id", &error.to_string()))?;
        let now = self.clock.now();
        let (shown, total) = self
            .rows
            .read(&user, |rows| {
                let (rows, total) = page(rows.iter(), &filter, order, offset as usize, limit as usize);
                let shown = rows.into_iter().map(|listed| listed.row().map(|row| row.shown(now)));
                shown.collect::<Result<Vec<Value>, StoreError>>().map(|shown| (shown, total))
            })
            .await??;
        let pagination = pagination(total, limit, offset, shown.len());
        Ok(call.raw_page(shown.into(), pagination))
    }
}
