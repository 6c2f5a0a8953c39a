//! What a text rests on, and the check of one text against it.

use std::fmt::{Display, Formatter};

use pii::{Allowed, Category, Disclosed, disclosed};
use serde::Serialize;

use crate::base::channel::Channel;
use crate::crm::leads::Lead;
use crate::outreach::writing::{self, ChannelMessage, Known, Part, is_slot, placeholders, plain};
use crate::workspace::accounts::Site;
use pii::Finding;

/// The author of personal data in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The input of the model contained it, such as a lead's message or a note.
    Input,
    /// The model wrote it on its own.
    Model,
    /// A person wrote it.
    Person,
}

/// Personal data in a draft that is not allowed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Disclosure {
    /// `draft_title`, `draft_message` or `reasoning_summary`.
    pub field: &'static str,
    /// Its author.
    pub source: Source,
    /// Its kind and place in the field.
    #[serde(flatten)]
    pub finding: Finding,
}

/// The reason why a text must not leave. Its display is the complaint for the model that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The form of its channel. Such a text may be fixed as often as the model is asked.
    Form(String),
    /// A placeholder.
    Placeholder(String),
    /// Something that is not among the facts.
    Invention(String),
    /// Personal data.
    Disclosure(Category),
}

impl Fault {
    /// Whether the text must not leave, however it is formed.
    pub fn is_withheld(&self) -> bool {
        !matches!(self, Self::Form(_))
    }
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Form(complaint) => formatter.write_str(complaint),
            Self::Placeholder(left) => {
                write!(formatter, "it holds the placeholder {left}; write what it stands for, or do without")
            }
            Self::Invention(named) => write!(formatter, "it names {named}, which is not among the facts"),
            Self::Disclosure(category) => {
                let kind = serde_json::to_value(category).unwrap_or_default();
                let kind = kind.as_str().unwrap_or("of a person");
                write!(formatter, "it holds personal data ({kind}); write it without")
            }
        }
    }
}

/// What a text rests on: the facts that it may name, and the personal data that it may hold.
#[derive(Clone, Debug, Default)]
pub struct Basis {
    /// `None` for a text of a person, who may know more.
    facts: Option<Known>,
    allowed: Allowed,
    /// The allowed addresses and links, one on each line.
    contacts: String,
    /// The model's input, in which the source of a disclosure is looked up.
    given: String,
    /// Contact details that may be repeated.
    admitted: Vec<Disclosed>,
}

impl Basis {
    /// The basis of a person's text to a lead: the lead's own details, and the public ones of the company.
    pub fn of(lead: &Lead, sites: &[Site]) -> Self {
        let mut basis = Self::default();
        for phone in lead.phone.iter().chain(sites.iter().filter_map(|site| site.sms.as_ref())) {
            basis = basis.phone(phone);
        }
        for email in lead.email.iter().chain(sites.iter().filter_map(|site| site.email.as_ref())) {
            basis = basis.email(email);
        }
        for link in lead.linkedin.iter().chain(sites.iter().map(|site| &site.url)) {
            basis.allowed = basis.allowed.link(link);
            basis.add_contact(link);
        }
        for name in lead.full_name.iter().chain(&lead.company_name) {
            basis.allowed = basis.allowed.text(name);
        }
        for site in sites {
            basis.allowed = basis.allowed.text(&site.name);
            basis.add_contact(&site.name);
        }
        basis
    }

    /// Allows an e-mail address.
    #[must_use]
    pub fn email(mut self, email: &str) -> Self {
        self.allowed = self.allowed.email(email);
        self.add_contact(email);
        self
    }

    /// Allows a phone number.
    #[must_use]
    pub fn phone(mut self, phone: &str) -> Self {
        self.allowed = self.allowed.phone(phone);
        self.add_contact(phone);
        self
    }

    fn add_contact(&mut self, contact: &str) {
        self.contacts.push_str(contact);
        self.contacts.push('\n');
    }

    /// The basis of a model's text that may name what this input names.
    #[must_use]
    pub fn knowing(mut self, input: &str) -> Self {
        let mut facts = Known::new(input);
        facts.learn(&self.contacts);
        self.facts = Some(facts);
        self.given(input)
    }

    /// Adds input of the model that its text may not name.
    #[must_use]
    pub fn given(mut self, input: &str) -> Self {
        self.given.push('\n');
        self.given.push_str(input);
        self
    }

    /// Admits the contact details of a text that has passed the gate, or that the reader may see anyway.
    #[must_use]
    pub fn admitting(mut self, text: &str) -> Self {
        self.admit(text);
        self
    }

    fn admit(&mut self, text: &str) {
        let found = disclosed(text, &Allowed::default());
        self.admitted.extend(found.into_iter().filter(|found| found.finding.category.is_contact_detail()));
    }

    /// Adds a text to a conversation's basis: it may name and repeat what stands there.
    pub fn learn(&mut self, text: &str) {
        self.facts.get_or_insert_default().learn(text);
        self.admit(text);
    }

    /// The placeholder in a person's text, which may name what is not stored.
    pub fn placeholder(text: &str) -> Option<String> {
        writing::placeholder(text)
    }

