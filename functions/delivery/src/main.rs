//! The Lambda function `delivery`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(delivery::NAME, delivery::function).await
}
