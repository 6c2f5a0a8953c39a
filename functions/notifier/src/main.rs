//! The Lambda function `notifier`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(notifier::NAME, notifier::function).await
}
