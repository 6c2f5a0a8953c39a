//! Drafts brought to the table: which lead each one is, what is new about it, and the writing.
//!
//! Everything derives from the draft and from what is stored, so that the same file again writes
//! nothing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream;
use indicatif::ProgressBar;
use serde::Serialize;
use shared::base::store::StoreError;
use shared::base::time::timestamp;
use shared::crm::leads::{Activity, Lead, Leads};
use uuid::Uuid;

use super::drafts::{Draft, identities};
use super::row::{NewActivity, Rejection, Row, Warning};

/// How many leads are looked up or written at once.
const AT_ONCE: usize = 8;

/// What became of a lead that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is new.
    Created,
    /// Something of it changed.
    Updated,
    /// It was as the file says.
    Unchanged,
}

/// A lead that was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Its identifier.
    pub lead_id: Uuid,
    /// The first line that speaks of it.
    pub line: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Leads that were kept.
    pub leads: Vec<Kept>,
    /// Activities that were not there.
    pub activities_added: usize,
    /// What kept rows say and was left out.
    pub warnings: Vec<Warning>,
    /// Rows that were not kept.
    pub rejected: Vec<Rejection>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.leads.extend(other.leads);
        self.activities_added += other.activities_added;
        self.warnings.extend(other.warnings);
        self.rejected.extend(other.rejected);
    }

    /// Brings everything into the order of the file.
    pub fn sort(&mut self) {
        self.leads.sort_by_key(|lead| lead.line);
        self.warnings.sort_by_key(|warning| warning.line);
        self.rejected.sort_by_key(|rejection| rejection.place.line);
    }

    /// How many leads this became of.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.leads.iter().filter(|lead| lead.outcome == outcome).count()
    }
}

/// The `leads` table of one workspace, as an import sees it.
#[derive(Debug)]
pub struct Importer {
    /// The table.
    pub leads: Leads,
    /// The workspace.
    pub workspace_id: Uuid,
    /// Only look.
    pub dry_run: bool,
}

/// A stored lead that a draft was found to be.
#[derive(Clone, Copy, Debug)]
struct Found {
    lead_id: Uuid,
    /// The kind of the identity that found it.
    by: &'static str,
}

impl Importer {
    /// Brings all drafts to the table.
    pub async fn apply(&self, drafts: Vec<Draft>, progress: &ProgressBar) -> Result<Tally, StoreError> {
        progress.set_length(drafts.len() as u64);
        progress.set_message("leads looked up");
        let mut looking = stream::iter(drafts.into_iter().map(|draft| self.locate(draft))).buffered(AT_ONCE);
        // Drafts that turn out to be one stored lead are written together, lest they overwrite
        // each other.
        let (mut known, mut new) = (HashMap::<Uuid, Vec<(Draft, &str)>>::new(), Vec::new());
        while let Some(located) = looking.next().await {
            progress.inc(1);
            match located? {
                (draft, Some(found)) => known.entry(found.lead_id).or_default().push((draft, found.by)),
                (draft, None) => new.push(draft),
            }
        }
        drop(looking);

        progress.reset();
        progress.set_length((known.len() + new.len()) as u64);
        progress.set_message(if self.dry_run { "leads compared" } else { "leads written" });
        let mut tally = Tally::default();
        let mut writing = stream::iter(known).map(|(id, drafts)| self.change(id, drafts)).buffer_unordered(AT_ONCE);
        while let Some(done) = writing.next().await {
            progress.inc(1);
            tally.add(done?);
        }
        drop(writing);
        let mut writing = stream::iter(new).map(|draft| self.create(draft)).buffer_unordered(AT_ONCE);
        while let Some(done) = writing.next().await {
            progress.inc(1);
            tally.add(done?);
        }
        Ok(tally)
    }

    /// Which stored lead a draft is; its strongest identity that is stored decides.
    async fn locate(&self, draft: Draft) -> Result<(Draft, Option<Found>), StoreError> {
        for (by, value) in identities(&draft.lead) {
            if let Some(lead_id) = self.owner(by, &value).await? {
                return Ok((draft, Some(Found { lead_id, by })));
            }
        }
        Ok((draft, None))
    }

