//! Which stack a command talks to: the local one, through the file that `cargo local` writes once
//! it is ready, or a deployed one, through the ordinary AWS configuration.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::ProvideCredentials;
use clap::Args;
use http::Uri;
use serde::Deserialize;
use shared::base::clock::{Clock, Random};
use shared::base::context::{Context, FromContext};
use shared::base::environment::Environment;
use shared::workspace::accounts::{Accounts, Workspace};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::error::CliError;

/// The options that say which stack is meant.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Target {
    /// Talk to the stack of this name in AWS; its tables are NAME-accounts, NAME-leads, …
    /// Without it, to the one that `cargo local` runs
    #[arg(long, global = true, value_name = "NAME")]
    stack: Option<String>,
    /// The profile of the AWS configuration
    #[arg(long, global = true, value_name = "PROFILE")]
    profile: Option<String>,
    /// The AWS region of the stack, such as eu-central-1
    #[arg(long, global = true, value_name = "REGION")]
    region: Option<String>,
    /// The ready file that `cargo local` writes [default: .local/ready.json]
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["stack", "profile", "region"])]
    ready_file: Option<PathBuf>,
}

const READY_FILE: &str = ".local/ready.json";

impl Target {
    /// Whether the options name a stack on another machine. Decided without loading the AWS configuration, so that a
    /// command can be refused before it is needed.
    pub fn is_elsewhere(&self) -> bool {
        let endpoint = || configured_endpoint(&Environment::of_process());
        self.stack.is_some() && !endpoint().is_some_and(|endpoint| is_loopback(&endpoint))
    }

    /// The address of the API that `cargo local` runs.
    ///
    /// # Errors
    /// If no local API is running, or the options name another stack.
    pub fn local_api(&self) -> Result<String, CliError> {
        if self.stack.is_some() {
            return Err(CliError::Refused("name the address of the stack's API with --url".to_owned()));
        }
        let ready = Ready::read(self.ready_file.as_deref().unwrap_or(Path::new(READY_FILE)))?;
        ready.gateway.ok_or_else(|| CliError::NoLocalStack("with an API, only its emulators".to_owned()))
    }

    /// The start of a command line for the same stack, for use in hints.
    fn invocation(&self) -> String {
        let ready_file = self.ready_file.as_ref().map(|file| file.display().to_string());
        let options = [
            ("--stack", self.stack.as_ref()),
            ("--profile", self.profile.as_ref()),
            ("--region", self.region.as_ref()),
            ("--ready-file", ready_file.as_ref()),
        ];
        let given = options.iter().filter_map(|(option, value)| value.map(|value| format!(" {option} {value}")));
        format!("cargo cli{}", given.collect::<String>())
    }
}

/// The environment variable that both a function and the SDK read the endpoint from.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";

/// The parts of the ready file that this tool reads.
#[derive(Debug, Deserialize)]
struct Ready {
    gateway: Option<String>,
    environment: HashMap<String, String>,
}

impl Ready {
    fn read(file: &Path) -> Result<Self, CliError> {
        let text = std::fs::read_to_string(file).map_err(|error| CliError::NoLocalStack(unread(file, &error)))?;
        let shown = file.display();
        serde_json::from_str(&text)
            .map_err(|error| CliError::NoLocalStack(format!("({shown} does not describe one: {error})")))
    }
}

/// A stack that can be talked to.
#[derive(Clone, Debug)]
pub struct Connection {
    /// What the stores are built from.
    pub context: Context,
    /// The address of DynamoDB where it is not AWS's own.
    endpoint: Option<String>,
    /// The stack's name for messages.
    name: String,
    /// The start of a command line for this stack, for use in hints.
    pub invocation: String,
}

impl Connection {
    /// Opens the stack that the options name.
    pub async fn open(target: &Target) -> Result<Self, CliError> {
        let opened = match &target.stack {
            Some(stack) => Self::deployed(stack, target).await?,
            None => Self::local(target.ready_file.as_deref().unwrap_or(Path::new(READY_FILE))).await?,
        };
        Ok(Self { invocation: target.invocation(), ..opened })
    }

    async fn local(ready_file: &Path) -> Result<Self, CliError> {
        let environment = Environment::from_iter(Ready::read(ready_file)?.environment);
        let endpoint = environment.required(ENDPOINT)?.to_owned();
        if !answers(&endpoint).await {
            let shown = ready_file.display();
            return Err(CliError::NoLocalStack(format!("({shown} is there, but nothing answers at {endpoint})")));
        }
        let context = Context::new(environment, Clock::default(), Random::from_os())?;
        Ok(Self { context, endpoint: Some(endpoint), name: "the local stack".to_owned(), invocation: String::new() })
    }

    async fn deployed(stack: &str, target: &Target) -> Result<Self, CliError> {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
        if let Some(profile) = &target.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &target.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let config = loader.load().await;
        check(&config).await?;
        let endpoint = configured_endpoint(&Environment::of_process());
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(&config);
        if let Some(endpoint) = &endpoint {
            // Set explicitly, so that the endpoint that `seed` checks is the one that is used.
            dynamodb = dynamodb.endpoint_url(endpoint);
        }
        let tables = ["accounts", "leads", "credits", "idempotency", "work"];
        let environment =
            tables.map(|table| (format!("{}_TABLE", table.to_ascii_uppercase()), format!("{stack}-{table}")));
        let context = Context {
            environment: Environment::from_iter(environment),
            clock: Clock::default(),
            random: Random::from_os(),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            metrics: Default::default(),
        };
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        Ok(Self { context, endpoint, name: format!("the stack {stack} in {region}"), invocation: String::new() })
    }

