//! Changes of a lead, each in one transaction with what goes by it: the identities that find the
//! lead, and its rows in the lead lists, which show its name, e-mail address and company.
//!
//! A lead's `version` rises with every change and with every row that it gets. A change is refused if
//! somebody else's came between reading and writing, and is then decided anew.

use uuid::Uuid;

use super::{Lead, Leads, Link, Versioned, identity_item, identity_key, lead_item, lead_pk};
use crate::base::store::{StoreError, Transacted, Try, Write, from_item, retrying, s};
use crate::base::time::timestamp;

/// What became of a lead that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upserted {
    /// It is new.
    Created(Lead),
    /// It was there, and says something else now.
    Updated(Lead),
    /// It was there and said all of this.
    Unchanged(Lead),
    /// One of its identities belongs to another lead; nothing was written.
    Taken,
}

/// A lead as it stands, with what a change of it concerns.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The lead.
    pub(crate) lead: Lead,
    /// Its rows.
    rows: Vec<Link>,
    version: u64,
}

/// How many rows are told of a change at once: together with the lead and its identities, and with
/// whatever else the change belongs to, they stay below the 100 writes of a transaction.
const TOLD_AT_ONCE: usize = 80;

impl Leads {
    /// Creates the lead that these identities find, or updates it: what is given replaces what is
    /// stored, and what is not given stays. `lead_id` is not read.
    pub async fn upsert(&self, workspace_id: Uuid, given: &Lead) -> Result<Upserted, StoreError> {
        // Two at once with one identity: the second finds what the first has made.
        retrying("a lead", (), |()| async {
            let found = self.find(workspace_id, given).await?;
            let stored = match found {
                Some(lead_id) => self.stored(workspace_id, lead_id).await?,
                None => None,
            };
            let Some(stored) = stored else {
                return Ok(self
                    .make(workspace_id, found, given)
                    .await?
                    .map_or(Try::Again(()), |lead| Try::Done(Upserted::Created(lead))));
            };
            let before = &stored.lead;
            let found_by = given.identities().find(|identity| before.identities().any(|known| known == *identity));
            if found_by.is_some_and(|(kind, _)| given.contradicts(before, kind)) {
                return Ok(Try::Done(Upserted::Taken));
            }
            let lead = before.updated_with(given);
            if lead == *before {
                return Ok(Try::Done(Upserted::Unchanged(lead)));
            }
            Ok(match self.change(workspace_id, Some(&stored), &lead).await? {
                Try::Done(true) => Try::Done(Upserted::Updated(lead)),
                Try::Done(false) => Try::Done(Upserted::Taken),
                Try::Again(again) => Try::Again(again),
            })
        })
        .await
    }

    /// The lead that these identities find, as it is; made of what is given where there is none. One that is found
    /// by an identity which two people may share, and has another value for a stronger one, is somebody else: then
    /// the lead is made without that identity. `lead_id` is not read.
    pub async fn find_or_make(&self, workspace_id: Uuid, given: &Lead) -> Result<Uuid, StoreError> {
        retrying("a lead", given.clone(), |mut given: Lead| async move {
            let found = self.find(workspace_id, &given).await?;
            let known = match found {
                Some(lead_id) => self.lead(workspace_id, lead_id).await?,
                None => None,
            };
            let Some(known) = known else {
                let made = self.make(workspace_id, found, &given).await?;
                return Ok(made.map_or(Try::Again(given), |lead| Try::Done(lead.lead_id)));
            };
            let found_by = given.identities().find(|identity| known.identities().any(|other| other == *identity));
            match found_by.map(|(kind, _)| kind).filter(|kind| given.contradicts(&known, kind)) {
                Some("phone") => given.phone = None,
                Some("email") => given.email = None,
                _ => return Ok(Try::Done(known.lead_id)),
            }
            Ok(Try::Again(given))
        })
        .await
    }

    /// Makes a lead of what is given. `None`, and nothing written, if somebody else did, or has one of its identities.
    async fn make(&self, workspace_id: Uuid, found: Option<Uuid>, given: &Lead) -> Result<Option<Lead>, StoreError> {
        let lead = Lead { lead_id: found.unwrap_or_else(|| self.random.uuid()), ..given.clone() };
        let is_made = matches!(self.change(workspace_id, None, &lead).await?, Try::Done(true));
        Ok(is_made.then_some(lead))
    }

    /// Writes a lead, new or changed, and the identities that find it; those that it had and has no
    /// more find it no longer. What is not given stays as it is by then. `false`, and nothing written, if
    /// an identity belongs to another lead.
    pub async fn put(&self, workspace_id: Uuid, lead: &Lead) -> Result<bool, StoreError> {
        retrying("a lead", (), |()| async {
            let before = self.stored(workspace_id, lead.lead_id).await?;
            let lead = before.as_ref().map_or_else(|| lead.clone(), |before| before.lead.updated_with(lead));
            self.change(workspace_id, before.as_ref(), &lead).await
        })
        .await
    }

