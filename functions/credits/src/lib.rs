//! `GET /v1/credits`: the workspace's balance and its latest ledger entries (contract, section 5).

pub mod operations;

use serde_json::json;
use shared::api::http::{Call, Dialect, RawEndpoint, Input, RawQuery, Reply};
use shared::base::context::{Context, FromContext};
use shared::base::environment::ConfigError;
use shared::base::problem::Problem;
use shared::base::time::timestamp;
use shared::workspace::auth::Permission;
use shared::workspace::credits::{Entry, Ledger};

pub use operations::operations;

/// The query, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which page, from 1; by default 1.
    pub page: u32,
    /// Entries a page: 1–100, by default 20.
    pub per_page: u32,
}

/// The function's name in `template.yaml`.
pub const NAME: &str = "credits";

/// Builds the function from its configuration.
pub fn function(context: &Context) -> Result<shared::api::lambda::Function, ConfigError> {
    shared::api::lambda::Function::endpoint(context, Credits::new)
}

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct Credits {
    ledger: Ledger,
}

impl RawEndpoint for Credits {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Request;

    fn parse(&self, input: &Input) -> Result<Request, Problem> {
        let mut query = RawQuery::of(&input.query);
        let request =
            Request { page: query.integer("page", 1..=1_000_000, 1), per_page: query.integer("per_page", 1..=100, 20) };
        query.finish().map(|()| request)
    }

    async fn handle(&self, call: &Call, request: Request) -> Result<Reply, Problem> {
        let Request { page, per_page } = request;
        let skip = (page as usize - 1) * per_page as usize;
        let balance = self.ledger.balance(call.workspace_id).await?;
        // A page after the last is not worth reading the whole ledger for.
        let entries = if skip as u64 >= balance.entries {
            Vec::new()
        } else {
            self.ledger.entries(call.workspace_id, skip, per_page as usize).await?
        };
        let data = json!({
            "balance": balance.available,
            "held": balance.held,
            "spent": balance.spent,
            "granted": balance.granted,
            "entries": entries.iter().map(shown).collect::<Vec<_>>(),
        });
        Ok(call.raw_page(data, json!({"page": page, "per_page": per_page, "total": balance.entries})))
    }
}

fn shown(entry: &Entry) -> serde_json::Value {
    json!({
        "id": entry.entry_id,
        "kind": entry.kind,
        "amount": entry.amount,
        "action": entry.action,
        "created_at": timestamp(entry.created_at),
    })
}
