//! Recognises texts about a person: by identifiers, addresses, numbers and the full name.

use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::BTreeSet;

use uuid::Uuid;

use crate::base::store::Item;
use crate::crm::conversations::row::Row;
use crate::crm::identifiers::CustomerPhone;
use crate::crm::leads::{Lead, folded};
use crate::crm::prospects::Prospect;

/// The replacement for a text that named the person.
pub(super) const ERASED: &str = "[erased]";

/// The minimum length of a recognised number, in digits; shorter ones appear in too many texts.
const DIGITS: usize = 7;

/// The digits at the end of an international number that its national form has, too.
const NATIONAL: usize = 9;

/// The known identifiers of the person to erase.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    /// The identifiers of the lead and of the objects created for it, as text.
    ids: BTreeSet<String>,
    /// Addresses, references and channel identifiers, folded.
    exact: BTreeSet<String>,
    /// Phone numbers, in digits only.
    numbers: BTreeSet<String>,
    /// Full names of at least two words, folded. A single word names too many others.
    names: BTreeSet<String>,
    /// Name and company, folded, to recognise a prospect.
    employed: BTreeSet<(String, String)>,
    /// The identifiers of prospects that became the lead.
    prospects: BTreeSet<String>,
}

impl Person {
    /// Adds an identifier of the lead, or of an object that was created for it.
    pub(super) fn has_id(&mut self, id: Uuid) {
        self.ids.insert(id.to_string());
    }

    pub(super) fn has_email(&mut self, email: &str) {
        if email.contains('@') {
            self.exact.insert(folded(email));
        }
    }

    pub(super) fn has_phone(&mut self, phone: &str) {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= DIGITS {
            self.numbers.insert(digits);
        }
    }

    /// Adds the source's identifier of a prospect that became the lead.
    pub(super) fn was_prospect(&mut self, prospect_id: &str) {
        self.prospects.insert(prospect_id.strip_prefix("own:").unwrap_or(prospect_id).to_owned());
    }

    fn has_name(&mut self, name: &str, company: Option<&str>) {
        let name = folded(name);
        if let Some(company) = company {
            self.employed.insert((name.clone(), folded(company)));
        }
        if name.contains(' ') {
            self.names.insert(name);
        }
    }

    fn has_identifier(&mut self, identifier: &str) {
        self.has_email(identifier);
        match identifier.bytes().all(|byte| byte.is_ascii_digit()) {
            true => self.has_phone(identifier),
            false if identifier.len() >= 4 => drop(self.exact.insert(folded(identifier))),
            false => {}
        }
    }

    /// Adds the identifiers of the lead.
    pub(super) fn is_lead(&mut self, lead: &Lead) {
        self.has_id(lead.lead_id);
        for known in [&lead.email, &lead.linkedin, &lead.external_ref].into_iter().flatten() {
            self.has_identifier(known);
        }
        lead.phone.iter().for_each(|phone| self.has_phone(phone));
        if let Some(name) = &lead.full_name {
            self.has_name(name, lead.company_name.as_deref());
        }
    }

    /// Adds the values that a row of the lead shows.
    pub(super) fn is_shown(&mut self, row: &Row) {
        self.has_channel(&row.customer_phone);
        let extraction = row.extraction.as_ref();
        let names = [row.contact_name.as_deref(), extraction.and_then(|extraction| extraction.name.as_deref())];
        let emails = [row.contact_email.as_deref(), extraction.and_then(|extraction| extraction.email.as_deref())];
        names.into_iter().flatten().for_each(|name| self.has_name(name, row.company()));
        emails.into_iter().flatten().for_each(|email| self.has_email(email));
    }

    /// Adds an identifier on a channel.
    pub(super) fn has_channel(&mut self, identifier: &str) {
        self.has_identifier(identifier);
        if let Some(number) = CustomerPhone::parse(identifier).ok().and_then(|known| known.phone_number()) {
            self.has_phone(&number);
        }
    }

    /// Whether both have the same address or number.
    pub(super) fn shares_address_with(&self, other: &Self) -> bool {
        !self.exact.is_disjoint(&other.exact) || !self.numbers.is_disjoint(&other.numbers)
    }

    /// Whether a prospect is this person.
    pub(super) fn is_prospect(&self, prospect: &Prospect) -> bool {
        let known = [&prospect.email, &prospect.linkedin].into_iter().flatten();
        self.prospects.contains(&prospect.prospect_id)
            || known.into_iter().any(|known| self.exact.contains(&folded(known)))
            || prospect.phone.as_ref().is_some_and(|phone| self.numbers.contains(phone.trim_start_matches('+')))
            || self.employed.contains(&(folded(&prospect.full_name), folded(&prospect.company_name)))
    }

    /// Whether a text contains an identifier, an address or a number of the person.
    pub(super) fn is_identified_in(&self, text: &str) -> bool {
        let plain = folded(text);
        self.ids.iter().any(|id| plain.contains(id.as_str()))
            || self.exact.iter().any(|known| holds(&plain, known))
            || (!self.numbers.is_empty() && self.is_called_in(text))
    }

    /// Whether a text is about the person: it identifies the person or contains the full name.
    pub(super) fn is_named_in(&self, text: &str) -> bool {
        self.is_identified_in(text) || {
            let plain = folded(text);
            self.names.iter().any(|name| holds(&plain, name))
        }
    }

