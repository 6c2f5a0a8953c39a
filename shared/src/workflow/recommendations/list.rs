//! Lists of recommendations, from the indexes.

use super::{Recommendation, Recommendations, Status};
use crate::base::store::{Query, StoreError, from_item, s};
use crate::workflow::due::Place;
use futures_util::future::try_join_all;
use uuid::Uuid;

/// The filter and the page of a list of recommendations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Only this status; any status if `None`.
    pub status: Option<Status>,
    /// Only this lead; any lead if `None`.
    pub lead_id: Option<Uuid>,
    /// Whether to include snoozed recommendations.
    pub with_snoozed: bool,
    /// The number of items before the page.
    pub skip: usize,
    /// The number of items on a page.
    pub limit: usize,
}

pub(super) fn of_lead(workspace_id: Uuid, lead_id: Uuid) -> String {
    format!("W#{workspace_id}#L#{lead_id}")
}

impl Recommendations {
    /// A page of recommendations, the most urgent first, and whether there are more. It may not show the latest
    /// decisions, because the index is eventually consistent.
    pub async fn list(&self, workspace_id: Uuid, listing: Listing) -> Result<(Vec<Recommendation>, bool), StoreError> {
        let (index, list) = match (listing.lead_id, listing.status) {
            (Some(lead_id), _) => ("of_lead", of_lead(workspace_id, lead_id)),
            (None, status) => {
                ("listed", format!("W#{workspace_id}#{}", status.unwrap_or(Status::PendingReview).name()))
            }
        };
        let query = self.table.query(&format!("{index} = :list")).bind("list", s(list)).global_index(index);
        // The index may not have heard yet of what was decided.
        let wanted = listing.status.or(listing.lead_id.is_none().then_some(Status::PendingReview));
        self.page(query, listing, wanted).await
    }

    pub(super) async fn page(
        &self,
        query: Query,
        listing: Listing,
        wanted: Option<Status>,
    ) -> Result<(Vec<Recommendation>, bool), StoreError> {
        let now = self.clock.now();
        let mut items = query.items();
        let (mut seen, mut page) = (0, Vec::new());
        let mut any_left = true;
        while any_left && page.len() <= listing.limit {
            let mut places = Vec::new();
            while places.len() <= listing.limit {
                match items.next().await? {
                    Some(item) => places.push(from_item::<Place>(item)?),
                    None => break,
                }
            }
            any_left = !places.is_empty();
            let stored = places.iter().map(|place| self.table.get::<Recommendation>(place.key()));
            for stored in try_join_all(stored).await?.into_iter().flatten() {
                let is_meant = wanted.is_none_or(|status| stored.status == status)
                    && (listing.with_snoozed || !stored.is_snoozed(now));
                if is_meant {
                    seen += 1;
                    if seen > listing.skip {
                        page.push(stored);
                    }
                }
            }
        }
        let more = page.len() > listing.limit;
        page.truncate(listing.limit);
        Ok((page, more))
    }
}
