//! The HTTP client of a process: for the model, the providers, webhooks, and the services of AWS that are asked
//! without a client of the SDK.

use std::sync::LazyLock;
use std::time::Duration;

use crate::base::environment::ConfigError;

/// How long a connection may take to be made. Less than what any request may take in which it matters whether it
/// was written: whatever has not connected is known not to have been.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// The client of this process, made when a function first wants it: reading the system's root certificates takes
/// longer than all the rest of a start. It follows no redirect and tries nothing twice. Each request says how long
/// it may take.
///
/// # Errors
/// The system's root certificates do not read.
pub fn http_client() -> Result<reqwest::Client, ConfigError> {
    static CLIENT: LazyLock<Result<reqwest::Client, ConfigError>> = LazyLock::new(|| {
        reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            // The system's own certificates stand where this variable says, or where openssl would look.
            .map_err(|error| ConfigError::Invalid { name: "SSL_CERT_FILE", reason: error.without_url().to_string() })
    });
    CLIENT.clone()
}
