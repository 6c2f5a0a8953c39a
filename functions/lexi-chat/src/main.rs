//! The Lambda function `lexi-chat`.

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::lambda::run_routes(lexi_chat::NAME, lexi_chat::lexi_chat).await
}
