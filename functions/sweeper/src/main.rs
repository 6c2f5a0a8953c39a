//! The Lambda function `sweeper`.

fn main() -> Result<(), shared::api::lambda::Error> {
    sweeper::FUNCTION.run()
}
