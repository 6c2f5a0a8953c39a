//! What leads from a lead to its rows in the lead lists: one for each user and channel.

use aws_sdk_dynamodb::types::Update;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Lead, key, lead_pk};
use crate::base::store::{Item, StoreError, from_item, n, s, to_item};
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
        let mut item = to_item(&Stored { user_id, customer_phone })?;
        item.extend(key(lead_pk(self.user.workspace_id, lead_id), sk));
        Ok(item)
    }

    /// What tells the row who its lead is. The row must be there: its version rises, so that whoever
    /// is about to write it reads it again.
    pub(crate) fn tell(&self, table: &str, lead: &Lead, changed_at: &str) -> Result<Update, StoreError> {
        let shown = [
            ("contact_name", &lead.full_name),
            ("contact_email", &lead.email),
            ("contact_company", &lead.company_name),
        ];
        let (mut expression, mut remove) =
            ("SET changed_at = :changed_at, #version = #version + :one".to_owned(), Vec::new());
        let mut update = Update::builder()
            .table_name(table)
            .set_key(Some(self.user.row_key(&self.customer_phone)))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":changed_at", s(changed_at))
            .expression_attribute_values(":one", n(1));
        for (name, value) in shown {
            match value {
                Some(value) => {
                    expression.push_str(&format!(", {name} = :{name}"));
                    update = update.expression_attribute_values(format!(":{name}"), s(value));
                }
                None => remove.push(name),
            }
        }
        if !remove.is_empty() {
            expression.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        Ok(update.update_expression(expression).build()?)
    }
}
