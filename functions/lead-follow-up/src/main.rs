//! The Lambda function `lead-follow-up`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(lead_follow_up::NAME, lead_follow_up::function).await
}
