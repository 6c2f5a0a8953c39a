//! The Lambda function `campaigns`.

fn main() -> Result<(), shared::api::lambda::Error> {
    campaigns::FUNCTION.run()
}
