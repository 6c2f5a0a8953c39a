//! The setup of the AWS SDK: credentials, retries and timeouts.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

use crate::base::environment::{ConfigError, Environment};
use crate::base::observe::sdk::Traced;

/// Retries a single write that conflicted with a transaction on its item. The SDK leaves this to the caller
/// ("TransactionConflictException", Amazon DynamoDB API Reference).
#[derive(Debug)]
struct ConflictClassifier;

impl ClassifyRetry for ConflictClassifier {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error =
            context.output_or_error().and_then(|outcome| outcome.err()).and_then(OrchestratorError::as_operation_error);
        let code = error.and_then(|error| {
            let put = error.downcast_ref::<PutItemError>().and_then(ProvideErrorMetadata::code);
            let update = || error.downcast_ref::<UpdateItemError>().and_then(ProvideErrorMetadata::code);
            let delete = || error.downcast_ref::<DeleteItemError>().and_then(ProvideErrorMetadata::code);
            put.or_else(update).or_else(delete)
        });
        match code {
            Some("TransactionConflictException") => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "transaction conflict"
    }
}

/// Takes the credentials from the variables that Lambda sets ("Defined runtime environment variables", AWS Lambda
/// Developer Guide). The SDK's default chain would add three service clients to every function, and search in places
/// where a function has no credentials.
pub(crate) fn credentials(environment: &Environment) -> Result<SharedCredentialsProvider, ConfigError> {
    Ok(SharedCredentialsProvider::new(own_credentials(environment)?))
}

/// The credentials themselves, to sign a request that does not go through a client of the SDK.
pub(crate) fn own_credentials(environment: &Environment) -> Result<Credentials, ConfigError> {
    Ok(Credentials::new(
        environment.required("AWS_ACCESS_KEY_ID")?,
        environment.required("AWS_SECRET_ACCESS_KEY")?,
        environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
        None,
        "environment",
    ))
}

/// How often and how fast the SDK retries.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(400))
}

/// Lets every call retry. The SDK's default stops after some 35 retries in a process until as many calls have
/// succeeded, and it counts unrelated calls together: conflicts on a busy balance would use up the retries for a
/// failing store. An instance of a function serves one request at a time and waits longer before each of its four
/// attempts, which is enough to prevent a retry storm.
pub(crate) fn retry_partition() -> RetryPartition {
    RetryPartition::custom("own").token_bucket(TokenBucket::unlimited()).build()
}

/// The SDK's timeouts.
pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(6))
        .build()
}

pub(super) fn dynamodb_config(environment: &Environment) -> Result<aws_sdk_dynamodb::Config, ConfigError> {
    let mut config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(environment.required("AWS_REGION")?.to_owned()))
        .credentials_provider(credentials(environment)?)
        .retry_config(retries())
        .retry_partition(retry_partition())
        .timeout_config(timeouts());
    config = config.retry_classifier(ConflictClassifier).interceptor(Traced);
    if let Some(endpoint) = environment.endpoint("AWS_ENDPOINT_URL_DYNAMODB") {
        config = config.endpoint_url(endpoint);
    }
    Ok(config.build())
}
