//! The functions of this project by the name of their binary, built from their environment.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use lambda_http::RequestExt;
use serde_json::Value;
use shared::api::http::{Endpoint, Gate, Request, Response, Routes, serve};
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::observe::invocation::Observer;
use shared::base::queue::{Consumer, consume};

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
    let function = unobserved(name, context)?;
    Ok(function.map(|function| observed(function, &context.observer(name))))
}

fn unobserved(name: &str, context: &Context) -> Result<Option<Function>, ConfigError> {
    Ok(Some(match name {
        suggest_followups::SuggestFollowups::NAME => {
            endpoint(context, suggest_followups::SuggestFollowups::new(context)?)?
        }
        lead_follow_up::LeadFollowUp::NAME => endpoint(context, lead_follow_up::LeadFollowUp::new(context)?)?,
        lexi_chat::NAME => routes(lexi_chat::lexi_chat(context)?),
        commands::GetCommand::NAME => endpoint(context, commands::GetCommand::new(context)?)?,
        copywriter::Copywriter::NAME => queued(copywriter::Copywriter::new(context)?),
        credits::Credits::NAME => endpoint(context, credits::Credits::new(context)?)?,
        list_leads::ListLeads::NAME => endpoint(context, list_leads::ListLeads::new(context)?)?,
        lead_stats::LeadStats::NAME => endpoint(context, lead_stats::LeadStats::new(context)?)?,
        get_lead::GetLead::NAME => endpoint(context, get_lead::GetLead::new(context)?)?,
        lead_messages::LeadMessages::NAME => endpoint(context, lead_messages::LeadMessages::new(context)?)?,
        lexi_tasks::NAME => routes(lexi_tasks::lexi_tasks(context)?),
        lexi_worker::LexiWorker::NAME => queued(lexi_worker::LexiWorker::new(context)?),
        ingest::NAME => routes(ingest::ingest(context)?),
        lists::NAME => routes(lists::lists(context)?),
        followup_recommendation::FollowupRecommendation::NAME => {
            endpoint(context, followup_recommendation::FollowupRecommendation::new(context)?)?
        }
        recommendations::NAME => routes(recommendations::recommendations(context)?),
        campaigns::NAME => routes(campaigns::campaigns(context)?),
        analyst::Analyst::NAME => queued(analyst::Analyst::new(context)?),
        delivery::DeliveryWorker::NAME => queued(delivery::DeliveryWorker::new(context)?),
        meta_webhook::MetaWebhook::NAME => {
            let webhook = meta_webhook::MetaWebhook::new(context)?;
            Function::Http(Arc::new(move |request| {
                let webhook = webhook.clone();
                Box::pin(async move { webhook.answer(request).await })
            }))
        }
        delivery_events::DeliveryEvents::NAME => {
            let events = delivery_events::DeliveryEvents::new(context)?;
            Function::Http(Arc::new(move |request| {
                let events = events.clone();
                Box::pin(async move { events.answer(request).await })
            }))
        }
        message_worker::MessageWorker::NAME => queued(message_worker::MessageWorker::new(context)?),
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
        lead_scorer::LeadScorer::NAME => queued(lead_scorer::LeadScorer::new(context)?),
        notifier::Notifier::NAME => queued(notifier::Notifier::new(context)?),
        _ => return Ok(None),
    }))
}

/// A function each of whose invocations is observed, as in Lambda.
fn observed(function: Function, observer: &Arc<Observer>) -> Function {
    let observer = Arc::clone(observer);
    match function {
        Function::Http(answer) => Function::Http(Arc::new(move |request| {
            let (observer, answer) = (Arc::clone(&observer), Arc::clone(&answer));
            let trace = request.lambda_context_ref().and_then(|context| context.xray_trace_id.clone());
            Box::pin(async move { observer.invoked(trace.as_deref(), async { answer(request).await }).await })
        })),
        Function::Scheduled(run) => Function::Scheduled(Arc::new(move || {
            let (observer, run) = (Arc::clone(&observer), Arc::clone(&run));
            Box::pin(async move { observer.invoked(None, run()).await })
        })),
        Function::Queued(take) => Function::Queued(Arc::new(move |event| {
            let (observer, take) = (Arc::clone(&observer), Arc::clone(&take));
            Box::pin(async move {
                let trace = event["Records"][0]["attributes"]["AWSTraceHeader"].as_str().map(str::to_owned);
                observer.invoked(trace.as_deref(), take(event)).await
            })
        })),
    }
}

fn endpoint<E: Endpoint>(context: &Context, endpoint: E) -> Result<Function, ConfigError> {
    let (gate, endpoint) = (Gate::new(context)?, Arc::new(endpoint));
    Ok(Function::Http(Arc::new(move |request| {
        let (gate, endpoint) = (gate.clone(), Arc::clone(&endpoint));
        Box::pin(async move { serve(&gate, &endpoint, request).await })
    })))
}

fn routes(routes: Routes) -> Function {
    Function::Http(Arc::new(move |request| routes.answer(request)))
}

fn queued<C: Consumer>(consumer: C) -> Function {
    let consumer = Arc::new(consumer);
    Function::Queued(Arc::new(move |event| {
        let consumer = Arc::clone(&consumer);
        Box::pin(async move { Ok(consume(consumer.as_ref(), &event).await) })
    }))
}
