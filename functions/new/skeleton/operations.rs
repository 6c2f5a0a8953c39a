//! The description of the endpoint.

use serde_json::json;
use shared::api::openapi::Operation;

use super::{SkeletonName, SkeletonNameAnswer};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let route = "POST /v1/skeleton";
    let operation = Operation::of::<SkeletonName>(route, "skeletonName", "TODO do this")
        .description("TODO what a reader has to know beyond that, and what it costs.")
        .for_example("TODO what it shows", json!({"todo": 3}))
        .answers("TODO what it shows", json!(SkeletonNameAnswer { todo: 3 }));
    vec![operation]
}
