//! The Lambda function `recommendations`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(recommendations::NAME, recommendations::function).await
}
