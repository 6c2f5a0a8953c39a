//! `GET /v1/contacts`.

use serde_json::{Value, json};
use shared::api::http::{Call, Dialect, RawEndpoint, Input, RawPage, RawQuery, Reply};
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::crm::leads::{Found, Leads};
use shared::workspace::auth::Permission;

use crate::contact;

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct FindContacts {
    leads: Leads,
}

impl RawEndpoint for FindContacts {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadLeads;
    /// What to look for, and which page.
    type Request = (String, RawPage);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let mut query = RawQuery::of(&input.query);
        let text = query.parsed("search", "must have at most 200 characters", |text| {
            Some(text.to_owned()).filter(|text| text.chars().count() <= 200)
        });
        let page = RawPage::of(&mut query);
        query.finish().map(|()| (text.unwrap_or_default(), page))
    }

    async fn handle(&self, call: &Call, (text, page): Self::Request) -> Result<Reply, Problem> {
        let found = self.leads.search(call.workspace_id, &text, (page.skip(), page.size)).await?;
        let Found { leads, total, is_complete } = found;
        let mut meta = page.meta(total);
        meta["complete"] = json!(is_complete);
        Ok(call.raw_page(leads.iter().map(contact).collect::<Value>(), meta))
    }
}
