//! `cargo bench --bench leads`: the leads API over 1,000, 10,000 and 100,000 leads of one user with
//! 20 messages each, or over as many as its arguments say, beside the least that the same gateway
//! does: answering `/health`.
//!
//! Gateway, functions and DynamoDB in memory run in this process and share the machine's cores. What
//! the first request of an instance waits for, and what the rows take of its memory, is measured in
//! a process of its own, as Lambda would start one. The capacity is what the emulator says that each
//! call consumed.

use std::process::{Command, Stdio};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shared::base::channel::Channel;
use shared::base::clock::{Clock, Random};
use shared::base::context::{Context, FromContext};
use shared::base::environment::Environment;
use shared::crm::conversations::row::{Extraction, Message, Sender};
use shared::crm::conversations::{Conversations, Rows, Story};
use shared::crm::identifiers::{CustomerPhone, User};
use tests::measurement::{head, measure};
use tests::{Api, FaultProxy, Setup};
use uuid::Uuid;

/// Requests of one measurement.
const REQUESTS: usize = 500;

/// Messages of each lead.
const MESSAGES: i64 = 20;

/// How many leads are written at a time.
const LOADED_AT_ONCE: u64 = 500;

const LEAD: &str = "/users/me/leads/49000000077";

/// What is measured: a name and a path.
const ROUTES: [(&str, &str); 7] = [
    ("list", "/users/me/leads"),
    ("list, Hot or Warm on WhatsApp, by name", "/users/me/leads?lead_status=Hot,Warm&platform=whatsapp&sort_by=name"),
    ("list by score, from 900", "/users/me/leads?sort_by=total_score&offset=900"),
    ("search", "/users/me/leads?search=person%2077"),
    ("stats", "/users/me/leads/stats"),
    ("single", LEAD),
    ("messages", "/users/me/leads/49000000077/messages"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // `cargo test` runs benchmark targets too, with `--test`; there is nothing to test here.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if let [role, workspace] = &arguments[..]
        && role == "instance"
    {
        return runtime.block_on(instance(workspace));
    }
    let sizes = arguments.iter().map(|size| size.parse().expect("a number of leads")).collect::<Vec<u64>>();
    runtime.block_on(async {
        capacity().await;
        for leads in if sizes.is_empty() { vec![1_000, 10_000, 100_000] } else { sizes } {
            lead_lists(leads).await;
        }
    });
}

/// A stack in which nothing is scored meanwhile.
async fn quiet(more: &[(&str, &str)]) -> Api {
    let ten_years = [("QUIET_SECONDS", "315360000")];
    let environment = ten_years.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Api::with(Setup { environment: environment.collect(), without_policies: true, ..Setup::default() }).await
}

/// What each request consumes once an instance is warm. It does not depend on how many leads there are.
async fn capacity() {
    let proxy = FaultProxy::start().await;
    let api = quiet(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]).await;
    proxy.set_upstream(&api.stack.ready.dynamodb).await;
    load(&api, 1_000).await;
    println!("Capacity that a warm request consumes, the key's included");
    for (name, path) in ROUTES {
        // The first request of each function reads every row.
        has_rows(&api, path).await;
        proxy.heal();
        assert_eq!(api.get(path).await.status, 200);
        let calls = proxy.heal();
        let units: f64 = calls.iter().map(|call| call.capacity).sum();
        let each: Vec<_> = calls.iter().map(|call| format!("{} {}", call.operation, call.capacity)).collect();
        println!("{name:<42} {units:>6.1} units: {}", each.join(", "));
    }
}

/// Every route over so many leads of one user, one client; and the first request of an instance.
async fn lead_lists(leads: u64) {
    let api = quiet(&[]).await;
    let loading = Instant::now();
    load(&api, leads).await;
    let (count, seconds) = (leads * (MESSAGES.unsigned_abs() + 1), loading.elapsed().as_secs_f64());
    println!("\n{leads} leads of one user with {MESSAGES} messages each; {count} items loaded in {seconds:.0} s");
    head();
    measure(&|| api.authorized("GET", "/health"), 1, REQUESTS).await.print("GET /health (bare gateway), 1 client");
    for (name, path) in ROUTES {
        let request = || api.authorized("GET", path);
        has_rows(&api, path).await;
        measure(&request, 1, REQUESTS / 10).await;
        measure(&request, 1, REQUESTS).await.print(&format!("GET {name}"));
    }

    let proxy = FaultProxy::start().await;
    proxy.set_upstream(&api.stack.ready.dynamodb).await;
    let through_proxy = first_request(&api, proxy.url());
    assert_eq!(through_proxy["rows"], leads + 1);
    let calls = proxy.heal();
    let units: f64 = calls.iter().map(|call| call.capacity).sum();
    let first = first_request(&api, &api.stack.ready.dynamodb);
    println!(
        "first request of an instance: {} ms ({} its own, the rest the emulator's), {} MiB, {} pages, {units} units",
        first["milliseconds"],
        first["own_milliseconds"],
        first["mebibytes"],
        calls.len()
    );
}

