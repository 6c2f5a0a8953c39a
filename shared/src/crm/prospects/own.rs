//! A workspace's own prospects: imported, and kept in the table `leads`, indexed for searches.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | prospect | `W#<workspace>#P` | `<prospect id>` |
//! | posting of a title's word | `W#<workspace>#P#title#<term>` | `<prospect id>` |
//! | posting of a place | `W#<workspace>#P#place#<term>` | `<prospect id>` |
//! | posting of an industry | `W#<workspace>#P#industry#<term>` | `<prospect id>` |
//!
//! A posting carries the whole prospect, so that a search reads nothing else. The prospect's own item says as well
//! which postings it has: they are replaced together, also by a version of this code that finds other terms.
//!
//! A search reads the postings of its titles; without titles those of its places; without either those of
//! its industries; else all prospects. Each partition is read page by page in the order of the identifiers,
//! side by side, until enough were found that fit the whole query. So what is found does not depend on what was
//! read: it is always those who come first by identifier.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt as _, TryStreamExt, future, stream};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::terms::{self, Wanted};
use super::{Found, Prospect, Query};
use crate::base::context::FromContext;
use crate::base::store::{Item, StoreError, Table, Try, from_item, key, retrying, to_item};

/// What the identifiers of own prospects begin with in what a search gives.
const SOURCE: &str = "own:";

/// How many prospects a page has: some 250 kilobytes.
const PAGE: usize = 500;

/// How many batches are written at once.
const AT_ONCE: usize = 4;

/// What became of a prospect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    Created,
    /// Something of it changed.
    Updated,
    /// It was there as it is.
    Unchanged,
}

/// A workspace's own prospects.
#[derive(Clone, Debug, FromContext)]
pub struct OwnProspects {
    #[context(Table::named(context, "LEADS_TABLE")?)]
    table: Table,
}

/// A prospect as its own item has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    prospect: Prospect,
    /// Its postings, without what the keys of the workspace begin with.
    postings: Vec<String>,
    /// Rises with every change.
    version: u64,
}

fn all_pk(workspace_id: Uuid) -> String {
    format!("W#{workspace_id}#P")
}

fn posting_pk(workspace_id: Uuid, posting: &str) -> String {
    format!("{}#{posting}", all_pk(workspace_id))
}

impl OwnProspects {
    /// The first `query.count` who fit, by identifier, as [`super::Prospects::search`] gives them; no provider is
    /// asked.
    pub async fn search(
        &self,
        workspace_id: Uuid,
        query: &Query,
        without: &HashSet<String>,
    ) -> Result<Vec<Prospect>, StoreError> {
        let mut found = Found::new(query, without);
        self.find(workspace_id, query, &mut found).await?;
        Ok(found.prospects)
    }

    /// Adds to what was found until it is enough, or nobody else fits.
    pub(super) async fn find(
        &self,
        workspace_id: Uuid,
        query: &Query,
        found: &mut Found<'_>,
    ) -> Result<(), StoreError> {
        let wanted = Wanted::of(query);
        let partitions = match wanted.postings() {
            Some(postings) => postings.iter().map(|posting| posting_pk(workspace_id, posting)).collect(),
            None => vec![all_pk(workspace_id)],
        };
        let mut readers: Vec<_> = partitions.into_iter().map(|pk| self.read(pk)).collect();
        let mut heads = future::try_join_all(readers.iter_mut().map(TryStreamExt::try_next)).await?;
        while !found.is_enough()
            && let Some((first, _)) = least(&heads)
            && let (Some(head), Some(reader)) = (heads.get_mut(first), readers.get_mut(first))
        {
            let next = reader.try_next().await?;
            // Somebody who is in two partitions comes twice, and is taken once.
            if let Some(prospect) = std::mem::replace(head, next)
                && wanted.fits(&prospect)
            {
                found.take(SOURCE, prospect);
            }
        }
        Ok(())
    }

    /// The prospects of a partition, by identifier.
    fn read(&self, pk: String) -> impl stream::Stream<Item = Result<Prospect, StoreError>> + Unpin + use<> {
        let pages = self.table.partition(pk).page_size(PAGE).items();
        Box::pin(stream::unfold(pages, async |mut pages| {
            let item = pages.next().await.transpose()?;
            Some((item.and_then(from_item), pages))
        }))
    }

