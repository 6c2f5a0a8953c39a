//! Finding contacts by what a person remembers of them.
//!
//! Every lead is in the index `contacts`: of its attribute `found_in`, `W#<workspace>#F#<digit>`, which is one of
//! 16 for a workspace, so that an import is not held up by one; and of `found_by`, its name. A search reads these
//! partitions, each in the order of the names and up to a bound; what fits is then read from the table itself,
//! because an index follows its table a moment later.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use serde::Deserialize;
use uuid::Uuid;

use super::{Lead, Leads};
use crate::base::store::{Item, StoreError, s};
use pii::addresses;

/// The index.
const CONTACTS: &str = "contacts";

/// Into how many partitions the contacts of a workspace are divided, by the last digit of their identifiers.
const PARTITIONS: u8 = 16;

/// How many partitions are read at once. More would cost a fresh instance more connections than it saves.
const AT_ONCE: usize = 4;

/// How many contacts of a partition a search looks at: 20,000 of a workspace.
const LOOKED_AT: usize = 1_250;

/// Of a partition with more: how many whose names begin with what is searched are looked at besides.
const BEGINNING_SO: usize = 100;

/// The longest name in the index, in characters: a key takes 1,024 bytes.
const LONGEST: usize = 200;

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Those of the page: whose name is what was searched first, then by name.
    pub leads: Vec<Lead>,
    /// How many fit, of all that were looked at.
    pub total: usize,
    /// Whether every contact of the workspace was looked at. If not, there may be more that fit: a full
    /// e-mail address, a phone number or the beginning of a name finds them.
    pub is_complete: bool,
}

/// A text as searches compare it: in lower case, without accents, apostrophes and spaces at the ends or repeated.
pub fn folded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    if text.is_ascii() {
        plain.extend(
            text.chars().filter(|character| *character != '\'').map(|character| character.to_ascii_lowercase()),
        );
    } else {
        let classes = CanonicalCombiningClassMapBorrowed::new();
        for character in DecomposingNormalizerBorrowed::new_nfkd().normalize(text).chars().flat_map(char::to_lowercase)
        {
            match character {
                '\'' | '\u{2019}' => {}
                // Accents, nuktas and vowel points. The marks of the classes 8 and 9 are parts of letters in Japanese
                // and Indic scripts.
                mark if !matches!(classes.get_u8(mark), 0 | 8 | 9) => {}
                // Letters that have no decomposition, or two small forms.
                'ß' => plain.push_str("ss"),
                'æ' => plain.push_str("ae"),
                'œ' => plain.push_str("oe"),
                'þ' => plain.push_str("th"),
                'ø' => plain.push('o'),
                'ł' => plain.push('l'),
                'đ' | 'ð' => plain.push('d'),
                'ħ' => plain.push('h'),
                'ı' => plain.push('i'),
                'ς' => plain.push('σ'),
                other => plain.push(other),
            }
        }
    }
    let mut words = plain.split_whitespace();
    let mut folded = words.next().unwrap_or_default().to_owned();
    for word in words {
        folded.push(' ');
        folded.push_str(word);
    }
    folded
}

/// What puts a lead into the index. Who has no name is there by what else there is.
pub(super) fn indexed(workspace_id: Uuid, lead: &Lead) -> Item {
    let known = [&lead.full_name, &lead.email, &lead.phone, &lead.external_ref].into_iter().flatten();
    let name = known.map(|text| folded(text)).find(|name| !name.is_empty());
    // After every name in Latin letters.
    let name = name.map_or_else(|| "~".to_owned(), |name| name.chars().take(LONGEST).collect());
    let partition = lead.lead_id.as_u128().to_le_bytes()[0] % PARTITIONS;
    Item::from([("found_in".to_owned(), s(partition_key(workspace_id, partition))), ("found_by".to_owned(), s(name))])
}

fn partition_key(workspace_id: Uuid, partition: u8) -> String {
    format!("W#{workspace_id}#F#{partition:x}")
}

/// What the index holds of a lead: what is searched.
#[derive(Debug, Deserialize)]
struct Entry {
    lead_id: Uuid,
    found_by: String,
    full_name: Option<String>,
    email: Option<String>,
    company_name: Option<String>,
    job_title: Option<String>,
}

