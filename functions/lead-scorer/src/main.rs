//! The Lambda function `lead-scorer`.

use lead_scorer::LeadScorer;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_queue(LeadScorer::NAME, LeadScorer::new).await
}
