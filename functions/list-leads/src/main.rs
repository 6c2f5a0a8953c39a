//! The Lambda function `list-leads`.

fn main() -> Result<(), shared::api::lambda::Error> {
    list_leads::FUNCTION.run()
}
