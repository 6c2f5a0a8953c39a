//! Secrets of the deployment: keys and tokens in AWS Secrets Manager ("GetSecretValue", AWS Secrets Manager API
//! Reference).
//!
//! A function's configuration names a secret but never holds it. The function reads the secret on first use, and again
//! after five minutes, so a changed secret takes effect without a deployment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::base::clock::{Clock, Random};
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::observe::traces::{Of, Subsegment};
use crate::base::store::StoreError;
use crate::clients::answer;
use crate::clients::http_client::http_client;
use crate::clients::signature_v4::Signer;

/// How long a value is used before it is read again.
const FRESH: TimeDelta = TimeDelta::minutes(5);

/// How long an old value stays in use after a failed read.
const PROLONGED: TimeDelta = TimeDelta::seconds(30);

const WITHIN: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 3;

/// The longest answer that is read: a secret has at most 64 KiB, and JSON may write each byte as six.
const MOST_BYTES: usize = 512 * 1024;

/// One secret. `Debug` shows only its name.
#[derive(Clone)]
pub struct Secret(Arc<Named>);

struct Named {
    name: String,
    http: reqwest::Client,
    url: Url,
    signer: Signer,
    clock: Clock,
    random: Random,
    read: Mutex<Option<Read>>,
}

struct Read {
    value: String,
    until: DateTime<Utc>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Secret").field(&self.0.name).finish()
    }
}

impl Secret {
    /// The secret that the environment variable `variable` names; `None` if it is not set. Opens no connection.
    ///
    /// # Errors
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER` if it is not a URL, and missing variables that signatures need.
    pub fn optional(context: &Context, variable: &'static str) -> Result<Option<Self>, ConfigError> {
        const ENDPOINT: &str = "AWS_ENDPOINT_URL_SECRETS_MANAGER";
        let environment = &context.environment;
        let Some(name) = environment.optional(variable) else { return Ok(None) };
        let default = format!("https://secretsmanager.{}.amazonaws.com", environment.required("AWS_REGION")?);
        let invalid = |reason: String| ConfigError::Invalid { name: ENDPOINT, reason };
        let url = environment.endpoint(ENDPOINT).unwrap_or(&default);
        Ok(Some(Self(Arc::new(Named {
            name: name.to_owned(),
            http: http_client()?,
            url: url.parse().map_err(|error| invalid(format!("{error}")))?,
            signer: Signer::new(context, "secretsmanager")?,
            clock: context.clock.clone(),
            random: context.random.clone(),
            read: Mutex::default(),
        }))))
    }

    /// The secret that the required environment variable `variable` names.
    ///
    /// # Errors
    /// As [`Secret::optional`], and `variable` if it is not set.
    pub fn required(context: &Context, variable: &'static str) -> Result<Self, ConfigError> {
        Self::optional(context, variable)?.ok_or(ConfigError::Missing(variable))
    }

    /// The secret's value. If reading it again fails, the old value stays in use.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if there is no old value and reading fails, also because the secret does not exist
    /// or the function may not read it: an operator can fix both meanwhile.
    pub async fn value(&self) -> Result<String, StoreError> {
        let mut read = self.0.read.lock().await;
        let now = self.0.clock.now();
        if let Some(read) = read.as_ref().filter(|read| now < read.until) {
            return Ok(read.value.clone());
        }
        match (self.fetch().await, &mut *read) {
            (Ok(value), read) => {
                *read = Some(Read { value: value.clone(), until: now + FRESH });
                Ok(value)
            }
            (Err(cause), Some(read)) => {
                tracing::warn!(secret = self.0.name, cause, "a secret cannot be read again; its last value is used");
                read.until = now + PROLONGED;
                Ok(read.value.clone())
            }
            (Err(cause), None) => Err(StoreError::Unavailable(cause)),
        }
    }

    async fn fetch(&self) -> Result<String, String> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.ask().await {
                Ok(value) => return Ok(value),
                Err(cause) if attempt == ATTEMPTS => return Err(format!("secretsmanager GetSecretValue: {cause}")),
                Err(_) => tokio::time::sleep(self.0.random.up_to(Duration::from_millis(50 << attempt))).await,
            }
        }
    }

    async fn ask(&self) -> Result<String, String> {
        let Named { name, http, url, signer, .. } = self.0.as_ref();
        let headers =
            [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "secretsmanager.GetSecretValue")];
        let mut call = Subsegment::begin("SecretsManager", Of::Aws);
        call.aws("operation", "GetSecretValue");
        let request = signer.post(http, url, &headers, json!({"SecretId": name}).to_string());
        let response = request.ok_or("no request")?.timeout(WITHIN).send().await.map_err(|error| match () {
            () if error.is_timeout() => "timeout".to_owned(),
            () => "no connection".to_owned(),
        })?;
        let status = response.status();
        call.answered(status.as_u16());
        let answer = answer::body(response, MOST_BYTES).await.map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        if status.is_success() {
            return answer["SecretString"].as_str().map(str::to_owned).ok_or("it holds no text".to_owned());
        }
        // The error's full name, such as "com.amazonaws.secretsmanager#ResourceNotFoundException", or only its last
        // part.
        let kind = answer["__type"].as_str().and_then(|kind| kind.rsplit('#').next()).unwrap_or_default();
        let is_code = kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Err(if is_code && !kind.is_empty() { kind.to_owned() } else { format!("status {}", status.as_u16()) })
    }
}

#[cfg(test)]
pub(crate) mod tests;
