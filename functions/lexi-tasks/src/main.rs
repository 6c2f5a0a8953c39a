//! The Lambda function `lexi-tasks`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_routes(lexi_tasks::NAME, lexi_tasks::lexi_tasks).await
}
