//! The Lambda function `recommendations`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::lambda::run_routes(recommendations::NAME, recommendations::recommendations).await
}
