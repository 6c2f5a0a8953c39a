//! The Lambda function `ingest`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_routes(ingest::NAME, ingest::ingest).await
}
