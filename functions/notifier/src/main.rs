//! The Lambda function `notifier`.

fn main() -> Result<(), shared::api::lambda::Error> {
    notifier::FUNCTION.run()
}
