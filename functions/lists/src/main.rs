//! The Lambda function `lists`.

fn main() -> Result<(), shared::api::lambda::Error> {
    lists::FUNCTION.run()
}
