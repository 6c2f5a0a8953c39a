//! `POST /users/{user_id}/template-sends`.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::api::http::{Call, Dialect, Fields, Input, MAX_INGESTED, RawEndpoint, Reply};
use shared::base::channel::Channel;
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::crm::conversations::incoming::{A_MOMENT, A_PLATFORM, AN_IDENTIFIER, identifier, moment};
use shared::crm::conversations::{Conversations, Recorded};
use shared::crm::identifiers::CustomerPhone;
use shared::workspace::auth::Permission;

/// The request, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    user_id: String,
    template_send_id: String,
    lead: CustomerPhone,
    platform: Channel,
    sent_at: DateTime<Utc>,
}

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct PostTemplateSends {
    conversations: Conversations,
}

impl RawEndpoint for PostTemplateSends {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = Request;

    fn parse(&self, input: &Input) -> Result<Request, Problem> {
        let mut fields = Fields::of(&input.body)?;
        let template_send_id = fields.required_id("template_send_id", 512);
        let lead = fields.required("customer_phone", AN_IDENTIFIER, identifier);
        let platform = fields.parsed("platform", A_PLATFORM, |name| Channel::one_of(&Channel::PLATFORMS, name));
        let sent_at = fields.required("sent_at", A_MOMENT, moment);
        fields.finish()?;
        let (Some(lead), Some(sent_at)) = (lead, sent_at) else {
            return Err(Problem::new(Code::Internal, "a checked template send lacks a field"));
        };
        let platform = platform.unwrap_or(Channel::Whatsapp);
        Ok(Request { user_id: input.in_path("user_id").to_owned(), template_send_id, lead, platform, sent_at })
    }

    async fn handle(&self, call: &Call, request: Request) -> Result<Reply, Problem> {
        let user = crate::user(call, &request.user_id)?;
        let Request { template_send_id, lead, platform, sent_at, .. } = request;
        let recorded =
            self.conversations.record_template_send(&user, &lead, &template_send_id, platform, sent_at).await?;
        Ok(call.raw_success(json!({"template_send_id": template_send_id, "duplicate": recorded == Recorded::Known})))
    }
}
