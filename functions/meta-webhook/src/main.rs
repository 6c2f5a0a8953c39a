//! The Lambda function `meta-webhook`.

use meta_webhook::MetaWebhook;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::api::lambda::run_open(MetaWebhook::NAME, |context| {
        let webhook = MetaWebhook::new(context)?;
        Ok(move |request| {
            let webhook = webhook.clone();
            async move { webhook.answer(request).await }
        })
    })
    .await
}
