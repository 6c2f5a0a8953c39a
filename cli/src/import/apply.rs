//! Drafts brought to the table: which lead each one is, what is new about it, and the writing.
//!
//! Everything derives from the draft and from what is stored, so that the same file again writes
//! nothing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use shared::base::store::StoreError;
use shared::base::time::timestamp;
use shared::crm::leads::{Activity, Lead, Leads};
use uuid::Uuid;

use super::drafts::{Draft, identities};
use super::field::Mapping;
use super::report::{Kept, Outcome, Tally};
use super::row::{LeadRow, NewActivity, Placed, Rejection, Rules};

/// The rows of a file of leads, and the `leads` table of one workspace.
#[derive(Debug)]
pub struct LeadRows {
    pub leads: Leads,
    pub workspace_id: Uuid,
    pub dry_run: bool,
    /// The columns that options name.
    pub map: Vec<Mapping>,
    pub rules: Rules,
    /// The command that lists the leads.
    pub list: String,
}

/// What a file says of one lead.
pub enum Group {
    /// A lead that is stored, and the drafts that turned out to be it, with the kind of the identity that found it.
    Stored(Uuid, Vec<(Draft, &'static str)>),
    New(Draft),
}

impl LeadRows {
    /// Which stored lead a draft is, and the kind of the identity that found it: of those that are stored, the
    /// strongest decides.
    pub async fn locate(&self, draft: Draft) -> Result<(Draft, Option<(Uuid, &'static str)>), StoreError> {
        for (by, value) in identities(&draft.lead) {
            if let Some(lead_id) = self.owner(by, &value).await? {
                return Ok((draft, Some((lead_id, by))));
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

    /// Writes a lead that is not stored.
    pub async fn create(&self, draft: Draft) -> Result<Tally, StoreError> {
        let lead = Lead { lead_id: new_id(self.workspace_id, &draft.lead), ..draft.lead };
        self.write(lead, None, draft.rows).await
    }

    /// Writes what drafts change about a stored lead.
    pub async fn change(&self, lead_id: Uuid, drafts: Vec<(Draft, &str)>) -> Result<Tally, StoreError> {
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
        let changed = loop {
            let changed = rows.iter().fold(before.clone(), |lead, row| lead.updated_with(&row.row.lead));
            let Some((kind, value)) = self.first_taken(&before, &changed).await? else { break changed };
            let has = |row: &Placed<LeadRow>| identities(&row.row.lead).contains(&(kind, value.clone()));
            tally.rejected.extend(rows.extract_if(.., |row| has(row)).map(|row| taken(row, kind)));
        };
        if !rows.is_empty() {
            tally.add(self.write(changed, stored, rows).await?);
        }
        Ok(tally)
    }

    /// An identity that `changed` would add and that another lead has.
    async fn first_taken(&self, before: &Lead, changed: &Lead) -> Result<Option<(&'static str, String)>, StoreError> {
        let had = identities(before);
        for (kind, value) in identities(changed).into_iter().filter(|identity| !had.contains(identity)) {
            if self.owner(kind, &value).await?.is_some_and(|owner| owner != changed.lead_id) {
                return Ok(Some((kind, value)));
            }
        }
        Ok(None)
    }

    /// Writes the differences from the stored data: the lead before its activities, so that the next import finds and
    /// finishes an interrupted one.
    async fn write(&self, lead: Lead, stored: Option<Lead>, rows: Vec<Placed<LeadRow>>) -> Result<Tally, StoreError> {
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
        tally.record(outcome);
        tally.leads.push(Kept { lead_id: lead.lead_id, line, outcome });
        tally.warnings.extend(rows.iter().flat_map(Placed::warnings));
        let mut activities = activities(lead.lead_id, rows.into_iter().flat_map(|row| row.row.activities));
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

fn taken(row: Placed<LeadRow>, kind: &str) -> Rejection {
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

/// The identifier in the file, as a UUID. Without one, an identifier derived from type, time and title.
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

/// The fields of an activity besides type, time and title.
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
