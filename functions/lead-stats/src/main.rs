//! The Lambda function `lead-stats`.

fn main() -> Result<(), shared::api::lambda::Error> {
    lead_stats::FUNCTION.run()
}
