//! Tasks as they stand: a list, and one.

use std::collections::BTreeMap;

use serde_json::json;
use shared::api::http::{Call, Dialect, Input, RawEndpoint, RawPage, RawQuery, Reply};
use shared::base::context::FromContext;
use shared::base::names::names;
use shared::base::problem::{Code, Problem};
use shared::base::store::StoreError;
use shared::workflow::tasks::{Status, Task, TaskId, Tasks};
use shared::workspace::accounts::Accounts;
use shared::workspace::auth::Permission;
use uuid::Uuid;

/// A task of the caller's workspace.
pub(crate) async fn found(tasks: &Tasks, call: &Call, task_id: Uuid) -> Result<Task, Problem> {
    let found = tasks.get(TaskId { workspace_id: call.workspace_id, task_id }).await?;
    found.ok_or_else(|| Problem::new(Code::NotFound, "no task with this id in this workspace"))
}

/// The prices of the caller's workspace that differ from the price list.
pub(crate) async fn prices(accounts: &Accounts, call: &Call) -> Result<BTreeMap<String, u32>, StoreError> {
    let workspace = accounts.workspace(call.workspace_id).await?;
    Ok(workspace.map(|workspace| workspace.prices).unwrap_or_default())
}

/// `GET /v1/lexi/tasks`.
#[derive(Clone, Debug, FromContext)]
pub struct ListTasks {
    tasks: Tasks,
    accounts: Accounts,
}

impl RawEndpoint for ListTasks {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    /// Of which status, and which page.
    type Request = (Status, RawPage);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let mut query = RawQuery::of(&input.query);
        let status = query.parsed("status", format!("must be one of {}", names::<Status>()), |name| name.parse().ok());
        let page = RawPage::of(&mut query);
        query.finish().map(|()| (status.unwrap_or(Status::Pending), page))
    }

    async fn handle(&self, call: &Call, (status, page): Self::Request) -> Result<Reply, Problem> {
        let listed = self.tasks.list(call.workspace_id, status, (page.skip(), page.size));
        let (listed, prices) = tokio::join!(listed, prices(&self.accounts, call));
        let ((tasks, total), prices) = (listed?, prices?);
        let shown: Vec<_> = tasks.iter().map(|task| task.shown(&prices)).collect();
        Ok(call.raw_page(json!({ "tasks": shown }), page.meta(total)))
    }
}

/// `GET /v1/lexi/tasks/{id}`.
#[derive(Clone, Debug, FromContext)]
pub struct GetTask {
    tasks: Tasks,
    accounts: Accounts,
}

impl RawEndpoint for GetTask {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Uuid;

    fn parse(&self, input: &Input) -> Result<Uuid, Problem> {
        input.uuid_in_path("id")
    }

    async fn handle(&self, call: &Call, id: Uuid) -> Result<Reply, Problem> {
        let (task, prices) = tokio::join!(found(&self.tasks, call, id), prices(&self.accounts, call));
        Ok(call.raw_success(task?.shown(&prices?)))
    }
}
