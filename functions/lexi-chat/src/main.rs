//! The Lambda function `lexi-chat`.

use lexi_chat::LexiChat;
use shared::lambda::run_endpoint;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_endpoint(LexiChat::NAME, LexiChat::new).await
}
