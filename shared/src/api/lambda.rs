//! Running a function in Lambda: configuration, logs, then the runtime's loop.

use std::sync::Arc;
use std::time::Duration;

use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Service, StreamAdapter};
use lambda_runtime::{Error, FunctionResponse, LambdaEvent, service_fn};
use serde_json::Value;

use crate::api::http::{Endpoint, Gate, Request, Response, Routes, serve};
use crate::base::clock::{Clock, Random};
use crate::base::context::{Context, FromContext};
use crate::base::environment::{ConfigError, Environment};
use crate::base::log;
use crate::base::observe::invocation::Observer;
use crate::base::observe::metrics::Metrics;
use crate::base::queue::{self, Consumer};

/// How long the start may wait for a first connection.
const WARMING: Duration = Duration::from_millis(300);

/// The context of this process, and what observes its function.
fn context(function: &str) -> Result<(Context, Arc<Observer>), Error> {
    let environment = Environment::of_process();
    log::to_stdout(log::filter(&environment, &["shared", &function.replace('-', "_")])?);
    let context = reported(Context::new(environment, Clock::default(), Random::from_os()))?;
    let context = Context { metrics: Metrics::to(std::io::stdout()), ..context };
    let observer = context.observer(function);
    Ok((context, observer))
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
    let (context, observer) = context(function)?;
    let gate = reported(Gate::new(&context))?;
    let endpoint = Arc::new(reported(build(&context))?);
    warm(&context).await;
    run_http(observer, move |request| {
        let (gate, endpoint) = (gate.clone(), Arc::clone(&endpoint));
        async move { serve(&gate, &endpoint, request).await }
    })
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
    let (context, observer) = context(function)?;
    let routes = reported(build(&context))?;
    warm(&context).await;
    run_http(observer, move |request| routes.answer(request)).await
}

/// Serves requests that belong to no endpoint.
///
/// # Errors
/// As [`run_endpoint`].
pub async fn run_requests<F>(function: &str, build: impl FnOnce(&Context) -> F) -> Result<(), Error>
where
    F: Fn(&Request) -> Response + Send + Sync + 'static,
{
    let (context, observer) = context(function)?;
    let respond = build(&context);
    run_http(observer, move |request| std::future::ready(respond(&request))).await
}

/// Serves requests that prove themselves in another way than by a key.
///
/// # Errors
/// As [`run_endpoint`].
pub async fn run_open<F, R>(function: &str, build: impl FnOnce(&Context) -> Result<F, ConfigError>) -> Result<(), Error>
where
    F: Fn(Request) -> R + Send + Sync + 'static,
    R: Future<Output = Response> + Send,
{
    let (context, observer) = context(function)?;
    let respond = reported(build(&context))?;
    warm(&context).await;
    run_http(observer, respond).await
}

/// The runtime's loop for requests. What came by the function's own address is streamed, events or not,
/// because that address reads no other form; API Gateway's HTTP API reads whole answers alone, and would hand
/// the form of a streamed one on to the client ("Response streaming for Lambda functions", AWS Lambda
/// Developer Guide).
async fn run_http<F, R>(observer: Arc<Observer>, respond: F) -> Result<(), Error>
where
    F: Fn(Request) -> R + Send + Sync + 'static,
    R: Future<Output = Response> + Send,
{
    let respond = Arc::new(respond);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<LambdaRequest>| {
        let (observer, respond) = (Arc::clone(&observer), Arc::clone(&respond));
        let trace = event.context.xray_trace_id.clone();
        let service = service_fn(move |request| {
            let response = respond(request);
            async move { Ok::<_, Error>(response.await) }
        });
        let answer = async move {
            Ok::<_, Error>(if came_by_own_address(&event.payload) {
                FunctionResponse::StreamingResponse(StreamAdapter::from(service).call(event).await?)
            } else {
                FunctionResponse::BufferedResponse(Adapter::from(service).call(event).await?)
            })
        };
        async move { observer.invoked(trace.as_deref(), answer).await }
    }))
    .await
}

/// Whether a request came by the function's URL and not through API Gateway: their events have one form.
fn came_by_own_address(request: &LambdaRequest) -> bool {
    match request {
        LambdaRequest::ApiGatewayV2(event) => {
            event.request_context.domain_name.as_deref().is_some_and(|domain| domain.contains(".lambda-url."))
        }
        _ => false,
    }
}

/// Takes the messages of a queue, and reports those that failed one by one.
///
/// # Errors
/// As [`run_endpoint`].
pub async fn run_queue<C: Consumer>(
    function: &str,
    build: impl FnOnce(&Context) -> Result<C, ConfigError>,
) -> Result<(), Error> {
    let (context, observer) = context(function)?;
    let consumer = Arc::new(reported(build(&context))?);
    warm(&context).await;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let (observer, consumer) = (Arc::clone(&observer), Arc::clone(&consumer));
        async move {
            let work = queue::consume(consumer.as_ref(), &event.payload);
            Ok::<_, Error>(observer.invoked(event.context.xray_trace_id.as_deref(), work).await)
        }
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
    let (context, observer) = context(function)?;
    let run = Arc::new(reported(build(&context))?);
    warm(&context).await;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let (observer, run) = (Arc::clone(&observer), Arc::clone(&run));
        async move { observer.invoked(event.context.xray_trace_id.as_deref(), async { run().await }).await }
    }))
    .await
}

fn reported<T>(built: Result<T, ConfigError>) -> Result<T, ConfigError> {
    built.inspect_err(|error| tracing::error!(cause = %error, "the function cannot start"))
}
