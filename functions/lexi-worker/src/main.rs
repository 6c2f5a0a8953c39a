//! The Lambda function `lexi-worker`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(lexi_worker::NAME, lexi_worker::function).await
}
