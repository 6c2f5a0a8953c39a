//! The Lambda function `lead-messages`.

use lead_messages::LeadMessages;
use shared::api::lambda::run_endpoint;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_endpoint(LeadMessages::NAME, LeadMessages::new).await
}
