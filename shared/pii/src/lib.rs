//! The personal data gate: finds personal data in a draft that must not be in it.
//!
//! A draft may contain the recipient's own details and the public details of the representative and the company
//! ([`Allowed`]). Anything else that identifies a person blocks the draft. [`findings`] returns kinds and positions,
//! never the text, so an alert contains no personal data. Only the store knows the identifiers of other leads:
//! [`identifiers`] returns what to look up, and [`mentions`] finds the names of leads that the caller already has.
//!
//! The gate reads a text as a person would (`text`): without invisible characters, with plain letters and digits, with
//! entities decoded and spelled-out digits converted. Then it searches for each kind: by check digits if the number has
//! them, by form if the form is unmistakable, and otherwise only after a label ("passport", "Steuer-ID"). It scans
//! without backtracking.
//!
//! docs/personal-data-gate.md measures how much it finds. It does not find names without a list, or free descriptions
//! of a person.
//!
//! No existing crate fits. According to their documentation, `redact-core` (Apache-2.0) and `pii` 0.1 (MIT or
//! Apache-2.0) are young, include models and operators that this project does not need, and do not mention disguises;
//! `regex-pii-rs` and `llm-pii-redact` know a few kinds, mostly in their American form. `phonenumber` parses one known
//! number; it does not find numbers in a text.

#![warn(missing_docs)]

pub mod addresses;
mod email;
mod labelled;
mod labels;
mod national;
mod numbers;
mod payment;
mod phone;
mod places;
mod text;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::text::{Text, plain};
use self::words::{Words, words};

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A payment card number.
    PaymentCard,
    /// An IBAN, or an account or routing number after a label.
    BankAccount,
    /// An identity, tax or social security number.
    NationalId,
    /// A passport number.
    Passport,
    /// A date of birth.
    DateOfBirth,
    /// A street with a house number, or a post office box.
    PostalAddress,
    /// A public IP address.
    IpAddress,
    /// A link to a person's profile.
    ProfileLink,
    /// A password or an API key.
    Credential,
    /// An identifier or name of another lead in the workspace.
    OtherLead,
}

impl Category {
    /// Whether it is a way to reach a person. In a conversation about that person it may be told.
    pub fn is_contact_detail(self) -> bool {
        matches!(
            self,
            Self::Email | Self::Phone | Self::PostalAddress | Self::ProfileLink | Self::IpAddress | Self::OtherLead
        )
    }
}

/// Personal data that must not be in a draft. It holds the kind and the place, never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The kind of personal data.
    pub category: Category,
    /// The index of its first character, from 0, in characters (Unicode scalar values) of the text.
    pub start: usize,
    /// The index after its last character.
    pub end: usize,
}

/// The personal data that a draft may contain: the recipient's own details, and the public details of the
/// representative and the company. Cards, accounts and identity numbers are never allowed.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    emails: Vec<String>,
    phones: Vec<String>,
    links: Vec<String>,
    texts: Vec<String>,
}

impl Allowed {
    /// Allows an e-mail address.
    #[must_use]
    pub fn email(mut self, email: &str) -> Self {
        self.emails.push(plain(email.trim()));
        self
    }

    /// Allows a phone number in any form: with `+` and the country code, or as dialled within the country.
    #[must_use]
    pub fn phone(mut self, phone: &str) -> Self {
        let number: String = plain(phone).replace("(0)", "");
        self.phones.push(number.chars().filter(|part| part.is_ascii_digit() || *part == '+').collect());
        self
    }

    /// Allows a link or a domain, and role addresses at that domain, such as `sales@`.
    #[must_use]
    pub fn link(mut self, link: &str) -> Self {
        self.links.push(bare_link(&plain(link.trim())).to_owned());
        self
    }

