//! Running a function in Lambda: configuration, logs, then the runtime's loop.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};

use crate::context::{Clock, Context, Random};
use crate::environment::{ConfigError, Environment};
use crate::http::{Endpoint, Gate, Request, Response, Routes, serve};
use crate::log;

/// How long the start may wait for a first connection.
const WARMING: Duration = Duration::from_millis(300);

/// The context of this process.
fn context(function: &str) -> Result<Context, Error> {
    let environment = Environment::of_process();
    log::to_stdout(log::filter(&environment, &["shared", &function.replace('-', "_")])?);
    Ok(reported(Context::new(environment, Clock::default(), Random::from_os()))?)
}

/// Opens a connection to DynamoDB: that costs more than all the rest of a start, and here nobody
/// waits for it. Whether the call is allowed does not matter.
async fn warm(context: &Context) {
    drop(tokio::time::timeout(WARMING, context.dynamodb.describe_endpoints().send()).await);
}

/// Serves one endpoint.
///
/// # Errors
/// A configuration that cannot work, named in the log and in Lambda's init report.
pub async fn run_endpoint<E: Endpoint>(
    function: &str,
    build: impl FnOnce(&Context) -> Result<E, ConfigError>,
) -> Result<(), Error> {
    let context = context(function)?;
    let gate = reported(Gate::new(&context))?;
    let endpoint = Arc::new(reported(build(&context))?);
    warm(&context).await;
    lambda_http::run(lambda_http::service_fn(move |request: Request| {
        let (gate, endpoint) = (gate.clone(), Arc::clone(&endpoint));
        async move { Ok::<_, Error>(serve(&gate, &endpoint, request).await) }
    }))
    .await
}

/// Serves several endpoints, told apart by method and path.
///
/// # Errors
/// As [`run_endpoint`].
pub async fn run_routes(
    function: &str,
    build: impl FnOnce(&Context) -> Result<Routes, ConfigError>,
) -> Result<(), Error> {
    let context = context(function)?;
    let routes = reported(build(&context))?;
    warm(&context).await;
    lambda_http::run(lambda_http::service_fn(move |request: Request| {
        let answer = routes.answer(request);
        async move {
            match answer {
                Some(answer) => Ok(answer.await),
                None => Err(Error::from("the function has no such route")),
            }
        }
    }))
    .await
}

/// Serves requests that belong to no endpoint.
///
/// # Errors
/// As [`run_endpoint`].
pub async fn run_requests<F>(function: &str, build: impl FnOnce(&Context) -> F) -> Result<(), Error>
where
    F: Fn(&Request) -> Response + Send + Sync + 'static,
{
    let context = context(function)?;
    let respond = Arc::new(build(&context));
    lambda_http::run(lambda_http::service_fn(move |request: Request| {
        let respond = Arc::clone(&respond);
        async move { Ok::<_, Error>(respond(&request)) }
    }))
    .await
}

/// Runs something on each event of a schedule.
///
/// # Errors
/// As [`run_endpoint`].
pub async fn run_schedule<F, R>(
    function: &str,
    build: impl FnOnce(&Context) -> Result<F, ConfigError>,
) -> Result<(), Error>
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), Error>> + Send,
{
    let context = context(function)?;
    let run = Arc::new(reported(build(&context))?);
    warm(&context).await;
    lambda_runtime::run(lambda_runtime::service_fn(move |_: LambdaEvent<Value>| {
        let run = Arc::clone(&run);
        async move { run().await }
    }))
    .await
}

/// Runs something on each message of a queue.
///
/// # Errors
/// As [`run_endpoint`].
pub async fn run_queue<F, R>(
    function: &str,
    build: impl FnOnce(&Context) -> Result<F, ConfigError>,
) -> Result<(), Error>
where
    F: Fn(&str) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), Error>> + Send,
{
    let context = context(function)?;
    let handle = Arc::new(reported(build(&context))?);
    warm(&context).await;
    lambda_runtime::run(lambda_runtime::service_fn(move |event: LambdaEvent<Value>| {
        let handle = Arc::clone(&handle);
        async move { Ok::<_, Error>(handle_batch(&event.payload, |body| handle(body)).await) }
    }))
    .await
}

/// Hands over every record of an SQS event, all at once, and names those that failed, which come
/// again ("Reporting batch item failures", AWS Lambda Developer Guide). A record without a body
/// fails alone.
pub async fn handle_batch<R>(event: &Value, handle: impl Fn(&str) -> R) -> Value
where
    R: Future<Output = Result<(), Error>> + Send,
{
    let records = event["Records"].as_array().into_iter().flatten().map(|record| {
        let handling = record["body"].as_str().map(&handle);
        async move {
            let handled = match handling {
                Some(handling) => handling.await,
                None => Err(Error::from("the record has no body")),
            };
            let error = handled.err()?;
            tracing::warn!(message_id = record["messageId"].as_str(), cause = %error, "a message failed");
            Some(json!({"itemIdentifier": record["messageId"]}))
        }
    });
    let failures: Vec<Value> = join_all(records).await.into_iter().flatten().collect();
    json!({ "batchItemFailures": failures })
}

fn reported<T>(built: Result<T, ConfigError>) -> Result<T, ConfigError> {
    built.inspect_err(|error| tracing::error!(cause = %error, "the function cannot start"))
}
