//! The Lambda function `score-due`.

use score_due::ScoreDue;
use shared::api::lambda::run_schedule;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_schedule(ScoreDue::NAME, |context| {
        let due = ScoreDue::new(context)?;
        Ok(move || {
            let due = due.clone();
            async move { Ok(due.send().await.map(drop)?) }
        })
    })
    .await
}
