//! The Lambda function `recommendations`.

fn main() -> Result<(), shared::api::lambda::Error> {
    recommendations::FUNCTION.run()
}
