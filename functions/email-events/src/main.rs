//! The Lambda function `email-events`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(email_events::NAME, email_events::function).await
}
