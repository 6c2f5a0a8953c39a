//! Made-up prospects: five people at each of 400 companies, by rule and so always the same. The first
//! companies are law firms in the state of New York, and then SaaS companies of 50 to 200 in California, so
//! that the example prompts of Lexi's document find whom they ask for.

use shared::crm::prospects::Prospect;
use uuid::Uuid;

/// How many there are.
pub const COUNT: usize = COMPANIES * PEOPLE;

const COMPANIES: usize = 400;
const PEOPLE: usize = 5;

/// How many companies each example prompt has for itself.
const LAW_IN_NEW_YORK: usize = 30;
const SAAS_IN_CALIFORNIA: usize = 30;

// 40 and 53 have no common divisor, so no two people of 2,000 share a name.
const FIRST: [&str; 40] = [
    "Adaeze", "Alina", "Arjun", "Astrid", "Bram", "Camille", "Cyrus", "Delphine", "Dinesh", "Edda", "Enzo", "Farah",
    "Flora", "Giorgos", "Greta", "Hiro", "Imani", "Ines", "Jorge", "Kaia", "Kwame", "Leif", "Lucía", "Malik", "Mirela",
    "Noor", "Oskar", "Paloma", "Pavel", "Ramona", "Rasmus", "Saskia", "Selim", "Tamsin", "Teodor", "Ulla", "Vikram",
    "Wren", "Yara", "Zeno",
];
const LAST: [&str; 53] = [
    "Abernethy",
    "Adeyemi",
    "Almqvist",
    "Arrieta",
    "Banerjee",
    "Beaumont",
    "Bielski",
    "Calloway",
    "Chaudhry",
    "Claesen",
    "Dacosta",
    "Delacroix",
    "Drummond",
    "Eastwick",
    "Ekström",
    "Falk",
    "Ferreira",
    "Galvão",
    "Grimaldi",
    "Hartog",
    "Hollister",
    "Igarashi",
    "Jansen",
    "Kaplinski",
    "Keane",
    "Lachance",
    "Lombardi",
    "Macready",
    "Marchetti",
    "Mbeki",
    "Niemi",
    "Novotná",
    "Okonjo",
    "Ostrander",
    "Pemberton",
    "Prakash",
    "Quist",
    "Radcliffe",
    "Renard",
    "Sandoval",
    "Solberg",
    "Tanaka",
    "Thackeray",
    "Ulrich",
    "Vance",
    "Vasquez",
    "Wexler",
    "Whitlock",
    "Yilmaz",
    "Yoo",
    "Zamora",
    "Zeller",
    "Østby",
];

const NAMES: [&str; 67] = [
    "Harlow",
    "Brindle",
    "Tallow",
    "Quill",
    "Fernway",
    "Oxbow",
    "Marrow",
    "Stonely",
    "Winterby",
    "Calder",
    "Larkspur",
    "Ashgrove",
    "Bellwick",
    "Copse",
    "Dunmere",
    "Eddystone",
    "Fallowby",
    "Gantry",
    "Hollowell",
    "Inkwell",
    "Junipero",
    "Kestle",
    "Lanternby",
    "Millrace",
    "Nettleton",
    "Oriel",
    "Palisade",
    "Quarry",
    "Redfern",
    "Saltmarsh",
    "Thimble",
    "Umberley",
    "Vellum",
    "Wickham",
    "Yarrow",
    "Zephyrus",
    "Amberly",
    "Birchall",
    "Cinderby",
    "Drovers",
    "Elmhurst",
    "Foxley",
    "Greyfriar",
    "Hazelby",
    "Ironbark",
    "Jessamy",
    "Kilnby",
    "Lodestar",
    "Mossley",
    "Northby",
    "Oakhaven",
    "Pennywort",
    "Quayle",
    "Rookery",
    "Sablewood",
    "Tidewater",
    "Underhill",
    "Vantry",
    "Wolds",
    "Yewtree",
    "Arkwell",
    "Bramble",
    "Crestfall",
    "Dovetail",
    "Everby",
    "Flintlock",
    "Gossamer",
];

