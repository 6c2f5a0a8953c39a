//! `GET /v1/credits`: the workspace's balance and its latest ledger entries (docs/behaviour.md, "Credits").

pub mod operations;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Page, PageMeta, Query};
use shared::api::lambda::Definition;
use shared::base::context::FromContext;
use shared::base::problem::Problem;
use shared::base::time::Timestamp;
use shared::workspace::auth::Permission;
use shared::workspace::credits::{Entry, EntryKind, Ledger};
use uuid::Uuid;

pub use operations::operations;

/// The page of the ledger.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct LedgerPages {
    /// The page's number.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub page: u32,
    /// How many entries a page has.
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 100))]
    pub per_page: u32,
}

fn first() -> u32 {
    1
}

fn usual() -> u32 {
    20
}

/// A workspace's credits.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Balance")]
pub struct Account {
    /// The credits that can be spent.
    pub balance: u64,
    /// The credits that are held for running requests.
    pub held: u64,
    /// The credits that were charged.
    pub spent: u64,
    /// The credits that were granted.
    pub granted: u64,
    /// The ledger, newest first.
    pub entries: Vec<CreditEntry>,
}

/// An entry of the ledger. It never changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CreditEntry {
    /// The operation's identifier, or the grant's.
    pub id: Uuid,
    /// What happened.
    pub kind: EntryKind,
    /// The number of credits.
    pub amount: u32,
    /// The action that was charged, or the reason of a grant.
    pub action: String,
    /// When it was posted.
    pub created_at: Timestamp,
}

impl From<Entry> for CreditEntry {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.entry_id,
            kind: entry.kind,
            amount: entry.amount,
            action: entry.action,
            created_at: entry.created_at.into(),
        }
    }
}

/// The function, by its name in `template.yaml`.
pub const FUNCTION: Definition = Definition::endpoint::<Credits>("credits");

/// The endpoint and what it works with.
#[derive(Clone, Debug, FromContext)]
pub struct Credits {
    ledger: Ledger,
}

impl Endpoint for Credits {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::ReadAi;
    type Request = Query<LedgerPages>;
    type Answer = Page<Account>;

    async fn handle(&self, call: &Call, Query(pages): Self::Request) -> Result<Answered<Self::Answer>, Problem> {
        let LedgerPages { page, per_page } = pages;
        let skip = (page as usize - 1) * per_page as usize;
        let balance = self.ledger.balance(call.workspace_id).await?;
        // A page after the last is not worth reading the whole ledger for.
        let entries = if skip as u64 >= balance.entries {
            Vec::new()
        } else {
            self.ledger.entries(call.workspace_id, skip, per_page as usize).await?
        };
        let data = Account {
            balance: balance.available,
            held: balance.held,
            spent: balance.spent,
            granted: balance.granted,
            entries: entries.into_iter().map(CreditEntry::from).collect(),
        };
        call.page(Page { data, meta: PageMeta { page, per_page, total: balance.entries } })
    }
}
