//! The Lambda function `lists`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(lists::NAME, lists::function).await
}
