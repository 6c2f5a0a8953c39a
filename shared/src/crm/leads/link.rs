//! What leads from a lead to its rows in the lead lists: one for each user and channel.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Lead, lead_pk};
use crate::base::store::{Item, StoreError, Table, Write, from_item, key, keyed, n, s};
use crate::crm::identifiers::{CustomerPhone, User};

/// A row of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whose row.
    pub user: User,
    /// The lead's channel identifier within the user.
    pub customer_phone: CustomerPhone,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    user_id: String,
    customer_phone: String,
}

impl Link {
    /// Every link of a lead sorts from here on.
    pub(crate) const FIRST: &str = "row#";
    /// And before this.
    pub(crate) const AFTER: &str = "row$";

    /// Whether an item of a lead is a link.
    pub(crate) fn is(item: &Item) -> bool {
        item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with(Self::FIRST))
    }

    pub(crate) fn read(workspace_id: Uuid, item: Item) -> Result<Self, StoreError> {
        let Stored { user_id, customer_phone } = from_item(item)?;
        let unusable = |_| StoreError::Broken("a link holds no key".to_owned());
        let user = User::new(workspace_id, &user_id).map_err(unusable)?;
        Ok(Self { user, customer_phone: CustomerPhone::parse(&customer_phone).map_err(unusable)? })
    }

    /// As it is stored with its lead. Neither part of the key can hold the `#` between them.
    pub(crate) fn item(&self, lead_id: Uuid) -> Result<Item, StoreError> {
        let (user_id, customer_phone) = (self.user.user_id.clone(), self.customer_phone.as_str().to_owned());
        let sk = format!("{}{user_id}#{customer_phone}", Self::FIRST);
        keyed(&Stored { user_id, customer_phone }, key(lead_pk(self.user.workspace_id, lead_id), sk))
    }

    /// The write that shows in the row who its lead is. The row must be there: its version rises, so that whoever
    /// is about to write it reads it again.
    pub(crate) fn update(&self, table: &Table, lead: &Lead, changed_at: &str) -> Write {
        let shown = [
            ("contact_name", &lead.full_name),
            ("contact_email", &lead.email),
            ("contact_company", &lead.company_name),
        ];
        let (mut expression, mut remove) =
            ("SET changed_at = :changed_at, #version = #version + :one".to_owned(), Vec::new());
        for (name, value) in shown {
            match value {
                Some(_) => expression.push_str(&format!(", {name} = :{name}")),
                None => remove.push(name),
            }
        }
        if !remove.is_empty() {
            expression.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        let update = table.update(self.user.row_key(&self.customer_phone), &expression).when("attribute_exists(pk)");
        let update = update.bind("changed_at", s(changed_at)).bind("one", n(1));
        let values = shown.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        values.fold(update, |update, (name, value)| update.bind(name, s(value)))
    }
}
