//! The Lambda function `campaigns`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_routes(campaigns::NAME, campaigns::campaigns).await
}
