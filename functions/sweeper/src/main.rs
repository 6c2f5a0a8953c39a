//! The Lambda function `sweeper`.

use shared::api::lambda::run_schedule;
use sweeper::Sweeper;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_schedule(Sweeper::NAME, |context| {
        let sweeper = Sweeper::new(context)?;
        Ok(move || {
            let sweeper = sweeper.clone();
            async move { Ok(sweeper.sweep().await.map(drop)?) }
        })
    })
    .await
}
