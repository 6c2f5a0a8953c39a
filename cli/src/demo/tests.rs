use std::collections::HashSet;

use shared::crm::prospects::Query;

use super::*;

const RIVAL: Uuid = uuid!("5eed0000-0000-4000-8000-000000000003");

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn prospects() -> Vec<Prospect> {
    parse(data!("prospects"), now()).unwrap()
}

#[test]
fn every_word_makes_a_key() {
    for Key { word, .. } in keys(now()).unwrap() {
        assert!(key(&word).parse::<ApiKey>().is_ok(), "{word}");
    }
}

#[test]
fn a_time_is_relative_to_the_load_or_to_its_day() {
    let at = |text: &str| time(text, now()).map(|at| at.to_rfc3339());
    assert_eq!(at("now").as_deref(), Some("2026-11-20T12:00:00+00:00"));
    assert_eq!(at("now -2d 10:30:00").as_deref(), Some("2026-11-18T22:30:00+00:00"));
    assert_eq!(at("now +1d 00:00:05").as_deref(), Some("2026-11-21T12:00:05+00:00"));
    assert_eq!(at("today -2d 15:00:00").as_deref(), Some("2026-11-18T15:00:00+00:00"));
    assert_eq!(at("2025-10-05T06:21:34.662Z"), None);
    assert_eq!(at("now or never"), None);
}

#[test]
fn leads_are_varied_and_no_two_share_an_identity() {
    let leads = leads(now()).unwrap().remove(&WORKSPACE).unwrap();
    let mut identities = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (lead, activities) in &leads {
        names.insert(lead.full_name.clone());
        assert!(lead.identities().all(|(kind, value)| identities.insert(format!("{kind} {value}"))), "{lead:?}");
        assert!(activities.iter().all(|activity| now() - activity.occurred_at < TimeDelta::days(91)));
    }
    assert!(names.len() > 180);
    assert!(leads.iter().any(|(_, activities)| activities.is_empty()));
    assert!(leads.iter().any(|(lead, _)| lead.email.is_none()));
    assert!(leads.iter().any(|(_, activities)| activities.iter().any(|activity| activity.occurred_at > now())));
}

#[test]
fn stories_are_varied_lie_in_the_last_90_days_and_repeat() {
    let all = stories(now()).unwrap();
    assert_eq!(all, stories(now()).unwrap());
    let mut identifiers = BTreeSet::new();
    let (mut statuses, mut platforms) = (BTreeMap::<_, usize>::new(), BTreeMap::<_, usize>::new());
    let (mut templates_alone, mut twice, mut today) = (0, 0, 0);
    // The example lead has fixed times.
    for story in all[&WORKSPACE].iter().filter(|story| story.row.customer_phone != "918979556941") {
        let row = &story.row;
        assert!(identifiers.insert(row.customer_phone.clone()), "{}", row.customer_phone);
        assert!(now() - row.first_contact_at < TimeDelta::days(90), "{}", row.first_contact_at);
        assert!(row.last_message_at().is_some_and(|at| at < now()), "{}", row.customer_phone);
        let status = row.extraction.as_ref().map(|extraction| extraction.lead_status());
        *statuses.entry(status).or_default() += 1;
        *platforms.entry(row.platforms.iter().copied().collect::<Vec<_>>()).or_default() += 1;
        templates_alone += usize::from(row.conversations.is_empty());
        twice += usize::from(row.conversations.len() == 2);
        today += usize::from(row.last_message_at().is_some_and(|at| now() - at < TimeDelta::days(1)));
    }
    assert_eq!(statuses.len(), 4);
    assert!(statuses.values().all(|count| *count >= 8), "{statuses:?}");
    assert!(platforms.len() == 3 && platforms.values().all(|count| *count >= 7), "{platforms:?}");
    assert!(templates_alone >= 5 && twice >= 4 && today >= 3, "{templates_alone} {twice} {today}");
    assert!(!identifiers.contains(&all[&RIVAL][0].row.customer_phone));
}

#[test]
fn the_documents_lead_shows_what_the_document_shows() {
    let stories = stories(now()).unwrap().remove(&WORKSPACE).unwrap();
    let row = &stories.iter().find(|story| story.row.customer_phone == "918979556941").unwrap().row;
    let now = "2025-12-20T00:00:00Z".parse().unwrap();
    let shown = serde_json::to_value(shared::crm::conversations::LeadObject::new(row, now)).unwrap();
    assert_eq!(shown["total_messages"], 37);
    assert_eq!(shown["conversation_count"], 1);
    assert_eq!(shown["total_score"], 8);
    assert_eq!(shown["last_message_at"], "2025-12-12T09:07:38.656Z");
    assert_eq!(shown["first_contact_at"], "2025-10-05T06:21:34.662Z");
    assert_eq!(shown["conversations"][0]["created_at"], "2025-10-05T06:21:34.662Z");
    assert_eq!(shown["last_message_sender"], "agent");
    assert!(shown["company"].is_null());
}

#[test]
fn the_example_prompts_find_theirs_and_others_find_some() {
    let prospects = prospects();
    let count = |titles: &str, industries: &str, places: &str, size: Option<(u32, u32)>| {
        let texts = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        let query = Query {
            titles: texts(titles),
            industries: texts(industries),
            places: texts(places),
            min_employees: size.map(|(min, _)| min),
            max_employees: size.map(|(_, max)| max),
            count: 500,
        };
        prospects.iter().filter(|prospect| query.fits(prospect)).count()
    };
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
fn no_two_prospects_share_an_identity_and_no_address_is_real() {
    let all = prospects();
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
    assert_eq!((names.len(), domains.len()), (2_000, 400));
}
