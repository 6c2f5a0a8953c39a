//! The Lambda function `suggest-followups`.

fn main() -> Result<(), shared::api::lambda::Error> {
    suggest_followups::FUNCTION.run()
}
