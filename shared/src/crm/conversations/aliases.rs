//! A lead's other identifiers within a user: for one person WhatsApp sends the phone number, the business-scoped user
//! id, or both. The first one that arrives is the key of the row. Each other one is an alias that names the row. An
//! identifier is a row or an alias, never both: writing either checks that the other does not exist.

use crate::crm::identifiers::CustomerPhone;
use crate::crm::identifiers::User;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::Conversations;
use super::row::Row;
use crate::base::store::{Item, StoreError, Write, keyed, s};

/// Where an event belongs.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The row's identifier.
    pub(super) identifier: CustomerPhone,
    /// The row, if it is there.
    pub(super) row: Option<Row>,
    /// The other identifiers of the event that have no row and no alias yet.
    pub(super) unknown: Vec<CustomerPhone>,
}

#[derive(Serialize, Deserialize)]
struct Alias {
    customer_phone: String,
}

fn alias_key(user: &User, alias: &CustomerPhone) -> Item {
    Item::from([("pk".to_owned(), s(user.events_pk(alias))), ("sk".to_owned(), s("alias"))])
}

impl Conversations {
    /// A lead's row, by its identifier or by an alias of it.
    pub async fn row_or_aliased(&self, user: &User, lead: &CustomerPhone) -> Result<Option<Row>, StoreError> {
        match self.row(user, lead).await? {
            Some(row) => Ok(Some(row)),
            None => match self.alias(user, lead).await? {
                Some(of) => self.row(user, &of).await,
                None => Ok(None),
            },
        }
    }

    /// The identifier of the row that an alias names.
    pub async fn alias(&self, user: &User, alias: &CustomerPhone) -> Result<Option<CustomerPhone>, StoreError> {
        let stored: Option<Alias> = self.table.get(alias_key(user, alias)).await?;
        let Some(Alias { customer_phone }) = stored else { return Ok(None) };
        let unusable = |_| StoreError::Broken("an alias holds no key".to_owned());
        CustomerPhone::parse(&customer_phone).map(Some).map_err(unusable)
    }

    /// Finds the row of an event with these identifiers, the preferred one first. A row takes precedence over an alias,
    /// and the first of several rows over the others.
    pub(super) async fn locate(
        &self,
        user: &User,
        lead: &CustomerPhone,
        also: &[CustomerPhone],
    ) -> Result<Place, StoreError> {
        let told: Vec<_> = std::iter::once(lead).chain(also).collect();
        let rows = try_join_all(told.iter().map(|one| self.row(user, one))).await?;
        let (with_row, without): (Vec<_>, Vec<_>) = told.into_iter().zip(rows).partition(|(_, row)| row.is_some());
        let aliases = try_join_all(without.iter().map(|(one, _)| self.alias(user, one))).await?;
        let known = aliases.iter().flatten().next().cloned();
        let unknown = without.iter().zip(&aliases).filter(|(_, alias)| alias.is_none());
        let unknown: Vec<_> = unknown.map(|((one, _), _)| (*one).clone()).collect();
        if let Some((identifier, row)) = with_row.into_iter().next() {
            return Ok(Place { identifier: identifier.clone(), row, unknown });
        }
        if let Some(identifier) = known {
            return Ok(Place { row: self.row(user, &identifier).await?, identifier, unknown });
        }
        Ok(Place { identifier: lead.clone(), row: None, unknown: also.to_vec() })
    }

    /// The writes that make the other identifiers aliases, and the checks that keep an identifier from
    /// becoming a row and an alias at once.
    pub(super) fn alias_writes(&self, user: &User, place: &Place) -> Result<Vec<Write>, StoreError> {
        let absent = |key: Item| self.table.check(key).when("attribute_not_exists(pk)");
        let mut writes = Vec::new();
        if place.row.is_none() {
            writes.push(absent(alias_key(user, &place.identifier)));
        }
        for alias in &place.unknown {
            let item = Alias { customer_phone: place.identifier.as_str().to_owned() };
            writes.push(self.table.put_new(keyed(&item, alias_key(user, alias))?));
            writes.push(absent(user.row_key(alias)));
        }
        Ok(writes)
    }
}
