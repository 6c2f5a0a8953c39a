//! Receives Twilio's delivery reports and leads' text messages:
//!
//! | route | what it takes | how it is proven |
//! |---|---|---|
//! | `POST /webhooks/twilio/status` | what became of a text message | `X-Twilio-Signature` |
//! | `POST /webhooks/twilio/messages` | a text message of a lead | `X-Twilio-Signature` |
//!
//! A request without a valid signature is 401. A valid request about unknown messages is accepted and ignored, because
//! the provider would resend it for days. If recording fails, the answer is 503. WhatsApp's reports arrive at
//! `meta-webhook`, those of SES in the queue of `email-events`.

pub mod operations;

use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use shared::api::http::{Dialect, MAX_INGESTED, Reply, Request, Response, body_bytes, serve_open};
use shared::api::lambda::{Definition, OpenEndpoint};
use shared::base::channel::Channel;
use shared::base::clock::{Clock, Random};
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::clients::providers::{Kind, sms};
use shared::clients::secrets::Secret;
use shared::crm::leads::{Activity, ActivityKind, Direction, Lead, Leads, SuppressedBy};
use shared::pii::addresses;
use shared::workflow::outcomes::Outcomes;
use shared::workspace::accounts::Accounts;

pub use operations::operations;

/// It was taken.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EventTaken")]
pub struct Taken {
    /// Always true.
    pub taken: bool,
}

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::open::<DeliveryEvents>("delivery-events");

/// The function and what it works with.
#[derive(Clone, FromContext)]
pub struct DeliveryEvents {
    clock: Clock,
    random: Random,
    accounts: Accounts,
    leads: Leads,
    #[context(Outcomes::new(context, FUNCTION.name)?)]
    outcomes: Outcomes,
    #[context(Secret::optional(context, "TWILIO_AUTH_TOKEN_SECRET")?)]
    twilio_auth_token: Option<Secret>,
    #[context(context.environment.optional("PUBLIC_URL").map(|url| url.trim_end_matches('/').to_owned()))]
    public_url: Option<String>,
}

impl OpenEndpoint for DeliveryEvents {
    async fn answer(&self, request: Request) -> Response {
        let work = async {
            let body = body_bytes(request.body());
            if body.len() > MAX_INGESTED {
                let message = format!("the body has {} bytes; this route takes at most {MAX_INGESTED}", body.len());
                return Err(Problem::new(Code::PayloadTooLarge, message));
            }
            let raw = request.raw_http_path();
            self.of_twilio(&request, body, if raw.is_empty() { request.uri().path() } else { raw }).await?;
            Ok(Reply::json(200, &json!(Taken { taken: true })))
        };
        serve_open(&self.clock, &self.random, Dialect::Leadlex, &request, work).await
    }
}

impl DeliveryEvents {
    /// The URL of a request, as its sender knows it. The template cannot pass the API's own URL, because the API
    /// depends on its functions.
    fn called(&self, request: &Request) -> String {
        match (&self.public_url, request.request_context_ref()) {
            (Some(url), _) => url.clone(),
            (None, Some(RequestContext::ApiGatewayV2(context))) => {
                format!("https://{}", context.domain_name.as_deref().unwrap_or_default())
            }
            (None, _) => String::new(),
        }
    }

    async fn of_twilio(&self, request: &Request, body: &[u8], path: &str) -> Result<(), Problem> {
        let token = self.twilio_auth_token.as_ref().ok_or_else(not_set_up)?.value().await?;
        let form = sms::form(body);
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{}{path}{query}", self.called(request));
        let signature = request.headers().get("x-twilio-signature").and_then(|value| value.to_str().ok());
        if !signature.is_some_and(|signature| sms::is_signed(&token, &url, &form, signature)) {
            return Err(Problem::new(Code::InvalidKey, "X-Twilio-Signature is missing or does not fit the request"));
        }
        let now = self.clock.now();
        if path == "/webhooks/twilio/messages" {
            return match sms::inbound(&form, now) {
                Some(message) => self.answered(&message).await,
                None => Ok(()),
            };
        }
        let query = sms::form(request.uri().query().unwrap_or_default().as_bytes());
        let delivery = query.iter().find(|(name, _)| name == sms::DELIVERY_PARAMETER).map(|(_, id)| id.as_str());
        match sms::status(delivery, &form, now) {
            Some(callback) => Ok(self.outcomes.report(&callback, Channel::Sms, None).await?),
            None => Ok(()),
        }
    }

    /// A lead's text message: an answer or an opt-out.
    async fn answered(&self, message: &sms::Inbound) -> Result<(), Problem> {
        let mut workspace_id = self.accounts.sms_workspace(&message.to).await?;
        if let (None, Some(service)) = (workspace_id, &message.service) {
            workspace_id = self.accounts.sms_workspace(service).await?;
        }
        let Some(workspace_id) = workspace_id else { return Ok(()) };
        let Ok(phone) = addresses::phone(&message.from, None) else { return Ok(()) };
        let known = Lead { phone: Some(phone), ..Lead::default() };
        let Some(lead_id) = self.leads.find(workspace_id, &known).await? else { return Ok(()) };
        if message.callback.kind == Kind::Stopped {
            self.outcomes.suppress(workspace_id, (lead_id, None), SuppressedBy::Stop).await?;
            return Ok(());
        }
        let id = message.callback.provider_message_id.as_deref().unwrap_or_default();
        let activity = Activity {
            opens_window: false,
            activity_id: shared::workflow::outcomes::activity_id(id),
            kind: ActivityKind::Sms,
            occurred_at: message.callback.at,
            direction: Some(Direction::Inbound),
            outcome: Some("replied".to_owned()),
            title: None,
            body: Some(message.text.clone()),
        };
        self.leads.put_new_activity(workspace_id, lead_id, &activity).await?;
        Ok(self.outcomes.replied((workspace_id, lead_id), Channel::Sms, message.callback.at).await?)
    }
}

#[track_caller]
fn not_set_up() -> Problem {
    Problem::new(Code::NoSuchRoute, "this deployment takes no reports of this provider")
}
