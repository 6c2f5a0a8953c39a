//! Prospects in the table: a search over the index finds what a look at all of them finds, an import replaces
//! what was there with all its postings, a provider is asked for what is missing, and a call that fails leaves
//! nothing half written.

use cli::demo;
use shared::base::context::FromContext;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use shared::base::store::StoreError;
use shared::crm::prospects::{OwnProspects, Prospect, Prospects, Put, Query, SearchError};
use tests::faults::{Way, in_every_way};
use tests::{Api, Setup, scan};
use tokio::net::TcpListener;
use uuid::Uuid;

const NAME: &str = "Zebedee Quill";

fn one_of(texts: &[&str]) -> impl Strategy<Value = String> + use<> {
    prop::sample::select(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

prop_compose! {
    fn prospects()(
        prospect_id in "[a-z]{1,4}",
        job_title in one_of(&[
            "CEO", "Founder & CEO", "Chief Executive Officer", "CTO", "VP of Sales", "Vice President, Sales", "Deputy CEO",
            "Head of Marketing", "Head of Sales and Marketing", "Assistant to the CEO", "", "Zookeeper",
        ]),
        industry in one_of(&["Law Firm", "Legal Services", "SaaS", "Legal Tech", "Healthcare Software", "Banking", ""]),
        (city, region, country) in prop::sample::select(vec![
            ("New York", "NY", "US"), ("Buffalo", "New York", ""), ("San Francisco", "CA", "United States"),
            ("", "California", "USA"), ("Toronto", "ON", "CA"), ("München", "", "Germany"), ("", "", ""),
        ]),
        employees in prop::option::of(1..300_u32),
        email in prop::option::of("[a-d]@x.example"),
    ) -> Prospect {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Prospect {
            full_name: NAME.to_owned(), city: given(city), region: given(region), country: given(country),
            prospect_id, job_title, industry, employees, email, ..Prospect::default()
        }
    }
}

prop_compose! {
    fn queries()(
        titles in prop::collection::vec(
            one_of(&["CEOs", "chief executives", "VP Sales", "founder", "Head of Marketing", "cto", "zookeepers"]), 0..3),
        industries in prop::collection::vec(one_of(&["law firms", "SaaS companies", "legal tech", "software", "banks"]), 0..3),
        places in prop::collection::vec(
            one_of(&["New York", "NYC", "CA", "US", "Canada", "San Francisco, CA", "Munich"]), 0..3),
        (min_employees, max_employees) in (prop::option::of(1..200_u32), prop::option::of(100..300_u32)),
        count in 1..40_u32,
    ) -> Query {
        Query { titles, industries, places, min_employees, max_employees, count }
    }
}

/// What a search has to find among these: the first by identifier who fit and are not excluded, of an e-mail
/// address the first alone.
fn expected(all: &BTreeMap<String, Prospect>, query: &Query, without: &HashSet<String>) -> Vec<Prospect> {
    let mut emails = HashSet::new();
    let fitting = all.values().filter(|prospect| query.fits(prospect)).map(|prospect| {
        let prospect_id = format!("own:{}", prospect.prospect_id);
        Prospect { prospect_id, ..prospect.clone() }
    });
    let wanted = fitting.filter(|prospect| !without.contains(&prospect.prospect_id));
    let first = wanted.filter(|prospect| prospect.email.clone().is_none_or(|email| emails.insert(email)));
    first.take(query.count as usize).collect()
}

#[tokio::test]
async fn a_search_over_the_index_finds_what_a_look_at_all_finds() {
    let api = Api::start().await;
    let own = OwnProspects::new(&api.stack.context).unwrap();
    let mut runner = TestRunner::deterministic();
    let mut all = BTreeMap::new();
    // More than a page of those without a title; some identifiers come again, with everything else changed.
    let given: Vec<_> = (0..700).map(|_| prospects().new_tree(&mut runner).unwrap().current()).collect();
    let (loaded, put) = given.split_at(600);
    all.extend(loaded.iter().map(|prospect| (prospect.prospect_id.clone(), prospect.clone())));
    own.load(api.workspace, &all.values().cloned().collect::<Vec<_>>()).await.unwrap();
    for prospect in put {
        let before = all.insert(prospect.prospect_id.clone(), prospect.clone());
        let expected = match before {
            None => Put::Created,
            Some(before) if before == *prospect => Put::Unchanged,
            Some(_) => Put::Updated,
        };
        assert_eq!(own.put(api.workspace, prospect).await.unwrap(), expected);
    }
    let theirs = Prospect { prospect_id: "theirs".to_owned(), job_title: "CEO".to_owned(), ..Prospect::default() };
    own.put(Uuid::nil(), &theirs).await.unwrap();

    let ids: Vec<_> = all.keys().map(|id| format!("own:{id}")).collect();
    let mut found_some = 0;
    for _ in 0..150 {
        let query = queries().new_tree(&mut runner).unwrap().current();
        let few = prop::sample::subsequence(ids.clone(), 0..200);
        let without: HashSet<_> = few.new_tree(&mut runner).unwrap().current().into_iter().collect();
        let found = own.search(api.workspace, &query, &without).await.unwrap();
        assert_eq!(found, expected(&all, &query, &without), "{query:?}");
        found_some += usize::from(!found.is_empty());
    }
    assert!(found_some > 50, "only {found_some} queries found anybody");
    let everybody = Query { count: 500, ..Query::default() };
    let none = HashSet::new();
    assert_eq!(own.search(api.workspace, &everybody, &none).await.unwrap(), expected(&all, &everybody, &none));
}

/// The keys of a workspace's prospects, of the workspace itself apart.
async fn keys(api: &Api) -> Vec<String> {
    let items = scan(&api.stack.ready.dynamodb, &api.stack.variables["LEADS_TABLE"]).await;
    let begins = format!("W#{}#P", api.workspace);
    let text = |value: &Value| value["S"].as_str().unwrap().to_owned();
    let mut keys: Vec<_> = items
        .iter()
        .filter_map(|item| Some(format!("{} {}", text(&item["pk"]).strip_prefix(&begins)?, text(&item["sk"]))))
        .collect();
    keys.sort();
    keys
}

fn quill(job_title: &str) -> Prospect {
    Prospect {
        prospect_id: "7".to_owned(),
        full_name: NAME.to_owned(),
        job_title: job_title.to_owned(),
        industry: "Law Firm".to_owned(),
        city: Some("Albany".to_owned()),
        region: Some("NY".to_owned()),
        email: Some("quill@zebedee.example".to_owned()),
        ..Prospect::default()
    }
}

#[tokio::test]
async fn a_changed_title_leaves_no_posting_behind() {
    let api = Api::start().await;
    let own = OwnProspects::new(&api.stack.context).unwrap();
    assert_eq!(own.put(api.workspace, &quill("Founder & CEO")).await.unwrap(), Put::Created);
    let of = |titles: &[&str]| {
        let places = ["#place#albany", "#place#new york", "#place#united states"];
        let mut keys: Vec<_> = [" 7".to_owned(), "#industry#legal 7".to_owned()].into_iter().collect();
        keys.extend(places.iter().chain(titles).map(|posting| format!("{posting} 7")));
        keys.sort();
        keys
    };
    assert_eq!(keys(&api).await, of(&["#title#ceo", "#title#founder"]));
    assert_eq!(own.put(api.workspace, &quill("CFO")).await.unwrap(), Put::Updated);
    assert_eq!(keys(&api).await, of(&["#title#cfo"]));
    assert_eq!(own.put(api.workspace, &quill("CFO")).await.unwrap(), Put::Unchanged);
    assert_eq!(own.get(api.workspace, "7").await.unwrap(), Some(quill("CFO")));
    assert_eq!(own.get(Uuid::nil(), "7").await.unwrap(), None);
}

#[tokio::test]
async fn two_who_change_one_prospect_leave_the_postings_of_one() {
    let api = Api::start().await;
    let own = OwnProspects::new(&api.stack.context).unwrap();
    let titles = ["CEO", "CFO", "CTO", "CMO", "COO"];
    let prospects = titles.map(quill);
    let puts = prospects.iter().map(|prospect| own.put(api.workspace, prospect));
    for put in futures_util::future::join_all(puts).await {
        assert!(matches!(put, Ok(_) | Err(StoreError::Unavailable(_))), "{put:?}");
    }
    let stored = own.get(api.workspace, "7").await.unwrap().unwrap();
    let posting = format!("#title#{} 7", stored.job_title.to_lowercase());
    let found: Vec<_> = keys(&api).await.into_iter().filter(|key| key.starts_with("#title#")).collect();
    assert_eq!(found, [posting]);
}

/// Where DynamoDB is reached otherwise, and a provider is configured.
#[tokio::test(flavor = "current_thread")]
async fn whatever_call_fails_a_prospect_is_there_once_and_whole() {
    let logged = in_every_way(async |way: Way| {
        let (api, proxy) = Api::behind_a_proxy(Setup::default()).await;
        let own = OwnProspects::new(&api.context(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())])).unwrap();
        let ceos = Query { titles: vec!["CEO".to_owned()], count: 5, ..Query::default() };
        for title in ["CEO", "CFO", "Founder & CEO"] {
            for first in 0..2 {
                // A transaction of the first round may have changed it already.
                let prospect = Prospect { employees: Some(first), ..quill(title) };
                way.fail(&proxy, first as usize);
                let mut attempts = 0;
                while let Err(error) = own.put(api.workspace, &prospect).await {
                    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
                    attempts += 1;
                    assert!(attempts < 9, "{way:?}: {error}");
                }
                way.fail(&proxy, 0);
                let found = loop {
                    match own.search(api.workspace, &ceos, &HashSet::new()).await {
                        Ok(found) => break found,
                        Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
                    }
                };
                assert_eq!(found.len(), usize::from(title.ends_with("CEO")), "{way:?} {title}");
                proxy.heal();
                let titles = keys(&api).await.iter().filter(|key| key.starts_with("#title#")).count();
                assert_eq!(titles, if title.contains('&') { 2 } else { 1 }, "{way:?} {title}");
            }
        }
    });
    let logged = logged.await;
    for personal in [NAME, "zebedee", "Albany"] {
        assert!(!logged.contains(personal), "{personal} is in the log");
    }
}

