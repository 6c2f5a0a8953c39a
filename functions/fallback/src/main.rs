//! The Lambda function `fallback`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(fallback::NAME, fallback::function).await
}
