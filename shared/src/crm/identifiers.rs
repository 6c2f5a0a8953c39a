//! Identifies the owner of a lead and the lead: the parts of every key in the lead list.

use pii::addresses;
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use crate::base::problem::Problem;
use crate::base::store::{Item, s};
use crate::parsed_text;

/// The owner of a lead. All keys are built from this.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct User {
    /// The tenant.
    pub workspace_id: Uuid,
    /// The user within it.
    pub user_id: String,
}

/// The text cannot be part of a key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be 1 to 128 visible ASCII characters without #")]
pub struct Unusable;

fn usable(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

impl User {
    /// A user of a workspace.
    pub fn new(workspace_id: Uuid, user_id: &str) -> Result<Self, Unusable> {
        if usable(user_id) { Ok(Self { workspace_id, user_id: user_id.to_owned() }) } else { Err(Unusable) }
    }

    pub(crate) fn rows_pk(&self) -> String {
        format!("W#{}#U#{}", self.workspace_id, self.user_id)
    }

    pub(crate) fn events_pk(&self, customer_phone: &CustomerPhone) -> String {
        format!("{}#M#{}", self.rows_pk(), customer_phone.0)
    }

    /// The key of a lead's row.
    pub(crate) fn row_key(&self, customer_phone: &CustomerPhone) -> Item {
        let sk = format!("row#{}", customer_phone.0);
        Item::from([("pk".to_owned(), s(self.rows_pk())), ("sk".to_owned(), s(sk))])
    }
}

/// A lead's channel identifier within a user: a phone number without `+`, an Instagram-scoped id, the id of a webchat
/// session, or WhatsApp's business-scoped user id (`BR.1502576394655843`) of somebody who shows no number. If WhatsApp
/// sends both for a person, one is stored as an alias of the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CustomerPhone(pub(crate) String);

impl CustomerPhone {
    /// Reads an identifier; a phone number with and without `+` is the same lead.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let digits = text.strip_prefix('+').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        let text = digits.unwrap_or(text);
        if usable(text) { Ok(Self(text.to_owned())) } else { Err(Unusable) }
    }

    /// As it is stored and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// On WhatsApp, the phone number that this identifier is, in the form in which contacts store it.
    pub fn phone_number(&self) -> Option<String> {
        let is_number = self.0.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { addresses::phone(&format!("+{}", self.0), None).ok() } else { None }
    }
}

parsed_text!(
    CustomerPhone,
    |text| CustomerPhone::parse(text).ok(),
    "must be 1 to 128 visible ASCII characters without #",
    {"type": "string", "pattern": "^[!-\"$-~]{1,128}$"}
);

/// A user, in the path.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct UserPath {
    /// The user that the leads belong to.
    #[schemars(regex(pattern = "^[!-\"$-~]{1,128}$"), example = "789895c8-4bd6-43e9-bfea-a4171ec47197")]
    pub user_id: String,
}

/// A user's lead, in the path.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct LeadPath {
    /// Whose lead.
    #[schemars(regex(pattern = "^[!-\"$-~]{1,128}$"), example = "789895c8-4bd6-43e9-bfea-a4171ec47197")]
    pub user_id: String,
    /// The lead's identifier on its platform.
    #[schemars(regex(pattern = "^[!-\"$-~]{1,128}$"), example = "918979556941")]
    pub customer_phone: String,
}

impl UserPath {
    /// The user, in a workspace.
    pub fn user(&self, workspace_id: Uuid) -> Result<User, Problem> {
        User::new(workspace_id, &self.user_id).map_err(|error| Problem::field("user_id", &error.to_string()))
    }
}

impl LeadPath {
    /// The lead, in a workspace; `None` if no lead can have such identifiers.
    pub fn lead(&self, workspace_id: Uuid) -> Option<(User, CustomerPhone)> {
        User::new(workspace_id, &self.user_id).ok().zip(CustomerPhone::parse(&self.customer_phone).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_and_without_plus_is_one_lead() {
        assert_eq!(CustomerPhone::parse("+918979556941"), CustomerPhone::parse("918979556941"));
        assert_eq!(CustomerPhone::parse("web-abc123-def456").map(|phone| phone.0), Ok("web-abc123-def456".to_owned()));
        assert_eq!(CustomerPhone::parse("+web").map(|phone| phone.0), Ok("+web".to_owned()));
    }

    #[test]
    fn what_could_reach_another_partition_is_no_identifier() {
        for text in ["", "a#M#b", "a b", "ü", &"x".repeat(129)] {
            assert_eq!(CustomerPhone::parse(text), Err(Unusable), "{text}");
            assert_eq!(User::new(Uuid::nil(), text), Err(Unusable), "{text}");
        }
    }
}
