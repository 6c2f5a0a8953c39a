//! The Lambda function `lexi-chat`.

fn main() -> Result<(), shared::api::lambda::Error> {
    lexi_chat::FUNCTION.run()
}
