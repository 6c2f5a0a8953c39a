//! The Lambda function `delivery-events`.

use delivery_events::DeliveryEvents;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_open(DeliveryEvents::NAME, |context| {
        let events = DeliveryEvents::new(context)?;
        Ok(move |request| {
            let events = events.clone();
            async move { events.answer(request).await }
        })
    })
    .await
}
