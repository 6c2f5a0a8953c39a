//! The Lambda function `notifier`.

use notifier::Notifier;
use shared::base::context::FromContext;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_queue(Notifier::NAME, Notifier::new).await
}