    /// Whether everything that is written stays on this machine.
    pub fn is_on_this_machine(&self) -> bool {
        self.endpoint.as_deref().is_some_and(is_loopback)
    }

    /// A workspace that has to exist.
    pub async fn workspace(&self, workspace_id: Uuid) -> Result<Workspace, CliError> {
        let found = Accounts::new(&self.context)?.workspace(workspace_id).await?;
        found.ok_or_else(|| CliError::Refused(format!("{} has no workspace {workspace_id}", self.name)))
    }

    /// A store, for a workspace that has to exist.
    pub async fn store<S: FromContext>(&self, workspace_id: Uuid) -> Result<S, CliError> {
        self.workspace(workspace_id).await?;
        Ok(S::new(&self.context)?)
    }

    /// Adds to a store's terse error what the operator can do about it.
    pub fn explain(&self, error: CliError) -> CliError {
        let CliError::Store(cause) = error else { return error };
        let cause = cause.to_string();
        let advice = if cause.ends_with("ResourceNotFoundException") {
            "its tables are not there; is the name right, and the region?"
        } else if cause.ends_with("AccessDeniedException") {
            "these credentials may not do this"
        } else if cause.contains("ExpiredToken") || cause.contains("UnrecognizedClient") {
            "the credentials are not accepted; sign in again"
        } else {
            return CliError::Refused(format!("{}: {cause}", self.name));
        };
        CliError::Refused(format!("{}: {advice} ({cause})", self.name))
    }
}

/// Why there is no ready file to read.
fn unread(ready_file: &Path, error: &std::io::Error) -> String {
    let shown = ready_file.display();
    match error.kind() {
        ErrorKind::NotFound if ready_file == Path::new(READY_FILE) => format!("in this folder ({shown} is not there)"),
        ErrorKind::NotFound => format!("({shown} is not there)"),
        _ => format!("({shown} cannot be read: {error})"),
    }
}

/// Reports a missing region or credentials now, in one line, instead of as a dispatch failure on the first call.
async fn check(config: &SdkConfig) -> Result<(), CliError> {
    let refused = |text: &str| CliError::Refused(text.to_owned());
    if config.region().is_none() {
        return Err(refused("the AWS configuration names no region; give one with --region"));
    }
    let provider = config.credentials_provider().ok_or_else(|| refused("the AWS configuration has no credentials"))?;
    // The SDK's message can quote the configuration, so it is left out.
    let found = provider.provide_credentials().await;
    found.map(drop).map_err(|_| refused("no AWS credentials were found; sign in, or name a profile with --profile"))
}

/// The endpoint that the process environment sets, if it does ("Service-specific endpoints", AWS
/// SDKs and Tools Reference Guide).
fn configured_endpoint(environment: &Environment) -> Option<String> {
    environment.endpoint(ENDPOINT).map(str::to_owned)
}

/// Whether something accepts connections there.
async fn answers(endpoint: &str) -> bool {
    let Some((uri, host)) = uri_and_host(endpoint) else { return false };
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let connecting = TcpStream::connect((host, port));
    matches!(tokio::time::timeout(Duration::from_secs(2), connecting).await, Ok(Ok(_)))
}

/// Whether an address is this machine's own: 127.0.0.0/8, ::1 or localhost. A name that merely
/// resolves there today is not.
fn is_loopback(endpoint: &str) -> bool {
    uri_and_host(endpoint).is_some_and(|(_, host)| {
        host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    })
}

/// An address, and its host without the brackets of IPv6.
fn uri_and_host(endpoint: &str) -> Option<(Uri, String)> {
    let uri: Uri = endpoint.parse().ok()?;
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((uri, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        for here in ["http://127.0.0.1:8000", "http://127.8.9.1", "http://[::1]:8000", "http://localhost:8000/"] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in [
            "https://dynamodb.eu-central-1.amazonaws.com",
            "http://localhost.example.com:8000",
            "http://127.0.0.1.example.com",
            "http://localhost@example.com",
            "http://0.0.0.0:8000",
            "",
        ] {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn the_endpoint_of_the_service_wins_over_the_general_one() {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let both = [variable("AWS_ENDPOINT_URL", "http://a"), variable(ENDPOINT, "http://b")];
        assert_eq!(configured_endpoint(&Environment::from_iter(both.clone())).as_deref(), Some("http://b"));
        let ignored = both.into_iter().chain([variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]);
        assert_eq!(configured_endpoint(&Environment::from_iter(ignored)), None);
    }

    #[tokio::test]
    async fn a_missing_ready_file_says_how_to_start_a_stack() {
        let error = Connection::local(Path::new("no/such/ready.json")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no local stack is running (no/such/ready.json is not there); start one with `cargo local`, \
             or name a deployed one with --stack"
        );
        let missing = std::io::Error::from(ErrorKind::NotFound);
        assert_eq!(unread(Path::new(READY_FILE), &missing), "in this folder (.local/ready.json is not there)");
    }

    #[test]
    fn a_further_command_names_the_same_stack() {
        let none = Target { stack: None, profile: None, region: None, ready_file: None };
        assert_eq!(none.invocation(), "cargo cli");
        let deployed = Target { stack: Some("a".to_owned()), region: Some("eu-central-1".to_owned()), ..none };
        assert_eq!(deployed.invocation(), "cargo cli --stack a --region eu-central-1");
    }
}
