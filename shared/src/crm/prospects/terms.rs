//! What a prospect is found by, and what a query wants of it.

use super::{Prospect, Query, industries, places, titles};

/// The most terms of each kind that a prospect is found by, so that all its postings can be written, and
/// those before deleted, in one transaction.
const MOST_OF_A_KIND: usize = 12;

/// The first terms of a kind.
fn few(mut terms: Vec<String>) -> Vec<String> {
    terms.truncate(MOST_OF_A_KIND);
    terms
}

fn title(prospect: &Prospect) -> Vec<String> {
    few(titles::terms(&prospect.job_title))
}

fn places(prospect: &Prospect) -> Vec<String> {
    let [city, region, country] = [&prospect.city, &prospect.region, &prospect.country].map(|place| place.as_deref());
    few(places::terms(city, region, country))
}

fn industry(prospect: &Prospect) -> Vec<String> {
    few(industries::terms(&prospect.industry))
}

/// The postings that lead to a prospect: `title#ceo`, `place#new york`, `industry#legal`.
pub(super) fn postings(prospect: &Prospect) -> Vec<String> {
    let kinds = [("title", title(prospect)), ("place", places(prospect)), ("industry", industry(prospect))];
    let of = |(kind, terms): (&'static str, Vec<String>)| terms.into_iter().map(move |term| format!("{kind}#{term}"));
    kinds.into_iter().flat_map(of).collect()
}

/// What a query wants: of each kind one, of which every term has to be there.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    titles: Vec<Vec<String>>,
    places: Vec<Vec<String>>,
    industries: Vec<Vec<String>>,
    min_employees: Option<u32>,
    max_employees: Option<u32>,
}

impl Wanted {
    pub fn of(query: &Query) -> Self {
        let all = |texts: &[String], terms: fn(&str) -> Vec<String>| texts.iter().map(|text| terms(text)).collect();
        Self {
            titles: all(&query.titles, titles::terms),
            places: all(&query.places, places::wanted),
            industries: all(&query.industries, industries::terms),
            min_employees: query.min_employees,
            max_employees: query.max_employees,
        }
    }

    pub fn fits(&self, prospect: &Prospect) -> bool {
        // Terms are made only of what is asked for: most of those that are read do not fit.
        let one_of = |wanted: &[Vec<String>], terms: fn(&Prospect) -> Vec<String>| {
            if wanted.is_empty() {
                return true;
            }
            let there = terms(prospect);
            // A text without a word wants nobody rather than everybody.
            wanted.iter().any(|all| !all.is_empty() && all.iter().all(|term| there.contains(term)))
        };
        self.fits_size(prospect.employees)
            && one_of(&self.industries, industry)
            && one_of(&self.places, places)
            && one_of(&self.titles, title)
    }

    fn fits_size(&self, employees: Option<u32>) -> bool {
        let (min, max) = (self.min_employees.unwrap_or(0), self.max_employees.unwrap_or(u32::MAX));
        let asked = self.min_employees.is_some() || self.max_employees.is_some();
        employees.map_or(!asked, |employees| (min..=max).contains(&employees))
    }

