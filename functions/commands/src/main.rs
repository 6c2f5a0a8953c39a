//! The Lambda function `commands`.

fn main() -> Result<(), shared::api::lambda::Error> {
    commands::FUNCTION.run()
}
