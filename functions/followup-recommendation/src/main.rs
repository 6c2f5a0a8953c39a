//! The Lambda function `followup-recommendation`.

fn main() -> Result<(), shared::api::lambda::Error> {
    followup_recommendation::FUNCTION.run()
}
