//! Pages and totals of the lead list are exact: against a naive filter over all rows, in every order,
//! and while leads are written.

use shared::base::context::FromContext;
use std::cell::Cell;
use std::cmp;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use shared::base::channel::Channel;
use shared::crm::conversations::Conversations;
use shared::crm::identifiers::{CustomerPhone, User};
use tests::leads_api::{USER, extract, ingest, list, listed, message, post};
use tests::{Api, send};

/// What a list can be sorted by.
const ORDERS: [&str; 5] = ["last_message_at", "first_contact_at", "total_messages", "total_score", "name"];

/// How many of the leads differ in their identifier alone.
const TIED: i64 = 6;

/// The most messages that one of the leads has.
const MOST_MESSAGES: i64 = 3;

/// Leads that differ in everything that is sorted or filtered by, but for those that tie in everything.
/// Gives the hour from which on something happens with them, for 60 hours; no whole day ago is near one
/// of their times.
async fn many_leads(api: &Api, count: i64) -> DateTime<Utc> {
    let conversations = Conversations::new(&api.stack.context).unwrap();
    let user = User::new(api.workspace, USER).unwrap();
    let start = api.clock.now().trunc_subsecs(0) - TimeDelta::minutes(60 * 60 + 30);
    for index in 0..count {
        let lead = CustomerPhone::parse(&format!("{index:03}")).unwrap();
        let index = index.min(count - TIED);
        let at = start + TimeDelta::hours(index * 7 % 50);
        conversations
            .record_template_send(&user, &lead, "t", Channel::PLATFORMS[index as usize % 3], at)
            .await
            .unwrap();
        for number in 0..index % (MOST_MESSAGES + 1) {
            ingest(api, &message(&number.to_string(), lead.as_str(), at + TimeDelta::hours(number))).await;
        }
        if index % 3 > 0 {
            let identity = json!({
                "name": (index % 4 > 0).then(|| format!("Name {}", index % 9)),
                "email": (index % 5 > 1).then(|| format!("{index}@x.example")),
            });
            extract(
                api,
                lead.as_str(),
                [(index % 3) as u8, 1 + (index % 2) as u8, 2, 1 + (index % 3) as u8, 3],
                identity,
            )
            .await;
        }
    }
    start
}

/// Writes, until `done`, leads that no order in this direction shows before those of [`many_leads`]:
/// nobody knows their name or scores, and their identifiers sort behind the others. Gives how often.
async fn write_behind(api: &Api, ascending: bool, done: &Cell<bool>) -> usize {
    let mut written = 0;
    while !done.get() {
        let lead = format!("zz{}", written % 5);
        if ascending {
            ingest(api, &message(&format!("later {written}"), &lead, api.clock.now())).await;
        } else {
            let sent_at = api.clock.now() - TimeDelta::days(1_000);
            let id = format!("t{written}");
            let body = json!({"template_send_id": id, "customer_phone": lead, "sent_at": sent_at.to_rfc3339()});
            assert_eq!(post(api, "template-sends", &body).await.status, 200);
        }
        written += 1;
    }
    written
}

