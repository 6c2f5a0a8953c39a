//! The Lambda function `email-events`.

fn main() -> Result<(), shared::api::lambda::Error> {
    email_events::FUNCTION.run()
}
