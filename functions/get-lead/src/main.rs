//! The Lambda function `get-lead`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(get_lead::NAME, get_lead::function).await
}
