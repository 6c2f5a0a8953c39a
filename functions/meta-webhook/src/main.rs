//! The Lambda function `meta-webhook`.

fn main() -> Result<(), shared::api::lambda::Error> {
    meta_webhook::FUNCTION.run()
}
