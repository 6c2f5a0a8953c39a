//! The Lambda function `followup-recommendation`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(followup_recommendation::NAME, followup_recommendation::function).await
}
