//! Lists of contacts, in the `work` table.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | list | `W#<workspace>#lists` | `list#<list>` |
//! | contact on a list | `W#<workspace>#S#<list>` | `contact#<lead>` |
//!
//! A list counts its contacts. What puts contacts on it or takes them off changes the count in the same
//! transaction, on the condition that each of them is not there yet, or is: so whatever is done twice, or by
//! several at once, counts once.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, Update};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::{Clock, Random};
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::store::{
    Item, StoreError, TransactWriteItem, Transacted, from_item, n, query_all, s, store_error, to_item, transact,
};

/// The most contacts of a list.
pub const MOST: usize = 10_000;

/// How many contacts one transaction takes besides the list: DynamoDB's limit is 100 writes.
const AT_ONCE: usize = 99;

/// What a list's name has to be; completes the sentence "name …".
pub const A_NAME: &str = "must be one line of 1 to 120 characters";

/// The name of a list, without spaces around it. `None` if it cannot be one.
pub fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let is_line = !text.contains(|character: char| character.is_control() || "\u{2028}\u{2029}".contains(character));
    (is_line && (1..=120).contains(&text.chars().count())).then(|| text.to_owned())
}

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

/// A list that is there, or is to be made when something is first put on it.
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
    /// What it is called at the source of prospects, if it was found there.
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
    /// Its place among those that were put there with it.
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
#[derive(Clone, Debug)]
pub struct Lists {
    client: Client,
    clock: Clock,
    random: Random,
    table: String,
}

fn list_key(workspace_id: Uuid, list_id: Uuid) -> Item {
    Item::from([("pk".to_owned(), s(lists_pk(workspace_id))), ("sk".to_owned(), s(format!("list#{list_id}")))])
}

fn lists_pk(workspace_id: Uuid) -> String {
    format!("W#{workspace_id}#lists")
}

fn contacts_pk(workspace_id: Uuid, list_id: Uuid) -> String {
    format!("W#{workspace_id}#S#{list_id}")
}

fn contact_key(workspace_id: Uuid, list_id: Uuid, lead_id: Uuid) -> Item {
    Item::from([
        ("pk".to_owned(), s(contacts_pk(workspace_id, list_id))),
        ("sk".to_owned(), s(format!("contact#{lead_id}"))),
    ])
}

