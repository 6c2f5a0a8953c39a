//! The Lambda function `message-worker`.

use message_worker::MessageWorker;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_queue(MessageWorker::NAME, MessageWorker::new).await
}
