//! The requests and answers of the three providers: `SendEmail` of Amazon SES API v2, `messages` of the
//! WhatsApp Cloud API, and `Messages` of Twilio.

use axum::Json;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Message, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, WHATSAPP_TOKEN};

/// A channel, with the provider whose protocol it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Amazon SES.
    Email,
    /// Meta.
    Whatsapp,
    /// Twilio.
    Sms,
}

impl Channel {
    /// A message id in the provider's form.
    pub fn message_id(self, id: Uuid) -> String {
        match self {
            Self::Email => format!("{id}-000000"),
            Self::Whatsapp => format!("wamid.{}", BASE64.encode(id.as_bytes())),
            Self::Sms => format!("SM{}", id.simple()),
        }
    }
}

/// A request to send a message.
#[derive(Clone, Debug, Serialize)]
pub struct SendRequest {
    pub channel: Channel,
    pub delivery_id: Option<String>,
    pub from: String,
    pub to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    pub text: String,
    /// The address for Twilio's reports.
    #[serde(skip)]
    pub status_url: Option<String>,
}

/// An error answer to a request that the provider does not accept.
pub struct Refusal {
    pub status: StatusCode,
    /// The provider's code.
    pub code: &'static str,
}

fn bad(code: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, code }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Parses `SendEmail`. A signature for SES must be present; it is not verified.
pub fn email(headers: &HeaderMap, body: &Bytes) -> Result<SendRequest, Refusal> {
    let is_signed = authorization(headers)
        .is_some_and(|signed| signed.starts_with("AWS4-HMAC-SHA256 ") && signed.contains("/ses/aws4_request"));
    if !is_signed {
        return Err(Refusal { status: StatusCode::FORBIDDEN, code: "MissingAuthenticationTokenException" });
    }
    let request: Value = serde_json::from_slice(body).map_err(|_| bad("BadRequestException"))?;
    let content = &request["Content"]["Simple"];
    let mut tags = request["EmailTags"].as_array().into_iter().flatten();
    let mut read = || {
        Some(SendRequest {
            channel: Channel::Email,
            delivery_id: tags.find(|tag| tag["Name"] == "delivery_id").and_then(|tag| text(&tag["Value"])),
            from: text(&request["FromEmailAddress"])?,
            to: text(&request["Destination"]["ToAddresses"][0]).filter(|to| to.contains('@'))?,
            subject: Some(text(&content["Subject"]["Data"])?),
            reply_to: text(&request["ReplyToAddresses"][0]),
            text: text(&content["Body"]["Text"]["Data"])?,
            status_url: None,
        })
    };
    read().ok_or_else(|| bad("BadRequestException"))
}

/// Parses `messages` of the WhatsApp Cloud API.
pub fn whatsapp(headers: &HeaderMap, phone_number_id: &str, body: &Bytes) -> Result<SendRequest, Refusal> {
    if authorization(headers) != Some(format!("Bearer {WHATSAPP_TOKEN}").as_str()) {
        return Err(Refusal { status: StatusCode::UNAUTHORIZED, code: "190" });
    }
    let request: Value = serde_json::from_slice(body).map_err(|_| bad("100"))?;
    let read = || {
        Some(SendRequest {
            channel: Channel::Whatsapp,
            delivery_id: text(&request["biz_opaque_callback_data"]),
            from: phone_number_id.to_owned(),
            to: text(&request["to"])?,
            subject: None,
            reply_to: None,
            text: text(&request["text"]["body"]).filter(|_| request["messaging_product"] == "whatsapp")?,
            status_url: None,
        })
    };
    read().ok_or_else(|| bad("100"))
}

/// Parses `Messages` of Twilio.
pub fn sms(headers: &HeaderMap, account: &str, body: &Bytes) -> Result<SendRequest, Refusal> {
    let expected = BASE64.encode(format!("{TWILIO_ACCOUNT_SID}:{TWILIO_AUTH_TOKEN}").as_bytes());
    if account != TWILIO_ACCOUNT_SID || authorization(headers) != Some(format!("Basic {expected}").as_str()) {
        return Err(Refusal { status: StatusCode::UNAUTHORIZED, code: "20003" });
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let parameter = |name: &str| {
        form.iter().find(|(given, value)| given == name && !value.is_empty()).map(|(_, value)| value.clone())
    };
    let status_url = parameter("StatusCallback");
    Ok(SendRequest {
        channel: Channel::Sms,
        delivery_id: status_url.as_deref().and_then(delivery_of),
        from: parameter("From").or_else(|| parameter("MessagingServiceSid")).ok_or_else(|| bad("21603"))?,
        to: parameter("To").ok_or_else(|| bad("21604"))?,
        subject: None,
        reply_to: None,
        text: parameter("Body").ok_or_else(|| bad("21602"))?,
        status_url,
    })
}

fn delivery_of(status_url: &str) -> Option<String> {
    let (_, query) = status_url.split_once('?')?;
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "delivery").map(|(_, id)| id.into_owned())
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get("authorization")?.to_str().ok()
}

/// The answer to an accepted message.
pub fn accepted(message: &Message) -> Response {
    let (id, given) = (&message.message_id, &message.given);
    let (status, body) = match given.channel {
        Channel::Email => (StatusCode::OK, json!({ "MessageId": id })),
        Channel::Whatsapp => {
            let contact = json!({"input": given.to, "wa_id": given.to.trim_start_matches('+')});
            let body = json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": id}]});
            (StatusCode::OK, body)
        }
        Channel::Sms => {
            let body = json!({
                "sid": id,
                "account_sid": TWILIO_ACCOUNT_SID,
                "from": given.from,
                "to": given.to,
                "body": given.text,
                "status": "queued",
                "error_code": null,
            });
            (StatusCode::CREATED, body)
        }
    };
    (status, Json(body)).into_response()
}

/// The answer to a refused message.
pub fn refused(channel: Channel, status: StatusCode, code: &str) -> Response {
    let number: Option<i64> = code.parse().ok();
    let message = "refused by the stand-in";
    let body = match channel {
        Channel::Email => {
            return (status, [("x-amzn-errortype", code)], Json(json!({ "message": message }))).into_response();
        }
        Channel::Whatsapp => {
            let message = format!("(#{code}) {message}");
            json!({"error": {"message": message, "type": "OAuthException", "code": number}})
        }
        Channel::Sms => {
            let more = format!("https://www.twilio.com/docs/errors/{code}");
            json!({"code": number, "message": message, "more_info": more, "status": status.as_u16()})
        }
    };
    (status, Json(body)).into_response()
}

/// The answer above the rate limit.
pub fn busy(channel: Channel) -> Response {
    let code = match channel {
        Channel::Email => "TooManyRequestsException",
        Channel::Whatsapp => "130429",
        Channel::Sms => "20429",
    };
    ([("retry-after", "1")], refused(channel, StatusCode::TOO_MANY_REQUESTS, code)).into_response()
}
