//! Decisions: approve, and dismiss.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json, Path};
use shared::base::clock::Random;
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::queue::Queue;
use shared::workflow::tasks::{Decided, Decision, Status, Task, Tasks};
use shared::workspace::accounts::Accounts;
use shared::workspace::auth::Permission;
use shared::workspace::idempotency::Claimed;
use uuid::Uuid;

use crate::read::{TaskPath, found};

/// Who decides. A repeated request with the same idempotency key is the same decision: it finds what the earlier one
/// decided, instead of a task that is no longer pending.
fn decision(call: &Call, random: &Random) -> Decision {
    let request = call.claimed.as_ref().map_or_else(|| random.uuid(), Claimed::id);
    Decision { key_id: call.key_id, request }
}

/// What was decided, or why not.
fn decided(decided: Decided, price: u32) -> Result<Box<Task>, Problem> {
    match decided {
        Decided::Done(task) => Ok(task),
        Decided::Short(available) => Err(Problem::short_of_credits(price, available)),
        Decided::NotPending(status) => {
            let message =
                format!("the task is {} already; only a pending task is approved or dismissed", status.name());
            Err(Problem::new(Code::TaskNotPending, message).detail("status", json!(status)))
        }
    }
}

/// `POST /v1/lexi/tasks/{id}/approve`.
#[derive(Clone, Debug, FromContext)]
pub struct Approve {
    random: Random,
    tasks: Tasks,
    accounts: Accounts,
    once: ExactlyOnce,
    #[context(Queue::new(context, "TASKS_QUEUE_URL")?)]
    queue: Queue,
}

/// A body without fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoFields {}

/// A task that was approved.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskApproved {
    /// The task.
    pub task_id: Uuid,
    /// Always `approved`.
    #[schemars(extend("const" = "approved"))]
    pub status: &'static str,
    /// Whether it begins now.
    pub execution_started: bool,
}

impl Endpoint for Approve {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::Lexi;
    const BODY_IS_OPTIONAL: bool = true;
    type Request = (Path<TaskPath>, Json<NoFields>);
    type Answer = TaskApproved;

    async fn handle(&self, call: &Call, (Path(path), _): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let task_id = path.id;
        let work = async {
            let (before, prices) =
                tokio::join!(found(&self.tasks, call, path), self.accounts.prices(call.workspace_id));
            let (before, prices) = (before?, prices?);
            let price = before.price(&prices);
            let after = self.tasks.approve(&before, decision(call, &self.random), price).await?;
            let after = decided(after, price)?;
            if after.status == Status::Approved
                && let Err(error) = self.queue.send(&[after.id]).await
            {
                tracing::warn!(%task_id, cause = %error, "left to the sweeper");
            }
            tracing::info!(%task_id, kind = after.plan.kind(), "approved");
            call.success(TaskApproved { task_id, status: "approved", execution_started: true })
        };
        self.once.for_free(call, work).await
    }
}

/// `POST /v1/lexi/tasks/{id}/dismiss`.
#[derive(Clone, Debug, FromContext)]
pub struct Dismiss {
    random: Random,
    tasks: Tasks,
    once: ExactlyOnce,
}

/// The reason to dismiss a task.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissRequest {
    /// `not_relevant`, `manual_execution`, `incorrect_params`, `duplicate`, `testing`, or in words.
    #[schemars(length(max = 500))]
    pub reason: Option<String>,
}

/// A task that was dismissed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskDismissed {
    /// The task.
    pub task_id: Uuid,
    /// Always `dismissed`.
    #[schemars(extend("const" = "dismissed"))]
    pub status: &'static str,
    /// Why the task was dismissed.
    pub reason: Option<String>,
}

impl Endpoint for Dismiss {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::Lexi;
    const BODY_IS_OPTIONAL: bool = true;
    type Request = (Path<TaskPath>, Json<DismissRequest>);
    type Answer = TaskDismissed;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let (Path(path), Json(DismissRequest { reason })) = request;
        let (task_id, reason) = (path.id, reason.map(|reason| reason.trim().to_owned()));
        let work = async {
            let before = found(&self.tasks, call, path).await?;
            let after = self.tasks.dismiss(&before, decision(call, &self.random), reason).await?;
            let after = decided(after, 0)?;
            tracing::info!(%task_id, kind = after.plan.kind(), "dismissed");
            call.success(TaskDismissed { task_id, status: "dismissed", reason: after.reason })
        };
        self.once.for_free(call, work).await
    }
}
