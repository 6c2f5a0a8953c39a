//! Lists of contacts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
