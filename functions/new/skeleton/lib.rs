//! `POST /v1/skeleton`: TODO what it does, and what it costs.

pub mod operations;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json};
use shared::api::lambda::Definition;
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::workspace::auth::Permission;

pub use operations::operations;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::endpoint::<SkeletonName>("skeleton-name");

/// What is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkeletonNameRequest {
    /// TODO what the field says.
    #[serde(default = "todo_default")]
    #[schemars(range(min = 1, max = 10))]
    pub todo: u32,
}

fn todo_default() -> u32 {
    3
}

/// The `data` of the answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SkeletonNameAnswer {
    /// TODO what the field says.
    pub todo: u32,
}

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct SkeletonName {}

impl Endpoint for SkeletonName {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Json<SkeletonNameRequest>;
    type Answer = SkeletonNameAnswer;

    async fn handle(&self, call: &Call, Json(request): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        call.success(SkeletonNameAnswer { todo: request.todo })
    }
}
