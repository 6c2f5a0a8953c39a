//! Lists of contacts, in the `work` table.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | list | `W#<workspace>#lists` | `list#<list>` |
//! | contact on a list | `W#<workspace>#S#<list>` | `contact#<lead>` |
//!
//! A list counts its contacts. Adding or removing contacts changes the count in the same transaction. An added contact
//! must not be on the list yet, and a removed one must be on it, so a change that is repeated or made concurrently is
//! counted once.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::Clock;
use crate::base::context::FromContext;
use crate::base::store::{Item, StoreError, Table, Transacted, Write, WriteOutcome, from_item, key, keyed, n, s};
use crate::parsed_text;

/// The most contacts of a list.
pub const MOST: usize = 10_000;

/// How many contacts one transaction takes besides the list: DynamoDB's limit is 100 writes.
const AT_ONCE: usize = 99;

/// The name of a list: one line that is not blank, without spaces around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListName(pub String);

impl ListName {
    /// The name in a text, if it can be one.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_line =
            !text.contains(|character: char| character.is_control() || "\u{2028}\u{2029}".contains(character));
        (is_line && (1..=120).contains(&text.chars().count())).then(|| Self(text.to_owned()))
    }
}

parsed_text!(ListName, ListName::of, "must be one line of 1 to 120 characters", {
    "type": "string",
    "minLength": 1,
    "maxLength": 120,
    "pattern": r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$",
});

/// A list of contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Its identifier.
    pub list_id: Uuid,
    /// The tenant.
    pub workspace_id: Uuid,
    /// What people call it; two lists may have one name.
    pub name: String,
    /// How many contacts it has.
    pub contacts: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A list that exists, or that is created when the first contact is added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its identifier.
    pub list_id: Uuid,
    /// What people call it.
    pub name: String,
}

/// A contact that is put on a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The contact.
    pub lead_id: Uuid,
    /// Its identifier at the prospect source, if it came from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prospect_id: Option<String>,
}

/// A contact on a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Which one.
    #[serde(flatten)]
    pub member: Member,
    /// When it was put there.
    pub added_at: DateTime<Utc>,
    /// Its position among the contacts that were added in the same call.
    place: usize,
}

/// Why a list does not take contacts.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The workspace has no such list.
    #[error("no such list")]
    NoSuchList,
    /// It would have more than [`MOST`] contacts.
    #[error("the list would have more than {MOST} contacts")]
    Full,
    /// The table failed; some of the contacts may be on the list.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The lists in the `work` table.
#[derive(Clone, Debug, FromContext)]
pub struct Lists {
    clock: Clock,
    #[context(Table::named(context, "WORK_TABLE")?)]
    table: Table,
}

fn list_key(workspace_id: Uuid, list_id: Uuid) -> Item {
    key(lists_pk(workspace_id), format!("list#{list_id}"))
}

fn lists_pk(workspace_id: Uuid) -> String {
    format!("W#{workspace_id}#lists")
}

fn contacts_pk(workspace_id: Uuid, list_id: Uuid) -> String {
    format!("W#{workspace_id}#S#{list_id}")
}

fn contact_key(workspace_id: Uuid, list_id: Uuid, lead_id: Uuid) -> Item {
    key(contacts_pk(workspace_id, list_id), format!("contact#{lead_id}"))
}

impl Lists {
    /// A list by its id.
    pub async fn get(&self, workspace_id: Uuid, list_id: Uuid) -> Result<Option<List>, StoreError> {
        self.table.get(list_key(workspace_id, list_id)).await
    }

    /// Every list of a workspace, newest first.
    pub async fn all(&self, workspace_id: Uuid) -> Result<Vec<List>, StoreError> {
        let mut lists: Vec<List> = self.table.partition(lists_pk(workspace_id)).all().await?;
        lists.sort_by_key(|list| Reverse((list.created_at, list.list_id)));
        Ok(lists)
    }

    /// Creates a list unless one with this identifier exists. Returns the stored list.
    pub async fn create(&self, target: &Target, workspace_id: Uuid) -> Result<List, StoreError> {
        let Target { list_id, name } = target.clone();
        let list = List { list_id, workspace_id, name, contacts: 0, created_at: self.clock.now() };
        let put = self.table.put_new(keyed(&list, list_key(workspace_id, list_id))?);
        match self.table.write(put).await? {
            WriteOutcome::Applied(_) => Ok(list),
            WriteOutcome::Refused(there) => from_item(there.unwrap_or_default()),
        }
    }

    /// Gives a list another name. `None` if there is no such list.
    pub async fn rename(&self, workspace_id: Uuid, list_id: Uuid, name: &str) -> Result<Option<List>, StoreError> {
        let rename = self.table.update(list_key(workspace_id, list_id), "SET #name = :name");
        match self.table.write(rename.when("attribute_exists(pk)").bind("name", s(name))).await? {
            WriteOutcome::Applied(item) => from_item(item).map(Some),
            WriteOutcome::Refused(_) => Ok(None),
        }
    }