    /// A prospect by its identifier.
    pub async fn get(&self, workspace_id: Uuid, prospect_id: &str) -> Result<Option<Prospect>, StoreError> {
        Ok(self.stored(workspace_id, prospect_id).await?.map(|stored| stored.prospect))
    }

    async fn stored(&self, workspace_id: Uuid, prospect_id: &str) -> Result<Option<Stored>, StoreError> {
        self.table.get(key(all_pk(workspace_id), prospect_id)).await
    }

    /// Writes a prospect with its postings, in the place of the one that has its identifier, in one
    /// transaction; the same again changes nothing.
    pub async fn put(&self, workspace_id: Uuid, prospect: &Prospect) -> Result<Put, StoreError> {
        let postings = terms::postings(prospect);
        retrying("a prospect", (), |()| async {
            let before = self.stored(workspace_id, &prospect.prospect_id).await?;
            let version = before.as_ref().map(|before| before.version);
            let stale = match &before {
                Some(before) if before.prospect == *prospect && before.postings == postings => {
                    return Ok(Try::Done(Put::Unchanged));
                }
                Some(before) => before.postings.iter().filter(|posting| !postings.contains(posting)).collect(),
                None => Vec::new(),
            };
            let stored =
                Stored { prospect: prospect.clone(), postings: postings.clone(), version: version.unwrap_or(0) + 1 };
            let mut writes = Vec::with_capacity(1 + postings.len() + stale.len());
            let (own, others) = items(workspace_id, &stored)?;
            let own = self.table.put(own);
            writes.push(match version {
                Some(version) => own.when_version(version),
                None => own.when_new(),
            });
            writes.extend(others.into_iter().map(|item| self.table.put(item)));
            writes.extend(
                stale
                    .into_iter()
                    .map(|posting| self.table.delete(key(posting_pk(workspace_id, posting), &prospect.prospect_id))),
            );
            let put = if version.is_some() { Put::Updated } else { Put::Created };
            Ok(self.table.transact(writes).await?.done(put))
        })
        .await
    }

    /// Writes prospects that are known to be new, such as a data set's, in batches and without looking at
    /// what is there. The same again leaves the same.
    pub async fn load(&self, workspace_id: Uuid, prospects: &[Prospect]) -> Result<(), StoreError> {
        let items = Self::items(workspace_id, prospects)?;
        // No batch has more than 25; each of those at once writes a few.
        let chunks: Vec<_> = items.chunks(250).map(<[Item]>::to_vec).collect();
        let writes = chunks.into_iter().map(|chunk| self.table.put_all(chunk));
        stream::iter(writes).map(Ok).try_for_each_concurrent(AT_ONCE, |write| write).await
    }

    /// The items of prospects that are known to be new, for whoever has another way to write thousands.
    pub fn items(workspace_id: Uuid, prospects: &[Prospect]) -> Result<Vec<Item>, StoreError> {
        let mut all = Vec::new();
        for prospect in prospects {
            let postings = terms::postings(prospect);
            let (own, others) = items(workspace_id, &Stored { prospect: prospect.clone(), postings, version: 1 })?;
            all.extend(others.into_iter().chain([own]));
        }
        Ok(all)
    }
}

/// A prospect's own item, and its postings.
fn items(workspace_id: Uuid, stored: &Stored) -> Result<(Item, Vec<Item>), StoreError> {
    let prospect_id = &stored.prospect.prospect_id;
    let plain = to_item(&stored.prospect)?;
    let with = |mut item: HashMap<_, _>, pk| {
        item.extend(key(pk, prospect_id));
        item
    };
    let postings = stored.postings.iter().map(|posting| with(plain.clone(), posting_pk(workspace_id, posting)));
    Ok((with(to_item(stored)?, all_pk(workspace_id)), postings.collect()))
}

/// The head that comes first by identifier, and where it is.
fn least(heads: &[Option<Prospect>]) -> Option<(usize, &str)> {
    let there = heads.iter().enumerate().filter_map(|(place, head)| Some((place, head.as_ref()?.prospect_id.as_str())));
    there.min_by_key(|(_, prospect_id)| *prospect_id)
}
