//! The Lambda function `list-leads`.

use list_leads::ListLeads;
use shared::api::lambda::run_endpoint;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_endpoint(ListLeads::NAME, ListLeads::new).await
}
