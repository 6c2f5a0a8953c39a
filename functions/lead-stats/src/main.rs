//! The Lambda function `lead-stats`.

use lead_stats::LeadStats;
use shared::api::lambda::run_endpoint;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_endpoint(LeadStats::NAME, LeadStats::new).await
}
