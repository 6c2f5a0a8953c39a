//! The Lambda function `fallback`.

fn main() -> Result<(), shared::api::lambda::Error> {
    fallback::FUNCTION.run()
}
