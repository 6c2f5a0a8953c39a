//! The Lambda function `delivery-events`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(delivery_events::NAME, delivery_events::function).await
}
