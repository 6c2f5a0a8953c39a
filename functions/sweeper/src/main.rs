//! The Lambda function `sweeper`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(sweeper::NAME, sweeper::function).await
}
