//! `GET /users/{user_id}/leads/{customer_phone}`: one lead (seeds/leads.md, 3).

pub mod operations;

use shared::api::http::{Call, Dialect, Input, RawEndpoint, Reply};
use shared::base::clock::Clock;
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::problem::{Code, Problem};
use shared::crm::conversations::Conversations;
use shared::crm::identifiers::{CustomerPhone, User};
use shared::workspace::auth::Permission;

pub use operations::operations;

/// The function's name in `template.yaml`.
pub const NAME: &str = "get-lead";

/// Builds the function from its configuration.
pub fn function(context: &Context) -> Result<shared::api::lambda::Function, ConfigError> {
    shared::api::lambda::Function::endpoint(context, GetLead::new)
}

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct GetLead {
    clock: Clock,
    conversations: Conversations,
}

impl RawEndpoint for GetLead {
    const DIALECT: Dialect = Dialect::Leads;
    const PERMISSION: Permission = Permission::ReadLeads;
    /// Whose lead, and which.
    type Request = (String, String);

    fn parse(&self, input: &Input) -> Result<(String, String), Problem> {
        Ok((input.in_path("user_id").to_owned(), input.in_path("customer_phone").to_owned()))
    }

    async fn handle(&self, call: &Call, (user_id, customer_phone): (String, String)) -> Result<Reply, Problem> {
        let not_found = || Problem::new(Code::LeadNotFound, "Lead not found");
        // What cannot be an identifier is nobody's.
        let (Ok(user), Ok(lead)) = (User::new(call.workspace_id, &user_id), CustomerPhone::parse(&customer_phone))
        else {
            return Err(not_found());
        };
        let row = self.conversations.row_or_aliased(&user, &lead).await?.ok_or_else(not_found)?;
        Ok(call.raw_success(row.shown(self.clock.now())))
    }
}
