//! What a function may be called, where its endpoint may be, and what a key needs for it.

use std::fmt::{self, Display};
use std::str::FromStr;

use crate::NewFunctionError;

/// The name of a function: words of small letters and digits, with dashes between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

/// Names that a crate cannot have, or that another has.
const RESERVED: [&str; 16] = [
    "all",
    "as",
    "async",
    "const",
    "core",
    "crate",
    "fn",
    "function",
    "functions",
    "impl",
    "match",
    "mod",
    "new",
    "self",
    "std",
    "test",
];

impl Name {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `suggest_meetings`: its crate in Rust, and its test.
    pub fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `SuggestMeetings`: its type, and its resources in the template.
    pub fn pascal(&self) -> String {
        self.0.split('-').map(capitalized).collect()
    }

    /// `suggestMeetings`: its operation.
    pub fn camel(&self) -> String {
        let pascal = self.pascal();
        pascal.chars().take(1).map(|first| first.to_ascii_lowercase()).chain(pascal.chars().skip(1)).collect()
    }
}

fn capitalized(word: &str) -> String {
    word.chars().take(1).map(|first| first.to_ascii_uppercase()).chain(word.chars().skip(1)).collect()
}

impl FromStr for Name {
    type Err = NewFunctionError;

    fn from_str(name: &str) -> Result<Self, NewFunctionError> {
        let refused = |reason: &str| Err(NewFunctionError::Name { name: name.to_owned(), reason: reason.to_owned() });
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if name.contains(|letter: char| letter.is_ascii_uppercase())
            || !name.starts_with(|letter: char| letter.is_ascii_lowercase())
            || !name.split('-').all(is_word)
        {
            return refused("use small letters and digits with single dashes between words, as in suggest-meetings");
        }
        if name.len() > 40 {
            return refused("it has more than 40 characters; shorten it");
        }
        if RESERVED.contains(&name) {
            return refused("the word is reserved; add what it is about, as in list-leads");
        }
        Ok(Self(name.to_owned()))
    }
}

/// A method and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    method: String,
    path: String,
}

/// The documented APIs: the prefix of their paths, longer ones first, and the dialect that they answer in.
const APIS: [(&str, &str); 4] =
    [("/api/v1/ai/followup", "Followup"), ("/api/agents", "Agents"), ("/users", "Leads"), ("/v1", "Leadlex")];

impl Route {
    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, with its variable parts in braces.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a request has a body.
    pub fn has_body(&self) -> bool {
        matches!(self.method.as_str(), "POST" | "PUT")
    }

    /// The names of the variable parts.
    pub fn variables(&self) -> Vec<&str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    /// The variant of `Dialect` that it answers in.
    pub fn dialect(&self) -> &'static str {
        APIS.iter().find(|(prefix, _)| begins_with(&self.path, prefix)).map_or("Leadlex", |(_, dialect)| dialect)
    }

    /// The name of its event in the template.
    pub fn event(&self) -> String {
        capitalized(&self.method.to_ascii_lowercase())
    }

    /// Whether it is also served under the documented base path.
    pub fn is_under_base(&self) -> bool {
        self.dialect() == "Leadlex"
    }
}

fn begins_with(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/') && rest.len() > 1)
}

impl Display for Route {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.method, self.path)
    }
}

impl FromStr for Route {
    type Err = NewFunctionError;

    fn from_str(route: &str) -> Result<Self, NewFunctionError> {
        let refused =
            |reason: &str| Err(NewFunctionError::Route { route: route.to_owned(), reason: reason.to_owned() });
        let Some((method, path)) = route.split_once(' ') else {
            return refused("give a method and a path, as in \"POST /v1/ai/suggest-meetings\"");
        };
        if !["GET", "POST", "PUT", "DELETE"].contains(&method) {
            return refused("the method must be GET, POST, PUT or DELETE");
        }
        if !APIS.iter().any(|(prefix, _)| begins_with(path, prefix)) {
            return refused(
                "the path must begin with that of a documented API: /v1, /api/agents, /api/v1/ai/followup or /users",
            );
        }
        let is_part = |part: &str| {
            let word = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            !part.is_empty() && word.map_or_else(|| is_word(part), |name| !name.is_empty() && is_name(name))
        };
        if !path.split('/').skip(1).all(is_part) {
            return refused("each part of the path must be letters, digits and dashes, or a variable such as {id}");
        }
        Ok(Self { method: method.to_owned(), path: path.to_owned() })
    }
}

/// What a key needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission(&'static str);

impl Permission {
    /// Every permission by its name, with its variant in Rust.
    pub const ALL: [(&str, &str); 5] = [
        ("write:ai", "WriteAi"),
        ("read:ai", "ReadAi"),
        ("lexi", "Lexi"),
        ("read:leads", "ReadLeads"),
        ("write:leads", "WriteLeads"),
    ];

    /// Its variant in Rust.
    pub fn variant(self) -> &'static str {
        self.0
    }
}

impl FromStr for Permission {
    type Err = NewFunctionError;

    fn from_str(given: &str) -> Result<Self, NewFunctionError> {
        let found = Self::ALL.iter().find(|(name, _)| *name == given);
        found.map(|(_, variant)| Self(variant)).ok_or_else(|| NewFunctionError::Permission(given.to_owned()))
    }
}
