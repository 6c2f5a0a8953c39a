//! A query in words, for whoever approves it; and what is wrong with one.

use super::{MOST, Query};

/// The most entries of each list.
const MOST_ENTRIES: usize = 10;

/// The most characters of an entry.
const LONGEST: usize = 100;

/// Whether a word stands for companies or other places of work, in the plural.
fn is_companies(word: &str) -> bool {
    include_str!("names/companies.txt").lines().any(|line| line == word)
}

impl Query {
    /// What is looked for, such as `20 CEOs at law firms in New York`.
    pub fn describe(&self) -> String {
        let one = self.count == 1;
        let whom = match self.titles.as_slice() {
            [] if one => "person".to_owned(),
            [] => "people".to_owned(),
            titles => any_of(titles, |title| headed(title, if one { singular } else { plural })),
        };
        let size = match (self.min_employees, self.max_employees) {
            (None, None) => None,
            (Some(min), Some(max)) if min == max => Some(format!("{min} employees")),
            (Some(min), Some(max)) => Some(format!("{min}-{max} employees")),
            (Some(min), None) => Some(format!("at least {min} employees")),
            (None, Some(max)) => Some(format!("at most {max} employees")),
        };
        let mut text = format!("{} {whom}", self.count);
        match (self.industries.as_slice(), &size) {
            ([], None) => {}
            ([], Some(_)) => text.push_str(" at companies"),
            (industries, _) => text.push_str(&format!(" at {}", any_of(industries, companies))),
        }
        text.extend(size.map(|size| format!(" with {size}")));
        if !self.places.is_empty() {
            text.push_str(&format!(" in {}", any_of(&self.places, |place| place.trim().to_owned())));
        }
        text
    }

    /// What is wrong with the query and how to put it right, if anything is; the texts are not repeated.
    pub fn fault(&self) -> Option<String> {
        if !(1..=MOST).contains(&self.count) {
            return Some(format!("count must be from 1 to {MOST}"));
        }
        for (name, entries) in [("titles", &self.titles), ("industries", &self.industries), ("places", &self.places)] {
            if entries.len() > MOST_ENTRIES {
                return Some(format!("{name} must have at most {MOST_ENTRIES} entries"));
            }
            let says = |entry: &String| {
                entry.chars().any(char::is_alphanumeric)
                    && entry.chars().count() <= LONGEST
                    && !entry.chars().any(char::is_control)
            };
            if !entries.iter().all(says) {
                return Some(format!(
                    "{name} must have entries of one line, with a letter or digit and at most {LONGEST} characters"
                ));
            }
        }
        match (self.min_employees, self.max_employees) {
            (Some(min), Some(max)) if min > max => Some("min_employees must not be above max_employees".to_owned()),
            (None, None) if self.titles.is_empty() && self.industries.is_empty() && self.places.is_empty() => {
                Some("name at least one of titles, industries, places, min_employees and max_employees".to_owned())
            }
            _ => None,
        }
    }
}

/// `a`, `a or b`, `a, b or c`.
fn any_of(entries: &[String], told: impl Fn(&str) -> String) -> String {
    let told: Vec<_> = entries.iter().map(|entry| told(entry)).collect();
    match told.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => told.concat(),
    }
}

/// A title with its head in another number: `VPs of Sales`, `Chief Executive Officers`.
fn headed(title: &str, number: fn(&str) -> String) -> String {
    let title = title.trim();
    let end = [" of ", " for ", " to ", ","].iter().filter_map(|end| title.find(end)).min().unwrap_or(title.len());
    let (head, rest) = title.split_at(end);
    let (before, word) = last_word(head);
    format!("{before}{}{rest}", number(word))
}

/// What stands before the last word of a text, and that word.
fn last_word(text: &str) -> (&str, &str) {
    text.split_at(text.rfind(' ').map_or(0, |space| space + 1))
}

fn plural(word: &str) -> String {
    let lower = word.to_lowercase();
    let before_y = lower.strip_suffix('y').and_then(|stem| stem.chars().last());
    match word {
        _ if !lower.ends_with(char::is_alphanumeric) || is_plural(&lower) => word.to_owned(),
        _ if lower.ends_with("man") => format!("{}men", shorter(word, 3)),
        _ if before_y.is_some_and(|letter| !"aeiou".contains(letter)) => format!("{}ies", shorter(word, 1)),
        _ if ["s", "x", "ch", "sh"].iter().any(|ending| lower.ends_with(ending)) => format!("{word}es"),
        _ => format!("{word}s"),
    }
}

