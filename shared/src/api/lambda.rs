//! A function that is ready to be invoked, and the loop that invokes it in Lambda.
//!
//! `cargo local` invokes the same functions with the events of its own gateway, queues and timers.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, RequestExt, Service, StreamAdapter};
use lambda_runtime::{FunctionResponse, LambdaEvent, service_fn};
use serde_json::Value;

use crate::api::http::{Endpoint, Gate, Input, Parser, Request, Response, Routes, parser, serve};
use crate::base::clock::{Clock, Random};
use crate::base::context::{Context, FromContext};
use crate::base::environment::{ConfigError, Environment};
use crate::base::log;
use crate::base::observe::invocation::Observer;
use crate::base::observe::metrics::Metrics;
use crate::base::queue::{self, Consumer};
use crate::base::store::StoreError;

pub use lambda_runtime::Error;

/// The maximum time that startup waits for the first connection.
const WARMING: Duration = Duration::from_millis(300);

/// The work for one event.
pub type Work<I, O> = Arc<dyn Fn(I) -> BoxFuture<'static, O> + Send + Sync>;

/// A function that is ready to be invoked.
#[derive(Clone)]
pub enum Function {
    /// Answers HTTP requests.
    Http(Http),
    /// Receives SQS events, and returns the response that Lambda expects: `batchItemFailures`.
    Queue(Work<LambdaEvent<Value>, Result<Value, Error>>),
    /// Runs on each event of a schedule.
    Schedule(Work<LambdaEvent<Value>, Result<(), Error>>),
}

/// Answers requests. Gives the fuzz targets access to the parsers of its endpoints.
#[derive(Clone)]
pub struct Http {
    answer: Work<Request, Response>,
    parsers: Vec<Parser>,
}

impl Http {
    /// Answers one request.
    pub fn answer(&self, request: Request) -> BoxFuture<'static, Response> {
        (self.answer)(request)
    }
}

/// A function for requests without an API key.
pub trait OpenEndpoint: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send;
}

/// A function that runs on a schedule.
pub trait Scheduled: Send + Sync + 'static {
    /// Does the work of one run.
    fn run(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A function before it is built.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The name in `template.yaml`, and of the binary.
    pub name: &'static str,
    /// Builds the function from its configuration.
    pub build: fn(&Context) -> Result<Function, ConfigError>,
}

impl Definition {
    /// A function with its name and its builder.
    pub const fn new(name: &'static str, build: fn(&Context) -> Result<Function, ConfigError>) -> Self {
        Self { name, build }
    }

    /// One endpoint behind the gate.
    pub const fn endpoint<E: Endpoint + FromContext>(name: &'static str) -> Self {
        Self::new(name, |context| {
            let (gate, endpoint) = (Gate::new(context)?, Arc::new(E::new(context)?));
            let parsers = vec![parser(&endpoint)];
            let answer: Work<_, _> = Arc::new(move |request| {
                let (gate, endpoint) = (gate.clone(), Arc::clone(&endpoint));
                Box::pin(async move { serve(&gate, &endpoint, request).await })
            });
            Ok(Function::Http(Http { answer, parsers }))
        })
    }

    /// Requests without an API key.
    pub const fn open<E: OpenEndpoint + FromContext>(name: &'static str) -> Self {
        Self::new(name, |context| {
            let endpoint = Arc::new(E::new(context)?);
            let answer: Work<_, _> = Arc::new(move |request| {
                let endpoint = Arc::clone(&endpoint);
                Box::pin(async move { endpoint.answer(request).await })
            });
            Ok(Function::Http(Http { answer, parsers: Vec::new() }))
        })
    }

    /// The messages of a queue. Each failed message is reported by itself.
    pub const fn queue<C: Consumer + FromContext>(name: &'static str) -> Self {
        Self::new(name, |context| {
            let consumer = Arc::new(C::new(context)?);
            Ok(Function::Queue(Arc::new(move |event| {
                let consumer = Arc::clone(&consumer);
                Box::pin(async move { Ok(queue::consume(consumer.as_ref(), &event.payload).await) })
            })))
        })
    }

    /// Work on a schedule.
    pub const fn schedule<S: Scheduled + FromContext>(name: &'static str) -> Self {
        Self::new(name, |context| {
            let scheduled = Arc::new(S::new(context)?);
            Ok(Function::Schedule(Arc::new(move |_| {
                let scheduled = Arc::clone(&scheduled);
                Box::pin(async move { Ok(scheduled.run().await?) })
            })))
        })
    }

