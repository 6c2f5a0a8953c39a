//! The Lambda function `skeleton-name`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(skeleton_name::NAME, skeleton_name::function).await
}