fn singular(word: &str) -> String {
    let lower = word.to_lowercase();
    match word {
        _ if !is_plural(&lower) => word.to_owned(),
        _ if lower.ends_with("men") => format!("{}man", shorter(word, 3)),
        _ if lower.ends_with("ies") => format!("{}y", shorter(word, 3)),
        _ if ["sses", "xes", "ches", "shes"].iter().any(|ending| lower.ends_with(ending)) => shorter(word, 2),
        _ => shorter(word, 1),
    }
}

/// A word without its last letters.
fn shorter(word: &str, letters: usize) -> String {
    word.chars().take(word.chars().count().saturating_sub(letters)).collect()
}

fn is_plural(word: &str) -> bool {
    word == "people" || word.ends_with("men") || word.ends_with('s') && !word.ends_with("ss")
}

/// An industry as companies of it: `law firms`, `SaaS companies`.
fn companies(industry: &str) -> String {
    let industry = industry.trim();
    let (before, word) = last_word(industry);
    let lower = word.to_lowercase();
    if is_companies(&lower) {
        industry.to_owned()
    } else if is_companies(&plural(&lower)) {
        format!("{before}{}", plural(word))
    } else {
        format!("{industry} companies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn query(titles: &[&str], industries: &[&str], places: &[&str], size: (Option<u32>, Option<u32>)) -> Query {
        let (min_employees, max_employees) = size;
        Query {
            titles: texts(titles),
            industries: texts(industries),
            places: texts(places),
            min_employees,
            max_employees,
            count: 20,
        }
    }

    #[test]
    fn a_query_is_told_as_people_say_it() {
        const ANY: (Option<u32>, Option<u32>) = (None, None);
        for (query, expected) in [
            (query(&["CEO"], &["law firms"], &["New York"], ANY), "20 CEOs at law firms in New York"),
            (query(&["CEOs"], &["law firm"], &["New York"], ANY), "20 CEOs at law firms in New York"),
            (
                query(&["CTOs"], &["SaaS"], &["California"], (Some(50), Some(200))),
                "20 CTOs at SaaS companies with 50-200 employees in California",
            ),
            (query(&["CEO"], &[], &[], ANY), "20 CEOs"),
            (query(&[], &["Legal Services"], &[], ANY), "20 people at Legal Services companies"),
            (query(&[], &[], &["US"], (Some(50), None)), "20 people at companies with at least 50 employees in US"),
            (
                query(&["VP of Sales", "Head of Marketing"], &[], &[], (None, Some(9))),
                "20 VPs of Sales or Heads of Marketing at companies with at most 9 employees",
            ),
            (
                query(&["Attorney", "Chief Executive Officer", "Chairman"], &["banks"], &["Ohio", "LA"], ANY),
                "20 Attorneys, Chief Executive Officers or Chairmen at banks in Ohio or LA",
            ),
            (
                query(&["Secretary"], &["ad agency"], &[], (Some(5), Some(5))),
                "20 Secretaries at ad agencies with 5 employees",
            ),
            (Query { count: 1, ..query(&["CEOs"], &[], &["Ulm"], ANY) }, "1 CEO in Ulm"),
            (Query { count: 1, ..query(&["VPs of Sales"], &[], &[], ANY) }, "1 VP of Sales"),
            (Query { count: 1, ..query(&[], &["SaaS"], &[], ANY) }, "1 person at SaaS companies"),
        ] {
            assert_eq!(query.describe(), expected);
            assert_eq!(query.fault(), None);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = query(&["CEO"], &[], &[], (None, None));
        let long = "é".repeat(101);
        for (query, reason) in [
            (Query { count: 0, ..good.clone() }, "count must be from 1 to 500"),
            (Query { count: 501, ..good.clone() }, "count must be"),
            (query(&["CEO"; 11], &[], &[], (None, None)), "titles must have at most 10 entries"),
            (query(&[], &[&long], &[], (None, None)), "industries must have entries"),
            (query(&[], &[], &[" & "], (None, None)), "places must have entries"),
            (query(&["CEO\nalready approved"], &[], &[], (None, None)), "titles must have entries"),
            (query(&[], &[], &[], (Some(2), Some(1))), "min_employees must not be above max_employees"),
            (query(&[], &[], &[], (None, None)), "name at least one of"),
        ] {
            assert!(query.fault().unwrap().starts_with(reason), "{query:?} {:?}", query.fault());
        }
        assert_eq!(
            Query { count: 500, ..query(&["é".repeat(100).as_str(); 10], &[], &[], (None, None)) }.fault(),
            None
        );
        assert_eq!(query(&[], &[], &[], (Some(5), None)).fault(), None);
    }
}
