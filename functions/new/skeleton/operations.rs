//! The description of the endpoint.

use schemars::JsonSchema;
use serde_json::json;
use shared::api::openapi::Operation;

use super::{SkeletonName, SkeletonNameAnswer};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let route = "POST /v1/skeleton";
    let operation = Operation::raw::<SkeletonName, SkeletonNameAnswer>(route, "skeletonName", "TODO do this")
        .description("TODO what a reader has to know beyond that, and what it costs.")
        .takes::<SkeletonNameRequest>()
        .for_example("TODO what it shows", json!({"todo": 3}))
        .answers("TODO what it shows", json!(SkeletonNameAnswer { todo: 3 }));
    vec![operation]
}

/// What is asked for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SkeletonNameRequest {
    /// TODO what the field says.
    #[schemars(range(min = 1, max = 10), extend("default" = 3))]
    pub todo: Option<u32>,
}
