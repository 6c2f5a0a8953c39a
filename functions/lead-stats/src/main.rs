//! The Lambda function `lead-stats`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(lead_stats::NAME, lead_stats::function).await
}
