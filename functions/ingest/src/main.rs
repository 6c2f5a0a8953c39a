//! The Lambda function `ingest`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(ingest::NAME, ingest::function).await
}
