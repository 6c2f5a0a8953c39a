//! The Lambda function `analyst`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(analyst::NAME, analyst::function).await
}
