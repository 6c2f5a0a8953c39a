//! The outside of a function: its environment, the time, random identifiers and the DynamoDB client.

use std::sync::Arc;

use super::aws::dynamodb_config;
use super::clock::{Clock, Random};
use super::environment::{ConfigError, Environment};
use super::observe::invocation::Observer;
use super::observe::metrics::Metrics;
use super::observe::traces::Daemon;

pub use derive::FromContext;

/// A type that is built from the context of a function, such as a store or an endpoint.
pub trait FromContext: Sized {
    /// Builds the value without opening a connection.
    ///
    /// # Errors
    /// The variable that is missing or invalid.
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

/// Everything that a function is built from.
#[derive(Clone, Debug)]
pub struct Context {
    /// The function's configuration.
    pub environment: Environment,
    /// The function's clock.
    pub clock: Clock,
    /// The source of identifiers and jitter.
    pub random: Random,
    /// The only DynamoDB client of this function.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Where the function writes its metrics.
    pub metrics: Metrics,
}

impl Context {
    /// Builds the context of a function without opening a connection. Its metrics are discarded.
    ///
    /// # Errors
    /// The missing variable: `AWS_REGION`, `AWS_ACCESS_KEY_ID` or `AWS_SECRET_ACCESS_KEY`, which Lambda always sets.
    pub fn new(environment: Environment, clock: Clock, random: Random) -> Result<Self, ConfigError> {
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb_config(&environment)?);
        Ok(Self { environment, clock, random, dynamodb, metrics: Metrics::default() })
    }

    /// An observer for the function with this name. Its stack is `STACK_NAME`, by default `local`. Traces go to the
    /// X-Ray daemon at `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets if tracing is on.
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