    fn is_called_in(&self, text: &str) -> bool {
        let digits: String = text
            .chars()
            .filter(|character| !matches!(character, ' ' | '\u{a0}' | '-' | '.' | '(' | ')' | '/'))
            .map(|character| if character.is_ascii_digit() { character } else { ' ' })
            .collect();
        let ends = |run: &str, number: &str| {
            let national = number.len().checked_sub(NATIONAL).and_then(|start| number.get(start..));
            run.ends_with(number) || national.is_some_and(|national| run.ends_with(national) && run.len() <= 15)
        };
        digits
            .split(' ')
            .filter(|run| run.len() >= DIGITS)
            .any(|run| self.numbers.iter().any(|number| ends(run, number)))
    }

    /// Whether any text of an item, except its keys, is about the person.
    pub(super) fn is_in(&self, item: &Item) -> bool {
        values(item).any(|(_, value)| texts(value, &|text| self.is_named_in(text)))
    }

    /// Whether any text of an item, except its keys, identifies the person by more than the name.
    pub(super) fn is_identified_by(&self, item: &Item) -> bool {
        values(item).any(|(_, value)| texts(value, &|text| self.is_identified_in(text)))
    }

    /// The changes to an item after which it no longer names the person: the attributes, each with its old and new
    /// value.
    pub(super) fn redacted(&self, item: &Item) -> Vec<(String, AttributeValue, AttributeValue)> {
        let changed = values(item).filter_map(|(name, before)| {
            let after = self.without(before);
            (after != *before).then(|| (name.clone(), before.clone(), after))
        });
        changed.collect()
    }

    fn without(&self, value: &AttributeValue) -> AttributeValue {
        match value {
            // An identifier is never a text about somebody, whatever its digits look like.
            AttributeValue::S(text) if Uuid::try_parse(text).is_err() && self.is_named_in(text) => {
                AttributeValue::S(ERASED.to_owned())
            }
            AttributeValue::L(values) => AttributeValue::L(values.iter().map(|value| self.without(value)).collect()),
            AttributeValue::M(fields) => {
                AttributeValue::M(fields.iter().map(|(name, value)| (name.clone(), self.without(value))).collect())
            }
            other => other.clone(),
        }
    }
}

/// The attributes of an item, except its keys.
fn values(item: &Item) -> impl Iterator<Item = (&String, &AttributeValue)> {
    item.iter().filter(|(name, _)| !matches!(name.as_str(), "pk" | "sk"))
}

/// Whether any text in a value, at any depth, satisfies `is_such`.
fn texts(value: &AttributeValue, is_such: &impl Fn(&str) -> bool) -> bool {
    match value {
        AttributeValue::S(text) => is_such(text),
        AttributeValue::L(values) => values.iter().any(|value| texts(value, is_such)),
        AttributeValue::M(fields) => fields.values().any(|value| texts(value, is_such)),
        _ => false,
    }
}

/// Whether a text contains another one, in whole words.
fn holds(text: &str, wanted: &str) -> bool {
    text.match_indices(wanted).any(|(start, found)| {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(start + found.len()..).and_then(|after| after.chars().next());
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::store::s;

    fn jane() -> Person {
        let mut person = Person::default();
        person.is_lead(&Lead {
            lead_id: Uuid::max(),
            external_ref: Some("LD-2048".to_owned()),
            full_name: Some("Zoë Åström".to_owned()),
            email: Some("zoe@acme.example".to_owned()),
            phone: Some("+442079460000".to_owned()),
            ..Lead::default()
        });
        person
    }

    #[test]
    fn a_person_is_told_by_name_address_number_and_reference() {
        for text in [
            "Ask ZOE  ASTROM about it",
            "to: Zoe@Acme.example.",
            "call +44 20 7946-0000 today",
            "call (020) 7946 0000",
            "(LD-2048)",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ] {
            assert!(jane().is_named_in(text), "{text}");
        }
    }

    #[test]
    fn others_are_not() {
        for text in
            ["Zoë", "Zoe Astroms", "zoe@acme.examples", "xzoe@acme.example", "LD-20481", "7946 0001", "Acme", ""]
        {
            assert!(!jane().is_named_in(text), "{text}");
        }
        assert!(!jane().is_identified_in("Zoë Åström"));
    }

    #[test]
    fn what_names_the_person_is_replaced_wherever_it_stands() {
        let inner =
            AttributeValue::M([("about".to_owned(), s("news for Zoë Åström")), ("n".to_owned(), s("x"))].into());
        let item = Item::from([
            ("pk".to_owned(), s("zoe@acme.example")),
            ("plan".to_owned(), AttributeValue::L(vec![inner])),
            ("id".to_owned(), s(Uuid::max())),
        ]);
        let redacted = jane().redacted(&item);
        let [(name, _, after)] = redacted.as_slice() else { panic!("{redacted:?}") };
        let expected = AttributeValue::M([("about".to_owned(), s(ERASED)), ("n".to_owned(), s("x"))].into());
        assert_eq!((name.as_str(), after), ("plan", &AttributeValue::L(vec![expected])));
    }
}
