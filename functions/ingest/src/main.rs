//! The Lambda function `ingest`.

fn main() -> Result<(), shared::api::lambda::Error> {
    ingest::FUNCTION.run()
}
