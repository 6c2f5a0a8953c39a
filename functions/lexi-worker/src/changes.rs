//! Changes of a contact, and of a list.

use std::collections::HashSet;

use serde_json::json;
use shared::base::store::StoreError;
use shared::crm::leads::Lead;
use shared::crm::lists::{Member, Target};
use shared::workflow::tasks::{ContactChanges, ListOperation};
use uuid::Uuid;

use crate::{LexiWorker, Outcome, Trouble};

impl LexiWorker {
    /// Changes what is known of a contact; what is not named stays.
    pub(crate) async fn update(
        &self,
        workspace_id: Uuid,
        lead_id: Uuid,
        changes: ContactChanges,
    ) -> Result<Outcome, Trouble> {
        if self.leads.lead(workspace_id, lead_id).await?.is_none() {
            return Err(Trouble::lasting("contact_not_found", "the contact is not in this workspace"));
        }
        let changed: Vec<_> = changes.iter().map(|(field, _)| field).collect();
        let result = json!({"contact_id": lead_id, "changed": changed});
        let ContactChanges { full_name, email, phone, job_title, company_name, stage } = changes;
        let lead = Lead { lead_id, full_name, email, phone, job_title, company_name, stage, ..Lead::default() };
        if self.leads.put(workspace_id, &lead).await? {
            return Ok(Outcome::done(result));
        }
        Err(Trouble::lasting(
            "identity_taken",
            "the e-mail address or the phone number belongs to another contact, and nothing was changed",
        ))
    }

    /// Changes a list.
    pub(crate) async fn operate(
        &self,
        workspace_id: Uuid,
        list: &Target,
        operation: ListOperation,
    ) -> Result<Outcome, Trouble> {
        let list_id = list.list_id;
        let gone = || Trouble::lasting("list_not_found", "the list is not in this workspace");
        let result = match operation {
            ListOperation::Create => {
                let list = self.lists.create(list, workspace_id).await?;
                json!({"list_id": list_id, "list_name": list.name})
            }
            ListOperation::Rename { to } => {
                let list = self.lists.rename(workspace_id, list_id, &to).await?.ok_or_else(gone)?;
                json!({"list_id": list_id, "list_name": list.name})
            }
            ListOperation::Add { lead_ids } => {
                let lead_ids = each_once(lead_ids);
                let known = self.known(workspace_id, &lead_ids).await?;
                let list = self.lists.create(list, workspace_id).await?;
                let added = self.lists.add(workspace_id, list_id, &known).await?;
                json!({
                    "list_id": list_id,
                    "list_name": list.name,
                    "added": added,
                    "already_on_list": known.len() - added,
                    "not_found": lead_ids.len() - known.len(),
                })
            }
            ListOperation::Remove { lead_ids } => {
                let lead_ids = each_once(lead_ids);
                let list = self.lists.get(workspace_id, list_id).await?.ok_or_else(gone)?;
                let removed = self.lists.remove(workspace_id, list_id, &lead_ids).await?;
                json!({
                    "list_id": list_id,
                    "list_name": list.name,
                    "removed": removed,
                    "not_on_list": lead_ids.len() - removed,
                })
            }
        };
        Ok(Outcome::done(result))
    }

    /// Those of these contacts that the workspace has.
    async fn known(&self, workspace_id: Uuid, lead_ids: &[Uuid]) -> Result<Vec<Member>, StoreError> {
        let found = self.leads.leads(workspace_id, lead_ids).await?;
        let known = lead_ids.iter().filter(|lead_id| found.contains_key(*lead_id));
        Ok(known.map(|lead_id| Member { lead_id: *lead_id, prospect_id: None }).collect())
    }
}

fn each_once(mut lead_ids: Vec<Uuid>) -> Vec<Uuid> {
    let mut seen = HashSet::new();
    lead_ids.retain(|lead_id| seen.insert(*lead_id));
    lead_ids
}
