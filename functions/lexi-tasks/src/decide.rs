//! Decisions: approve, and dismiss.

use serde_json::json;
use shared::api::exactly_once::ExactlyOnce;
use shared::api::http::{Call, Dialect, Fields, Input, RawEndpoint, Reply};
use shared::base::clock::Random;
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::queue::Queue;
use shared::workflow::tasks::{Decided, Decision, Status, Task, Tasks};
use shared::workspace::accounts::Accounts;
use shared::workspace::auth::Permission;
use shared::workspace::idempotency::Claimed;
use uuid::Uuid;

use crate::read::{found, prices};

/// Who decides. A request that comes again with its idempotency key is the same one: whoever takes it over finds
/// what its predecessor has decided, instead of a task that is no longer pending.
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

impl RawEndpoint for Approve {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::Lexi;
    const BODY_IS_OPTIONAL: bool = true;
    type Request = Uuid;

    fn parse(&self, input: &Input) -> Result<Uuid, Problem> {
        let id = input.uuid_in_path("id")?;
        Fields::of(&input.body)?.finish().map(|()| id)
    }

    async fn handle(&self, call: &Call, id: Uuid) -> Result<Reply, Problem> {
        let work = async {
            let (before, prices) = tokio::join!(found(&self.tasks, call, id), prices(&self.accounts, call));
            let (before, prices) = (before?, prices?);
            let price = before.price(&prices);
            let after = self.tasks.approve(&before, decision(call, &self.random), price).await?;
            let after = decided(after, price)?;
            if after.status == Status::Approved
                && let Err(error) = self.queue.send(&[after.id]).await
            {
                tracing::warn!(task_id = %id, cause = %error, "left to the sweeper");
            }
            tracing::info!(task_id = %id, kind = after.plan.kind(), "approved");
            Ok(call.raw_success(json!({"task_id": id, "status": "approved", "execution_started": true})))
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

impl RawEndpoint for Dismiss {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::Lexi;
    const BODY_IS_OPTIONAL: bool = true;
    /// Which, and why: `not_relevant`, `manual_execution`, `incorrect_params`, `duplicate`, `testing`, or in words.
    type Request = (Uuid, Option<String>);

    fn parse(&self, input: &Input) -> Result<Self::Request, Problem> {
        let id = input.uuid_in_path("id")?;
        let mut fields = Fields::of(&input.body)?;
        let reason = fields.optional_text("reason", 500).map(|reason| reason.trim().to_owned());
        fields.finish().map(|()| (id, reason))
    }

    async fn handle(&self, call: &Call, (id, reason): Self::Request) -> Result<Reply, Problem> {
        let work = async {
            let before = found(&self.tasks, call, id).await?;
            let after = self.tasks.dismiss(&before, decision(call, &self.random), reason).await?;
            let after = decided(after, 0)?;
            tracing::info!(task_id = %id, kind = after.plan.kind(), "dismissed");
            Ok(call.raw_success(json!({"task_id": id, "status": "dismissed", "reason": after.reason})))
        };
        self.once.for_free(call, work).await
    }
}
