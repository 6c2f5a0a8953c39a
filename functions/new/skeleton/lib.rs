//! `POST /v1/skeleton`: TODO what it does, and what it costs.

pub mod operations;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use shared::api::http::{Call, Dialect, Fields, Input, RawEndpoint, Reply};
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

/// The request, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// TODO what the field says.
    pub todo: u32,
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

impl RawEndpoint for SkeletonName {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Request;

    fn parse(&self, input: &Input) -> Result<Request, Problem> {
        let mut fields = Fields::of(&input.body)?;
        let request = Request { todo: fields.integer("todo", 1..=10, 3) };
        fields.finish().map(|()| request)
    }

    async fn handle(&self, call: &Call, request: Request) -> Result<Reply, Problem> {
        Ok(call.raw_success(json!(SkeletonNameAnswer { todo: request.todo })))
    }
}