impl Lists {
    /// The table named by `WORK_TABLE`.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self {
            client: context.dynamodb.clone(),
            clock: context.clock.clone(),
            random: context.random.clone(),
            table: context.environment.required("WORK_TABLE")?.to_owned(),
        })
    }

    /// A list by its id.
    pub async fn get(&self, workspace_id: Uuid, list_id: Uuid) -> Result<Option<List>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(list_key(workspace_id, list_id)));
        let got = get.consistent_read(true).send().await.map_err(|error| store_error("GetItem", &error))?;
        got.item.map(from_item).transpose()
    }

    /// Every list of a workspace, newest first.
    pub async fn all(&self, workspace_id: Uuid) -> Result<Vec<List>, StoreError> {
        let mut lists: Vec<List> = query_all(self.under(lists_pk(workspace_id))).await?;
        lists.sort_by_key(|list| Reverse((list.created_at, list.list_id)));
        Ok(lists)
    }

    /// Makes a list, unless there is one of this identifier; gives it as it stands.
    pub async fn create(&self, target: &Target, workspace_id: Uuid) -> Result<List, StoreError> {
        let Target { list_id, name } = target.clone();
        let list = List { list_id, workspace_id, name, contacts: 0, created_at: self.clock.now() };
        let mut item = to_item(&list)?;
        item.extend(list_key(workspace_id, list_id));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let writes = vec![TransactWriteItem::builder().put(put.build()?).build()];
        match transact(&self.client, &self.random, writes).await? {
            Transacted::Applied => Ok(list),
            Transacted::Refused(refused) => from_item(refused.into_iter().flatten().next().unwrap_or_default()),
        }
    }

    /// Gives a list another name. `None` if there is no such list.
    pub async fn rename(&self, workspace_id: Uuid, list_id: Uuid, name: &str) -> Result<Option<List>, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(list_key(workspace_id, list_id)))
            .update_expression("SET #name = :name")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":name", s(name))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match sent {
            Ok(updated) => updated.attributes.map(from_item).transpose(),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(store_error("UpdateItem", &error)),
        }
    }

    /// The contacts of a list in the order in which they were put there, without the first `skip` and at most
    /// `limit`; and how many there are. It reads the whole list, which at its longest is 2 MB.
    pub async fn contacts(
        &self,
        workspace_id: Uuid,
        list_id: Uuid,
        (skip, limit): (usize, usize),
    ) -> Result<(Vec<Contact>, usize), StoreError> {
        let mut contacts: Vec<Contact> = query_all(self.under(contacts_pk(workspace_id, list_id))).await?;
        contacts.sort_by_key(|contact| (contact.added_at, contact.place, contact.member.lead_id));
        let total = contacts.len();
        Ok((contacts.into_iter().skip(skip).take(limit).collect(), total))
    }

    /// What the contacts of a list are called at the source of prospects, those that were found there.
    pub async fn prospects(&self, workspace_id: Uuid, list_id: Uuid) -> Result<HashSet<String>, StoreError> {
        let (contacts, _) = self.contacts(workspace_id, list_id, (0, usize::MAX)).await?;
        Ok(contacts.into_iter().filter_map(|contact| contact.member.prospect_id).collect())
    }

    /// Puts contacts on a list, each once; gives how many were not there yet. Whether they are contacts of the
    /// workspace is the caller's to know.
    ///
    /// # Errors
    /// A list that would get too long takes none of them, unless others lengthen it at the same moment.
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
            let mut item = to_item(&Contact { member: member.clone(), added_at, place })?;
            item.extend(contact_key(workspace_id, list_id, member.lead_id));
            let put = Put::builder().table_name(&self.table).set_item(Some(item));
            let put = put.condition_expression("attribute_not_exists(pk)").build();
            puts.push(TransactWriteItem::builder().put(put.map_err(StoreError::from)?).build());
        }
        let count = |more: usize| {
            let update = Update::builder()
                .update_expression("SET contacts = contacts + :more")
                .condition_expression("attribute_exists(pk) AND contacts <= :room")
                .expression_attribute_values(":more", n(more))
                .expression_attribute_values(":room", n(MOST - more));
            update.table_name(&self.table).set_key(Some(list_key(workspace_id, list_id)))
        };
        self.change(puts, count).await
    }

    /// Takes contacts off a list; gives how many were there.
    pub async fn remove(&self, workspace_id: Uuid, list_id: Uuid, lead_ids: &[Uuid]) -> Result<usize, ListError> {
        let mut deletes = Vec::with_capacity(lead_ids.len());
        for lead_id in lead_ids.iter().collect::<BTreeSet<_>>() {
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(contact_key(workspace_id, list_id, *lead_id)))
                .condition_expression("attribute_exists(pk)")
                .build();
            deletes.push(TransactWriteItem::builder().delete(delete.map_err(StoreError::from)?).build());
        }
        let count = |fewer: usize| {
            let update = Update::builder()
                .update_expression("SET contacts = contacts - :fewer")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":fewer", n(fewer));
            update.table_name(&self.table).set_key(Some(list_key(workspace_id, list_id)))
        };
        self.change(deletes, count).await
    }

    /// Applies changes of a list's contacts, each with its condition, and what `count` makes of their number,
    /// one transaction after the other. A change whose condition fails is none; the others are tried again
    /// without it.
    async fn change(
        &self,
        changes: Vec<TransactWriteItem>,
        count: impl Fn(usize) -> aws_sdk_dynamodb::types::builders::UpdateBuilder,
    ) -> Result<usize, ListError> {
        let mut applied = 0;
        for chunk in changes.chunks(AT_ONCE) {
            let mut changes = chunk.to_vec();
            while !changes.is_empty() {
                let list = count(changes.len())
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                    .build()
                    .map_err(StoreError::from)?;
                let writes = [TransactWriteItem::builder().update(list).build()].into_iter().chain(changes.clone());
                let refused = match transact(&self.client, &self.random, writes.collect()).await? {
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
                    // It is full, unless those that are there already leave room for the rest.
                    _ if changes.len() == before => return Err(ListError::Full),
                    _ => {}
                }
            }
        }
        Ok(applied)
    }

    fn under(&self, pk: String) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        let query = self.client.query().table_name(&self.table).key_condition_expression("pk = :pk");
        query.expression_attribute_values(":pk", s(pk)).consistent_read(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_without_spaces_around_it() {
        assert_eq!(name("  Q1 Leads\t").as_deref(), Some("Q1 Leads"));
        assert_eq!(name(&"é".repeat(120)).map(|name| name.chars().count()), Some(120));
        for wrong in ["", " \n", "a\nb", "a\u{2028}b", "a\u{0}b", &"x".repeat(121)] {
            assert_eq!(name(wrong), None, "{wrong:?}");
        }
    }
}
