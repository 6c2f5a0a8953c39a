//! The Lambda function `lead-follow-up`.

fn main() -> Result<(), shared::api::lambda::Error> {
    lead_follow_up::FUNCTION.run()
}
