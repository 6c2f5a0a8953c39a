//! The Lambda function `lists`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::lambda::run_routes(lists::NAME, lists::lists).await
}