    /// Allows a public postal address, word for word.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.texts.extend(Some(plain(text.trim())).filter(|text| !text.is_empty()));
        self
    }

    fn has_email(&self, email: &email::Email) -> bool {
        let (local, domain) = email.parts();
        let is_ours = |link: &String| {
            let host = link.split(['/', '?', '#', ':']).next().unwrap_or_default();
            host == domain && !PROFILES.iter().any(|profile| profile.starts_with(host))
        };
        self.emails.contains(&email.address) || ROLES.contains(&local) && self.links.iter().any(is_ours)
    }

    /// Whether a finding is part of an allowed text at that place, such as a street within an address.
    fn has_place(&self, text: &Text, start: usize, end: usize) -> bool {
        let found = text.plain(start, end);
        self.texts.iter().any(|allowed| {
            allowed.match_indices(&found).any(|(at, _)| {
                let begin = start.checked_sub(allowed.get(..at).unwrap_or_default().chars().count());
                begin.is_some_and(|begin| text.has(begin, allowed))
            })
        })
    }

    fn has_phone(&self, number: &str) -> bool {
        let international = |number: &str| number.starts_with('+') || number.starts_with("00");
        let significant = |number: &str| number.trim_start_matches(['+', '0']).to_owned();
        let written = significant(number);
        self.phones.iter().any(|phone| {
            let allowed = significant(phone);
            let (long, short) = if allowed.len() < written.len() { (&written, &allowed) } else { (&allowed, &written) };
            // Without its country a number is the end of the whole one.
            let countries = if international(number) && international(phone) { 0 } else { 3 };
            short.len() > 6 && long.ends_with(short.as_str()) && long.len() - short.len() <= countries
        })
    }
}

/// Local parts of role addresses, which belong to a company and not to a person.
static ROLES: Words = Words::new(|| words(include_str!("words/roles.txt")));

/// Sites with people's profiles.
static PROFILES: Words = Words::new(|| words(include_str!("words/profiles.txt")));

/// A link without the usual prefix and suffix.
fn bare_link(link: &str) -> &str {
    let link = link.split_once("://").map_or(link, |(_, link)| link);
    link.strip_prefix("www.").unwrap_or(link).trim_end_matches(['/', '.'])
}

/// A finding with its characters, for comparison with those of another text.
#[derive(Clone, PartialEq, Eq)]
pub struct Disclosed {
    /// Its kind and place.
    pub finding: Finding,
    /// Its letters and digits in plain form.
    plain: String,
}

/// Without the characters, so that no log holds them.
impl std::fmt::Debug for Disclosed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.finding.fmt(formatter)
    }
}

impl Disclosed {
    /// Whether both are the same data. Of numbers one may lack its country code.
    pub fn is_same(&self, other: &Self) -> bool {
        let digits = |plain: &str| -> Option<String> {
            let is_number = plain.len() > 6 && plain.bytes().all(|digit| digit.is_ascii_digit());
            is_number.then(|| plain.trim_start_matches('0').to_owned())
        };
        self.plain == other.plain
            || digits(&self.plain)
                .zip(digits(&other.plain))
                .is_some_and(|(one, other)| one.ends_with(&other) || other.ends_with(&one))
    }
}

/// Finds the personal data in a text that is not allowed, in order and without overlaps.
pub fn findings(text: &str, allowed: &Allowed) -> Vec<Finding> {
    disclosed(text, allowed).into_iter().map(|disclosed| disclosed.finding).collect()
}

/// As [`findings`], each with its characters.
pub fn disclosed(text: &str, allowed: &Allowed) -> Vec<Disclosed> {
    let text = Text::new(text);
    let mut search = Search::default();
    let rows = phone::candidates(&text, |number| allowed.has_phone(number));
    for (start, end) in &rows.allowed {
        search.take(*start, *end);
    }
    for email in email::emails(&text) {
        if allowed.has_email(&email) {
            search.take(email.start, email.end);
        } else {
            search.find(Category::Email, [(email.start, email.end)]);
        }
    }
    let phones = phone::phones(&text, &rows.unknown);
    let dialled_abroad = phones.iter().filter(|phone| phone.number.starts_with('+'));
    let announced = labelled::values(&text);
    let profiles = places::profiles(&text).into_iter().filter(|(_, _, link)| !allowed.links.contains(link));
    let postal = places::postal(&text).into_iter().filter(|(start, end)| !allowed.has_place(&text, *start, *end));
    // What is surer comes first; of two that overlap the first stays.
    search.find(Category::Credential, announced.secrets);
    search.find(Category::BankAccount, payment::ibans(&text));
    search.find(Category::Phone, dialled_abroad.map(|phone| (phone.start, phone.end)));
    search.find(Category::Passport, announced.passports);
    search.find(Category::DateOfBirth, announced.births);
    search.find(Category::PaymentCard, payment::cards(&text));
    search.find(Category::BankAccount, announced.accounts);
    search.find(Category::NationalId, announced.nationals);
    search.find(Category::NationalId, national::numbers(&text));
    search.find(Category::IpAddress, places::internet(&text));
    search.find(Category::ProfileLink, profiles.map(|(start, end, _)| (start, end)));
    search.find(Category::Phone, phones.iter().map(|phone| (phone.start, phone.end)));
    search.find(Category::PostalAddress, postal);
    let disclosed = |(category, start, end)| Disclosed {
        finding: finding(&text, category, start, end),
        plain: text.plain(start, end).chars().filter(|part| part.is_alphanumeric()).collect(),
    };
    let mut found: Vec<_> = search.findings.into_iter().map(disclosed).collect();
    found.sort_by_key(|disclosed| disclosed.finding.start);
    found
}