/// A provider that has these pages, or only an error.
async fn provider(pages: Vec<Value>, status: StatusCode) -> (String, Arc<Mutex<Vec<Value>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answer = async move |State(asked): State<Arc<Mutex<Vec<Value>>>>, body: String| {
        let body: Value = serde_json::from_str(&body).unwrap();
        let page = body["cursor"].as_str().map_or(0, |cursor| cursor.parse().unwrap());
        asked.lock().unwrap().push(body);
        let mut answer = pages.get(page).cloned().unwrap_or_default();
        answer["next_cursor"] = if page + 1 < pages.len() { json!((page + 1).to_string()) } else { Value::Null };
        (status, answer.to_string())
    };
    let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&asked));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/search", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

#[tokio::test]
async fn a_provider_is_asked_for_what_is_missing_and_nobody_comes_twice() {
    let api = Api::start().await;
    OwnProspects::new(&api.stack.context).unwrap().put(api.workspace, &quill("CEO")).await.unwrap();
    let told = |id: &str, email: &str| json!({"id": id, "full_name": "A", "job_title": "CEO", "email": email});
    let pages = vec![
        json!({"prospects": [told("1", "Quill@Zebedee.example"), told("2", "b@x.example")]}),
        json!({"prospects": [told("2", ""), told("3", "c@x.example"), told("4", ""), told("5", "")]}),
    ];
    let (url, asked) = provider(pages, StatusCode::OK).await;
    api.stack.secrets.put("prospects-key", "k");
    let prospects =
        Prospects::new(&api.context(&[("PROSPECTS_URL", &url), ("PROSPECTS_KEY_SECRET", "prospects-key")])).unwrap();
    let search = async |count: u32, without: &[&str]| {
        let query = Query { titles: vec!["CEO".to_owned()], count, ..Query::default() };
        let without = without.iter().map(|id| (*id).to_owned()).collect();
        let found = prospects.search(api.workspace, Uuid::nil(), &query, &without).await.unwrap();
        found.prospects.into_iter().map(|prospect| prospect.prospect_id).collect::<Vec<_>>()
    };
    assert_eq!(search(1, &[]).await, ["own:7"]);
    assert_eq!(asked.lock().unwrap().len(), 0, "enough without it");
    assert_eq!(search(4, &[]).await, ["own:7", "provider:2", "provider:3", "provider:4"]);
    assert_eq!(asked.lock().unwrap()[0]["count"], 3);
    // Whoever is on the list already is not given out again, from either.
    assert_eq!(search(3, &["own:7", "provider:2"]).await, ["provider:1", "provider:3", "provider:4"]);
    assert_eq!(asked.lock().unwrap()[2]["exclude"], json!(["2"]));
    assert_eq!(search(500, &[]).await, search(500, &[]).await);
}

