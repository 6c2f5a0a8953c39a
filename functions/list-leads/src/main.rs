//! The Lambda function `list-leads`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(list_leads::NAME, list_leads::function).await
}
