//! The Lambda function `lexi-chat`.

use shared::api::lambda::run_routes;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_routes(lexi_chat::NAME, lexi_chat::lexi_chat).await
}
