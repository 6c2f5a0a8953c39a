//! Made-up people, one per index, always the same.

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use shared::crm::leads::{Activity, Lead};
use uuid::Uuid;

use crate::arcs;

const FIRST: [&str; 32] = [
    "Amara", "Bence", "Chiara", "Dmitri", "Elif", "Fatima", "Gabriel", "Hanna", "Ivo", "Jasmin", "Kofi", "Lena",
    "Mateo", "Nadia", "Olu", "Priya", "Quentin", "Rosa", "Søren", "Tomás", "Uma", "Viktor", "Wanjiru", "Xenia",
    "Yusuf", "Zoë", "Anton", "Beatriz", "Cormac", "Daiyu", "Emeka", "Freya",
];
const LAST: [&str; 29] = [
    "Abara",
    "Bergström",
    "Castellano",
    "Dvořák",
    "Eriksen",
    "Fontaine",
    "Gupta",
    "Haddad",
    "Ivanova",
    "Jovanović",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "O'Brien",
    "Petrov",
    "Quiroga",
    "Rossi",
    "Schneider",
    "Takahashi",
    "Ueda",
    "Varga",
    "Weber",
    "Ximenes",
    "Yamada",
    "Zielinski",
    "Achebe",
    "Brandt",
    "Costa",
];
const COMPANIES: [(&str, &str); 20] = [
    ("Harbour & Finch LLP", "harbourfinch"),
    ("Kestrel Logistics", "kestrel"),
    ("Blue Meridian Foods", "bluemeridian"),
    ("Oakline Interiors", "oakline"),
    ("Tessellate Software", "tessellate"),
    ("Fairwind Energy", "fairwind"),
    ("Marlow Insurance", "marlow"),
    ("Pinecrest Clinics", "pinecrest"),
    ("Solano Robotics", "solano"),
    ("Copperfield Press", "copperfield"),
    ("Juniper Dental Group", "juniper"),
    ("Atlas Freight", "atlasfreight"),
    ("Nimbus Analytics", "nimbus"),
    ("Verde Agritech", "verde"),
    ("Sterling Property", "sterling"),
    ("Quayside Hotels", "quayside"),
    ("Lumen Schools", "lumen"),
    ("Riverton Bank", "riverton"),
    ("Alder & Stone", "alderstone"),
    ("Foxglove Cosmetics", "foxglove"),
];
const TITLES: [&str; 14] = [
    "General Counsel",
    "Head of Operations",
    "Chief Financial Officer",
    "Marketing Director",
    "Managing Partner",
    "Procurement Lead",
    "VP Sales",
    "IT Manager",
    "Founder",
    "Office Manager",
    "Head of Compliance",
    "Chief of Staff",
    "Product Manager",
    "Regional Director",
];
const STAGES: [&str; 6] = ["new", "contacted", "qualified", "proposal", "negotiation", "dormant"];

/// The lead of this index in a workspace, with its activity.
pub fn lead(workspace_id: Uuid, index: u64, now: DateTime<Utc>) -> (Lead, Vec<Activity>) {
    let tenant = workspace_id.as_u64_pair().1;
    let mut random = StdRng::seed_from_u64(tenant.wrapping_mul(1_000_003).wrapping_add(index));
    let serial = usize::try_from(index).unwrap_or_default();
    // 32 and 29 have no common divisor, so pairs repeat only after 928 people.
    let (first, last) = (FIRST[serial % FIRST.len()], LAST[(serial + serial / 29) % LAST.len()]);
    let (company, domain) = pick(&mut random, &COMPANIES);
    let lead_id = Uuid::from_u64_pair(0x5eed_0000_0000_4000, (tenant & 0xff) << 32 | 0x9000_0000_0000_0000 | index);
    let mut lead = Lead {
        lead_id,
        external_ref: Some(format!("LD-{}", 2000 + index)),
        full_name: Some(format!("{first} {last}")),
        email: random.random_bool(0.88).then(|| format!("{}.{}{}@{domain}.example", ascii(first), ascii(last), index)),
        phone: random.random_bool(0.7).then(|| format!("+1202555{:04}", 1000 + (tenant & 0xf) * 1000 + index)),
        linkedin: random
            .random_bool(0.4)
            .then(|| format!("https://www.linkedin.com/in/{}-{}-{index}", ascii(first), ascii(last))),
        job_title: random.random_bool(0.9).then(|| pick(&mut random, &TITLES).to_owned()),
        company_name: random.random_bool(0.95).then(|| company.to_owned()),
        stage: Some(pick(&mut random, &STAGES).to_owned()),
    };
    // The lead of the recommendation's document, who answers by SMS.
    if index == 48 {
        lead.full_name = Some(format!("Sarah {last}"));
        lead.phone = Some(format!("+1202555{:04}", 1000 + (tenant & 0xf) * 1000 + index));
    }
    let activities = arcs::activities(&mut random, lead_id, now);
    (lead, activities)
}

fn pick<T: Copy>(random: &mut StdRng, from: &[T]) -> T {
    from.choose(random).copied().unwrap_or(from[0])
}

/// A name as addresses write it.
pub fn ascii(name: &str) -> String {
    let plain = |character: char| match character {
        'ö' | 'ø' | 'ó' => Some('o'),
        'á' | 'ã' => Some('a'),
        'í' => Some('i'),
        'ë' => Some('e'),
        'ř' => Some('r'),
        'ć' => Some('c'),
        other => other.is_ascii_alphanumeric().then_some(other),
    };
    name.to_lowercase().chars().filter_map(plain).collect()
}
