//! The Lambda function `commands`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(commands::NAME, commands::function).await
}
