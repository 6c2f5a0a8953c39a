//! The Lambda function `message-worker`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(message_worker::NAME, message_worker::function).await
}
