//! The Lambda function `copywriter`.

use copywriter::Copywriter;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_queue(Copywriter::NAME, Copywriter::new).await
}
