//! What a function gets from outside itself: its environment, the time, fresh identifiers and the
//! DynamoDB client.

use std::sync::Arc;

use super::aws::dynamodb_config;
use super::clock::{Clock, Random};
use super::environment::{ConfigError, Environment};
use super::observe::invocation::Observer;
use super::observe::metrics::Metrics;
use super::observe::traces::Daemon;

pub use derive::FromContext;

/// Something that is built from the context of a function, such as a store or an endpoint.
pub trait FromContext: Sized {
    /// Builds it; opens no connection.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    fn new(context: &Context) -> Result<Self, ConfigError>;
}

impl FromContext for Clock {
    fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(context.clock.clone())
    }
}

impl FromContext for Random {
    fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(context.random.clone())
    }
}

/// Everything a function is built from.
#[derive(Clone, Debug)]
pub struct Context {
    /// The function's configuration.
    pub environment: Environment,
    /// The time.
    pub clock: Clock,
    /// Fresh identifiers and jitter.
    pub random: Random,
    /// The one DynamoDB client of this function.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Where its metrics go.
    pub metrics: Metrics,
}

impl Context {
    /// Builds the context of a function, whose metrics go nowhere; opens no connection.
    ///
    /// # Errors
    /// Names the variable that is missing: `AWS_REGION`, `AWS_ACCESS_KEY_ID` or
    /// `AWS_SECRET_ACCESS_KEY`, which Lambda always sets.
    pub fn new(environment: Environment, clock: Clock, random: Random) -> Result<Self, ConfigError> {
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb_config(&environment)?);
        Ok(Self { environment, clock, random, dynamodb, metrics: Metrics::default() })
    }

    /// An observer of the function with this name. Its stack is `STACK_NAME`, by default `local`; traces go to the
    /// X-Ray daemon at `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets where tracing is on.
    pub fn observer(&self, function: &str) -> Arc<Observer> {
        Arc::new(Observer {
            function: function.to_owned(),
            stack: self.environment.optional("STACK_NAME").unwrap_or("local").to_owned(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            metrics: self.metrics.clone(),
            daemon: self.environment.optional("AWS_XRAY_DAEMON_ADDRESS").and_then(Daemon::new),
        })
    }
}
