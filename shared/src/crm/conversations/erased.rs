//! Rows of leads that are erased. A row that is gone would stay in the memory of whoever has read it; so it leaves
//! word, in the index that the rows are brought up to date by, and for longer than anybody relies on what is in
//! memory.

use chrono::TimeDelta;
use uuid::Uuid;

use super::Conversations;
use crate::base::store::{EXPIRES, Item, StoreError, n, s};
use crate::base::time::timestamp;

/// For how long rows in memory are brought up to date, rather than read anew.
pub(super) const RELIED_ON: TimeDelta = TimeDelta::hours(24);

/// How long it is told that a lead was erased.
const KEPT: TimeDelta = TimeDelta::hours(48);

impl Conversations {
    /// Deletes a lead's row, and leaves word of it. What meanwhile has become another lead's stays.
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

/// The lead that was erased, where an item of the index says so.
pub(super) fn erased(item: &Item) -> Option<Uuid> {
    let is_word = item.get("sk")?.as_s().ok()?.starts_with("erased#");
    item.get("lead_id").filter(|_| is_word)?.as_s().ok()?.parse().ok()
}
