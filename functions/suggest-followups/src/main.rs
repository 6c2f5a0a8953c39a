//! The Lambda function `suggest-followups`.

use shared::api::lambda::run_endpoint;
use suggest_followups::SuggestFollowups;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_endpoint(SuggestFollowups::NAME, SuggestFollowups::new).await
}
