//! Carries out the plan of an erasure.

use super::Erasure;
use super::plan::{Plan, events_pk, key_of, text};
use crate::base::store::{Item, StoreError, Table, Transacted, WriteOutcome, attribute, key, s};
use crate::crm::leads::Leads;
use crate::crm::lists::ListError;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The replacement for a stored answer about the person, in the answer's envelope. `None` if it was replaced before.
pub(super) fn erased_answer(body: &str) -> Option<Value> {
    const MESSAGE: &str = "the contact that this answer told of was erased";
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    if body["error"]["message"] == MESSAGE {
        return None;
    }
    let error = |code: &str| json!({"code": code, "message": MESSAGE});
    Some(if body.get("success").is_some() {
        json!({"success": false, "error": error("LEAD_NOT_FOUND")})
    } else if body.get("data").is_some() {
        json!({"error": error("not_found")})
    } else {
        json!({"error": error("LEAD_NOT_FOUND")})
    })
}

impl Erasure {
    /// Carries out a plan, and returns what was done. If a text has changed meanwhile, the items that identify its
    /// owner are kept for the next pass.
    pub(super) async fn apply(
        &self,
        workspace_id: Uuid,
        plan: &Plan,
    ) -> Result<BTreeMap<&'static str, usize>, StoreError> {
        let mut counts = BTreeMap::new();
        for (key, answer) in &plan.answers {
            let response = attribute(json!({"status": 404, "body": answer.to_string()}))?;
            if self.update(&self.idempotency_table, key, &[("response".to_owned(), None, response)]).await? {
                *counts.entry("stored_answers").or_default() += 1;
            }
        }
        for (kind, key, changes) in &plan.redactions {
            let changes: Vec<_> =
                changes.iter().map(|(name, was, becomes)| (name.clone(), Some(was.clone()), becomes.clone())).collect();
            if self.update(&self.work_table, key, &changes).await? {
                *counts.entry(*kind).or_default() += 1;
            }
        }
        if counts.values().sum::<usize>() < plan.answers.len() + plan.redactions.len() {
            return Ok(counts);
        }
        for (pk, naming) in &plan.chats {
            self.erase_chat(pk, naming).await?;
        }
        if let Some(lead_id) = plan.found.lead_id {
            for list_id in &plan.lists {
                match self.lists.remove(workspace_id, *list_id, &[lead_id]).await {
                    Ok(_) | Err(ListError::NoSuchList) => {}
                    Err(ListError::Store(error)) => return Err(error),
                    Err(ListError::Full) => return Err(StoreError::Broken("a list got longer by less".to_owned())),
                }
            }
            self.work_table.delete_all(plan.work.clone()).await?;
            for row in &plan.rows {
                self.conversations.erase_row(row, lead_id).await?;
            }
            for place in &plan.places {
                self.erase_late_events(place, lead_id).await?;
            }
        } else {
            self.work_table.delete_all(plan.work.clone()).await?;
        }
        self.leads_table.delete_all(plan.leads.clone()).await?;
        let mut counts = plan.found.counts.clone();
        if !self.finish(workspace_id, plan).await? {
            counts.remove("contacts");
            counts.remove("identities");
        }
        Ok(counts)
    }

    /// Deletes the events of a deleted row that were recorded after the scan and belong to no lead. If the person has
    /// written again meanwhile and become another lead, that lead's events are kept.
    pub(super) async fn erase_late_events(&self, place: &(String, String), lead_id: Uuid) -> Result<(), StoreError> {
        let events = self.keys(&self.leads_table, &events_pk(place)).await?;
        if self.is_anothers(place, lead_id).await? {
            return Ok(());
        }
        self.leads_table.delete_all(events).await
    }

    /// Whether the row at a place belongs to another lead by now.
    pub(super) async fn is_anothers(
        &self,
        (user, identifier): &(String, String),
        lead_id: Uuid,
    ) -> Result<bool, StoreError> {
        let row = self.leads_table.get_item(key(user, format!("row#{identifier}"))).await?;
        Ok(row.is_some_and(|row| text(&row, "lead_id") != lead_id.to_string()))
    }

    /// The keys of all items of a partition.
    pub(super) async fn keys(&self, table: &Table, pk: &str) -> Result<Vec<Item>, StoreError> {
        let mut items = table.partition(pk).only("pk, sk").items();
        let mut keys = Vec::new();
        while let Some(item) = items.next().await? {
            keys.push(item);
        }
        Ok(keys)
    }

    /// Deletes a conversation with Lexi. The items that name the person are deleted last, so that an interrupted
    /// erasure finds the rest.
    pub(super) async fn erase_chat(&self, pk: &str, naming: &[Item]) -> Result<(), StoreError> {
        let mut others = self.keys(&self.work_table, pk).await?;
        others.retain(|key| !naming.contains(key));
        self.work_table.delete_all(others).await?;
        self.work_table.delete_all(naming.to_vec()).await
    }

    /// Sets attributes of an item, on the condition that each has its old value, or exists. `false` if one has changed
    /// meanwhile; then nothing is set.
    pub(super) async fn update(
        &self,
        table: &Table,
        key: &Item,
        changes: &[(String, Option<AttributeValue>, AttributeValue)],
    ) -> Result<bool, StoreError> {
        let sets: Vec<_> = changes.iter().map(|(name, ..)| format!("#{name} = :{name}_after")).collect();
        let mut update = table.update(key.clone(), &format!("SET {}", sets.join(", ")));
        for (name, was, becomes) in changes {
            update = update.bind(&format!("{name}_after"), becomes.clone());
            update = match was {
                Some(was) => {
                    update.when(&format!("#{name} = :{name}_before")).bind(&format!("{name}_before"), was.clone())
                }
                None => update.when(&format!("attribute_exists(#{name})")),
            };
        }
        Ok(matches!(table.write(update).await?, WriteOutcome::Applied(_)))
    }

    /// Deletes the lead with its identities, and keeps its suppression. `false` if the lead has changed meanwhile.
    pub(super) async fn finish(&self, workspace_id: Uuid, plan: &Plan) -> Result<bool, StoreError> {
        let Some(lead_id) = plan.found.lead_id else { return Ok(true) };
        let mut writes = Vec::new();
        if let Some((lead, version)) = &plan.lead {
            let delete = self.leads_table.delete(Leads::key(workspace_id, lead_id));
            writes.push(match version {
                0 => delete.when("attribute_not_exists(#version)"),
                version => delete.when_version(*version),
            });
            match &plan.suppressed {
                Some(suppressed) => writes.extend(self.leads.keep_suppressed(workspace_id, lead, suppressed)),
                // Where it asks not to be contacted only now, the next pass keeps that.
                None => writes.push(self.leads.unless_suppressed(workspace_id, lead_id)),
            }
        }
        for key in &plan.identities {
            let delete = self.leads_table.delete(key.clone()).when("attribute_not_exists(pk) OR lead_id = :lead");
            writes.push(delete.bind("lead", s(lead_id)));
        }
        if let Some(suppressed) = &plan.suppressed {
            writes.push(self.leads_table.delete(key_of(suppressed)));
        }
        if writes.is_empty() {
            return Ok(true);
        }
        Ok(matches!(self.leads_table.transact(writes).await?, Transacted::Applied))
    }
}
