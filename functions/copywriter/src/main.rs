//! The Lambda function `copywriter`.

fn main() -> Result<(), shared::api::lambda::Error> {
    copywriter::FUNCTION.run()
}
