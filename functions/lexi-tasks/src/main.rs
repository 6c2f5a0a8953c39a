//! The Lambda function `lexi-tasks`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(lexi_tasks::NAME, lexi_tasks::function).await
}
