//! The Lambda function `suggest-followups`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(suggest_followups::NAME, suggest_followups::function).await
}
