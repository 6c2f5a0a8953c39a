//! The Lambda function `credits`.

fn main() -> Result<(), shared::api::lambda::Error> {
    credits::FUNCTION.run()
}
