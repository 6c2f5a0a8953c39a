//! The Lambda function `analyst`.

use analyst::Analyst;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_queue(Analyst::NAME, Analyst::new).await
}
