//! Erases a person from a workspace: everything that is stored about the person, in every table. The ledger stays
//! complete.
//!
//! It erases:
//!
//! - the lead with its identities, activities and links; its rows, messages, template sends and extractions;
//! - recommendations, commands, notifications, its places on lists and in campaigns, its entry in the manual queue;
//! - tasks that change the contact or put it on a list. In other tasks, campaigns and lists, a text that names the
//!   person is replaced by `[erased]`;
//! - whole conversations with Lexi in which the person is named, because other answers there may describe the person
//!   without the name;
//! - answers that are stored for an idempotency key: the key stays used and is answered with 404 from then on, so that
//!   nothing is created or charged again;
//! - the person among prospects and in search results; webhook deliveries that are not processed yet.
//!
//! It keeps the ledger, audit events and counters, which name no person. For a person who asked not to be contacted it
//! also keeps a keyed hash of each address ([`crate::crm::leads`]), so that no message is sent to it again.
//!
//! Erasing scans the tables, and repeats that until nothing is left, so it can be interrupted and repeated. Texts are
//! deleted before the items that identify their owner. The lead with its identities is deleted last, in one transaction
//! that fails if the lead has changed meanwhile.

mod find;
mod person;
mod plan;
mod remove;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use uuid::Uuid;

use self::person::Person;
use crate::base::context::FromContext;
use crate::base::store::{StoreError, Table};
use crate::crm::conversations::Conversations;
use crate::crm::leads::Leads;
use crate::crm::lists::Lists;
use remove::erased_answer;

/// The maximum number of passes. More than one is needed if other processes write meanwhile.
const PASSES: usize = 10;

/// The person to erase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The lead with this identifier.
    Lead(Uuid),
    /// The person with this e-mail address, in lower case.
    Email(String),
    /// The person with this phone number: `+` and digits.
    Phone(String),
}

/// The items that were found or erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErasureReport {
    /// The lead; null if there is none.
    pub lead_id: Option<Uuid>,
    /// The leads whose rows show the address or number, if no lead has it and several show it. None of them is erased,
    /// because they may be different people.
    pub shown_by: BTreeSet<Uuid>,
    /// The number of items of each kind, such as `messages`, without zeros.
    pub counts: BTreeMap<&'static str, usize>,
    /// How many items of other people contain an address, a number or an identifier of the person. They stay unchanged.
    pub named_elsewhere: usize,
}

/// Erases people.
#[derive(Clone, Debug, FromContext)]
pub struct Erasure {
    leads: Leads,
    conversations: Conversations,
    lists: Lists,
    #[context(Table::named(context, "LEADS_TABLE")?)]
    leads_table: Table,
    #[context(Table::named(context, "WORK_TABLE")?)]
    work_table: Table,
    #[context(Table::named(context, "IDEMPOTENCY_TABLE")?)]
    idempotency_table: Table,
}

impl Erasure {
    /// Counts what is stored about a person, without a change. Scans three tables; those of leads and work more than
    /// once.
    pub async fn look(&self, workspace_id: Uuid, subject: &Subject) -> Result<ErasureReport, StoreError> {
        self.plan(workspace_id, subject, Person::default()).await.map(|plan| plan.found)
    }

    /// Erases a person and returns the counts. The result does not show whether something was erased before or never
    /// existed.
    ///
    /// # Errors
    /// After an error some data may be erased. Erasing again erases the rest.
    pub async fn erase(&self, workspace_id: Uuid, subject: &Subject) -> Result<ErasureReport, StoreError> {
        let mut erased = ErasureReport::default();
        let mut subject = subject.clone();
        // What tells a text about the person may be erased before a text that is written meanwhile is seen.
        let mut person = Person::default();
        for _ in 0..PASSES {
            let plan = self.plan(workspace_id, &subject, person).await?;
            erased.named_elsewhere = plan.found.named_elsewhere;
            erased.shown_by.clone_from(&plan.found.shown_by);
            if plan.found.counts.is_empty() {
                return Ok(erased);
            }
            if let Some(lead_id) = plan.found.lead_id {
                erased.lead_id = Some(lead_id);
                // What was written meanwhile is found by that, once the address leads nowhere.
                subject = Subject::Lead(lead_id);
            }
            for (kind, count) in self.apply(workspace_id, &plan).await? {
                *erased.counts.entry(kind).or_default() += count;
            }
            person = plan.person;
        }
        Err(StoreError::Unavailable("others keep writing about this lead; erase it again".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erased_answer_keeps_its_envelope_and_is_erased_once() {
        for (body, code) in [
            (r#"{"data": {"name": "x"}}"#, "not_found"),
            (r#"{"success": true, "data": {}}"#, "LEAD_NOT_FOUND"),
            (r#"{"recommendation_id": "x"}"#, "LEAD_NOT_FOUND"),
            ("no JSON", "LEAD_NOT_FOUND"),
        ] {
            let answer = erased_answer(body).unwrap();
            assert_eq!(answer["error"]["code"], code, "{body}");
            assert_eq!(answer.get("success").is_some(), body.contains("success"));
            assert_eq!(erased_answer(&answer.to_string()), None);
        }
    }
}
