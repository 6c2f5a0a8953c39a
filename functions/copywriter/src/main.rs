//! The Lambda function `copywriter`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(copywriter::NAME, copywriter::function).await
}
