//! The Lambda function `recommendations`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_routes(recommendations::NAME, recommendations::recommendations).await
}