#[tokio::test]
async fn a_search_whose_provider_fails_fails_whole() {
    let api = Api::start().await;
    OwnProspects::new(&api.stack.context).unwrap().put(api.workspace, &quill("CEO")).await.unwrap();
    let (url, _) = provider(Vec::new(), StatusCode::FORBIDDEN).await;
    api.stack.secrets.put("prospects-key", "k");
    let query = Query { titles: vec!["CEO".to_owned()], count: 2, ..Query::default() };
    let search = async |url: &str| {
        let context = api.context(&[("PROSPECTS_URL", url), ("PROSPECTS_KEY_SECRET", "prospects-key")]);
        Prospects::new(&context).unwrap().search(api.workspace, Uuid::nil(), &query, &HashSet::new()).await
    };
    assert_eq!(search(&url).await, Err(SearchError::Refused("prospect provider: status 403".to_owned())));
    let gone = search("http://127.0.0.1:1").await;
    assert_eq!(gone, Err(SearchError::Unavailable("prospect provider: no connection".to_owned())));
    // Without one, what there is is all there is.
    let found = Prospects::new(&api.stack.context).unwrap();
    assert_eq!(found.search(api.workspace, Uuid::nil(), &query, &HashSet::new()).await.unwrap().prospects.len(), 1);
}

