//! A stand-in for Amazon SES, Meta's Graph API and Twilio: one server with the parts of their protocols that send and
//! report messages.
//!
//! | | |
//! |---|---|
//! | `GET /outbox` | the accepted messages, newest first, at most 1,000 |
//! | `POST /behaviour` | adds a [`Behaviour`] for the next sends |
//! | `DELETE /behaviour` | removes the behaviours that are left |
//!
//! It accepts every well-formed message, and reports it as delivered soon after: for Meta and Twilio to the gateway's
//! webhooks, with the provider's signature, for SES to the queue of its events, as SNS does. Nothing leaves the machine.

mod behaviour;
mod protocol;
mod reports;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::response::{IntoResponse, Response};
use behaviour::{Answer, Behaviour, Script};
use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use protocol::{Channel, SendRequest};
use serde::Serialize;
use serde_json::json;
use shared::base::clock::{Clock, Random};
use shared::base::environment::ConfigError;
use shared::clients::http_client::http_client;
use tokio::net::TcpListener;

/// The token for Meta's stand-in.
pub const WHATSAPP_TOKEN: &str = "local-whatsapp-token";

/// The account at Twilio's stand-in.
pub const TWILIO_ACCOUNT_SID: &str = "AC00000000000000000000000000000000";

/// The token for Twilio's stand-in, which also signs its reports.
pub const TWILIO_AUTH_TOKEN: &str = "local-twilio-token";

/// The most messages in the outbox.
const MAX_OUTBOX: usize = 1_000;

/// The most bytes of a request.
const MAX_REQUEST: usize = 1024 * 1024;

/// The time after which a hanging send closes its connection.
const HANG: Duration = Duration::from_secs(120);

/// An accepted message.
#[derive(Clone, Debug, Serialize)]
struct Message {
    message_id: String,
    #[serde(flatten)]
    given: SendRequest,
    answer: Answer,
    at: DateTime<Utc>,
}

pub struct Providers {
    clock: Clock,
    random: Random,
    /// Its own address.
    url: String,
    /// The destination of Meta's reports; Twilio gets one with each message.
    gateway: Option<String>,
    /// The destination of SES's events.
    email_events: Option<EmailEvents>,
    http: reqwest::Client,
    outbox: Mutex<VecDeque<Message>>,
    script: Mutex<Script>,
}

/// The subscription of a queue to the topic of SES's events.
#[derive(Clone, Debug)]
pub struct EmailEvents {
    pub topic_arn: String,
    pub queue_url: String,
    pub sqs: aws_sdk_sqs::Client,
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped")]
struct Dropped;

impl Providers {
    /// A server at `url` that reports to the webhooks of `gateway` and the queue of `email_events`, if there are any.
    ///
    /// # Errors
    /// As [`http_client`].
    pub fn new(
        url: String,
        gateway: Option<String>,
        email_events: Option<EmailEvents>,
        clock: Clock,
        random: Random,
    ) -> Result<Self, ConfigError> {
        let (outbox, script) = Default::default();
        Ok(Self { clock, random, url, gateway, email_events, http: http_client()?, outbox, script })
    }

    /// The variables with which a function reaches it, which no template has.
    pub fn endpoints(&self) -> [(&'static str, String); 3] {
        [
            ("AWS_ENDPOINT_URL_SESV2", self.url.clone()),
            ("META_GRAPH_URL", format!("{}/v23.0", self.url)),
            ("TWILIO_URL", self.url.clone()),
        ]
    }

    /// The values of the variables with which a template gives a function its providers.
    pub fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("SES_CONFIGURATION_SET", "local".to_owned()),
            ("TWILIO_ACCOUNT_SID", TWILIO_ACCOUNT_SID.to_owned()),
            ("PUBLIC_URL", self.gateway.clone().unwrap_or_default()),
        ]
    }

