//! The Lambda function `followup-recommendation`.

use followup_recommendation::FollowupRecommendation;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_endpoint(FollowupRecommendation::NAME, FollowupRecommendation::new).await
}