    /// Runs the function in Lambda: configuration, logs, a first connection, then the runtime's loop.
    ///
    /// # Errors
    /// If the configuration is invalid. The log and Lambda's init report say what is wrong.
    #[tokio::main]
    pub async fn run(self) -> Result<(), Error> {
        let environment = Environment::of_process();
        log::to_stdout(log::filter(&environment, &["shared", &self.name.replace('-', "_")])?);
        let context = reported(Context::new(environment, Clock::default(), Random::from_os()))?;
        let context = Context { metrics: Metrics::to(std::io::stdout()), ..context };
        let function = reported((self.build)(&context))?.observed(&context.observer(self.name));
        warm(&context).await;
        match function {
            Function::Http(http) => run_http(http).await,
            Function::Queue(work) => lambda_runtime::run(service_fn(move |event| work(event))).await,
            Function::Schedule(work) => lambda_runtime::run(service_fn(move |event| work(event))).await,
        }
    }
}

impl Function {
    /// Parses an input with every endpoint and drops the result, to search for panics.
    pub fn parse(&self, input: &Input) {
        if let Self::Http(http) = self {
            http.parsers.iter().for_each(|parse| parse(input));
        }
    }

    /// The same function with metrics and traces for each invocation.
    #[must_use]
    pub fn observed(self, observer: &Arc<Observer>) -> Self {
        let trace = |event: &LambdaEvent<Value>| event.context.xray_trace_id.clone();
        match self {
            Self::Http(Http { answer, parsers }) => {
                let trace =
                    |request: &Request| request.lambda_context_ref().and_then(|context| context.xray_trace_id.clone());
                Self::Http(Http { answer: observed(answer, observer, trace), parsers })
            }
            Self::Queue(work) => Self::Queue(observed(work, observer, trace)),
            Self::Schedule(work) => Self::Schedule(observed(work, observer, trace)),
        }
    }
}

impl From<Routes> for Function {
    fn from(routes: Routes) -> Self {
        let parsers = routes.parsers();
        Self::Http(Http { answer: Arc::new(move |request| routes.answer(request)), parsers })
    }
}

/// Runs work as part of an invocation. `trace` finds the tracing header of its event.
fn observed<I: Send + 'static, O: 'static>(
    work: Work<I, O>,
    observer: &Arc<Observer>,
    trace: fn(&I) -> Option<String>,
) -> Work<I, O> {
    let observer = Arc::clone(observer);
    Arc::new(move |event| {
        let (observer, work, trace) = (Arc::clone(&observer), Arc::clone(&work), trace(&event));
        Box::pin(async move { observer.invoked(trace.as_deref(), async { work(event).await }).await })
    })
}

/// Opens a connection to DynamoDB if the function has a table. Connecting takes longer than the rest of startup; done
/// here, no request has to wait for it. A denied call warms the connection too.
async fn warm(context: &Context) {
    if context.environment.names_a_table() {
        drop(tokio::time::timeout(WARMING, context.dynamodb.describe_endpoints().send()).await);
    }
}

/// The runtime's loop for requests. Answers to requests through the function URL are always streamed, because the URL
/// accepts no other form. API Gateway's HTTP API accepts only whole answers, and would send the raw framing of a
/// streamed answer to the client ("Response streaming for Lambda functions", AWS Lambda Developer Guide).
async fn run_http(http: Http) -> Result<(), Error> {
    lambda_runtime::run(service_fn(move |event: LambdaEvent<LambdaRequest>| {
        let http = http.clone();
        let service = service_fn(move |request| {
            let response = http.answer(request);
            async move { Ok::<_, Error>(response.await) }
        });
        async move {
            Ok::<_, Error>(if came_by_own_address(&event.payload) {
                FunctionResponse::StreamingResponse(StreamAdapter::from(service).call(event).await?)
            } else {
                FunctionResponse::BufferedResponse(Adapter::from(service).call(event).await?)
            })
        }
    }))
    .await
}

/// Whether a request came through the function URL instead of API Gateway. Both have the same form of events.
fn came_by_own_address(request: &LambdaRequest) -> bool {
    match request {
        LambdaRequest::ApiGatewayV2(event) => {
            event.request_context.domain_name.as_deref().is_some_and(|domain| domain.contains(".lambda-url."))
        }
        _ => false,
    }
}

fn reported<T>(built: Result<T, ConfigError>) -> Result<T, ConfigError> {
    built.inspect_err(|error| tracing::error!(cause = %error, "the function cannot start"))
}
