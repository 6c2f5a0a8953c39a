//! The Lambda function `delivery-events`.

fn main() -> Result<(), shared::api::lambda::Error> {
    delivery_events::FUNCTION.run()
}
