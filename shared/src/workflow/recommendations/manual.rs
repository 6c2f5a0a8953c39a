//! The manual queue: work for people that the model could not do.

use super::{Actor, Recommendation, Recommendations, Status, of_lead};
use crate::base::store::{Item, StoreError, Transacted, Write, key, n, s};
use crate::workflow::notifications::Notification;
use uuid::Uuid;

/// The key of the item that names a lead's open item in the manual queue.
pub(super) fn manual_key(workspace_id: Uuid, lead_id: Uuid) -> Item {
    key(of_lead(workspace_id, lead_id), "manual")
}

pub(super) fn manual_item(of: &Recommendation) -> Item {
    let mut item = manual_key(of.id.workspace_id, of.lead_id);
    item.insert("recommendation_id".to_owned(), s(of.id.recommendation_id));
    item.insert("expires".to_owned(), n(of.expires));
    item
}

impl Recommendations {
    /// Puts an item into the manual queue. A lead has at most one open item there; a repeated request returns it.
    pub async fn hand_to_people(
        &self,
        new: &Recommendation,
        actor: Actor,
        notifications: &[Notification],
    ) -> Result<Uuid, StoreError> {
        let mut writes = vec![self.table.put_new(manual_item(new))];
        writes.extend(self.propose(new, actor, notifications)?);
        match self.table.transact(writes).await? {
            Transacted::Applied => Ok(new.id.recommendation_id),
            Transacted::Refused(refused) => {
                let open = refused.into_iter().next().flatten().unwrap_or_default();
                let id = open.get("recommendation_id").and_then(|id| id.as_s().ok()).and_then(|id| id.parse().ok());
                id.ok_or_else(|| StoreError::Unavailable("the manual queue kept changing".to_owned()))
            }
        }
    }

    /// The write that makes a recommendation its lead's open item, in place of any other.
    pub(super) fn open_manual(&self, new: &Recommendation) -> Write {
        self.table.put(manual_item(new))
    }

    /// The write that removes a lead's open item from the manual queue.
    pub(super) fn close_manual(&self, of: &Recommendation) -> Write {
        self.table.delete(manual_key(of.id.workspace_id, of.lead_id))
    }

    /// The same write for an item of the manual queue; nothing for any other recommendation.
    pub(super) fn close_if_manual(&self, before: &Recommendation) -> Vec<Write> {
        if before.status == Status::Manual { vec![self.close_manual(before)] } else { Vec::new() }
    }
}
