//! The credit ledger, in the `credits` table.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | balance | `W#<workspace>` | `balance` |
//! | operation | `W#<workspace>` | `operation#<operation id>` |
//! | entry | `W#<workspace>` | `entry#<time>#<id>` |
//!
//! An operation is one charge. It is *held* before the work, and then *posted* or *voided*, once. Each step is one
//! transaction over the operation and the balance. So at every moment `granted = available + held + spent`, and
//! `available` is never negative. Entries record grants, posts and voids; nothing changes or deletes them.
//!
//! A hold expires long after its work should be done, and the sweeper voids it ([`Ledger::void_expired`]): the hold of
//! a request a minute after its claim (`exactly_once::HOLD_MARGIN`), the hold of an approved task after 24 hours
//! (`tasks::decide::HELD`).
//!
//! The index `held` lists the held operations of all workspaces by their expiry, only for the sweeper. It is spread
//! over [`BUCKETS`] partitions.

mod terms;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::base::context::FromContext;
use crate::base::observe::metrics;
use crate::base::store::{Item, StoreError, Table, Transacted, Try, Write, key, keyed, n, retrying, s};
use crate::base::time::timestamp;
pub use terms::{Action, Balance, Discrepancy, Entry, EntryKind, Operation, State};

/// The partitions of the index `held`: one for each first hexadecimal digit of an operation's id.
pub const BUCKETS: &str = "0123456789abcdef";

/// The `credits` table.
#[derive(Clone, Debug, FromContext)]
pub struct Ledger {
    #[context(Table::named(context, "CREDITS_TABLE")?)]
    table: Table,
}

fn pk(workspace_id: Uuid) -> String {
    format!("W#{workspace_id}")
}

fn operation_key(operation: &Operation) -> Item {
    key(pk(operation.workspace_id), format!("operation#{}", operation.operation_id))
}

/// A step of the ledger.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Grant,
    Hold,
    Post,
    Void,
}

impl Step {
    /// How one credit changes `available`, `held`, `spent` and `granted`.
    fn movement(self) -> [(&'static str, i64); 4] {
        let [available, held, spent, granted] = match self {
            Self::Grant => [1, 0, 0, 1],
            Self::Hold => [-1, 1, 0, 0],
            Self::Post => [0, -1, 1, 0],
            Self::Void => [1, -1, 0, 0],
        };
        [("available", available), ("held", held), ("spent", spent), ("granted", granted)]
    }

    /// The condition that keeps every part of the balance from becoming negative.
    fn condition(self) -> Option<&'static str> {
        match self {
            Self::Grant => None,
            Self::Hold => Some("available >= :amount"),
            Self::Post | Self::Void => Some("held >= :amount"),
        }
    }
}

impl Ledger {
    /// A workspace's balance; all zero if it never had credits.
    pub async fn balance(&self, workspace_id: Uuid) -> Result<Balance, StoreError> {
        Ok(self.table.get(key(pk(workspace_id), "balance")).await?.unwrap_or_default())
    }

    /// Grants credits. A repeated `grant_id` changes nothing.
    pub async fn grant(
        &self,
        workspace_id: Uuid,
        grant_id: Uuid,
        amount: u32,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let marker = key(pk(workspace_id), format!("grant#{grant_id}"));
        let entry =
            Entry { entry_id: grant_id, kind: EntryKind::Grant, amount, action: reason.to_owned(), created_at: now };
        let writes = vec![
            self.table.put_new(marker),
            self.move_credits(workspace_id, Step::Grant, amount),
            self.put_entry(workspace_id, &entry)?,
        ];
        self.table.transact(writes).await.map(drop)
    }

    /// The writes of a hold: create the operation if absent, and move the credits from available to held. The last
    /// write is refused if the balance is too low.
    pub fn hold(&self, operation: &Operation) -> Result<[Write; 2], StoreError> {
        let put = self.table.put_new(keyed(operation, operation_key(operation))?);
        Ok([put, self.move_credits(operation.workspace_id, Step::Hold, operation.amount)])
    }

    /// The write that extends a predecessor's hold for its successor.
    pub fn extend(&self, operation: &Operation) -> Write {
        let extend = self.table.update(operation_key(operation), "SET hold_expires = :expires").when("#state = :held");
        extend.bind("held", s("held")).bind("expires", n(operation.hold_expires))
    }

    /// The writes of a post: the operation becomes posted, the credits move from held to spent, and an entry is added.
    pub fn post(&self, operation: &Operation, now: DateTime<Utc>) -> Result<[Write; 3], StoreError> {
        self.resolve(operation, Step::Post, now, None)
    }

    /// The writes of a void: the operation becomes voided, the credits move from held to available, and an entry is
    /// added.
    pub fn void(&self, operation: &Operation, now: DateTime<Utc>) -> Result<[Write; 3], StoreError> {
        self.resolve(operation, Step::Void, now, None)
    }

