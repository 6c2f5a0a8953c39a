//! E-mail: `SendEmail` of Amazon SES, and the events that its configuration set publishes ("SendEmail",
//! Amazon SES API v2 Reference; "Contents of event data that Amazon SES publishes to Amazon SNS", Amazon SES
//! Developer Guide).

use chrono::{DateTime, Utc};
use reqwest::{RequestBuilder, Url};
use serde_json::{Value, json};

use super::{Answer, Callback, Content, Kind, Outgoing, Sent, address, clean_code};
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::clients::signature_v4::Signer;

/// The tag that names an e-mail's delivery.
const DELIVERY_TAG: &str = "delivery_id";

/// Amazon SES with a configuration set. Without one, SES would not report on e-mails.
#[derive(Clone)]
pub(super) struct Ses {
    url: Url,
    signer: Signer,
    configuration_set: String,
}

impl Ses {
    pub(super) fn new(context: &Context) -> Result<Option<Self>, ConfigError> {
        let environment = &context.environment;
        let Some(configuration_set) = environment.optional("SES_CONFIGURATION_SET") else { return Ok(None) };
        let aws = format!("https://email.{}.amazonaws.com", environment.required("AWS_REGION")?);
        let default = environment.endpoint("AWS_ENDPOINT_URL_SESV2").unwrap_or(&aws);
        Ok(Some(Self {
            url: address(environment, "AWS_ENDPOINT_URL_SESV2", default, &["v2", "email", "outbound-emails"])?,
            signer: Signer::new(context, "ses")?,
            configuration_set: configuration_set.to_owned(),
        }))
    }

    pub(super) fn request(&self, http: &reqwest::Client, outgoing: &Outgoing) -> Option<RequestBuilder> {
        let Content::Email { subject, text, reply_to } = &outgoing.content else { return None };
        let of = |text: &str| json!({"Data": text, "Charset": "UTF-8"});
        let mut message = json!({
            "FromEmailAddress": outgoing.from,
            "Destination": {"ToAddresses": [outgoing.to]},
            "Content": {"Simple": {"Subject": of(subject), "Body": {"Text": of(text)}}},
            "ConfigurationSetName": self.configuration_set,
            "EmailTags": [{"Name": DELIVERY_TAG, "Value": outgoing.delivery_id}],
        });
        if let Some(reply_to) = reply_to {
            message["ReplyToAddresses"] = json!([reply_to]);
        }
        self.signer.post(http, &self.url, &[("content-type", "application/json")], message.to_string())
    }
}

/// Interprets SES's answer. A header names the error, optionally followed by a colon and an address.
pub(super) fn sent(answer: &Answer) -> Sent {
    // Over a sending quota, or paused ("Errors related to the sending quotas for your Amazon SES account" and
    // "SendEmail").
    const BUSY: [&str; 4] =
        ["ThrottlingException", "TooManyRequestsException", "LimitExceededException", "SendingPausedException"];
    let kind = answer.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    answer.proves(&answer.body["MessageId"], kind.and_then(|kind| kind.split(':').next()), &BUSY)
}

/// Reads an event of SES; `None` if it is not about a delivery.
pub fn event(event: &Value) -> Option<Callback> {
    let mail = &event["mail"];
    let (kind, detail) = match event["eventType"].as_str()? {
        "Send" => (Kind::Accepted, mail),
        "DeliveryDelay" => (Kind::Delayed, &event["deliveryDelay"]),
        "Delivery" => (Kind::Delivered, &event["delivery"]),
        "Open" => (Kind::Opened, &event["open"]),
        "Click" => (Kind::Clicked, &event["click"]),
        "Bounce" => (Kind::Bounced { permanent: event["bounce"]["bounceType"] == "Permanent" }, &event["bounce"]),
        "Complaint" => (Kind::Complained, &event["complaint"]),
        "Reject" => (Kind::Failed { code: "rejected".to_owned() }, mail),
        "Rendering Failure" => (Kind::Failed { code: "rendering_failure".to_owned() }, mail),
        _ => return None,
    };
    let at = [detail, mail].into_iter().find_map(|of| DateTime::parse_from_rfc3339(of["timestamp"].as_str()?).ok())?;
    Some(Callback {
        delivery_id: mail["tags"][DELIVERY_TAG][0].as_str().and_then(clean_code),
        provider_message_id: mail["messageId"].as_str().filter(|id| id.len() <= 512).map(str::to_owned),
        kind,
        at: at.with_timezone(&Utc),
    })
}
