//! The Lambda function `get-lead`.

use get_lead::GetLead;
use shared::api::lambda::run_endpoint;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_endpoint(GetLead::NAME, GetLead::new).await
}
