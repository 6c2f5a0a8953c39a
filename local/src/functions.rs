//! The functions of this project by the name of their binary, built from their environment.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;
use shared::context::Context;
use shared::environment::ConfigError;
use shared::http::{Endpoint, Gate, Request, Response, serve};
use shared::lambda::handle_batch;

/// A function, ready to be invoked.
#[derive(Clone)]
pub enum Function {
    /// Answers requests.
    Http(Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>),
    /// Runs on a schedule.
    Scheduled(Arc<dyn Fn() -> BoxFuture<'static, Outcome> + Send + Sync>),
    /// Takes SQS events, and gives the response that Lambda would: `batchItemFailures`.
    Queued(Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>),
}

/// What became of an invocation that nobody waits for.
pub type Outcome = Result<(), String>;

/// Builds the function of this name. `None` if there is none.
pub fn build(name: &str, context: &Context) -> Result<Option<Function>, ConfigError> {
    Ok(Some(match name {
        suggest_followups::SuggestFollowups::NAME => {
            endpoint(context, suggest_followups::SuggestFollowups::new(context)?)?
        }
        credits::Credits::NAME => endpoint(context, credits::Credits::new(context)?)?,
        list_leads::ListLeads::NAME => endpoint(context, list_leads::ListLeads::new(context)?)?,
        lead_stats::LeadStats::NAME => endpoint(context, lead_stats::LeadStats::new(context)?)?,
        get_lead::GetLead::NAME => endpoint(context, get_lead::GetLead::new(context)?)?,
        lead_messages::LeadMessages::NAME => endpoint(context, lead_messages::LeadMessages::new(context)?)?,
        ingest::NAME => {
            let routes = ingest::ingest(context)?;
            Function::Http(Arc::new(move |request| match routes.answer(request) {
                Some(answer) => answer,
                None => Box::pin(async { unknown_route() }),
            }))
        }
        fallback::NAME => {
            let respond = fallback::fallback(context);
            Function::Http(Arc::new(move |request| {
                let response = respond(&request);
                Box::pin(async move { response })
            }))
        }
        sweeper::Sweeper::NAME => {
            let sweeper = sweeper::Sweeper::new(context)?;
            Function::Scheduled(Arc::new(move || {
                let sweeper = sweeper.clone();
                Box::pin(async move { sweeper.sweep().await.map(drop).map_err(|error| error.to_string()) })
            }))
        }
        score_due::ScoreDue::NAME => {
            let due = score_due::ScoreDue::new(context)?;
            Function::Scheduled(Arc::new(move || {
                let due = due.clone();
                Box::pin(async move { due.send().await.map(drop).map_err(|error| error.to_string()) })
            }))
        }
        lead_scorer::LeadScorer::NAME => {
            let scorer = lead_scorer::LeadScorer::new(context)?;
            queued(move |body| {
                let (scorer, body) = (scorer.clone(), body.to_owned());
                async move { Ok(scorer.try_one(&body).await.map(drop)?) }
            })
        }
        _ => return Ok(None),
    }))
}

fn endpoint<E: Endpoint>(context: &Context, endpoint: E) -> Result<Function, ConfigError> {
    let (gate, endpoint) = (Gate::new(context)?, Arc::new(endpoint));
    Ok(Function::Http(Arc::new(move |request| {
        let (gate, endpoint) = (gate.clone(), Arc::clone(&endpoint));
        Box::pin(async move { serve(&gate, &endpoint, request).await })
    })))
}

/// As [`shared::lambda::run_queue`] does in Lambda.
fn queued<R>(handle: impl Fn(&str) -> R + Send + Sync + 'static) -> Function
where
    R: Future<Output = Result<(), lambda_http::Error>> + Send + 'static,
{
    let handle = Arc::new(handle);
    Function::Queued(Arc::new(move |event| {
        let handle = Arc::clone(&handle);
        Box::pin(async move { Ok(handle_batch(&event, |body| handle(body)).await) })
    }))
}

/// What API Gateway answers when a function fails.
fn unknown_route() -> Response {
    let mut response = http::Response::new(lambda_http::Body::from("{\"message\":\"Internal Server Error\"}"));
    *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}
