//! The Lambda function `campaigns`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(campaigns::NAME, campaigns::function).await
}