/// What an industry is called, and what its companies are called.
type Industry = (&'static [&'static str], [&'static str; 3]);

const LAW: Industry = (&["Law Firm", "Legal Services", "Law Practice"], ["Legal", "Law Group", "Attorneys"]);
const SAAS: Industry = (&["SaaS", "Software", "Computer Software"], ["Cloud", "Software", "Systems"]);

// 17 industries and 23 places have no common divisor, so that every industry is everywhere.
const INDUSTRIES: [Industry; 17] = [
    LAW,
    SAAS,
    (&["Legal Tech", "Legal Automation"], ["Briefs", "Docket", "Clauses"]),
    (&["IT Services", "Managed Services"], ["Networks", "Helpdesk", "Infra"]),
    (&["Hospital & Health Care", "Healthcare"], ["Health", "Clinics", "Care"]),
    (&["Accounting", "CPA Firm"], ["Accounting", "Ledgers", "Audit"]),
    (&["Management Consulting", "Consulting"], ["Consulting", "Advisory", "Partners"]),
    (&["Insurance"], ["Insurance", "Mutual", "Cover"]),
    (&["Real Estate", "Property Management"], ["Realty", "Estates", "Homes"]),
    (&["Construction"], ["Builders", "Construction", "Works"]),
    (&["Manufacturing", "Machinery"], ["Industries", "Tooling", "Foundry"]),
    (&["E-commerce", "Retail"], ["Market", "Goods", "Outfitters"]),
    (&["Logistics & Supply Chain"], ["Freight", "Logistics", "Haulage"]),
    (&["Marketing & Advertising"], ["Media", "Creative", "Studio"]),
    (&["Financial Services", "Banking"], ["Capital", "Finance", "Bank"]),
    (&["Hotels", "Hospitality"], ["Hotels", "Inns", "Resorts"]),
    (&["Education", "E-Learning"], ["Academy", "Learning", "College"]),
];

/// City, region and country.
type Place = (&'static str, &'static str, &'static str);

const US: &str = "United States";

const NEW_YORK: [Place; 5] = [
    ("New York", "New York", US),
    ("Brooklyn", "New York", US),
    ("New York", "NY", US),
    ("Albany", "New York", US),
    ("Buffalo", "NY", US),
];
const CALIFORNIA: [Place; 5] = [
    ("San Francisco", "California", US),
    ("Los Angeles", "California", US),
    ("San Diego", "CA", US),
    ("Oakland", "California", US),
    ("Palo Alto", "CA", US),
];
const PLACES: [Place; 23] = [
    ("New York", "New York", US),
    ("San Francisco", "California", US),
    ("Los Angeles", "California", US),
    ("Boston", "Massachusetts", US),
    ("Chicago", "Illinois", US),
    ("Austin", "Texas", US),
    ("Houston", "Texas", US),
    ("Seattle", "Washington", US),
    ("Denver", "Colorado", US),
    ("Miami", "Florida", US),
    ("Atlanta", "Georgia", US),
    ("Philadelphia", "Pennsylvania", US),
    ("Toronto", "Ontario", "Canada"),
    ("London", "England", "United Kingdom"),
    ("Manchester", "England", "United Kingdom"),
    ("Dublin", "Leinster", "Ireland"),
    ("Berlin", "Berlin", "Germany"),
    ("München", "Bayern", "Germany"),
    ("Amsterdam", "Noord-Holland", "Netherlands"),
    ("Paris", "Île-de-France", "France"),
    ("Madrid", "Comunidad de Madrid", "Spain"),
    ("Sydney", "New South Wales", "Australia"),
    ("Singapore", "Singapore", "Singapore"),
];

/// Employees; of some companies nobody knows.
const SIZES: [Option<u32>; 13] = [
    Some(6),
    Some(12),
    Some(28),
    Some(50),
    Some(75),
    Some(110),
    Some(160),
    Some(200),
    Some(340),
    Some(800),
    Some(2_400),
    Some(11_000),
    None,
];

const CHIEFS: [&str; 4] = ["CEO", "Chief Executive Officer", "Founder & CEO", "President and CEO"];
const TECHNICAL: [&str; 4] = ["CTO", "Chief Technology Officer", "Co-Founder & CTO", "Chief Technical Officer"];
const SECONDS: [&str; 4] = ["COO", "Managing Director", "Chief Operating Officer", "Head of Operations"];
const LAWYERS: [&str; 4] = ["Managing Partner", "Partner", "General Counsel", "Associate Attorney"];
const MONEY: [&str; 4] = ["CFO", "Chief Financial Officer", "Finance Director", "Head of Finance"];
const SALES: [&str; 4] = ["VP of Sales", "Vice President, Sales", "Sales Director", "Head of Business Development"];
const MARKETING: [&str; 4] = ["Head of Marketing", "CMO", "Chief Marketing Officer", "Executive Assistant to the CEO"];

/// Area codes of the phone numbers 555-0100 to 555-0199, which nobody has ("555 Line Numbers", North American
/// Numbering Plan Administrator).
const AREAS: [&str; 20] = [
    "201", "205", "206", "207", "208", "209", "210", "214", "216", "217", "218", "219", "224", "225", "228", "229",
    "231", "234", "239", "240",
];

/// The prospect of this index.
fn prospect(index: usize) -> Prospect {
    let (company, position) = (index / PEOPLE, index % PEOPLE);
    let mixed = company.checked_sub(LAW_IN_NEW_YORK + SAAS_IN_CALIFORNIA);
    let (industry, place, employees) = match mixed {
        None if company < LAW_IN_NEW_YORK => (LAW, of(&NEW_YORK, company), of(&SIZES, company)),
        None => {
            let nth = company - LAW_IN_NEW_YORK;
            let employees = 50 + u32::try_from(nth).unwrap_or_default() * 5;
            (SAAS, of(&CALIFORNIA, nth), Some(employees))
        }
        Some(nth) => (of(&INDUSTRIES, nth), of(&PLACES, nth), of(&SIZES, nth)),
    };
    let (industries, kinds) = industry;
    let company_name = format!("{} {}", of(&NAMES, company), of(&kinds, company / NAMES.len()));
    let is_technical = industry == SAAS || industries.contains(&"Legal Tech") || industries.contains(&"IT Services");
    let titles = match position {
        0 => CHIEFS,
        1 if is_technical => TECHNICAL,
        1 if industry == LAW => LAWYERS,
        1 => SECONDS,
        2 => MONEY,
        3 => SALES,
        _ => MARKETING,
    };
    let (first, last) = (of(&FIRST, index), of(&LAST, index));
    let domain = company_name.to_lowercase().replace(' ', "-");
    let (city, region, country) = place;
    let phone = (country == US).then(|| format!("+1{}55501{:02}", of(&AREAS, index / 100), index % 100));
    // Out of the order of the companies, in which a search would find them otherwise.
    let scattered = u64::try_from(index * 1_201 % 2_003).unwrap_or_default();
    Prospect {
        prospect_id: Uuid::from_u64_pair(0x5eed_0000_0000_4000, 0x8000_0000_0001_0000 + scattered).to_string(),
        full_name: format!("{first} {last}"),
        job_title: of(&titles, company + position).to_owned(),
        company_name,
        industry: industries[company % industries.len()].to_owned(),
        employees,
        city: Some(city.to_owned()),
        region: Some(region.to_owned()),
        country: Some(country.to_owned()),
        email: Some(format!("{}.{}@{domain}.example", crate::people::ascii(first), crate::people::ascii(last))),
        phone,
        linkedin: None,
    }
}

/// One of these, in turn.
fn of<T: Copy, const N: usize>(from: &[T; N], index: usize) -> T {
    from[index % N]
}

/// All of them.
pub fn all() -> Vec<Prospect> {
    (0..COUNT).map(prospect).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use shared::crm::prospects::Query;

    use super::*;

    fn count(titles: &str, industries: &str, places: &str, size: Option<(u32, u32)>) -> usize {
        let texts = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        let query = Query {
            titles: texts(titles),
            industries: texts(industries),
            places: texts(places),
            min_employees: size.map(|(min, _)| min),
            max_employees: size.map(|(_, max)| max),
            count: 500,
        };
        all().iter().filter(|prospect| query.fits(prospect)).count()
    }

    #[test]
    fn the_example_prompts_find_theirs_and_others_find_some() {
        assert!(count("CEOs", "law firms", "New York", None) >= 20);
        assert!(count("CTOs", "SaaS companies", "California", Some((50, 200))) >= 20);
        assert!(count("CEOs", "law firms", "", None) > count("CEOs", "law firms", "New York", None) + 10);
        assert!(count("CTOs", "SaaS companies", "", None) > count("CTOs", "SaaS companies", "California", None));
        for (title, industry, place) in [
            ("CFO", "banks", "Texas"),
            ("Head of Marketing", "hotels", ""),
            ("VP of Sales", "", "London"),
            ("", "legal automation", "Germany"),
            ("general counsel", "law firms", ""),
        ] {
            assert!(count(title, industry, place, None) > 0, "{title} {industry} {place}");
        }
    }

    #[test]
    fn no_two_share_an_identity_and_no_address_is_real() {
        let all = all();
        assert_eq!(all.len(), 2_000);
        let mut seen = HashSet::new();
        let (mut names, mut domains) = (HashSet::new(), HashSet::new());
        for prospect in &all {
            let email = prospect.email.as_deref().unwrap();
            assert_eq!(shared::pii::addresses::email(email), Ok(email.to_owned()));
            assert!(email.ends_with(".example") && email.is_ascii(), "{email}");
            if let Some(phone) = &prospect.phone {
                assert_eq!(shared::pii::addresses::phone(phone, None).as_ref(), Ok(phone));
                assert!(phone.get(5..10) == Some("55501"), "{phone}");
                assert!(seen.insert(phone.clone()), "{phone}");
            }
            assert!(seen.insert(email.to_owned()) && seen.insert(prospect.prospect_id.clone()), "{prospect:?}");
            names.insert(&prospect.full_name);
            domains.insert((email.split_once('@').unwrap().1, &prospect.company_name, prospect.employees));
        }
        assert_eq!((names.len(), domains.len()), (2_000, COMPANIES));
    }
}
