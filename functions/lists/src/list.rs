//! `GET /v1/lists`, `POST /v1/lists` and `GET /v1/lists/{id}`.

use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Call, Dialect, RawEndpoint, Fields, Input, RawPage, RawQuery, Reply};
use shared::base::clock::Random;
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::crm::leads::folded;
use shared::crm::lists::{A_NAME, Lists, Target, name};
use shared::workspace::auth::Permission;
use shared::workspace::idempotency::Claimed;
use uuid::Uuid;

use crate::{list, no_such_list};

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

impl RawEndpoint for GetLists {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadLeads;
    /// What a list has in its name, and which page.
    type Request = (String, RawPage);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let mut query = RawQuery::of(&input.query);
        let part = query.parsed("name", "must have at most 120 characters", |part| {
            Some(folded(part)).filter(|_| part.chars().count() <= 120)
        });
        let page = RawPage::of(&mut query);
        query.finish().map(|()| (part.unwrap_or_default(), page))
    }

    async fn handle(&self, call: &Call, (part, page): Self::Request) -> Result<Reply, Problem> {
        let mut lists = self.lists.all(call.workspace_id).await?;
        lists.retain(|list| folded(&list.name).contains(&part));
        let shown = lists.iter().skip(page.skip()).take(page.size).map(list).collect();
        Ok(call.raw_page(shown, page.meta(lists.len())))
    }
}

impl RawEndpoint for PostList {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::WriteLeads;
    /// The list's name.
    type Request = String;

    fn parse(&self, input: &Input) -> Result<String, Problem> {
        let mut fields = Fields::of(&input.body)?;
        let name = fields.required("name", A_NAME, name);
        fields.finish()?;
        name.ok_or_else(|| Problem::field("name", A_NAME))
    }

    async fn handle(&self, call: &Call, name: String) -> Result<Reply, Problem> {
        // A retry of a request that was worked, though its answer was lost, makes the same list.
        let list_id = call.claimed.as_ref().map_or_else(|| self.random.uuid(), Claimed::id);
        let work = async {
            let made = self.lists.create(&Target { list_id, name }, call.workspace_id).await?;
            Ok(call.raw_success(list(&made)))
        };
        self.once.for_free(call, work).await
    }
}

impl RawEndpoint for GetList {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadLeads;
    /// Which list.
    type Request = Uuid;

    fn parse(&self, input: &Input) -> Result<Uuid, Problem> {
        input.uuid_in_path("id")
    }

    async fn handle(&self, call: &Call, list_id: Uuid) -> Result<Reply, Problem> {
        let found = self.lists.get(call.workspace_id, list_id).await?.ok_or_else(no_such_list)?;
        Ok(call.raw_success(list(&found)))
    }
}