    /// Serves until the task is dropped.
    pub async fn serve(self, listener: TcpListener) {
        let providers = Arc::new(self);
        loop {
            let Ok((connection, _)) = listener.accept().await else { continue };
            let providers = Arc::clone(&providers);
            tokio::spawn(async move {
                let service = service_fn(move |request| Arc::clone(&providers).handle(request));
                let served =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service);
                if let Err(error) = served.await {
                    tracing::debug!(%error, "a connection of the providers ended");
                }
            });
        }
    }

    async fn handle(self: Arc<Self>, request: http::Request<Incoming>) -> Result<Response, Dropped> {
        let (head, body) = request.into_parts();
        let body = to_bytes(Body::new(body), MAX_REQUEST).await.map_err(|_| Dropped)?;
        let path: Vec<&str> = head.uri.path().trim_matches('/').split('/').collect();
        let headers = &head.headers;
        match (&head.method, path.as_slice()) {
            (&Method::GET, ["outbox"]) => Ok(self.outbox()),
            (&Method::POST, ["behaviour"]) => Ok(self.learn(&body)),
            (&Method::DELETE, ["behaviour"]) => {
                *self.script.lock().unwrap_or_else(PoisonError::into_inner) = Script::default();
                Ok(StatusCode::NO_CONTENT.into_response())
            }
            (&Method::POST, ["v2", "email", "outbound-emails"]) => {
                self.accept(Channel::Email, protocol::email(headers, &body)).await
            }
            (&Method::POST, ["2010-04-01", "Accounts", account, "Messages.json"]) => {
                self.accept(Channel::Sms, protocol::sms(headers, account, &body)).await
            }
            (&Method::POST, [_, phone_number_id, "messages"]) => {
                self.accept(Channel::Whatsapp, protocol::whatsapp(headers, phone_number_id, &body)).await
            }
            _ => Ok(StatusCode::NOT_FOUND.into_response()),
        }
    }

    /// Answers and reports a send as its behaviour says.
    async fn accept(
        self: Arc<Self>,
        channel: Channel,
        given: Result<SendRequest, protocol::Refusal>,
    ) -> Result<Response, Dropped> {
        let given = match given {
            Ok(given) => given,
            Err(refusal) => return Ok(protocol::refused(channel, refusal.status, refusal.code)),
        };
        let behaviour = self.script.lock().unwrap_or_else(PoisonError::into_inner).next(&given);
        tokio::time::sleep(Duration::from_millis(behaviour.delay_ms)).await;
        match &behaviour.answer {
            Answer::Accept | Answer::Hang | Answer::Drop => {}
            Answer::Refuse(code) => return Ok(protocol::refused(channel, StatusCode::BAD_REQUEST, code)),
            Answer::Busy => return Ok(protocol::busy(channel)),
            Answer::Fail => return Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        }
        let message = self.keep(given, behaviour.answer);
        let accepted = protocol::accepted(&message);
        let answer = message.answer.clone();
        self.report(&message, behaviour.reports);
        match answer {
            Answer::Hang => tokio::time::sleep(HANG).await,
            Answer::Drop => {}
            _ => return Ok(accepted),
        }
        Err(Dropped)
    }

    fn keep(&self, given: SendRequest, answer: Answer) -> Message {
        let message_id = given.channel.message_id(self.random.uuid());
        let message = Message { message_id, given, answer, at: self.clock.now() };
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        outbox.push_front(message.clone());
        outbox.truncate(MAX_OUTBOX);
        message
    }

    fn outbox(&self) -> Response {
        let outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        Json(json!({ "messages": *outbox })).into_response()
    }

    fn learn(&self, body: &Bytes) -> Response {
        match serde_json::from_slice::<Behaviour>(body) {
            Ok(behaviour) => {
                self.script.lock().unwrap_or_else(PoisonError::into_inner).add(behaviour);
                StatusCode::NO_CONTENT.into_response()
            }
            Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error.to_string() }))).into_response(),
        }
    }
}

#[cfg(test)]
mod tests;
