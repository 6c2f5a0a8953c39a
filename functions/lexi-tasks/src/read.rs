//! Tasks as they stand: a list, and one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Page, PageMeta, Pages, Path, Query};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::time::Timestamp;
use shared::workflow::tasks::{Failure, Plan, Progress, Status, Task, TaskId, Tasks};
use shared::workspace::accounts::Accounts;
use shared::workspace::auth::Permission;
use uuid::Uuid;

/// A task, in the path.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct TaskPath {
    /// The task.
    pub id: Uuid,
}

/// Something that Lexi proposes to do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Task")]
pub struct TaskView {
    /// Its identifier.
    pub id: Uuid,
    /// What kind of task it is.
    #[serde(rename = "type")]
    pub kind: TaskKind,
    /// Where it stands.
    pub status: Status,
    /// The description for the person who decides.
    pub description: String,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// Its parameters, by its type.
    #[schemars(with = "Map<String, Value>")]
    pub metadata: Value,
    /// The conversation in which it was proposed.
    pub conversation_id: Uuid,
    /// The price; after a decision, the credits that are held or spent.
    pub credits: u32,
    /// When it was approved or dismissed.
    pub decided_at: Option<Timestamp>,
    /// Why it was dismissed.
    pub reason: Option<String>,
    /// The task that took its place.
    pub superseded_by: Option<Uuid>,
    /// When it was first taken.
    pub started_at: Option<Timestamp>,
    /// When it was completed or had failed.
    pub finished_at: Option<Timestamp>,
    /// How far it is.
    pub progress: TaskProgress,
    /// The result, by the task's type.
    #[schemars(with = "Option<Map<String, Value>>")]
    pub result: Option<Value>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// What kind of task it is.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Prospects are looked for and put on a list.
    ProspectSearch,
    /// A draft is written for each contact of a list.
    CampaignStart,
    /// A contact is changed.
    ContactUpdate,
    /// A list is made or changed.
    ListOperation,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct TaskProgress {
    /// How many are done.
    pub done: u32,
    /// How many there are, once that is known.
    pub total: Option<u32>,
}

impl From<&Plan> for TaskKind {
    fn from(plan: &Plan) -> Self {
        match plan {
            Plan::ProspectSearch { .. } => Self::ProspectSearch,
            Plan::CampaignStart(_) => Self::CampaignStart,
            Plan::ContactUpdate { .. } => Self::ContactUpdate,
            Plan::ListOperation { .. } => Self::ListOperation,
        }
    }
}

impl TaskView {
    /// A task of a workspace with these prices of its own.
    fn new(task: Task, prices: &BTreeMap<String, u32>) -> Self {
        let Progress { done, total } = task.progress;
        Self {
            id: task.id.task_id,
            kind: TaskKind::from(&task.plan),
            status: task.status,
            description: task.plan.description(),
            created_at: task.created_at.into(),
            metadata: task.plan.metadata(),
            conversation_id: task.conversation_id,
            credits: task.credits(prices),
            decided_at: task.decided_at.map(Timestamp),
            reason: task.reason,
            superseded_by: task.superseded_by,
            started_at: task.started_at.map(Timestamp),
            finished_at: task.finished_at.map(Timestamp),
            progress: TaskProgress { done, total },
            result: task.result,
            failure: task.failure,
        }
    }
}

/// A task of the caller's workspace.
pub(crate) async fn found(tasks: &Tasks, call: &Call, path: TaskPath) -> Result<Task, Problem> {
    let found = tasks.get(TaskId { workspace_id: call.workspace_id, task_id: path.id }).await?;
    found.ok_or_else(|| Problem::new(Code::NotFound, "no task with this id in this workspace"))
}

/// `GET /v1/lexi/tasks`.
#[derive(Clone, Debug, FromContext)]
pub struct ListTasks {
    tasks: Tasks,
    accounts: Accounts,
}

/// Which tasks.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct TasksQuery {
    /// Only those of this status.
    #[serde(default = "pending")]
    pub status: Status,
    /// Which page.
    #[serde(flatten)]
    pub pages: Pages,
}

fn pending() -> Status {
    Status::Pending
}

/// Tasks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskList {
    /// The tasks, newest first.
    pub tasks: Vec<TaskView>,
}

impl Endpoint for ListTasks {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Query<TasksQuery>;
    type Answer = Page<TaskList>;

    async fn handle(&self, call: &Call, Query(query): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let TasksQuery { status, pages } = query;
        let listed = self.tasks.list(call.workspace_id, status, (pages.skip(), pages.size()));
        let (listed, prices) = tokio::join!(listed, self.accounts.prices(call.workspace_id));
        let ((tasks, total), prices) = (listed?, prices?);
        let tasks = tasks.into_iter().map(|task| TaskView::new(task, &prices)).collect();
        call.page(Page { data: TaskList { tasks }, meta: PageMeta::new(pages, total) })
    }
}

/// `GET /v1/lexi/tasks/{id}`.
#[derive(Clone, Debug, FromContext)]
pub struct GetTask {
    tasks: Tasks,
    accounts: Accounts,
}

impl Endpoint for GetTask {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Path<TaskPath>;
    type Answer = TaskView;

    async fn handle(&self, call: &Call, Path(path): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (task, prices) = tokio::join!(found(&self.tasks, call, path), self.accounts.prices(call.workspace_id));
        call.success(TaskView::new(task?, &prices?))
    }
}