    /// A page of a list's contacts in the order in which they were added, and the total number. Reads the whole list,
    /// which is at most 2 MB.
    pub async fn contacts(
        &self,
        workspace_id: Uuid,
        list_id: Uuid,
        (skip, limit): (usize, usize),
    ) -> Result<(Vec<Contact>, usize), StoreError> {
        let mut contacts: Vec<Contact> = self.table.partition(contacts_pk(workspace_id, list_id)).all().await?;
        contacts.sort_by_key(|contact| (contact.added_at, contact.place, contact.member.lead_id));
        let total = contacts.len();
        Ok((contacts.into_iter().skip(skip).take(limit).collect(), total))
    }

    /// The prospect ids of the contacts on a list, for those that came from the prospect source.
    pub async fn prospects(&self, workspace_id: Uuid, list_id: Uuid) -> Result<HashSet<String>, StoreError> {
        let (contacts, _) = self.contacts(workspace_id, list_id, (0, usize::MAX)).await?;
        Ok(contacts.into_iter().filter_map(|contact| contact.member.prospect_id).collect())
    }

    /// Adds contacts to a list, each once. Returns how many were new. The caller must check that they belong to the
    /// workspace.
    ///
    /// # Errors
    /// If the list would exceed its limit, nothing is added. Only if others add contacts at the same time may
    /// some of them have been added.
    pub async fn add(&self, workspace_id: Uuid, list_id: Uuid, members: &[Member]) -> Result<usize, ListError> {
        let list = self.get(workspace_id, list_id).await?.ok_or(ListError::NoSuchList)?;
        let mut seen = HashSet::new();
        let mut members: Vec<_> = members.iter().filter(|member| seen.insert(member.lead_id)).collect();
        if list.contacts as usize + members.len() > MOST {
            let (there, total) = self.contacts(workspace_id, list_id, (0, usize::MAX)).await?;
            let there: HashSet<_> = there.iter().map(|contact| contact.member.lead_id).collect();
            members.retain(|member| !there.contains(&member.lead_id));
            if total + members.len() > MOST {
                return Err(ListError::Full);
            }
        }
        let added_at = self.clock.now();
        let mut puts = Vec::with_capacity(members.len());
        for (place, member) in members.into_iter().enumerate() {
            let contact = Contact { member: member.clone(), added_at, place };
            let key = contact_key(workspace_id, list_id, member.lead_id);
            puts.push(self.table.put_new(keyed(&contact, key)?));
        }
        let count = |more: usize| {
            let update = self.table.update(list_key(workspace_id, list_id), "SET contacts = contacts + :more");
            let update = update.when("attribute_exists(pk) AND contacts <= :room");
            update.bind("more", n(more)).bind("room", n(MOST - more))
        };
        self.change(puts, count).await
    }

    /// Takes contacts off a list; gives how many were there.
    pub async fn remove(&self, workspace_id: Uuid, list_id: Uuid, lead_ids: &[Uuid]) -> Result<usize, ListError> {
        let lead_ids: BTreeSet<_> = lead_ids.iter().collect();
        let delete = |lead_id: &Uuid| {
            self.table.delete(contact_key(workspace_id, list_id, *lead_id)).when("attribute_exists(pk)")
        };
        let deletes = lead_ids.into_iter().map(delete).collect();
        let count = |fewer: usize| {
            let update = self.table.update(list_key(workspace_id, list_id), "SET contacts = contacts - :fewer");
            update.when("attribute_exists(pk)").bind("fewer", n(fewer))
        };
        self.change(deletes, count).await
    }

    /// Applies changes to a list's contacts in consecutive transactions. Each change has its condition, and `count`
    /// makes the write that updates the list's count. A change whose condition fails is not needed: the transaction is
    /// repeated without it.
    async fn change(&self, changes: Vec<Write>, count: impl Fn(usize) -> Write) -> Result<usize, ListError> {
        let mut applied = 0;
        for chunk in changes.chunks(AT_ONCE) {
            let mut changes = chunk.to_vec();
            while !changes.is_empty() {
                let writes = [count(changes.len())].into_iter().chain(changes.clone());
                let refused = match self.table.transact(writes).await? {
                    Transacted::Applied => {
                        applied += changes.len();
                        break;
                    }
                    Transacted::Refused(refused) => refused,
                };
                let mut by_change = refused.iter().skip(1).map(Option::is_some);
                let before = changes.len();
                changes.retain(|_| by_change.next() != Some(true));
                match refused.first() {
                    Some(Some(list)) if list.is_empty() => return Err(ListError::NoSuchList),
                    // If no change was dropped, the count's own limit refused the transaction: the list is full.
                    _ if changes.len() == before => return Err(ListError::Full),
                    _ => {}
                }
            }
        }
        Ok(applied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_without_spaces_around_it() {
        assert_eq!(ListName::of("  Q1 Leads\t"), Some(ListName("Q1 Leads".to_owned())));
        assert_eq!(ListName::of(&"é".repeat(120)).map(|name| name.0.chars().count()), Some(120));
        for wrong in ["", " \n", "a\nb", "a\u{2028}b", "a\u{0}b", &"x".repeat(121)] {
            assert_eq!(ListName::of(wrong), None, "{wrong:?}");
        }
    }
}
