//! The Lambda function `lexi-chat`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run(lexi_chat::NAME, lexi_chat::function).await
}
