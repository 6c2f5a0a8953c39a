//! The Lambda function `lead-scorer`.

use lead_scorer::LeadScorer;
use shared::lambda::run_queue;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    run_queue(LeadScorer::NAME, |context| {
        let scorer = LeadScorer::new(context)?;
        Ok(move |body: &str| {
            let (scorer, body) = (scorer.clone(), body.to_owned());
            async move { Ok(scorer.try_one(&body).await.map(drop)?) }
        })
    })
    .await
}