/// What is looked for.
struct Search {
    /// As a whole.
    text: String,
    words: Vec<String>,
    is_blank: bool,
}

impl Search {
    fn of(text: &str) -> Self {
        let (is_blank, text) = (text.trim().is_empty(), folded(text));
        // "Smith, Jane" has a comma that no name has.
        let words = text.split(' ').map(|word| word.trim_matches(|character: char| !character.is_alphanumeric()));
        Self { words: words.filter(|word| !word.is_empty()).map(str::to_owned).collect(), text, is_blank }
    }

    /// Whether every word begins a word of one of these fields.
    fn fits(&self, fields: [&Option<String>; 4]) -> bool {
        if self.words.is_empty() {
            return self.is_blank;
        }
        let fields = fields.into_iter().flatten().map(|field| folded(field)).collect::<Vec<_>>().join("\n");
        self.words.iter().all(|word| begins_a_word(&fields, word))
    }

    fn fits_lead(&self, lead: &Lead) -> bool {
        self.fits([&lead.full_name, &lead.email, &lead.company_name, &lead.job_title])
    }
}

/// Whether `word` stands where a word of `text` begins, so that "cto" is no director. A script without
/// capitals may be one without spaces too; there it may stand anywhere.
fn begins_a_word(text: &str, word: &str) -> bool {
    let anywhere = word.chars().next().is_some_and(|first| !first.is_lowercase() && !first.is_ascii_digit());
    text.match_indices(word)
        .any(|(start, _)| anywhere || !text.get(..start).unwrap_or_default().ends_with(char::is_alphanumeric))
}

impl Leads {
    /// The contacts of a workspace that fit a text, without the first `skip` and at most `limit`: those that
    /// have it as their e-mail address, phone number or external reference, else those of whose name, e-mail
    /// address, company and job title some words begin with all of its words, whatever the case and accents.
    /// A blank text fits all. At most 20,000 contacts are looked at, the first by name in their partitions.
    pub async fn search(
        &self,
        workspace_id: Uuid,
        text: &str,
        (skip, limit): (usize, usize),
    ) -> Result<Found, StoreError> {
        if let Some(lead) = self.identified(workspace_id, text.trim()).await? {
            let leads = [lead].into_iter().skip(skip).take(limit).collect();
            return Ok(Found { leads, total: 1, is_complete: true });
        }
        let search = Search::of(text);
        let partitions = stream::iter(0..PARTITIONS)
            .map(|partition| self.partition(partition_key(workspace_id, partition), &search))
            .buffer_unordered(AT_ONCE);
        let (mut fitting, mut is_complete) = (Vec::new(), true);
        for (entries, is_whole) in partitions.try_collect::<Vec<_>>().await? {
            fitting.extend(entries);
            is_complete &= is_whole;
        }
        fitting.sort_by(|(name, id), (other, other_id)| {
            (*name != search.text, name, id).cmp(&(*other != search.text, other, other_id))
        });
        let page: Vec<_> = fitting.iter().skip(skip).take(limit).map(|(_, lead_id)| *lead_id).collect();
        let mut leads = self.leads(workspace_id, &page).await?;
        let leads = page.iter().filter_map(|lead_id| leads.remove(lead_id)).filter(|lead| search.fits_lead(lead));
        Ok(Found { leads: leads.collect(), total: fitting.len(), is_complete })
    }

    /// The lead that has a text as its identity.
    async fn identified(&self, workspace_id: Uuid, text: &str) -> Result<Option<Lead>, StoreError> {
        // A reference has a number, or a name would be one.
        let reference = text.len() <= 128 && text.contains(|character: char| character.is_ascii_digit());
        let named = Lead {
            external_ref: reference.then(|| text.to_owned()),
            email: addresses::email(text).ok(),
            phone: addresses::phone(text, None).ok(),
            ..Lead::default()
        };
        match self.find(workspace_id, &named).await? {
            Some(lead_id) => self.lead(workspace_id, lead_id).await,
            None => Ok(None),
        }
    }

