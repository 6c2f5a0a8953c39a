//! Places: cities, regions and countries, and what they are called.
//!
//! Codes depend on where they stand: `CA` is California, but Canada as a country. Without a field to tell,
//! as in a query, a state of the United States goes before a country, and a city's own short name before
//! both: `LA` is Los Angeles.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::words::{entries, folded};

/// What each name of a table means.
type Names = LazyLock<HashMap<&'static str, &'static str>>;

static CITY: Names = LazyLock::new(|| names(include_str!("names/cities.txt")));
static STATE: Names = LazyLock::new(|| names(include_str!("names/states.txt")));
static PROVINCE: Names = LazyLock::new(|| names(include_str!("names/provinces.txt")));
static COUNTRY: Names = LazyLock::new(|| names(include_str!("names/countries.txt")));

fn names(file: &'static str) -> HashMap<&'static str, &'static str> {
    entries(file).flat_map(|(name, others)| others.split(", ").chain([name]).map(move |other| (other, name))).collect()
}

fn named(place: &str, names: &Names) -> Option<&'static str> {
    names.get(place).copied()
}

/// A text as one place, without what surrounds a name: `Greater London Area` is `london`.
fn bare(text: &str) -> String {
    let words = folded(text);
    let mut rest = words.as_slice();
    while let [first, others @ ..] = rest
        && !others.is_empty()
        && matches!(first.as_str(), "the" | "greater")
    {
        rest = others;
    }
    if let [first, of, others @ ..] = rest
        && !others.is_empty()
        && of == "of"
        && matches!(first.as_str(), "state" | "city" | "province")
    {
        rest = others;
    }
    while let [others @ .., last] = rest
        && !others.is_empty()
        && matches!(last.as_str(), "area" | "metro" | "metropolitan" | "state")
    {
        rest = others;
    }
    rest.join(" ")
}

/// A place that stands by itself.
fn somewhere(place: String) -> String {
    let known = named(&place, &STATE).or_else(|| named(&place, &PROVINCE)).or_else(|| named(&place, &COUNTRY));
    known.map_or(place, str::to_owned)
}

/// What a query's place wants: all of it has to be there. `San Francisco, CA` wants the city and the state.
pub(super) fn wanted(text: &str) -> Vec<String> {
    if let Some(city) = named(&bare(text), &CITY) {
        return vec![city.to_owned()];
    }
    let mut parts: Vec<_> = text.split(',').map(bare).filter(|part| !part.is_empty()).map(somewhere).collect();
    parts.dedup();
    parts
}

/// The places that somebody is in.
pub(super) fn terms(city: Option<&str>, region: Option<&str>, country: Option<&str>) -> Vec<String> {
    let mut places = Vec::new();
    if let Some(text) = city {
        let mut parts = text.split(',').map(bare).filter(|part| !part.is_empty());
        if let Some(first) = parts.next() {
            match named(&bare(text), &CITY).or_else(|| named(&first, &CITY)) {
                Some(city) => places.extend([city.to_owned(), first]),
                // The city and its state are called the same.
                None if first == "new york" => places.extend(["new york city".to_owned(), first]),
                // What stands under the city may be another place: `UK`.
                None => places.extend([first.clone(), somewhere(first)]),
            }
        }
        places.extend(parts.map(somewhere));
    }
    if places.iter().any(|place| place == "new york city") {
        places.push("new york".to_owned());
    }
    let region = region.map(bare).filter(|region| !region.is_empty());
    let state = region.as_deref().and_then(|region| named(region, &STATE));
    places.extend(region.map(|region| match state.or_else(|| named(&region, &PROVINCE)) {
        Some(name) => name.to_owned(),
        None => region,
    }));
    match country.map(bare).filter(|country| !country.is_empty()) {
        // England is a country to many, and in one.
        Some(country) => match named(&country, &COUNTRY) {
            Some(name) => places.extend([name.to_owned(), country]),
            None => places.push(country),
        },
        None if state.is_some() => places.push("united states".to_owned()),
        None => {}
    }
    let mut seen = HashSet::new();
    places.retain(|place| seen.insert(place.clone()));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    type Where = (&'static str, &'static str, &'static str);

    fn fits(place: &str, (city, region, country): Where) -> bool {
        let given = |text: &'static str| (!text.is_empty()).then_some(text);
        let places = terms(given(city), given(region), given(country));
        wanted(place).iter().all(|wanted| places.contains(wanted))
    }

    const NYC: Where = ("New York", "NY", "USA");
    const BUFFALO: Where = ("Buffalo", "New York", "United States");

    #[test]
    fn a_place_is_found_by_each_of_its_names() {
        for (place, is_in) in [
            ("New York", NYC),
            ("new york", BUFFALO),
            ("NY", BUFFALO),
            ("New York State", BUFFALO),
            ("NYC", NYC),
            ("New York City", NYC),
            ("New York, NY", ("New York City", "", "")),
            ("New York", ("NYC", "", "")),
            ("US", NYC),
            ("the United States", ("Austin", "TX", "")),
            ("U.S.A.", ("", "", "us")),
            ("CA", ("Fresno", "California", "US")),
            ("California", ("Fresno", "CA", "")),
            ("Canada", ("Toronto", "ON", "CA")),
            ("Toronto, Ontario", ("Toronto", "ON", "CA")),
            ("San Francisco, CA", ("San Francisco", "California", "")),
            ("LA", ("Los Angeles", "CA", "")),
            ("Louisiana", ("New Orleans", "LA", "")),
            ("Washington, DC", ("Washington", "DC", "US")),
            ("Washington, D.C.", ("Washington, DC", "", "")),
            ("UK", ("London", "", "England")),
            ("England", ("London", "England", "UK")),
            ("United Kingdom", ("Leeds", "", "GB")),
            ("Greater London", ("London", "", "")),
            ("Munich", ("München", "Bayern", "DE")),
            ("Germany", ("Köln", "", "Deutschland")),
            ("Sao Paulo", ("São Paulo", "", "Brasil")),
            ("Denver", ("Denver, CO", "", "")),
            ("Colorado", ("Denver, CO", "", "")),
            ("Wakanda", ("", "", "Wakanda")),
            ("ZAF", ("zaf", "", "")),
            ("United Kingdom", ("UK", "", "")),
        ] {
            assert!(fits(place, is_in), "{place} / {is_in:?}: {:?}", wanted(place));
        }
    }

    #[test]
    fn another_place_is_not_found() {
        for (place, is_in) in [
            ("New York City", BUFFALO),
            ("NYC", ("Buffalo", "NY", "US")),
            ("CA", ("Toronto", "ON", "Canada")),
            ("California", ("Toronto", "ON", "CA")),
            ("Portland, OR", ("Portland", "Maine", "US")),
            ("York", NYC),
            ("US", ("London", "", "UK")),
            ("Germany", ("Wilmington", "DE", "")),
        ] {
            assert!(!fits(place, is_in), "{place} / {is_in:?}: {:?}", wanted(place));
        }
    }
}