/// Fails if the answer has nothing in it, because its time would say nothing.
async fn has_rows(api: &Api, path: &str) {
    let answer = api.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let data = &answer.json()["data"];
    let rows = data.as_array().or(data["messages"].as_array()).map_or(0, Vec::len);
    let is_one =
        data["total_leads"].as_u64() > Some(0) || path.ends_with(data["customer_phone"].as_str().unwrap_or("?"));
    assert!(rows > 0 || is_one, "{path}: {data}");
}

async fn load(api: &Api, leads: u64) {
    let user = User::new(api.workspace, "me").expect("a user");
    let table = Conversations::new(&api.stack.context).expect("a table");
    let (now, random) = (api.clock.now(), Random::seeded(leads));
    let firsts: Vec<u64> = (0..leads).step_by(usize::try_from(LOADED_AT_ONCE).expect("a step")).collect();
    // Four at a time keep both sides busy.
    for at_once in firsts.chunks(4) {
        let loads = at_once.iter().map(|first| {
            let stories = (*first..leads.min(first + LOADED_AT_ONCE)).map(|index| story(index, now, &random));
            table.load(&user, stories.collect::<Vec<_>>())
        });
        futures_util::future::try_join_all(loads).await.expect("loaded");
    }
    // What was just written is read again for a while; that is not the warm case.
    api.clock.advance(TimeDelta::minutes(1));
    table.load(&user, [story(leads, now, &random)]).await.expect("one more");
    api.clock.advance(TimeDelta::minutes(1));
}

/// A lead with a conversation; two of three have an extraction.
fn story(index: u64, now: DateTime<Utc>, random: &Random) -> Story {
    let lead = CustomerPhone::parse(&format!("49{index:09}")).expect("an identifier");
    let at = now - TimeDelta::minutes(i64::try_from(index * 7 % 129_600).expect("minutes"));
    let mut story = Story::new(&lead, random.uuid(), at);
    for number in 0..MESSAGES {
        let message = Message {
            is_delivered: false,
            message_id: format!("wamid.{index:09}.{number}"),
            conversation_id: Uuid::from_u128(u128::from(index)).to_string(),
            agent_id: Some("agent-001".to_owned()),
            agent_name: Some("Agent".to_owned()),
            // As the scores: independent of which leads have an extraction, so that each status is on each platform.
            platform: Channel::PLATFORMS[usize::try_from(index / 243 % 3).expect("a platform")],
            phone_number_id: Some("phone-001".to_owned()),
            sender: if number % 2 == 0 { Sender::User } else { Sender::Agent },
            text: "Thank you for asking. I will send an overview of the prices and two dates for a call.".to_owned(),
            timestamp: at + TimeDelta::seconds(number),
            status: shared::crm::conversations::MessageStatus::Sent,
            sequence_no: 0,
        };
        story.message(&message).expect("a message");
    }
    if !index.is_multiple_of(3) {
        let score = |of: u64| u8::try_from(1 + index / of % 3).expect("a score");
        let extraction = Extraction {
            extraction_id: random.uuid(),
            name: Some(format!("Person {} of Company", index * 7_919 % 100_003)),
            email: Some(format!("person.{index}@company.example")),
            company: Some(format!("Company {}", index % 977)),
            intent_score: score(1),
            urgency_score: score(3),
            budget_score: score(9),
            fit_score: score(27),
            engagement_score: score(81),
            extracted_at: at + TimeDelta::seconds(99),
        };
        story.extraction(&extraction).expect("an extraction");
    }
    story
}

/// Reads all rows in a process of its own.
fn first_request(api: &Api, dynamodb: &str) -> Value {
    let child = Command::new(std::env::current_exe().expect("this benchmark's file"))
        .args(["instance", &api.workspace.to_string()])
        .envs(&api.stack.variables)
        .env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
        .stderr(Stdio::inherit())
        .output()
        .expect("the instance runs");
    serde_json::from_slice(&child.stdout).expect("what the instance measured")
}

/// The process of its own: warms its connection, as a function does at start, and then reads all rows.
async fn instance(workspace: &str) {
    let workspace: Uuid = workspace.parse().expect("a workspace");
    let context = Context::new(Environment::of_process(), Clock::default(), Random::from_os()).expect("a context");
    let rows = Rows::new(&context).expect("rows");
    let user = |name| User::new(workspace, name).expect("a user");
    rows.read(&user("nobody"), |rows| rows.iter().count()).await.expect("no rows");
    let (before, worked, started) = (resident(), processor_time(), Instant::now());
    let count = rows.read(&user("me"), |rows| rows.iter().count()).await.expect("all rows");
    let (taken, grown) = (started.elapsed().as_millis(), resident().saturating_sub(before));
    let own = processor_time() - worked;
    println!("{}", json!({"rows": count, "milliseconds": taken, "own_milliseconds": own, "mebibytes": grown}));
}

/// The resident memory of this process, in MiB.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    // Pages of 4 KiB.
    pages / 256
}

/// The processor time of this process, in milliseconds.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    // User and system time are the 14th and 15th field; the second may hold spaces.
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    // A hundred ticks a second.
    ticks * 10
}
