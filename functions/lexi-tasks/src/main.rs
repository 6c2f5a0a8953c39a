//! The Lambda function `lexi-tasks`.

fn main() -> Result<(), shared::api::lambda::Error> {
    lexi_tasks::FUNCTION.run()
}
