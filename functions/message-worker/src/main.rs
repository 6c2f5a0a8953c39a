//! The Lambda function `message-worker`.

fn main() -> Result<(), shared::api::lambda::Error> {
    message_worker::FUNCTION.run()
}
