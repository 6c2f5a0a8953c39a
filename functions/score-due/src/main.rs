//! The Lambda function `score-due`.

fn main() -> Result<(), shared::api::lambda::Error> {
    score_due::FUNCTION.run()
}
