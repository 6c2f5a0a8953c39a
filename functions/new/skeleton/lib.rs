//! `POST /v1/skeleton`: TODO what it does, and what it costs.

pub mod operations;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json};
use shared::base::context::Context;
use shared::base::environment::ConfigError;
use shared::base::problem::Problem;
use shared::workspace::auth::Permission;

pub use operations::operations;

/// The function's name in `template.yaml`.
pub const NAME: &str = "skeleton-name";

/// Builds the function from its configuration.
pub fn function(context: &Context) -> Result<shared::api::lambda::Function, ConfigError> {
    shared::api::lambda::Function::endpoint(context, SkeletonName::new)
}

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
#[derive(Clone, Debug)]
pub struct SkeletonName {}

impl SkeletonName {
    /// Builds the endpoint from the function's configuration.
    pub fn new(_context: &Context) -> Result<Self, ConfigError> {
        Ok(Self {})
    }
}

impl Endpoint for SkeletonName {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Json<SkeletonNameRequest>;
    type Answer = SkeletonNameAnswer;

    async fn handle(&self, call: &Call, Json(request): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        call.success(SkeletonNameAnswer { todo: request.todo })
    }
}