    /// The postings that everybody who fits is among: those of the titles, else of the places, else of the
    /// industries. `None` if only all prospects are.
    pub fn postings(&self) -> Option<Vec<String>> {
        let of = |kind: &'static str, wanted: &[Vec<String>], rarest: fn(&[String]) -> Option<&String>| {
            let mut postings: Vec<_> =
                wanted.iter().filter_map(|terms| rarest(terms)).map(|term| format!("{kind}#{term}")).collect();
            postings.sort();
            postings.dedup();
            postings
        };
        // Of a place the city comes first, of an industry the one that is part of the others.
        match () {
            () if !self.titles.is_empty() => Some(of("title", &self.titles, titles::rarest)),
            () if !self.places.is_empty() => Some(of("place", &self.places, |terms| terms.first())),
            () if !self.industries.is_empty() => Some(of("industry", &self.industries, |terms| terms.first())),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn prospect(job_title: &str, industry: &str, employees: Option<u32>, city: &str, region: &str) -> Prospect {
        Prospect {
            job_title: job_title.to_owned(),
            industry: industry.to_owned(),
            employees,
            city: Some(city.to_owned()),
            region: Some(region.to_owned()),
            ..Prospect::default()
        }
    }

    #[test]
    fn the_examples_of_the_document_find_whom_they_mean() {
        let lawyers = Query {
            titles: texts(&["CEOs"]),
            industries: texts(&["law firms"]),
            places: texts(&["New York"]),
            count: 20,
            ..Query::default()
        };
        assert!(lawyers.fits(&prospect("Founder & CEO", "Legal Services", None, "Albany", "NY")));
        assert!(!lawyers.fits(&prospect("CEO", "Legal Services", None, "Newark", "NJ")));
        assert!(!lawyers.fits(&prospect("CFO", "Legal Services", None, "Albany", "NY")));
        assert!(!lawyers.fits(&prospect("CEO", "Software", None, "Albany", "NY")));
        let saas = Query {
            titles: texts(&["CTOs"]),
            industries: texts(&["SaaS companies"]),
            places: texts(&["California"]),
            min_employees: Some(50),
            max_employees: Some(200),
            count: 20,
        };
        for (employees, expected) in
            [(None, false), (Some(49), false), (Some(50), true), (Some(200), true), (Some(201), false)]
        {
            let found = prospect("Chief Technology Officer", "Software", employees, "Fresno", "CA");
            assert_eq!(saas.fits(&found), expected, "{employees:?}");
        }
    }

    #[test]
    fn the_postings_of_titles_go_before_those_of_places_and_industries() {
        let mut query = Query {
            titles: texts(&["VP of Sales", "Vice President, Sales", "CEO"]),
            industries: texts(&["legal tech"]),
            places: texts(&["San Francisco, CA"]),
            ..Query::default()
        };
        let postings = |query: &Query| Wanted::of(query).postings();
        assert_eq!(postings(&query), Some(texts(&["title#ceo", "title#sale"])));
        query.titles.clear();
        assert_eq!(postings(&query), Some(texts(&["place#san francisco"])));
        query.places.clear();
        assert_eq!(postings(&query), Some(texts(&["industry#legaltech"])));
        query.industries.clear();
        assert_eq!(postings(&query), None);
    }

    #[test]
    fn a_text_without_a_word_wants_nobody() {
        let query = Query { titles: texts(&["&&"]), ..Query::default() };
        assert!(!query.fits(&prospect("CEO", "Law", None, "", "")));
        assert_eq!(Wanted::of(&query).postings(), Some(Vec::new()));
    }

    fn said() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "CEO",
            "CEOs",
            "chief",
            "executive",
            "officer",
            "VP",
            "of",
            "Sales",
            "to",
            "the",
            "deputy",
            "founder",
            "&",
            ",",
            "law",
            "firms",
            "SaaS",
            "legal",
            "tech",
            "New",
            "York",
            "NY",
            "CA",
            "City",
            "services",
            "é",
        ]);
        prop::collection::vec(word, 0..5).prop_map(|words| words.join(" "))
    }

    proptest! {
        #[test]
        fn everybody_who_fits_is_among_the_postings_that_are_read(
            (title, industry, city, region) in (said(), said(), said(), said()),
            (titles, industries, places) in (
                prop::collection::vec(said(), 0..3), prop::collection::vec(said(), 0..3),
                prop::collection::vec(said(), 0..3),
            ),
        ) {
            let prospect = prospect(&title, &industry, None, &city, &region);
            let query = Query { titles, industries, places, count: 1, ..Query::default() };
            if query.fits(&prospect) && let Some(read) = Wanted::of(&query).postings() {
                let postings = postings(&prospect);
                prop_assert!(read.iter().any(|posting| postings.contains(posting)), "{read:?} {postings:?}");
            }
        }

        #[test]
        fn a_prospect_is_found_by_its_own_words(title in said(), industry in said(), city in "[a-z]{3,9}") {
            let prospect = prospect(&title, &industry, Some(7), &city, "");
            let own = |text: &str| if text.contains(char::is_alphanumeric) { vec![text.to_uppercase()] } else { vec![] };
            let query = Query {
                titles: own(&title), industries: own(&industry), places: own(&city), min_employees: Some(7),
                max_employees: Some(7), count: 1,
            };
            prop_assert!(query.fits(&prospect), "{query:?} {:?}", postings(&prospect));
        }

        #[test]
        fn whatever_is_said_is_taken(text in any::<String>()) {
            let prospect = prospect(&text, &text, None, &text, &text);
            prop_assert!(postings(&prospect).len() <= 3 * MOST_OF_A_KIND);
            let query = Query { titles: vec![text.clone()], places: vec![text.clone()], ..Query::default() };
            query.fits(&prospect);
            query.describe();
        }
    }
}
