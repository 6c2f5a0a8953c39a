//! The Lambda function `commands`.

use commands::GetCommand;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_endpoint(GetCommand::NAME, GetCommand::new).await
}
