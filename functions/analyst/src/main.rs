//! The Lambda function `analyst`.

fn main() -> Result<(), shared::api::lambda::Error> {
    analyst::FUNCTION.run()
}
