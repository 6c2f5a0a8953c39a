//! Signs requests to AWS without a client of the SDK. For a service with one operation, the SDK's crate would add a
//! hundred ("Signature Version 4", AWS General Reference).

use std::time::SystemTime;

use aws_sdk_dynamodb::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::{RequestBuilder, Url};

use crate::base::aws::own_credentials;
use crate::base::clock::Clock;
use crate::base::context::Context;
use crate::base::environment::ConfigError;

/// Signs requests to one service with the function's role.
#[derive(Clone)]
pub(crate) struct Signer {
    service: &'static str,
    region: String,
    credentials: Credentials,
    clock: Clock,
}

impl Signer {
    /// A signer for the service with this signing name, in the function's region.
    pub(crate) fn new(context: &Context, service: &'static str) -> Result<Self, ConfigError> {
        let region = context.environment.required("AWS_REGION")?.to_owned();
        let credentials = own_credentials(&context.environment)?;
        Ok(Self { service, region, credentials, clock: context.clock.clone() })
    }

    /// A signed `POST` with these headers and this body; `None` if it cannot be signed.
    pub(crate) fn post(
        &self,
        http: &reqwest::Client,
        url: &Url,
        headers: &[(&str, &str)],
        body: String,
    ) -> Option<RequestBuilder> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(SystemTime::from(self.clock.now()))
            .settings(SigningSettings::default());
        let parameters = parameters.build().ok()?.into();
        let payload = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new("POST", url.as_str(), headers.iter().copied(), payload).ok()?;
        let (signed, _) = sign(request, &parameters).ok()?.into_parts();
        let all = headers.iter().copied().chain(signed.headers());
        Some(all.fold(http.post(url.clone()), |request, (name, value)| request.header(name, value)).body(body))
    }
}
