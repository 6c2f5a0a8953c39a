//! The Lambda function `meta-webhook`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(meta_webhook::NAME, meta_webhook::function).await
}
