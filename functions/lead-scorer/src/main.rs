//! The Lambda function `lead-scorer`.

fn main() -> Result<(), shared::api::lambda::Error> {
    lead_scorer::FUNCTION.run()
}
