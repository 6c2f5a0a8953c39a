//! The Lambda function `get-lead`.

fn main() -> Result<(), shared::api::lambda::Error> {
    get_lead::FUNCTION.run()
}