    /// The lead that has an identity.
    async fn owner(&self, kind: &str, value: &str) -> Result<Option<Uuid>, StoreError> {
        let value = Some(value.to_owned());
        let lead = match kind {
            "external_ref" => Lead { external_ref: value, ..Lead::default() },
            "email" => Lead { email: value, ..Lead::default() },
            _ => Lead { phone: value, ..Lead::default() },
        };
        self.leads.find(self.workspace_id, &lead).await
    }

    async fn create(&self, draft: Draft) -> Result<Tally, StoreError> {
        let lead = Lead { lead_id: new_id(self.workspace_id, &draft.lead), ..draft.lead };
        self.write(lead, None, draft.rows).await
    }

    async fn change(&self, lead_id: Uuid, drafts: Vec<(Draft, &str)>) -> Result<Tally, StoreError> {
        let stored = self.leads.lead(self.workspace_id, lead_id).await?;
        let before = stored.clone().unwrap_or_else(|| Lead { lead_id, ..Lead::default() });
        let mut tally = Tally::default();
        let mut rows = Vec::new();
        for (draft, by) in drafts {
            if draft.lead.contradicts(&before, by) {
                tally.rejected.extend(draft.rows.into_iter().map(|row| taken(row, by)));
            } else {
                rows.extend(draft.rows);
            }
        }
        rows.sort_by_key(|row| row.place.line);
        let wanted = loop {
            let wanted = rows.iter().fold(before.clone(), |lead, row| lead.updated_with(&row.lead));
            let Some((kind, value)) = self.first_taken(&before, &wanted).await? else { break wanted };
            let has = |row: &Row| identities(&row.lead).contains(&(kind, value.clone()));
            tally.rejected.extend(rows.extract_if(.., |row| has(row)).map(|row| taken(row, kind)));
        };
        if !rows.is_empty() {
            tally.add(self.write(wanted, stored, rows).await?);
        }
        Ok(tally)
    }

    /// An identity that `wanted` would add and that another lead has.
    async fn first_taken(&self, before: &Lead, wanted: &Lead) -> Result<Option<(&'static str, String)>, StoreError> {
        let had = identities(before);
        for (kind, value) in identities(wanted).into_iter().filter(|identity| !had.contains(identity)) {
            if self.owner(kind, &value).await?.is_some_and(|owner| owner != wanted.lead_id) {
                return Ok(Some((kind, value)));
            }
        }
        Ok(None)
    }

    /// Writes what differs from what is stored: the lead before its activities, so that one that
    /// was interrupted is found and finished by the next import.
    async fn write(&self, lead: Lead, stored: Option<Lead>, rows: Vec<Row>) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let differs = stored.as_ref() != Some(&lead);
        if differs && !self.dry_run && !self.leads.put(self.workspace_id, &lead).await? {
            let reason = "its external_ref, email or phone was just given to another lead";
            let rejected = rows.into_iter().map(|row| Rejection { place: row.place, reason: reason.to_owned() });
            tally.rejected.extend(rejected);
            return Ok(tally);
        }
        let outcome = match stored {
            None => Outcome::Created,
            Some(_) if differs => Outcome::Updated,
            Some(_) => Outcome::Unchanged,
        };
        let line = rows.iter().map(|row| row.place.line).min().unwrap_or_default();
        tally.leads.push(Kept { lead_id: lead.lead_id, line, outcome });
        tally.warnings.extend(rows.iter().flat_map(Row::warnings));
        let mut activities = activities(lead.lead_id, rows.into_iter().flat_map(|row| row.activities));
        if !activities.is_empty() {
            let mut known = self.leads.known(self.workspace_id, lead.lead_id, &activities).await?.into_iter();
            activities.retain(|_| !known.next().unwrap_or(false));
            tally.activities_added = activities.len();
        }
        if !activities.is_empty() && !self.dry_run {
            self.leads.put_activities(self.workspace_id, lead.lead_id, &activities).await?;
        }
        Ok(tally)
    }
}

fn taken(row: Row, kind: &str) -> Rejection {
    Rejection { place: row.place, reason: format!("its {kind} belongs to another lead") }
}

/// The identifier of a new lead: the same for the same workspace and strongest identity.
fn new_id(workspace_id: Uuid, lead: &Lead) -> Uuid {
    let (kind, value) = lead.identities().next().unwrap_or_default();
    Uuid::new_v5(&workspace_id, format!("lead\0{kind}\0{value}").as_bytes())
}