/// The pages of a list, put together.
async fn pages(api: &Api, order: &str, limit: usize, most: usize) -> Vec<String> {
    let mut leads = Vec::new();
    for offset in (0..most).step_by(limit) {
        leads.extend(listed(api, &format!("{order}&limit={limit}&offset={offset}")).await);
    }
    leads
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_every_order_put_together_are_the_whole_list_also_while_leads_are_written() {
    for direction in ["asc", "desc"] {
        let api = Api::without_scoring().await;
        many_leads(&api, 40).await;
        let orders = ORDERS.map(|by| format!("sort_by={by}&sort_order={direction}"));
        let mut known = Vec::new();
        for order in &orders {
            known.push(listed(&api, &format!("{order}&limit=100")).await);
            assert_eq!(known.last().unwrap().len(), 40);
        }
        if direction == "asc" {
            // A lead with fewer messages than another is before it, so these begin with enough.
            for (lead, number) in (0..5).flat_map(|lead| (0..MOST_MESSAGES).map(move |number| (lead, number))) {
                ingest(&api, &message(&number.to_string(), &format!("zz{lead}"), api.clock.now())).await;
            }
        }
        let done = Cell::new(false);
        let reading = async {
            for _ in 0..5 {
                for (order, known) in orders.iter().zip(&known) {
                    let seen = pages(&api, order, 7, 40).await;
                    assert_eq!(seen.get(..40), Some(known.as_slice()), "{order}");
                    assert!(seen[40..].iter().all(|lead| lead.starts_with("zz")), "{order}: {seen:?}");
                }
            }
            done.set(true);
        };
        let (written, ()) = tokio::join!(write_behind(&api, direction == "asc", &done), reading);
        assert!(written >= 5, "{written}");
        for order in &orders {
            let whole = listed(&api, &format!("{order}&limit=100")).await;
            assert_eq!((whole.len(), pages(&api, order, 4, 45).await), (45, whole), "{order}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_is_in_every_list_and_count_once_its_write_is_answered_whoever_else_writes() {
    let api = Api::without_scoring().await;
    let answered = AtomicUsize::new(0);
    let writers = (0..4).map(|writer| {
        let (api, answered) = (&api, &answered);
        async move {
            for round in 0..8 {
                let lead = format!("{writer}{round}");
                ingest(api, &message(&lead, &lead, api.clock.now())).await;
                let least = answered.fetch_add(1, Ordering::SeqCst) + 1;
                assert_eq!(listed(api, &format!("customer_phone={lead}")).await, [lead.as_str()]);
                let total = |body: Value| body["pagination"]["total"].as_u64().unwrap() as usize;
                // Not less than what was answered, and each other writer has at most one more under way.
                let seen = total(list(api, "limit=1").await);
                assert!((least..=answered.load(Ordering::SeqCst) + 3).contains(&seen), "{seen} of {least}");
                extract(api, &lead, [3; 5], json!({"name": format!("Name of {lead}")})).await;
                assert_eq!(listed(api, &format!("lead_status=Hot&search=of%20{lead}")).await, [lead.as_str()]);
            }
        }
    });
    join_all(writers).await;
    let stats = api.get(&format!("/users/{USER}/leads/stats")).await.json()["data"].clone();
    assert_eq!((&stats["total_leads"], &stats["hot_leads"]), (&json!(32), &json!(32)));
}

/// Whether a lead, as it is shown, passes a filter.
fn passes(lead: &Value, name: &str, value: &str, now: DateTime<Utc>) -> bool {
    let number = || value.parse::<i64>().unwrap();
    let score = lead["total_score"].as_i64();
    let at: DateTime<Utc> = lead["last_message_at"].as_str().unwrap().parse().unwrap();
    let day = || value.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let time = || value.parse::<DateTime<Utc>>().unwrap();
    match name {
        "platform" => value.split(',').any(|one| lead["platforms"].as_array().unwrap().contains(&json!(one))),
        "lead_status" => value.split(',').any(|one| lead["lead_status"] == one),
        "has_extraction" => lead["has_extraction"] == (value == "true"),
        "has_email" => lead["email"].is_string() == (value == "true"),
        "min_total_score" => score.is_some_and(|score| score >= number()),
        "max_total_score" => score.is_some_and(|score| score <= number()),
        "search" => ["name", "email", "company", "customer_phone"].iter().any(|name| {
            lead[*name].as_str().is_some_and(|text| text.to_lowercase().contains(value.replace("%20", " ").trim()))
        }),
        "customer_phone" => lead["customer_phone"] == value.trim_start_matches("%2B"),
        "days" => at >= now - TimeDelta::days(number()),
        "from_date" => at >= day().unwrap_or_else(|_| time()),
        "to_date" => day().map_or_else(|_| at <= time(), |day| at < day + TimeDelta::days(1)),
        name => panic!("{name} is no filter"),
    }
}

/// Which of two leads, as they are shown, comes first.
fn compare(one: &Value, other: &Value, by: &str, ascending: bool) -> cmp::Ordering {
    let value = |lead: &Value| (lead[by].as_i64(), lead[by].as_str().map(str::to_lowercase));
    let by_value = match (one[by].is_null(), other[by].is_null()) {
        (false, false) if ascending => value(one).cmp(&value(other)),
        (false, false) => value(other).cmp(&value(one)),
        (one, other) => one.cmp(&other),
    };
    by_value.then_with(|| one["customer_phone"].as_str().cmp(&other["customer_phone"].as_str()))
}

type Filters = Vec<(&'static str, String)>;

/// Filters of all kinds. There is always one by time, which goes no further back than a day before
/// `start`.
fn filters(start: DateTime<Utc>) -> impl Strategy<Value = Filters> {
    let one_of = |name: &'static str, values: &[&str]| {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        prop::option::weighted(0.25, prop::sample::select(values)).prop_map(move |value| (name, value)).boxed()
    };
    let scores: Vec<String> = (5..=15).map(|score: u8| score.to_string()).collect();
    let scores: Vec<&str> = scores.iter().map(String::as_str).collect();
    let text = prop::option::weighted(0.25, "[0-9a-z ]{1,3}");
    let anything = vec![
        one_of("platform", &["whatsapp", "instagram", "webchat", "webchat,instagram"]),
        one_of("lead_status", &["Hot", "Warm", "Cold", "Hot,Cold"]),
        one_of("has_extraction", &["true", "false"]),
        one_of("has_email", &["true", "false"]),
        one_of("min_total_score", &scores),
        one_of("max_total_score", &scores),
        one_of("customer_phone", &["007", "%2B012", "030", "999"]),
        text.prop_map(|text| ("search", text.map(|text| text.replace(' ', "%20")))).boxed(),
    ];
    let moment = (-20..70_i64, any::<bool>());
    let shown = move |(hours, whole_day): (i64, bool)| {
        let format = if whole_day { "%F" } else { "%FT%TZ" };
        (start + TimeDelta::hours(hours)).format(format).to_string()
    };
    let time = prop_oneof![
        (1..=4_i64).prop_map(|days| vec![("days", days.to_string())]),
        moment.clone().prop_map(move |from| vec![("from_date", shown(from))]),
        (moment.clone(), moment).prop_map(move |(one, other)| {
            vec![("from_date", shown(one.min(other))), ("to_date", shown(one.max(other)))]
        }),
    ];
    (anything, time).prop_map(|(anything, time)| {
        let given = anything.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.chain(time).collect()
    })
}

/// Writes, until `done`, what no answer shows: leads of the same user whose messages are older than
/// every filter by time allows, and leads of another user.
async fn write_unseen(api: &Api, done: &AtomicBool) {
    for round in 0.. {
        if done.load(Ordering::SeqCst) {
            assert!(round > 10, "{round}");
            return;
        }
        let old = api.clock.now() - TimeDelta::days(100);
        ingest(api, &message(&format!("m{round}"), &format!("{}", round % 60), old)).await;
        let another = message(&format!("m{round}"), &format!("{:03}", round % 60), api.clock.now());
        assert_eq!(send(api.authorized("POST", "/users/another/messages").json(&another)).await.status, 200);
    }
}

#[test]
fn every_answer_agrees_with_a_naive_filter_over_all_rows_while_others_are_written() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let api = runtime.block_on(Api::without_scoring());
    let start = runtime.block_on(many_leads(&api, 31));
    let all = runtime.block_on(list(&api, "limit=100"))["data"].as_array().unwrap().clone();
    assert_eq!(all.len(), 31);
    let strategy = (filters(start), prop::sample::select(ORDERS.to_vec()), any::<bool>(), 0..35_usize, 1..20_usize);
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let mut agrees = || {
        runner.run(&strategy, |(filters, by, ascending, offset, limit)| {
            let given: String = filters.iter().map(|(name, value)| format!("&{name}={value}")).collect();
            let order = if ascending { "asc" } else { "desc" };
            let query = format!("sort_by={by}&sort_order={order}&limit={limit}&offset={offset}{given}");
            let mut naive = all.clone();
            naive.retain(|lead| filters.iter().all(|(name, value)| passes(lead, name, value, api.clock.now())));
            naive.sort_by(|one, other| compare(one, other, by, ascending));
            let body = runtime.block_on(list(&api, &query));
            let expected: Vec<Value> = naive.iter().skip(offset).take(limit).cloned().collect();
            prop_assert_eq!(&body["pagination"]["total"], &json!(naive.len()), "{}", query);
            prop_assert_eq!(body["data"].as_array().unwrap(), &expected, "{}", query);
            Ok(())
        })
    };
    let done = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| runtime.block_on(write_unseen(&api, &done)));
        let outcome = agrees();
        done.store(true, Ordering::SeqCst);
        outcome
    });
    outcome.unwrap();
}
