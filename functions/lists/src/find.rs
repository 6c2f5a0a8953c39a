//! `GET /v1/contacts`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Page, PageMeta, Pages, Query};
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::crm::leads::{Contact, Found, Leads};
use shared::workspace::auth::Permission;

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct FindContacts {
    leads: Leads,
}

/// Which contacts.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ContactsQuery {
    /// What they have to have.
    #[schemars(length(max = 200))]
    pub search: Option<String>,
    /// Which page.
    #[serde(flatten)]
    pub pages: Pages,
}

/// Which page of what was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FoundMeta {
    /// The page.
    #[serde(flatten)]
    pub page: PageMeta,
    /// Whether all contacts were searched; if not, `total` counts only those that were.
    pub complete: bool,
}

impl Endpoint for FindContacts {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadLeads;
    type Request = Query<ContactsQuery>;
    type Answer = Page<Vec<Contact>, FoundMeta>;

    async fn handle(&self, call: &Call, Query(query): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (text, pages) = (query.search.unwrap_or_default(), query.pages);
        let found = self.leads.search(call.workspace_id, &text, (pages.skip(), pages.size())).await?;
        let Found { leads, total, is_complete } = found;
        let meta = FoundMeta { page: PageMeta::new(pages, total), complete: is_complete };
        call.page(Page { data: leads.into_iter().map(Contact::from).collect(), meta })
    }
}
