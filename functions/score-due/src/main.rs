//! The Lambda function `score-due`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(score_due::NAME, score_due::function).await
}
