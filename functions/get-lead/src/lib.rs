//! `GET /users/{user_id}/leads/{customer_phone}`: one lead.

pub mod operations;

use shared::api::http::{Answered, Call, Dialect, Endpoint, Path};
use shared::api::lambda::Definition;
use shared::base::clock::Clock;
use shared::base::context::FromContext;
use shared::base::problem::{Code, Problem};
use shared::crm::conversations::row::Row;
use shared::crm::conversations::{Conversations, LeadObject};
use shared::crm::identifiers::LeadPath;
use shared::workspace::auth::Permission;

pub use operations::operations;

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::endpoint::<GetLead>("get-lead");

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct GetLead {
    clock: Clock,
    conversations: Conversations,
}

impl Endpoint for GetLead {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::ReadLeads;
    type Request = Path<LeadPath>;
    type Answer = LeadObject;

    async fn handle(&self, call: &Call, Path(path): Self::Request) -> Result<Answered<LeadObject>, Problem> {
        let not_found = || Problem::new(Code::LeadNotFound, "Lead not found");
        let (user, lead) = path.lead(call.workspace_id).ok_or_else(not_found)?;
        let row = self.conversations.row_or_aliased(&user, &lead).await?;
        let row = row.filter(Row::has_events).ok_or_else(not_found)?;
        call.success(LeadObject::new(&row, self.clock.now()))
    }
}
