//! `GET /v1/lists`, `POST /v1/lists` and `GET /v1/lists/{id}`.

use schemars::JsonSchema;
use serde::Deserialize;
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json, Page, PageMeta, Pages, Path, Query};
use shared::base::clock::Random;
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::crm::leads::folded;
use shared::crm::lists::{ListName, Lists, Target};
use shared::workspace::auth::Permission;
use shared::workspace::idempotency::Claimed;

use crate::{ContactList, ListPath, no_such_list};

/// `GET /v1/lists`.
#[derive(Clone, Debug, FromContext)]
pub struct GetLists {
    lists: Lists,
}

/// `POST /v1/lists`.
#[derive(Clone, Debug, FromContext)]
pub struct PostList {
    random: Random,
    lists: Lists,
    once: ExactlyOnce,
}

/// `GET /v1/lists/{id}`.
#[derive(Clone, Debug, FromContext)]
pub struct GetList {
    lists: Lists,
}

/// Which lists.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ListsQuery {
    /// With this in the name.
    #[schemars(length(max = 120))]
    pub name: Option<String>,
    /// Which page.
    #[serde(flatten)]
    pub pages: Pages,
}

/// A list that is to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewList {
    /// Its name: one line that is not blank.
    pub name: ListName,
}

impl Endpoint for GetLists {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadLeads;
    type Request = Query<ListsQuery>;
    type Answer = Page<Vec<ContactList>>;

    async fn handle(&self, call: &Call, Query(query): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (part, pages) = (folded(&query.name.unwrap_or_default()), query.pages);
        let mut lists = self.lists.all(call.workspace_id).await?;
        lists.retain(|list| folded(&list.name).contains(&part));
        let meta = PageMeta::new(pages, lists.len());
        let data = lists.into_iter().skip(pages.skip()).take(pages.size()).map(ContactList::from).collect();
        call.page(Page { data, meta })
    }
}

impl Endpoint for PostList {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    type Request = Json<NewList>;
    type Answer = ContactList;

    async fn handle(&self, call: &Call, Json(new): Self::Request) -> Result<Answered<ContactList>, Problem> {
        // A retry of a request that was worked, though its answer was lost, makes the same list.
        let list_id = call.claimed.as_ref().map_or_else(|| self.random.uuid(), Claimed::id);
        let work = async {
            let made = self.lists.create(&Target { list_id, name: new.name.0 }, call.workspace_id).await?;
            call.success(made.into())
        };
        self.once.for_free(call, work).await
    }
}

impl Endpoint for GetList {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadLeads;
    type Request = Path<ListPath>;
    type Answer = ContactList;

    async fn handle(&self, call: &Call, Path(list): Self::Request) -> Result<Answered<ContactList>, Problem> {
        let found = self.lists.get(call.workspace_id, list.id).await?.ok_or_else(no_such_list)?;
        call.success(found.into())
    }
}
