//! The Lambda function `lead-scorer`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(lead_scorer::NAME, lead_scorer::function).await
}