    /// The fault of a text, if it has one.
    pub fn fault(&self, part: Part, text: &str) -> Option<Fault> {
        if let Some(found) = self.disclosed(text).next() {
            return Some(Fault::Disclosure(found.finding.category));
        }
        let is_conversation = matches!(part, Part::Answer | Part::Report);
        // A colleague may read a quotation of the input. A conversation may hold JSON and markup.
        let is_quoted = |left: &String| {
            let is_known = self.facts.as_ref().is_some_and(|facts| facts.contains(left));
            let is_json = ["{\"", "[{", "[\""].iter().any(|open| left.starts_with(open));
            let is_code = is_json || left.starts_with('<') && !is_slot(left);
            part == Part::Reason && is_known && !is_slot(left) || is_conversation && (is_known || is_code)
        };
        if let Some(left) = placeholders(&plain(text)).into_iter().find(|left| !is_quoted(left)) {
            return Some(Fault::Placeholder(left));
        }
        self.facts.as_ref()?.lacks(&without_personal_data(text), part).map(Fault::Invention)
    }

    /// The fault of a message for a channel, in its form or its words. Its strategy is for a colleague.
    pub fn fault_of(&self, channel: Channel, written: &ChannelMessage) -> Option<Fault> {
        let parts =
            [(Part::Title, &written.title), (Part::Message, &written.message), (Part::Reason, &written.strategy)];
        let withheld = parts.into_iter().find_map(|(part, text)| self.fault(part, text));
        withheld.or_else(|| written.fault(channel).map(Fault::Form))
    }

    /// Everything in a field of a draft that is not allowed there.
    pub(super) fn disclosures(&self, (field, text): (&'static str, &str)) -> Vec<Disclosure> {
        let mut found = self.disclosed(text).peekable();
        // The input is long, and most texts disclose nothing.
        let given = found.peek().map(|_| disclosed(&self.given, &Allowed::default())).unwrap_or_default();
        let source = |found: &Disclosed| match self.facts {
            None => Source::Person,
            Some(_) if given.iter().any(|given| given.is_same(found)) => Source::Input,
            Some(_) => Source::Model,
        };
        found.map(|found| Disclosure { field, source: source(&found), finding: found.finding }).collect()
    }

    fn disclosed(&self, text: &str) -> impl Iterator<Item = Disclosed> {
        let is_admitted = |found: &Disclosed| self.admitted.iter().any(|admitted| admitted.is_same(found));
        disclosed(text, &self.allowed).into_iter().filter(move |found| !is_admitted(found))
    }
}

/// A text with spaces in the place of its personal data: the digits of an allowed phone number are no facts.
fn without_personal_data(text: &str) -> String {
    let found = disclosed(text, &Allowed::default());
    let is_in = |place: usize| found.iter().any(|found| (found.finding.start..found.finding.end).contains(&place));
    text.chars().enumerate().map(|(place, part)| if is_in(place) { ' ' } else { part }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_details_that_passed_may_be_repeated_and_a_card_never() {
        let before = "Hi Jane, call (202) 555-0142, and your card is 4111 1111 1111 1111.";
        let (call, card) = ("Call +1 202 555 0142.", "Your card is 4111 1111 1111 1111.");
        let strict = Basis::default().knowing(before);
        assert_eq!(strict.fault(Part::Message, call), Some(Fault::Disclosure(Category::Phone)));
        let lenient = strict.admitting(before);
        assert_eq!(lenient.fault(Part::Message, call), None);
        assert_eq!(lenient.fault(Part::Message, card), Some(Fault::Disclosure(Category::PaymentCard)));
    }

    #[test]
    fn each_part_names_what_it_may() {
        let basis =
            Basis::default().knowing("Jane Smith of Acme wrote on 2026-11-02 about $500: \"Re: [urgent] plan\"");
        let invented = |part, text| matches!(basis.fault(part, text), Some(Fault::Invention(_)));
        for (text, parts) in [
            ("Hi Peter, hello", vec![Part::Message]),
            ("They met Peter Miller", vec![Part::Message, Part::Reason, Part::Report]),
            ("After 12 days", vec![Part::Title, Part::Message]),
            ("In 2019", vec![Part::Title, Part::Message, Part::Reason]),
            ("See evil.example/x", vec![Part::Title, Part::Message, Part::Reason, Part::Label]),
            ("For $700", ALL.to_vec()),
            ("Hi Jane Smith of Acme, $500 on 2 November 2026", Vec::new()),
        ] {
            let found: Vec<_> = ALL.into_iter().filter(|part| invented(*part, text)).collect();
            assert_eq!(found, parts, "{text}");
        }
        // A colleague may read a quotation; a lead gets no brackets.
        assert_eq!(basis.fault(Part::Reason, "Jane wrote \"[urgent]\""), None);
        assert!(matches!(basis.fault(Part::Message, "About [urgent]"), Some(Fault::Placeholder(_))));
        assert!(matches!(basis.fault(Part::Reason, "Ask about [name]"), Some(Fault::Placeholder(_))));
    }

    const ALL: [Part; 6] = [Part::Title, Part::Message, Part::Reason, Part::Label, Part::Answer, Part::Report];
}
