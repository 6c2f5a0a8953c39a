//! The personal data gate: finds what in a draft identifies a person whom it must not name.
//!
//! A draft may hold the recipient's own details and the public ones of the representative and the company
//! ([`Allowed`]). Anything else that identifies a person blocks it. [`findings`] returns kind and position, never the
//! text, so that the alert holds no personal data.
//! What identifies another lead only the store can tell: [`identifiers`] gives what to look up, and
//! [`mentions`] finds the names of the leads that a caller has at hand.
//!
//! A text is read as a person would read it (`text`): without what is invisible, with plain letters and
//! digits, with entities decoded and digits that are spelled out. Then each kind is searched for: by check
//! digits where a number has them, by its form where that is unmistakable, and else only behind a word that
//! announces it ("passport", "Steuer-ID"). All of it is a scan without backtracking.
//!
//! How much it finds is measured in docs/personal-data-gate.md. Names without a list and free descriptions
//! of a person are not found.
//!
//! No crate serves. By their documentation `redact-core` (Apache-2.0) and `pii` 0.1 (MIT or Apache-2.0)
//! are young, bring models and operators that nobody here needs, and say nothing of disguises;
//! `regex-pii-rs` and `llm-pii-redact` know a handful of kinds, mostly in their American form.
//! `phonenumber` parses what is known to be one number, and does not find numbers in a text.

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

/// What a text discloses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// The number of a payment card.
    PaymentCard,
    /// An IBAN, or an account or routing number that is announced as one.
    BankAccount,
    /// An identity, tax or social security number.
    NationalId,
    /// The number of a passport.
    Passport,
    /// A date of birth.
    DateOfBirth,
    /// A street with its number, or a post office box.
    PostalAddress,
    /// A public address on the internet.
    IpAddress,
    /// A link to a person's profile.
    ProfileLink,
    /// A password or an API key.
    Credential,
    /// What belongs to another lead of the workspace.
    OtherLead,
}

/// Something that must not be in a draft: its kind and place, never its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub category: Category,
    /// Its first character, counted from 0 in characters (Unicode scalar values) of the text.
    pub start: usize,
    /// Behind its last character.
    pub end: usize,
}

/// What a draft may hold: the recipient's own details, and the public ones of the representative and the
/// company. Cards, accounts and identity numbers are never allowed.
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

    /// Allows a phone number, in any form: with `+` and its country, or as it is dialled within the country.
    #[must_use]
    pub fn phone(mut self, phone: &str) -> Self {
        let number: String = plain(phone).replace("(0)", "");
        self.phones.push(number.chars().filter(|part| part.is_ascii_digit() || *part == '+').collect());
        self
    }

    /// Allows a link or a domain, and the addresses there that are nobody's own, such as `sales@`.
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

    /// Whether what was found is part of an allowed text that stands there: a street with its town, say.
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

/// Addresses that are a company's and nobody's own.
static ROLES: Words = Words::new(|| words(include_str!("words/roles.txt")));

/// Where people have profiles.
static PROFILES: Words = Words::new(|| words(include_str!("words/profiles.txt")));

/// A link without what usually stands before and behind it.
fn bare_link(link: &str) -> &str {
    let link = link.split_once("://").map_or(link, |(_, link)| link);
    link.strip_prefix("www.").unwrap_or(link).trim_end_matches(['/', '.'])
}

/// Everything in a text that identifies a person and is not allowed, in its order and without overlaps.
pub fn findings(text: &str, allowed: &Allowed) -> Vec<Finding> {
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
    let mut findings: Vec<_> =
        search.findings.into_iter().map(|(category, start, end)| finding(&text, category, start, end)).collect();
    findings.sort_by_key(|finding| finding.start);
    findings
}

fn finding(text: &Text, category: Category, start: usize, end: usize) -> Finding {
    let (start, end) = text.written(start, end);
    Finding { category, start, end }
}

/// What is found, each place once.
#[derive(Default)]
struct Search {
    /// From where to where something is found or allowed; none overlap.
    taken: BTreeMap<usize, usize>,
    findings: Vec<(Category, usize, usize)>,
}

impl Search {
    /// Takes a place, if it is free.
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

/// An identifier that a lead could be found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// `email` or `phone`, as in the store's identities.
    pub kind: &'static str,
    /// Its one form ([`crate::addresses`]).
    pub value: String,
    /// Where it stands, as in a [`Finding`].
    pub start: usize,
    /// Behind its last character.
    pub end: usize,
}

impl Identifier {
    /// That it belongs to another lead.
    pub fn of_other_lead(&self) -> Finding {
        Finding { category: Category::OtherLead, start: self.start, end: self.end }
    }
}

/// The e-mail addresses and phone numbers of a text in the form that leads are found by. `country_code` is
/// what stands for the zero of a national number; without it only numbers with their country are given.
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

/// Where a text names one of `names`, whatever its case and accents. A name of one word is passed over: it
/// may be the recipient's as well, or no name at all.
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
