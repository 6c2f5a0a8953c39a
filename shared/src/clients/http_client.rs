//! The HTTP client of a process: for the model, providers, webhooks, and AWS services without a client of the SDK.

use std::sync::LazyLock;
use std::time::Duration;

use crate::base::environment::ConfigError;

/// The maximum time to connect. It is shorter than the time limit of every send, so a message on a connection that was
/// never made provably was not written.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// The HTTP client of this process, created on first use: reading the system's root certificates takes longer than the
/// rest of the start. It follows no redirects and never retries. Each request sets its own time limit.
///
/// # Errors
/// The system's root certificates are unreadable.
pub fn http_client() -> Result<reqwest::Client, ConfigError> {
    static CLIENT: LazyLock<Result<reqwest::Client, ConfigError>> = LazyLock::new(|| {
        reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            // The variable names the file with the system's certificates; openssl's default places come next.
            .map_err(|error| ConfigError::Invalid { name: "SSL_CERT_FILE", reason: error.without_url().to_string() })
    });
    CLIENT.clone()
}
