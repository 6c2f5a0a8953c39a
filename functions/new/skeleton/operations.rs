//! The description of the endpoint.

use shared::api::openapi::Operation;

use super::SkeletonName;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let route = "POST /v1/skeleton";
    let operation = Operation::of::<SkeletonName>(route, "skeletonName", "TODO do this")
        .description("TODO what a reader has to know beyond that, and what it costs.");
    vec![operation]
}
