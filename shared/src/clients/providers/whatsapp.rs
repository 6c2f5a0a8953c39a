//! WhatsApp: `messages` of the Cloud API, and the statuses that Meta reports ("Messages" and "messages webhook
//! reference", WhatsApp Cloud API). The webhook function checks Meta's signature.

use chrono::{DateTime, Utc};
use reqwest::{RequestBuilder, Url};
use serde_json::{Value, json};

use super::{Answer, Callback, Content, Kind, Outgoing, Sent, address, clean_code};
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::store::StoreError;
use crate::clients::secrets::Secret;

/// "User has stopped marketing messages" ("Error codes", WhatsApp Cloud API).
pub(super) const UNSUBSCRIBED: &str = "131050";

/// The Cloud API and its token.
#[derive(Clone)]
pub(super) struct Meta {
    url: Url,
    token: Secret,
}

impl Meta {
    pub(super) fn new(context: &Context) -> Result<Option<Self>, ConfigError> {
        let Some(token) = Secret::optional(context, "WHATSAPP_TOKEN_SECRET")? else { return Ok(None) };
        let url = address(&context.environment, "META_GRAPH_URL", "https://graph.facebook.com/v23.0", &[])?;
        Ok(Some(Self { url, token }))
    }

    /// The request for a WhatsApp message; `None` for other content.
    pub(super) async fn request(
        &self,
        http: &reqwest::Client,
        outgoing: &Outgoing,
    ) -> Result<Option<RequestBuilder>, StoreError> {
        let Content::Whatsapp { text } = &outgoing.content else { return Ok(None) };
        let token = self.token.value().await?;
        let mut url = self.url.clone();
        let Ok(mut path) = url.path_segments_mut() else { return Ok(None) };
        path.extend([&outgoing.from, "messages"]);
        drop(path);
        let message = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": outgoing.to,
            "type": "text",
            "text": {"body": text},
            "biz_opaque_callback_data": outgoing.delivery_id,
        });
        Ok(Some(http.post(url).bearer_auth(token).json(&message)))
    }
}

/// Interprets Meta's answer. Rate limits come with 400 as well as with 429 ("Error codes").
pub(super) fn sent(answer: &Answer) -> Sent {
    // The limits of the app, the account, a number, a lead, and of a number suspected of spam.
    const BUSY: [&str; 5] = ["4", "80007", "130429", "131056", "131048"];
    let code = answer.body["error"]["code"].as_i64().map(|code| code.to_string());
    answer.proves(&answer.body["messages"][0]["id"], code.as_deref(), &BUSY)
}

/// Reads an element of `statuses`; `None` if the status is unknown. `received_at` replaces an unreadable time.
pub fn status(status: &Value, received_at: DateTime<Utc>) -> Option<Callback> {
    let kind = match status["status"].as_str()? {
        "sent" => Kind::Sent,
        "delivered" => Kind::Delivered,
        "read" | "played" => Kind::Opened,
        "failed" => {
            let code = status["errors"][0]["code"].as_i64();
            Kind::Failed { code: code.map_or_else(|| "failed".to_owned(), |code| code.to_string()) }
        }
        _ => return None,
    };
    let at = status["timestamp"].as_str().and_then(|seconds| DateTime::from_timestamp(seconds.parse().ok()?, 0));
    Some(Callback {
        delivery_id: status["biz_opaque_callback_data"].as_str().and_then(clean_code),
        provider_message_id: status["id"].as_str().filter(|id| id.len() <= 512).map(str::to_owned),
        kind,
        at: at.unwrap_or(received_at),
    })
}
