//! The permissions of an API key.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};

/// A permission of an API key (docs/behaviour.md, "Keys and limits").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Display, IntoStaticStr)]
pub enum Permission {
    /// Suggestions, follow-ups, recommendations and decisions on them.
    #[serde(rename = "write:ai")]
    #[strum(serialize = "write:ai")]
    WriteAi,
    /// Reads credits, commands, recommendations, notifications, tasks, conversations and campaigns.
    #[serde(rename = "read:ai")]
    #[strum(serialize = "read:ai")]
    ReadAi,
    /// Talks with Lexi and decides on its tasks.
    #[serde(rename = "lexi")]
    #[strum(serialize = "lexi")]
    Lexi,
    /// Reads contacts, lists and the leads API.
    #[serde(rename = "read:leads")]
    #[strum(serialize = "read:leads")]
    ReadLeads,
    /// Records contacts, lists, activities, messages and extractions.
    #[serde(rename = "write:leads")]
    #[strum(serialize = "write:leads")]
    WriteLeads,
}

/// The text is not the name of a permission.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown permission {0:?}; known are write:ai, read:ai, lexi, read:leads, write:leads, read and write")]
pub struct UnknownPermission(String);

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 5] = [Self::WriteAi, Self::ReadAi, Self::Lexi, Self::ReadLeads, Self::WriteLeads];

    /// The name in stored items and error messages.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The permissions that a name stands for when a key is created: the permission with this name, all reads for
    /// `read`, all writes for `write`. Accepts both orders around the colon.
    ///
    /// # Errors
    /// The name is unknown.
    pub fn named(name: &str) -> Result<BTreeSet<Self>, UnknownPermission> {
        let normal = match name.split_once(':') {
            Some((subject, verb @ ("read" | "write"))) => format!("{verb}:{subject}"),
            _ => name.to_owned(),
        };
        let found: BTreeSet<_> = Self::ALL
            .into_iter()
            .filter(|permission| {
                permission.name() == normal || permission.name().split_once(':').is_some_and(|(verb, _)| verb == normal)
            })
            .collect();
        if found.is_empty() { Err(UnknownPermission(name.to_owned())) } else { Ok(found) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_turned_names_are_mapped() {
        use Permission::{Lexi, ReadAi, ReadLeads, WriteAi, WriteLeads};
        for (name, expected) in [
            ("read", vec![ReadAi, ReadLeads]),
            ("write", vec![WriteAi, WriteLeads]),
            ("leads:read", vec![ReadLeads]),
            ("ai:write", vec![WriteAi]),
            ("write:leads", vec![WriteLeads]),
            ("lexi", vec![Lexi]),
        ] {
            assert_eq!(Permission::named(name), Ok(expected.into_iter().collect()), "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert_eq!(Permission::named("admin"), Err(UnknownPermission("admin".to_owned())));
        assert!(Permission::named("").is_err());
    }
}
