//! The Lambda function `credits`.

use credits::Credits;
use shared::api::lambda::run_endpoint;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_endpoint(Credits::NAME, Credits::new).await
}