/// Activities with their identifiers, each once.
fn activities(lead_id: Uuid, new: impl Iterator<Item = NewActivity>) -> Vec<Activity> {
    let mut activities: Vec<Activity> = Vec::new();
    let mut places: HashMap<(DateTime<Utc>, Uuid), usize> = HashMap::new();
    for NewActivity { given_id, activity } in new {
        let mut activity = Activity { activity_id: activity_id(lead_id, given_id.as_deref(), &activity), ..activity };
        let mut place = places.get(&(activity.occurred_at, activity.activity_id)).copied();
        let other = place.and_then(|place| activities.get(place)).is_some_and(|there| *there != activity);
        if other && given_id.is_none() {
            // Two calls on one day, without titles but with different notes, are two.
            activity.activity_id = Uuid::new_v5(&activity.activity_id, rest(&activity).as_bytes());
            place = places.get(&(activity.occurred_at, activity.activity_id)).copied();
        }
        match place.and_then(|place| activities.get_mut(place)) {
            Some(there) => *there = activity,
            None => {
                places.insert((activity.occurred_at, activity.activity_id), activities.len());
                activities.push(activity);
            }
        }
    }
    activities
}

/// The identifier that the file gives, as a UUID; without one, the same for the same type, time
/// and title.
fn activity_id(lead_id: Uuid, given_id: Option<&str>, activity: &Activity) -> Uuid {
    let name = match given_id {
        Some(given) => match Uuid::parse_str(given) {
            Ok(id) => return id,
            Err(_) => format!("activity\0{given}"),
        },
        None => {
            let title = activity.title.as_deref().unwrap_or_default();
            format!("activity\0{}\0{}\0{title}", activity.kind.as_str(), timestamp(activity.occurred_at))
        }
    };
    Uuid::new_v5(&lead_id, name.as_bytes())
}

/// What an activity says besides its type, time and title.
fn rest(activity: &Activity) -> String {
    let direction = activity.direction.map(|direction| <&str>::from(direction).to_owned());
    let parts = [&direction, &activity.outcome, &activity.body];
    parts.map(|part| part.as_deref().unwrap_or_default()).join("\0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(given_id: Option<&str>, body: &str) -> NewActivity {
        NewActivity {
            given_id: given_id.map(str::to_owned),
            activity: Activity {
                opens_window: false,
                activity_id: Uuid::nil(),
                kind: "call".into(),
                occurred_at: "2026-05-01T00:00:00Z".parse().unwrap(),
                direction: None,
                outcome: None,
                title: None,
                body: Some(body.to_owned()),
            },
        }
    }

    #[test]
    fn a_new_lead_has_the_id_of_its_strongest_identity() {
        let workspace = Uuid::from_u128(1);
        let lead = Lead { external_ref: Some("A".to_owned()), email: Some("a@x".to_owned()), ..Lead::default() };
        let moved = Lead { email: Some("b@x".to_owned()), ..lead.clone() };
        assert_eq!(new_id(workspace, &lead), new_id(workspace, &moved));
        assert_ne!(new_id(workspace, &lead), new_id(Uuid::from_u128(2), &lead));
        assert_ne!(new_id(workspace, &lead), new_id(workspace, &Lead { external_ref: None, ..lead.clone() }));
    }

    #[test]
    fn the_same_activity_twice_is_one_and_another_at_the_same_time_is_two() {
        let lead = Uuid::from_u128(1);
        let of = |bodies: &[&str]| activities(lead, bodies.iter().map(|body| activity(None, body)));
        let all = of(&["a", "b", "a", "b", "c"]);
        assert_eq!(all.len(), 3);
        assert_eq!(all, of(&["a", "b", "c"]));
        let ids: std::collections::HashSet<_> = all.iter().map(|activity| activity.activity_id).collect();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn a_given_id_is_kept_and_its_last_row_counts() {
        let given = "0192f0c1-2d3e-4f5a-8b6c-7d8e9fa0b1c2";
        let all = activities(Uuid::nil(), [activity(Some(given), "a"), activity(Some(given), "b")].into_iter());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].activity_id.to_string(), given);
        assert_eq!(all[0].body.as_deref(), Some("b"));
        let named = activities(Uuid::nil(), [activity(Some("17"), "a"), activity(Some("18"), "a")].into_iter());
        assert_ne!(named[0].activity_id, named[1].activity_id);
    }
}
