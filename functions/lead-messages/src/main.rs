//! The Lambda function `lead-messages`.

fn main() -> Result<(), shared::api::lambda::Error> {
    lead_messages::FUNCTION.run()
}
