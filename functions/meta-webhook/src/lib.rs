//! `GET` and `POST /webhooks/meta`: receives events of WhatsApp and Instagram ("Webhooks", Graph API).
//!
//! - `GET` is the handshake of a subscription: with `hub.mode=subscribe` and the verify token of this
//!   deployment, the answer is `hub.challenge` as it came; otherwise 403.
//! - `POST` is signed: `X-Hub-Signature-256` is the HMAC-SHA256 of the body's bytes with the app
//!   secret; otherwise 401. A body may have 5 MB. What it holds is stored item by item, then one
//!   message for each is queued that says where it is, and only then the answer is 200. If storing or
//!   queueing fails, it is 503: Meta delivers again, and the same items take the same places.
//! - Whatever is not understood, or came through a channel that no workspace has, is ignored with 200:
//!   Meta would deliver it for days otherwise, and in the end stop delivering at all.
//!
//! Without a verify token `GET` is 404; without an app secret `POST` is.
//!
//! It is separate from `ingest`, because it needs a secret and a queue that ingestion does not need, and no API key.

pub mod operations;
pub mod payload;
pub mod signature;

use std::collections::{BTreeMap, HashSet};

use futures_util::future::try_join_all;
use lambda_http::RequestExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::api::http::{Dialect, MAX_INGESTED, Reply, Request, Response, body_bytes, serve_open};
use shared::api::lambda::{Definition, OpenEndpoint};
use shared::base::channel::Channel;
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::base::queue::Queue;
use shared::base::store::StoreError;
use shared::clients::secrets::Secret;
use shared::crm::inbox::{Inbox, Place};
use shared::workspace::accounts::{Accounts, ChannelAccount};

pub use operations::operations;

/// What Meta sends to confirm a subscription.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Handshake {
    /// Always `subscribe`.
    #[serde(rename = "hub.mode")]
    pub mode: Option<String>,
    /// The token that this deployment was given.
    #[serde(rename = "hub.verify_token")]
    pub verify_token: Option<String>,
    /// What is to be answered.
    #[serde(rename = "hub.challenge")]
    pub challenge: Option<String>,
}

/// What was taken.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MetaTaken")]
pub struct Receipt {
    /// How many items.
    pub taken: u32,
}

/// How many items are stored at a time.
const AT_A_TIME: usize = 16;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::open::<MetaWebhook>("meta-webhook");

/// The function and what it works with.
#[derive(Clone, FromContext)]
pub struct MetaWebhook {
    clock: Clock,
    random: Random,
    #[context(Secret::optional(context, "META_VERIFY_TOKEN_SECRET")?)]
    verify_token: Option<Secret>,
    #[context(Secret::optional(context, "META_APP_SECRET_SECRET")?)]
    app_secret: Option<Secret>,
    accounts: Accounts,
    inbox: Inbox,
    #[context(Queue::new(context, "MESSAGES_QUEUE")?)]
    queue: Queue,
}

impl OpenEndpoint for MetaWebhook {
    async fn answer(&self, request: Request) -> Response {
        let work = async {
            match request.method().as_str() {
                "GET" => self.handshake(&request).await,
                _ => self.delivery(&request).await,
            }
        };
        serve_open(&self.clock, &self.random, Dialect::Leadlex, &request, work).await
    }
}

impl MetaWebhook {
    async fn handshake(&self, request: &Request) -> Result<Reply, Problem> {
        let expected = self.verify_token.as_ref().ok_or_else(not_set_up)?.value().await?;
        let query = request.query_string_parameters();
        let query: Map<_, _> = query.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        let handshake: Handshake = serde_json::from_value(query.into()).map_err(Problem::internal)?;
        let is_expected = signature::same(&expected, &handshake.verify_token.unwrap_or_default());
        if handshake.mode.as_deref() == Some("subscribe") && is_expected {
            return Ok(Reply::text(200, handshake.challenge.unwrap_or_default()));
        }
        Err(Problem::new(Code::InsufficientPermissions, "the verify token is not this deployment's"))
    }

    async fn delivery(&self, request: &Request) -> Result<Reply, Problem> {
        let secret = self.app_secret.as_ref().ok_or_else(not_set_up)?;
        let body = body_bytes(request.body());
        if body.len() > MAX_INGESTED {
            let message = format!("the body has {} bytes; this route takes at most {MAX_INGESTED}", body.len());
            return Err(Problem::new(Code::PayloadTooLarge, message));
        }
        let signed = request.headers().get("x-hub-signature-256").map(|value| value.as_bytes());
        let secret = secret.value().await?;
        if !signed.is_some_and(|signed| signature::is_valid(&secret, body, signed)) {
            return Err(Problem::new(Code::InvalidKey, "X-Hub-Signature-256 is missing or does not fit the body"));
        }
        let payload: Value = serde_json::from_slice(body)
            .map_err(|error| Problem::new(Code::Validation, format!("the body is not valid JSON: {error}")))?;
        let taken = self.take(payload::items(payload)).await?;
        Reply::of(&Receipt { taken: taken as u32 })
    }

    /// Stores and queues the items of known channels, and returns their number.
    async fn take(&self, items: Vec<payload::Item>) -> Result<usize, StoreError> {
        let mut channels: BTreeMap<(Channel, String), Option<ChannelAccount>> = BTreeMap::new();
        let (mut taken, mut places) = (Vec::new(), HashSet::new());
        let mut ignored = 0_usize;
        for payload::Item { platform, channel_id, id, delivered } in items {
            let known = (platform, channel_id);
            if !channels.contains_key(&known) {
                let channel = self.accounts.channel(platform, &known.1).await?;
                channels.insert(known.clone(), channel);
            }
            let Some(Some(channel)) = channels.get(&known) else {
                ignored += 1;
                continue;
            };
            let id: Vec<&str> = id.iter().map(String::as_str).collect();
            let place = Place::new(channel, &id);
            // The same item twice is one.
            if places.insert(place.clone()) {
                taken.push((place, channel.clone(), delivered));
            }
        }
        if ignored > 0 {
            tracing::warn!(ignored, "items came through a channel that no workspace has");
        }
        for some in taken.chunks(AT_A_TIME) {
            let mut storing = Vec::with_capacity(some.len());
            for (place, channel, delivered) in some {
                storing.push(self.inbox.put(place, channel, delivered));
            }
            try_join_all(storing).await?;
        }
        let places: Vec<&Place> = taken.iter().map(|(place, ..)| place).collect();
        self.queue.send(&places).await?;
        Ok(places.len())
    }
}

#[track_caller]
fn not_set_up() -> Problem {
    Problem::new(Code::NoSuchRoute, "this deployment takes no webhooks of Meta")
}
