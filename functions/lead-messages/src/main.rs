//! The Lambda function `lead-messages`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(lead_messages::NAME, lead_messages::function).await
}