fn finding(text: &Text, category: Category, start: usize, end: usize) -> Finding {
    let (start, end) = text.written(start, end);
    Finding { category, start, end }
}

/// The findings so far, at most one for each place.
#[derive(Default)]
struct Search {
    /// The spans of findings and of allowed values, by start. None overlap.
    taken: BTreeMap<usize, usize>,
    findings: Vec<(Category, usize, usize)>,
}

impl Search {
    /// Marks a span as taken. `false` if part of it is taken already.
    fn take(&mut self, start: usize, end: usize) -> bool {
        let is_free = self.taken.range(..end).next_back().is_none_or(|(_, until)| *until <= start);
        if is_free {
            self.taken.insert(start, end);
        }
        is_free
    }

    fn find(&mut self, category: Category, spans: impl IntoIterator<Item = (usize, usize)>) {
        for (start, end) in spans {
            if self.take(start, end) {
                self.findings.push((category, start, end));
            }
        }
    }
}

/// An identifier that may belong to a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// `email` or `phone`, as for identities in the store.
    pub kind: &'static str,
    /// The normalised value ([`crate::addresses`]).
    pub value: String,
    /// The index of its first character, as in a [`Finding`].
    pub start: usize,
    /// The index after its last character.
    pub end: usize,
}

impl Identifier {
    /// The finding if another lead has this identifier.
    pub fn of_other_lead(&self) -> Finding {
        Finding { category: Category::OtherLead, start: self.start, end: self.end }
    }
}

/// Finds the e-mail addresses and phone numbers of a text, normalised for the lookup of leads. `country_code` replaces
/// the leading zero of a national number; without it, only international numbers are returned.
pub fn identifiers(text: &str, country_code: Option<u16>) -> Vec<Identifier> {
    let text = Text::new(text);
    let identifier = |kind, value, start, end| {
        let (start, end) = text.written(start, end);
        Identifier { kind, value, start, end }
    };
    let emails = email::emails(&text).into_iter().filter_map(|email| {
        let value = addresses::email(&email.address).ok()?;
        Some(identifier("email", value, email.start, email.end))
    });
    let rows = phone::candidates(&text, |_| false);
    let phones = phone::phones(&text, &rows.unknown).into_iter().filter_map(|phone| {
        let value = addresses::phone(&phone.number, country_code).ok()?;
        Some(identifier("phone", value, phone.start, phone.end))
    });
    let mut identifiers: Vec<_> = emails.chain(phones).collect();
    identifiers.sort_by_key(|identifier| identifier.start);
    identifiers
}

/// Finds each of `names` in a text, ignoring case and accents. Skips names of one word, which may be the recipient's
/// too or not a name at all.
pub fn mentions(text: &str, names: &[&str]) -> Vec<Finding> {
    let text = Text::new(text);
    let mut by_first: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for name in names {
        let words: Vec<String> = Text::new(name).words.into_iter().map(|word| word.plain).collect();
        if let Some((first, others)) = words.split_first().filter(|(_, others)| !others.is_empty()) {
            by_first.entry(first.clone()).or_default().push(others.to_vec());
        }
    }
    let mut findings: Vec<Finding> = Vec::new();
    for (index, first) in text.words.iter().enumerate() {
        for others in by_first.get(&first.plain).into_iter().flatten() {
            let following = text.words.get(index + 1..=index + others.len()).unwrap_or_default();
            let is_named = !following.is_empty() && following.iter().map(|word| &word.plain).eq(others);
            if let Some(last) = following.last().filter(|_| is_named) {
                findings.push(finding(&text, Category::OtherLead, first.start, last.end));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests;