#[tokio::test]
async fn the_examples_of_the_document_find_theirs_in_the_demo_data() {
    let options =
        local::Options { template: tests::template(), demo: true, emulators_only: true, ..Default::default() };
    let stack = local::Stack::start(options).await.unwrap();
    assert_eq!(stack.demo_loaded.unwrap().prospects, 2_000);
    let own = OwnProspects::new(&stack.context).unwrap();
    let texts = |text: &str| vec![text.to_owned()];
    let lawyers = Query {
        titles: texts("CEOs"),
        industries: texts("law firms"),
        places: texts("New York"),
        count: 20,
        ..Query::default()
    };
    let technical = Query {
        titles: texts("CTOs"),
        industries: texts("SaaS companies"),
        places: texts("California"),
        min_employees: Some(50),
        max_employees: Some(200),
        count: 20,
    };
    for query in [lawyers, technical] {
        let found = own.search(demo::WORKSPACE, &query, &HashSet::new()).await.unwrap();
        assert_eq!(found.len(), 20, "{}", query.describe());
        let found_before = found.into_iter().map(|prospect| prospect.prospect_id).collect();
        let others = own.search(demo::WORKSPACE, &query, &found_before).await.unwrap();
        assert!(!others.is_empty() && others.iter().all(|other| !found_before.contains(&other.prospect_id)));
    }
}
