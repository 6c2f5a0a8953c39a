//! The Lambda function `skeleton-name`.

fn main() -> Result<(), shared::api::lambda::Error> {
    skeleton_name::FUNCTION.run()
}
