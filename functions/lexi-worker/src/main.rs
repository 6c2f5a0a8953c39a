//! The Lambda function `lexi-worker`.

fn main() -> Result<(), shared::api::lambda::Error> {
    lexi_worker::FUNCTION.run()
}
