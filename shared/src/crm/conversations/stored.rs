//! A row as it is stored. What is looked at or changed by itself is an attribute; everything else is
//! one text, because an instance reads all rows of a user before its first answer, and nested
//! attributes take five times as long.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::row::Row;
use crate::base::store::{Item, StoreError, from_item, to_item};

/// The item of a row, but for its keys and what puts it into an index.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredRow {
    lead_id: Uuid,
    version: u64,
    contact_name: Option<String>,
    contact_email: Option<String>,
    contact_company: Option<String>,
    /// Written beside this, as the index has it.
    #[serde(default, skip_serializing)]
    changed_at: Option<DateTime<Utc>>,
    /// The rest, as JSON.
    pub(super) row: String,
}

impl StoredRow {
    /// The row.
    pub(super) fn row(&self) -> Result<Row, StoreError> {
        let mut row = parse(&self.row)?;
        (row.lead_id, row.version, row.changed_at) = (self.lead_id, self.version, self.changed_at);
        row.contact_name.clone_from(&self.contact_name);
        row.contact_email.clone_from(&self.contact_email);
        row.contact_company.clone_from(&self.contact_company);
        Ok(row)
    }
}

/// The part of a row that is one text.
pub(super) fn parse(text: &str) -> Result<Row, StoreError> {
    // serde's message may quote a value, so it is left out.
    serde_json::from_str(text).map_err(|_| StoreError::Broken("a row does not read".to_owned()))
}

/// A row as its item.
pub(super) fn row_to_item(row: &Row) -> Result<Item, StoreError> {
    let text = serde_json::to_string(row).map_err(|_| StoreError::Broken("a row does not write".to_owned()))?;
    to_item(&StoredRow {
        lead_id: row.lead_id,
        version: row.version,
        contact_name: row.contact_name.clone(),
        contact_email: row.contact_email.clone(),
        contact_company: row.contact_company.clone(),
        changed_at: None,
        row: text,
    })
}

/// An item as its row.
pub(crate) fn row_of_item(item: Item) -> Result<Row, StoreError> {
    from_item::<StoredRow>(item)?.row()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::channel::Channel;

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let mut row = Row::new("4930".to_owned(), Uuid::max(), DateTime::<Utc>::UNIX_EPOCH);
        row.version = 7;
        row.contact_email = Some("zoë@example.com".to_owned());
        row.contact_name = Some("Zoë \"Z\" Åström".to_owned());
        row.take_template_send(Channel::Webchat, DateTime::<Utc>::UNIX_EPOCH);
        assert_eq!(row_to_item(&row).and_then(row_of_item).ok(), Some(row));
    }
}
