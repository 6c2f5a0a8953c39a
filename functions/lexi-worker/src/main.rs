//! The Lambda function `lexi-worker`.

use lexi_worker::LexiWorker;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_queue(LexiWorker::NAME, LexiWorker::new).await
}