    /// Name and identifier of those of a partition that fit, and whether it was looked at as a whole.
    async fn partition(&self, key: String, search: &Search) -> Result<(Vec<(String, Uuid)>, bool), StoreError> {
        let (mut entries, is_whole) = self.entries(&key, "", LOOKED_AT).await?;
        if !is_whole && !search.text.is_empty() {
            entries.extend(self.entries(&key, &search.text, BEGINNING_SO).await?.0);
        }
        let mut seen = HashSet::new();
        let fitting = entries.into_iter().filter(|entry| {
            search.fits([&entry.full_name, &entry.email, &entry.company_name, &entry.job_title])
                && seen.insert(entry.lead_id)
        });
        Ok((fitting.map(|entry| (entry.found_by, entry.lead_id)).collect(), is_whole))
    }

    /// The first `most` of a partition whose names begin so, and whether these are all.
    async fn entries(&self, key: &str, beginning: &str, most: usize) -> Result<(Vec<Entry>, bool), StoreError> {
        let query = match beginning {
            "" => self.table.query("found_in = :key"),
            beginning => {
                let beginning: String = beginning.chars().take(LONGEST).collect();
                self.table
                    .query("found_in = :key AND begins_with(found_by, :beginning)")
                    .bind("beginning", s(beginning))
            }
        };
        let query = query.bind("key", s(key)).global_index(CONTACTS).page_size(most + 1);
        let mut entries: Vec<Entry> = query.first(most + 1).await?;
        let is_whole = entries.len() <= most;
        entries.truncate(most);
        Ok((entries, is_whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn case_accents_and_apostrophes_do_not_matter() {
        for (text, expected) in [
            ("JANE  Smith ", "jane smith"),
            ("Søren Dvořák", "soren dvorak"),
            ("Zoe\u{308} \u{5a}oë", "zoe zoe"),
            ("O'Brien O’Brien", "obrien obrien"),
            ("STRAẞE Straße", "strasse strasse"),
            ("İstanbul Łódź", "istanbul lodz"),
            ("ΟΔΥΣΣΕΎΣ οδυσσεύς", "οδυσσευσ οδυσσευσ"),
            ("ＡＣＭＥ ﬁn", "acme fin"),
            ("שָׁלוֹם مُحَمَّد", "שלום محمد"),
            ("が กำ", "か\u{3099} ก\u{e4d}า"),
            (" \t", ""),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }

    #[test]
    fn every_word_has_to_begin_a_word_of_some_field() {
        let jane = [
            &some("Jane O'Brien-Smith"),
            &some("jane@acme.example"),
            &some("Müller & Söhne 3M"),
            &some("Marketing Director"),
        ];
        for text in [
            "jane",
            "JANE acme",
            "smith",
            "obrien",
            "o’brien",
            "muller jane",
            "director",
            "jane@acme",
            "3m",
            "",
            "Smith, Jane",
            "müller & söhne",
        ] {
            assert!(Search::of(text).fits(jane), "{text}");
        }
        for text in ["cto", "mith", "jane roe", "ane", "m3", "&", "'"] {
            assert!(!Search::of(text).fits(jane), "{text}");
        }
        let tanaka = [&some("山田太郎"), &None, &some("株式会社山田"), &None];
        assert!(Search::of("太郎").fits(tanaka) && Search::of("山田").fits(tanaka) && !Search::of("花子").fits(tanaka));
    }

    #[test]
    fn a_lead_is_indexed_by_what_there_is_of_it() {
        let found_by = |lead: &Lead| indexed(Uuid::nil(), lead)["found_by"].as_s().unwrap().clone();
        let mut lead = Lead { lead_id: Uuid::max(), ..Lead::default() };
        assert_eq!(found_by(&lead), "~");
        lead.external_ref = some("LD-1");
        assert_eq!(found_by(&lead), "ld-1");
        lead.email = some("a@x.example");
        assert_eq!(found_by(&lead), "a@x.example");
        lead.full_name = some("\u{300}'");
        assert_eq!(found_by(&lead), "a@x.example");
        lead.full_name = Some("ﷺ".repeat(LONGEST));
        assert!((1..=1_024).contains(&found_by(&lead).len()));
        let key = indexed(Uuid::nil(), &lead)["found_in"].as_s().unwrap().clone();
        assert_eq!(key, "W#00000000-0000-0000-0000-000000000000#F#f");
    }
}
