//! A function's configuration: its environment variables, read once at start.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

/// The variables that a function was started with. In AWS they are the process environment; the local stack gives each
/// function the variables that `template.yaml` declares for it.
#[derive(Clone, Debug)]
pub struct Environment(Arc<HashMap<String, String>>);

/// An invalid configuration. It is found at start, never during a request.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A required variable is absent or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// A variable has an invalid value.
    #[error("environment variable {name} is not valid: {reason}")]
    Invalid {
        /// The variable's name.
        name: &'static str,
        /// What is wrong with the value; never the value itself, which may be a secret.
        reason: String,
    },
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        Self::from_iter(std::env::vars())
    }

    /// The value of a required variable.
    pub fn required(&self, name: &'static str) -> Result<&str, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing(name))
    }

    /// The value of an optional variable. An empty value counts as absent, because a template can leave a parameter
    /// empty but cannot leave the variable out.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The endpoint of an AWS service: `AWS_ENDPOINT_URL_<SERVICE>`, or else `AWS_ENDPOINT_URL` ("Service-specific
    /// endpoints", AWS SDKs and Tools Reference Guide). `None` for AWS itself.
    pub fn endpoint(&self, variable: &str) -> Option<&str> {
        if self.optional("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") == Some("true") {
            return None;
        }
        self.optional(variable).or_else(|| self.optional("AWS_ENDPOINT_URL"))
    }

    /// Whether any variable names a table.
    pub fn names_a_table(&self) -> bool {
        self.0.keys().any(|name| name.ends_with("_TABLE"))
    }

    /// A variable parsed as `T`, or `default` if it is absent.
    pub fn parsed<T>(&self, name: &'static str, default: T) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.optional(name).map_or(Ok(default), |value| {
            value.parse().map_err(|error: T::Err| ConfigError::Invalid { name, reason: error.to_string() })
        })
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(Arc::new(variables.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str, value: &str) -> Environment {
        Environment::from_iter([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_missing_or_empty_variable_is_named() {
        let error = environment("LEADS_TABLE", "").required("LEADS_TABLE").unwrap_err();
        assert_eq!(error.to_string(), "environment variable LEADS_TABLE is not set");
    }

    #[test]
    fn the_endpoint_of_a_service_goes_before_that_of_all() {
        let of = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Environment::from_iter(variables).endpoint("AWS_ENDPOINT_URL_SQS").map(str::to_owned)
        };
        let (all, own) = (("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_SQS", "http://b"));
        assert_eq!(of(&[all, own]).as_deref(), Some("http://b"));
        assert_eq!(of(&[all]).as_deref(), Some("http://a"));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[all, own, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]), None);
    }

    #[test]
    fn a_value_that_does_not_parse_is_named_and_not_shown() {
        let error = environment("LLM_TIMEOUT", "soon").parsed("LLM_TIMEOUT", 8_u64).unwrap_err();
        assert!(error.to_string().starts_with("environment variable LLM_TIMEOUT is not valid"));
        assert!(!error.to_string().contains("soon"));
    }
}
