//! Rows of leads that are erased. A deleted row would stay in the memory of instances that have read it. So deleting it
//! writes a tombstone to the index from which they refresh their rows. The tombstone is kept for longer than an
//! instance relies on its memory.

use chrono::TimeDelta;
use uuid::Uuid;

use super::Conversations;
use crate::base::store::{EXPIRES, Item, StoreError, n, s};
use crate::base::time::timestamp;

/// How long an instance refreshes its rows before it reads them all again.
pub(super) const RELIED_ON: TimeDelta = TimeDelta::hours(24);

/// How long the tombstone of an erased lead is kept.
const KEPT: TimeDelta = TimeDelta::hours(48);

impl Conversations {
    /// Deletes a lead's row and writes its tombstone. A row that has become another lead's meanwhile is kept.
    pub(crate) async fn erase_row(&self, key: &Item, lead_id: Uuid) -> Result<(), StoreError> {
        let delete = self.table.delete(key.clone()).when("attribute_not_exists(pk) OR lead_id = :lead");
        let now = self.clock.now();
        let mut word = key.clone();
        word.insert("sk".to_owned(), s(format!("erased#{lead_id}")));
        word.insert("lead_id".to_owned(), s(lead_id));
        word.insert("changed_at".to_owned(), s(timestamp(now)));
        word.insert(EXPIRES.to_owned(), n((now + KEPT).timestamp()));
        let writes = [delete.bind("lead", s(lead_id)), self.table.put(word)];
        self.table.transact(writes).await.map(drop)
    }
}

/// The erased lead, if the item is a tombstone.
pub(super) fn erased(item: &Item) -> Option<Uuid> {
    let is_word = item.get("sk")?.as_s().ok()?.starts_with("erased#");
    item.get("lead_id").filter(|_| is_word)?.as_s().ok()?.parse().ok()
}
