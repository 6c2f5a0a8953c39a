//! The Lambda function `credits`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(credits::NAME, credits::function).await
}
