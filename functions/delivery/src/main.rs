//! The Lambda function `delivery`.

use delivery::DeliveryWorker;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_queue(DeliveryWorker::NAME, DeliveryWorker::new).await
}
