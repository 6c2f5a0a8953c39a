//! A row as an instance keeps it in memory: the values used to filter, count and sort, computed once, and the rest as
//! the stored text. So a hundred thousand rows fit into memory, and only the rows of the shown page are parsed.

use crate::base::channel::Channel;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;
use uuid::Uuid;

use super::row::Row;
use super::stored::{StoredRow, parse};
use crate::base::store::StoreError;
use crate::crm::leads::folded;

/// Separates the searched texts. A search text that contains it matches no row.
pub(super) const BETWEEN: char = '\u{1f}';

/// Name, e-mail address and company of the contact.
type Contact = [Option<String>; 3];

/// A row of the lead list, in memory.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The lead's channel identifier.
    pub customer_phone: Arc<str>,
    /// The total score, if there is an extraction.
    pub total_score: Option<u8>,
    /// Whether an e-mail address is shown.
    pub has_email: bool,
    /// How many messages all conversations have.
    pub total_messages: u64,
    /// When the newest message was sent, or else the newest template.
    pub last_message_at: Option<DateTime<Utc>>,
    /// Whether there is any event. A row without one is not kept.
    pub(super) has_events: bool,
    /// The earliest event.
    pub first_contact_at: DateTime<Utc>,
    /// A bit for each of the lead's platforms, in the order of `Channel::PLATFORMS`.
    platforms: u16,
    /// Name, e-mail address, company and identifier, folded; empty where there is none.
    lower: Box<str>,
    /// The length of the name within that text; `None` without a name.
    name_length: Option<usize>,
    pub(super) lead_id: Uuid,
    version: u64,
    contact: Option<Box<Contact>>,
    text: Box<str>,
}

fn bit(platform: Channel) -> u16 {
    1 << (platform as u16)
}

impl Listed {
    pub(super) fn new(stored: StoredRow) -> Result<Self, StoreError> {
        let row = stored.row()?;
        let mut lower = row.name().map(folded).unwrap_or_default();
        let name_length = row.name().map(|_| lower.len());
        for text in [row.email(), row.company(), Some(row.customer_phone.as_str())] {
            lower.push(BETWEEN);
            lower.push_str(&text.map(folded).unwrap_or_default());
        }
        let contact = [row.contact_name.clone(), row.contact_email.clone(), row.contact_company.clone()];
        Ok(Self {
            total_score: row.extraction.as_ref().map(|extraction| extraction.total_score()),
            has_email: row.email().is_some(),
            total_messages: row.total_messages(),
            last_message_at: row.last_message_at(),
            has_events: row.has_events(),
            first_contact_at: row.first_contact_at,
            platforms: row.platforms.iter().fold(0, |bits, platform| bits | bit(*platform)),
            lower: lower.into(),
            name_length,
            lead_id: row.lead_id,
            version: row.version,
            contact: contact.iter().any(Option::is_some).then(|| Box::new(contact)),
            customer_phone: row.customer_phone.into(),
            text: stored.row.into(),
        })
    }

    /// Approximately the memory that it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let texts = self.text.len() + self.lower.len() + 2 * self.customer_phone.len();
        let contact = self.contact.iter().flat_map(|contact| contact.iter()).flatten().map(String::len).sum::<usize>();
        // Beside the row itself, its place and what each allocation takes.
        texts + contact + size_of::<Self>() + 100
    }

    /// The whole row.
    pub fn row(&self) -> Result<Row, StoreError> {
        let mut row = parse(&self.text)?;
        (row.lead_id, row.version) = (self.lead_id, self.version);
        if let Some(contact) = &self.contact {
            [row.contact_name, row.contact_email, row.contact_company] = (**contact).clone();
        }
        Ok(row)
    }

    /// Whether the lead is on a platform.
    pub fn is_on(&self, platform: Channel) -> bool {
        self.platforms & bit(platform) != 0
    }

    /// Whether the name, e-mail address, company or identifier contains a folded search text. An empty text matches
    /// every row.
    pub fn says(&self, text: &Finder) -> bool {
        text.find(self.lower.as_bytes()).is_some() && !text.needle().contains(&(BETWEEN as u8))
    }

    /// The folded name.
    pub fn name_to_sort_by(&self) -> Option<&str> {
        self.lower.get(..self.name_length?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::store::from_item;
    use crate::crm::conversations::stored::row_to_item;

    fn listed(row: &Row) -> Listed {
        row_to_item(row).and_then(from_item).and_then(Listed::new).expect("a row")
    }

    #[test]
    fn a_search_reads_each_text_without_case_and_none_across_two() {
        let mut row = Row::new("4930".to_owned(), Uuid::nil(), DateTime::<Utc>::UNIX_EPOCH);
        assert_eq!(listed(&row).name_to_sort_by(), None);
        row.contact_name = Some("Zoë ÅSTRÖM".to_owned());
        row.contact_company = Some("Acme".to_owned());
        let listed = listed(&row);
        assert_eq!(listed.name_to_sort_by(), Some("zoe astrom"));
        let says = |text: &str| listed.says(&Finder::new(text));
        assert!(["zoe", "strom", "acme", "493", ""].into_iter().all(says));
        assert!(!["acme4930", "\u{1f}", "acme\u{1f}4930", "Zoë"].into_iter().any(says));
    }

    #[test]
    fn a_row_is_given_back_whole() {
        let mut row = Row::new("4930".to_owned(), Uuid::max(), DateTime::<Utc>::UNIX_EPOCH);
        row.version = 3;
        row.take_template_send(Channel::Instagram, DateTime::<Utc>::UNIX_EPOCH);
        row.contact_company = Some("Acme".to_owned());
        let listed = listed(&row);
        assert_eq!(Channel::PLATFORMS.map(|platform| listed.is_on(platform)), [false, true, false]);
        assert_eq!(listed.row().ok(), Some(row));
    }
}
