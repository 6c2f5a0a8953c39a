//! The Lambda function `delivery`.

fn main() -> Result<(), shared::api::lambda::Error> {
    delivery::FUNCTION.run()
}
