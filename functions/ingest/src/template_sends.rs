//! `POST /users/{user_id}/template-sends`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Json, MAX_INGESTED, Path};
use shared::base::channel::{Channel, Platform};
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::crm::conversations::incoming::{EventId, Moment};
use shared::crm::conversations::{Conversations, Recorded};
use shared::crm::identifiers::CustomerPhone;
use shared::workspace::auth::Permission;

use crate::UserPath;

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct PostTemplateSends {
    conversations: Conversations,
}

/// A template message that was sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TemplateSendGiven")]
pub struct NewTemplateSend {
    /// The sender's identifier for it.
    pub template_send_id: EventId,
    /// The lead's identifier on its platform.
    pub customer_phone: CustomerPhone,
    /// Where it was sent.
    #[schemars(
        with = "Option<Platform>",
        extend("default" = "whatsapp", "x-complaint" = "must be whatsapp, instagram or webchat")
    )]
    pub platform: Option<Channel>,
    /// When it was sent.
    pub sent_at: Moment,
}

/// A template message that was recorded.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TemplateSendRecorded {
    /// Its identifier.
    pub template_send_id: String,
    /// Whether it was recorded before.
    pub duplicate: bool,
}

impl Endpoint for PostTemplateSends {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::WriteLeads;
    const MAX_BODY: usize = MAX_INGESTED;
    type Request = (Path<UserPath>, Json<NewTemplateSend>);
    type Answer = TemplateSendRecorded;

    async fn handle(&self, call: &Call, request: Self::Request) -> Result<Answered<TemplateSendRecorded>, Problem> {
        let (Path(path), Json(new)) = request;
        let user = crate::user(call, &path.user_id)?;
        let (EventId(template_send_id), Moment(sent_at)) = (new.template_send_id, new.sent_at);
        let platform = new.platform.unwrap_or(Channel::Whatsapp);
        let send =
            self.conversations.record_template_send(&user, &new.customer_phone, &template_send_id, platform, sent_at);
        let duplicate = send.await? == Recorded::Known;
        call.success(TemplateSendRecorded { template_send_id, duplicate })
    }
}