    /// Voids all expired holds and returns their number. Safe to run at any time and concurrently: an operation that
    /// was resolved or extended meanwhile stays as it is.
    pub async fn void_expired(&self, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let mut voided = 0;
        for bucket in BUCKETS.chars() {
            for operation in self.expired(bucket, now).await? {
                let writes = self.resolve(&operation, Step::Void, now, Some(now))?;
                if let Transacted::Applied = self.table.transact(writes).await? {
                    count_void(&operation);
                    voided += 1;
                }
            }
        }
        Ok(voided)
    }

    async fn expired(&self, bucket: char, now: DateTime<Utc>) -> Result<Vec<Operation>, StoreError> {
        let query = self.table.query("held_bucket = :bucket AND hold_expires <= :now").global_index("held");
        query.bind("bucket", s(bucket)).bind("now", n(now.timestamp_millis())).all().await
    }

    /// At most `limit` entries after the first `skip`, newest first.
    pub async fn entries(&self, workspace_id: Uuid, skip: usize, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let most = skip.saturating_add(limit);
        let query = self.table.under(pk(workspace_id), "entry#").newest_first().page_size(most);
        Ok(query.first::<Entry>(most).await?.into_iter().skip(skip).collect())
    }

    /// Recomputes a workspace's balance from its entries and held operations. The result is empty if they agree. If the
    /// balance changes meanwhile, it reads again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the balance changed during every attempt.
    pub async fn verify(&self, workspace_id: Uuid) -> Result<Vec<Discrepancy>, StoreError> {
        retrying("the balance", (), |()| async {
            let balance = self.balance(workspace_id).await?;
            let entries = self.entries(workspace_id, 0, usize::MAX).await?;
            let held = self.held(workspace_id).await?;
            Ok(match self.balance(workspace_id).await?.version == balance.version {
                true => Try::Done(terms::discrepancies(&balance, &entries, &held)),
                false => Try::Again(()),
            })
        })
        .await
    }

    /// The held operations of a workspace.
    pub async fn held(&self, workspace_id: Uuid) -> Result<Vec<Operation>, StoreError> {
        let query = self.table.under(pk(workspace_id), "operation#").filter("#state = :held");
        query.bind("held", s("held")).all().await
    }

    fn resolve(
        &self,
        operation: &Operation,
        step: Step,
        now: DateTime<Utc>,
        only_if_expired_at: Option<DateTime<Utc>>,
    ) -> Result<[Write; 3], StoreError> {
        let (name, kind) = match step {
            Step::Post => ("posted", EntryKind::Charge),
            _ => ("voided", EntryKind::Void),
        };
        let resolve = "SET #state = :state, resolved_at = :now REMOVE held_bucket";
        let update = self.table.update(operation_key(operation), resolve).when("#state = :held");
        let mut update = update.bind("held", s("held")).bind("state", s(name)).bind("now", s(timestamp(now)));
        if let Some(at) = only_if_expired_at {
            update = update.when("hold_expires <= :expired").bind("expired", n(at.timestamp_millis()));
        }
        let entry = Entry {
            entry_id: operation.operation_id,
            kind,
            amount: operation.amount,
            action: operation.action.clone(),
            created_at: now,
        };
        Ok([
            update,
            self.move_credits(operation.workspace_id, step, operation.amount),
            self.put_entry(operation.workspace_id, &entry)?,
        ])
    }

    fn move_credits(&self, workspace_id: Uuid, step: Step, amount: u32) -> Write {
        let add =
            "ADD available :available, held :held, spent :spent, granted :granted, entries :entries, version :one";
        let update = self.table.update(key(pk(workspace_id), "balance"), add);
        let mut update = update.bind("entries", n(u8::from(step != Step::Hold))).bind("one", n(1));
        for (name, sign) in step.movement() {
            update = update.bind(name, n(sign * i64::from(amount)));
        }
        match step.condition() {
            Some(condition) => update.when(condition).bind("amount", n(amount)),
            None => update,
        }
    }

    fn put_entry(&self, workspace_id: Uuid, entry: &Entry) -> Result<Write, StoreError> {
        let sk = format!("entry#{}#{}", timestamp(entry.created_at), entry.entry_id);
        Ok(self.table.put_new(keyed(entry, key(pk(workspace_id), sk))?))
    }
}

/// Counts a posted or voided operation in the metrics.
pub(crate) fn count_resolved(operation: &Operation) {
    match operation.state {
        State::Held => {}
        State::Posted => {
            metrics::record(&[(metrics::CREDITS_CHARGED, operation.amount.into())], &[("Action", &operation.action)]);
        }
        State::Voided => count_void(operation),
    }
}

fn count_void(operation: &Operation) {
    metrics::record(&[(metrics::HOLDS_VOIDED, 1)], &[("Action", &operation.action)]);
}
