//! Rows of one file brought together: one draft for each lead that the file speaks of.

use std::collections::HashMap;

use shared::crm::leads::Lead;

use super::row::{LeadRow, Placed, Rejection};

/// An identity of a lead: its kind and its value.
type Identity = (&'static str, String);

/// What a file says of one lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// All rows together, a later one overwriting an earlier one.
    pub lead: Lead,
    /// The rows, in the file's order.
    pub rows: Vec<Placed<LeadRow>>,
}

/// Drafts under construction.
#[derive(Debug, Default)]
pub struct Drafts {
    drafts: Vec<Draft>,
    of_identity: HashMap<Identity, usize>,
}

impl Drafts {
    /// Adds a row to the draft that it belongs to: the strongest identity decides, as it does in
    /// the table.
    ///
    /// # Errors
    /// The row mixes two leads up.
    pub fn add(&mut self, row: Placed<LeadRow>) -> Result<(), Rejection> {
        let identities = identities(&row.row.lead);
        let owners: Vec<_> = identities.iter().map(|identity| self.of_identity.get(identity).copied()).collect();
        let found = owners.iter().enumerate().find_map(|(strength, owner)| owner.map(|owner| (strength, owner)));
        let Some((strength, index)) = found else {
            let index = self.drafts.len();
            self.of_identity.extend(identities.into_iter().map(|identity| (identity, index)));
            self.drafts.push(Draft { lead: row.row.lead.clone(), rows: vec![row] });
            return Ok(());
        };
        let Some(draft) = self.drafts.get_mut(index) else { return Ok(()) };
        let other = identities.iter().zip(&owners).find(|(_, owner)| owner.is_some_and(|owner| owner != index));
        let mixed_up = match other {
            Some(((kind, _), _)) => Some(*kind),
            None if row.row.lead.contradicts(&draft.lead, identities[strength].0) => Some(identities[strength].0),
            None => None,
        };
        if let Some(kind) = mixed_up {
            return Err(Rejection {
                reason: format!("its {kind} belongs to another lead of this file"),
                place: row.place,
            });
        }
        draft.lead = draft.lead.updated_with(&row.row.lead);
        draft.rows.push(row);
        self.of_identity.extend(identities.into_iter().map(|identity| (identity, index)));
        Ok(())
    }

    /// The drafts, in the order in which the file begins them.
    pub fn finish(self) -> Vec<Draft> {
        self.drafts
    }
}

/// A lead's identities, strongest first, by themselves.
pub fn identities(lead: &Lead) -> Vec<Identity> {
    lead.identities().map(|(kind, value)| (kind, value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::row::Place;
    use super::*;

    fn row(line: u64, external_ref: &str, email: &str, phone: &str) -> Placed<LeadRow> {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let lead =
            Lead { external_ref: filled(external_ref), email: filled(email), phone: filled(phone), ..Lead::default() };
        Placed {
            place: Place { line, span: 0..0 },
            row: LeadRow { lead, activities: Vec::new() },
            left_out: Vec::new(),
        }
    }

    /// The lines of each draft, and those that were rejected.
    fn drafts(rows: impl IntoIterator<Item = Placed<LeadRow>>) -> (Vec<Vec<u64>>, Vec<(u64, String)>) {
        let mut drafts = Drafts::default();
        let rejected = rows.into_iter().filter_map(|row| drafts.add(row).err());
        let rejected = rejected.map(|rejection| (rejection.place.line, rejection.reason)).collect();
        let lines = |draft: Draft| draft.rows.iter().map(|row| row.place.line).collect();
        (drafts.finish().into_iter().map(lines).collect(), rejected)
    }

    #[test]
    fn rows_that_share_an_identity_are_one_lead() {
        let (drafts, rejected) =
            drafts([row(2, "A", "a@x", ""), row(3, "", "b@x", ""), row(4, "", "a@x", "+1"), row(5, "", "", "+1")]);
        assert_eq!(drafts, [vec![2, 4, 5], vec![3]]);
        assert!(rejected.is_empty());
    }

    #[test]
    fn people_with_one_switchboard_number_are_not_merged() {
        let (drafts, rejected) = drafts([row(2, "A", "", "+1"), row(3, "B", "", "+1"), row(4, "", "b@x", "+1")]);
        assert_eq!(drafts, [vec![2, 4]]);
        assert_eq!(rejected, [(3, "its phone belongs to another lead of this file".to_owned())]);
    }

    #[test]
    fn a_row_that_names_two_leads_is_rejected() {
        let (drafts, rejected) = drafts([row(2, "A", "a@x", ""), row(3, "B", "b@x", ""), row(4, "A", "b@x", "")]);
        assert_eq!(drafts, [[2], [3]]);
        assert_eq!(rejected, [(4, "its email belongs to another lead of this file".to_owned())]);
    }

    #[test]
    fn a_changed_identity_still_finds_its_lead() {
        let (drafts, _) = drafts([row(2, "A", "old@x", ""), row(3, "A", "new@x", ""), row(4, "", "old@x", "")]);
        assert_eq!(drafts, [[2, 3, 4]]);
    }

    #[test]
    fn absent_fields_keep_what_is_there() {
        let stored = Lead { stage: Some("new".to_owned()), email: Some("a@x".to_owned()), ..Lead::default() };
        let newer = Lead { stage: Some("won".to_owned()), phone: Some("+1".to_owned()), ..Lead::default() };
        let merged = stored.updated_with(&newer);
        assert_eq!(merged.stage.as_deref(), Some("won"));
        assert_eq!(merged.email.as_deref(), Some("a@x"));
        assert_eq!(merged.phone.as_deref(), Some("+1"));
    }
}