    /// A lead by its id, to be changed.
    pub(crate) async fn stored(&self, workspace_id: Uuid, lead_id: Uuid) -> Result<Option<Stored>, StoreError> {
        let query =
            self.table.query("pk = :pk AND sk BETWEEN :lead AND :rows").bind("pk", s(lead_pk(workspace_id, lead_id)));
        let mut items = query.bind("lead", s("lead")).bind("rows", s(Link::AFTER)).items();
        let lead = items.next().await?.filter(|item| item.get("sk") == Some(&s("lead")));
        let Some(lead) = lead else { return Ok(None) };
        let Versioned { lead, version } = from_item(lead)?;
        let mut rows = Vec::new();
        while let Some(item) = items.next().await? {
            rows.push(Link::read(workspace_id, item)?);
        }
        Ok(Some(Stored { lead, rows, version }))
    }

    /// The writes that make a lead say what `lead` says, and give it `new_row`. The first is the
    /// lead's own. `written` is the row that the caller writes itself.
    pub(crate) fn change_writes(
        &self,
        workspace_id: Uuid,
        before: Option<&Stored>,
        lead: &Lead,
        written: Option<&Link>,
    ) -> Result<Vec<Write>, StoreError> {
        let version = before.map_or(0, |before| before.version);
        let put_lead = self.table.put(lead_item(workspace_id, lead, Some(version + 1))?);
        let put_lead = match before {
            None => put_lead.when_new(),
            // As it was loaded.
            Some(Stored { version: 0, .. }) => put_lead.when("attribute_exists(pk) AND attribute_not_exists(#version)"),
            Some(_) => put_lead.when_version(version),
        };
        let mut writes = vec![put_lead];
        writes.extend(self.identity_writes(workspace_id, before.map(|before| &before.lead), lead));
        if let Some(before) = before
            && before.is_told_by(lead)
        {
            let others = before.rows.iter().filter(|row| Some(*row) != written);
            writes.extend(self.update_rows(others.take(TOLD_AT_ONCE), lead));
        }
        Ok(writes)
    }

    fn identity_writes(&self, workspace_id: Uuid, before: Option<&Lead>, lead: &Lead) -> Vec<Write> {
        let held = lead
            .identities()
            .map(|(kind, value)| self.table.put(identity_item(workspace_id, kind, value, lead.lead_id)));
        let given_up = before.into_iter().flat_map(|before| given_up(before, lead));
        let given_up = given_up.map(|(kind, value)| self.table.delete(identity_key(workspace_id, kind, value)));
        // Another lead's identity stays that lead's.
        let own =
            |write: Write| write.when("attribute_not_exists(pk) OR lead_id = :lead").bind("lead", s(lead.lead_id));
        held.chain(given_up).map(own).collect()
    }

    /// The writes that show in these rows what the lead says.
    fn update_rows<'a>(&self, rows: impl Iterator<Item = &'a Link>, lead: &Lead) -> Vec<Write> {
        let changed_at = timestamp(self.clock.now());
        rows.map(|row| row.update(&self.table, lead, &changed_at)).collect()
    }

    /// Writes a lead as long as it is as it was read. `false`, and nothing written, if an identity belongs to another
    /// lead.
    async fn change(&self, workspace_id: Uuid, before: Option<&Stored>, lead: &Lead) -> Result<Try<bool>, StoreError> {
        let given_up = before.map_or(0, |before| given_up(&before.lead, lead).count());
        let identities = lead.identities().count() + given_up;
        let writes = self.change_writes(workspace_id, before, lead, None)?;
        if let Transacted::Refused(refused) = self.table.transact(writes).await? {
            let by_identity = refused.iter().skip(1).take(identities).any(Option::is_some);
            let by_lead = refused.first().is_some_and(Option::is_some);
            return Ok(if by_identity && !by_lead { Try::Done(false) } else { Try::Again(()) });
        }
        let rows = before.filter(|before| before.is_told_by(lead)).map(|before| before.rows.as_slice());
        let more = rows.and_then(|rows| rows.get(TOLD_AT_ONCE..)).unwrap_or_default();
        for rows in more.chunks(TOLD_AT_ONCE) {
            self.table.transact(self.update_rows(rows.iter(), lead)).await?;
        }
        Ok(Try::Done(true))
    }
}

impl Stored {
    /// Whether what rows show of the lead would change.
    fn is_told_by(&self, lead: &Lead) -> bool {
        let shown = |lead: &Lead| (lead.full_name.clone(), lead.email.clone(), lead.company_name.clone());
        shown(&self.lead) != shown(lead)
    }
}

/// The identities that a lead had and has no more.
fn given_up<'a>(before: &'a Lead, lead: &'a Lead) -> impl Iterator<Item = (&'static str, &'a str)> {
    before.identities().filter(|identity| !lead.identities().any(|kept| kept == *identity))
}
