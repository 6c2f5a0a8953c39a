//! Prospects: people whom the workspace does not follow up with yet, and may look for.
//!
//! A search looks in the workspace's own prospects first ([`OwnProspects`]), and then, if it wants more and there
//! is one, asks a provider over HTTP (`docs/prospect-provider.md`). What both have comes once, and the same
//! search over the same data gives the same prospects in the same order.

mod description;
mod industries;
mod own;
mod places;
mod provider;
#[cfg(test)]
mod provider_tests;
mod terms;
mod titles;
mod words;

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::provider::Provider;
use self::terms::Wanted;
use crate::base::context::FromContext;
use crate::base::store::StoreError;
pub use own::{OwnProspects, Put};

/// The most that one search finds.
pub const MOST: u32 = 500;

/// How many a search finds where nobody says how many.
pub const USUAL: u32 = 20;

/// Whom to look for. Of each list one has to fit; a list that is empty fits everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Query {
    /// Job titles, such as `CEO`.
    #[serde(default)]
    pub titles: Vec<String>,
    /// Industries, such as `law firms` or `SaaS`.
    #[serde(default)]
    pub industries: Vec<String>,
    /// Cities, regions or countries.
    #[serde(default)]
    pub places: Vec<String>,
    /// The fewest employees of the company.
    #[serde(default)]
    pub min_employees: Option<u32>,
    /// The most employees of the company.
    #[serde(default)]
    pub max_employees: Option<u32>,
    /// How many to find, from 1 to [`MOST`].
    pub count: u32,
}

impl Query {
    /// Whether a prospect is one of those that are looked for. Titles, industries and places fit by any of
    /// their usual names; a company whose size is not known fits no query that asks for one.
    pub fn fits(&self, prospect: &Prospect) -> bool {
        Wanted::of(self).fits(prospect)
    }
}

/// A person that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prospect {
    /// Its identifier at its source, at most 128 visible ASCII characters. What a search gives begins with
    /// the source, `own:` or `provider:`.
    pub prospect_id: String,
    /// Full name.
    pub full_name: String,
    /// Job title.
    pub job_title: String,
    /// Company.
    pub company_name: String,
    /// The company's industry.
    pub industry: String,
    /// How many employees the company has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employees: Option<u32>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// E-mail address, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number: `+` and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Profile address on LinkedIn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linkedin: Option<String>,
}

/// A search that found nothing because it did not work out. Says nothing of anybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The table or the provider cannot be reached, or is busy. The same search may be tried again; with the
    /// same `search_id`, the provider charges it once.
    #[error("{0}")]
    Unavailable(String),
    /// The provider will not do this search, however often it is asked.
    #[error("{0}")]
    Refused(String),
}

impl From<StoreError> for SearchError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Where prospects are looked for.
#[derive(Clone, Debug, FromContext)]
pub struct Prospects {
    own: OwnProspects,
    #[context(Provider::new(context)?)]
    provider: Option<Provider>,
}

impl Prospects {
    /// Finds at most `query.count` prospects, and none that is in `without`, a set of identifiers as a search returns
    /// them. `search_id` identifies the search for the provider: a retry passes the same identifier and the same query.
    ///
    /// # Errors
    /// The whole search fails if a part of it fails, so that a workspace never pays for half of a search.
    pub async fn search(
        &self,
        workspace_id: Uuid,
        search_id: Uuid,
        query: &Query,
        without: &HashSet<String>,
    ) -> Result<SearchResult, SearchError> {
        let mut found = Found::new(query, without);
        self.own.find(workspace_id, query, &mut found).await?;
        if let Some(provider) = &self.provider
            && !found.is_enough()
        {
            provider.find(search_id, query, &mut found).await?;
        }
        Ok(SearchResult { prospects: found.prospects, passed_over: found.passed_over })
    }
}

/// The result of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchResult {
    /// The prospects, in the order of the sources.
    pub prospects: Vec<Prospect>,
    /// How many prospects match but are in `without`. A provider does not return these, so that only the workspace's own
    /// are counted.
    pub passed_over: u32,
}

/// What a search has found so far.
struct Found<'a> {
    count: usize,
    without: &'a HashSet<String>,
    prospects: Vec<Prospect>,
    /// Identifiers and e-mail addresses of those: nobody comes twice.
    seen: HashSet<String>,
    passed_over: u32,
}

impl<'a> Found<'a> {
    fn new(query: &Query, without: &'a HashSet<String>) -> Self {
        let count = usize::try_from(query.count).unwrap_or(usize::MAX);
        Self { count, without, prospects: Vec::new(), seen: HashSet::new(), passed_over: 0 }
    }

    fn missing(&self) -> usize {
        self.count.saturating_sub(self.prospects.len())
    }

    fn is_enough(&self) -> bool {
        self.missing() == 0
    }

    /// Takes a prospect, unless it is enough, or it is not wanted or there already.
    fn take(&mut self, source: &str, mut prospect: Prospect) {
        prospect.prospect_id.insert_str(0, source);
        let is_known = self.seen.contains(&prospect.prospect_id)
            || prospect.email.as_ref().is_some_and(|email| self.seen.contains(email));
        if self.is_enough() || is_known {
            return;
        }
        self.seen.insert(prospect.prospect_id.clone());
        if self.without.contains(&prospect.prospect_id) {
            self.passed_over += 1;
            return;
        }
        self.seen.extend(prospect.email.clone());
        self.prospects.push(prospect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prospect(prospect_id: &str, email: Option<&str>) -> Prospect {
        Prospect { prospect_id: prospect_id.to_owned(), email: email.map(str::to_owned), ..Prospect::default() }
    }

    #[test]
    fn nobody_is_found_twice_nor_who_is_not_wanted_nor_more_than_were_asked_for() {
        let query = Query { count: 3, ..Query::default() };
        let without = HashSet::from(["own:2".to_owned()]);
        let mut found = Found::new(&query, &without);
        for (source, id, email) in [
            ("own:", "1", Some("a@x.example")),
            ("own:", "2", None),
            ("own:", "1", None),
            ("provider:", "1", Some("a@x.example")),
            ("provider:", "2", None),
            ("provider:", "3", Some("b@x.example")),
            ("provider:", "4", None),
        ] {
            found.take(source, prospect(id, email));
        }
        let ids: Vec<_> = found.prospects.iter().map(|prospect| prospect.prospect_id.as_str()).collect();
        assert_eq!(ids, ["own:1", "provider:2", "provider:3"]);
        assert!(found.is_enough());
        assert_eq!(found.passed_over, 1);
    }
}
