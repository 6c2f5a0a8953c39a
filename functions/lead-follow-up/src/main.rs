//! The Lambda function `lead-follow-up`.

use lead_follow_up::LeadFollowUp;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_endpoint(LeadFollowUp::NAME, LeadFollowUp::new).await
}
