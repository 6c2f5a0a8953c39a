//! `cargo bench --bench api`: latency and throughput of suggest-followups with the built-in
//! composer, and of the lead list, its statistics and its search over 10,000 and 100,000 leads of one
//! user, beside the least that the same gateway does: answering `/health`.
//!
//! Everything runs in this process over loopback, as in `cargo local`: gateway, functions, DynamoDB
//! in memory and the composer share the machine's cores.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::auth::Permission;
use shared::context::Random;
use shared::conversations::row::{Extraction, Message, Platform, Sender};
use shared::conversations::{Conversations, CustomerPhone, Story, User};
use tests::{Api, CONTACT, SUGGEST, send};
use uuid::Uuid;

/// Requests of one measurement: enough for a 99th percentile, bounded for a shared machine.
const REQUESTS: usize = 2_000;

/// The same for lead lists, which are slower.
const LISTINGS: usize = 500;

fn main() {
    // `cargo test` runs benchmark targets too, with `--test`; there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let api = Api::start().await;
    let credits = u32::try_from(REQUESTS * 10).expect("credits");
    let workspace = api.new_workspace(credits * 2).await;
    let key = api.new_key(workspace, &Permission::ALL, |_| {}).await;
    let client = reqwest::Client::new();
    let suggest = || {
        let request = client.post(format!("{}{SUGGEST}", api.url())).bearer_auth(&key);
        request.json(&json!({"contact_id": CONTACT, "count": 3}))
    };
    let health = || client.get(format!("{}/health", api.url()));

    println!("{:<42} {:>9} {:>9} {:>9} {:>12}", "", "p50", "p95", "p99", "requests/s");
    for clients in [1, 8] {
        // Warm: connections, the key's rate window, SQLite's cache.
        measure(&suggest, clients, 200).await;
        let [baseline, measured] =
            [measure(&health, clients, REQUESTS).await, measure(&suggest, clients, REQUESTS).await];
        let name = |what: &str| format!("{what}, {clients} client{}", if clients == 1 { "" } else { "s" });
        baseline.print(&name("GET /health (bare gateway)"));
        measured.print(&name("POST suggest-followups"));
    }
    assert_eq!(api.ledger().verify(workspace).await.expect("a verification"), []);
    drop(api);
    for leads in [10_000, 100_000] {
        lead_lists(leads).await;
    }
}

/// List, statistics and search over so many leads of one user, one client.
async fn lead_lists(leads: u64) {
    let api = Api::start().await;
    let user = User::new(api.workspace, "me").expect("a user");
    let table = Conversations::new(&api.stack.context).expect("a table");
    let (now, random) = (api.clock.now(), Random::seeded(leads));
    let loading = Instant::now();
    for first in (0..leads).step_by(1_000) {
        let stories = (first..leads.min(first + 1_000)).map(|index| story(index, now, &random));
        table.load(&user, stories).await.expect("loaded");
    }
    println!("\n{leads} leads of one user, loaded in {:.1} s", loading.elapsed().as_secs_f64());
    // What was just written is read again for a while; that is not the warm case.
    api.clock.advance(TimeDelta::minutes(1));
    let one_more = std::iter::once(story(leads, now, &random));
    table.load(&user, one_more).await.expect("one more");
    api.clock.advance(TimeDelta::minutes(1));

    let health = || api.authorized("GET", "/health");
    measure(&health, 1, LISTINGS).await.print("GET /health (bare gateway), 1 client");
    // The first of the function that lists and the first of the one that counts read every row.
    let routes = [
        ("list", "/users/me/leads", true),
        ("list, Hot, by name", "/users/me/leads?lead_status=Hot&sort_by=name&sort_order=asc", false),
        ("search", "/users/me/leads?search=person%2077", false),
        ("stats", "/users/me/leads/stats", true),
    ];
    for (name, path, reads_all) in routes {
        let request = || api.authorized("GET", path);
        let (before, sent) = (resident(), Instant::now());
        assert_eq!(send(request()).await.status, 200);
        let (first, grown) = (sent.elapsed(), resident().saturating_sub(before));
        measure(&request, 1, LISTINGS / 10).await;
        measure(&request, 1, LISTINGS).await.print(&format!("GET {name}, 1 client"));
        if reads_all {
            let first = first.as_secs_f64() * 1_000.0;
            println!("{:<42} {first:>6.0} ms, resident memory + {grown} MiB", "  its first request");
        }
    }
}

/// A lead with a conversation of two messages; two of three have an extraction.
fn story(index: u64, now: DateTime<Utc>, random: &Random) -> Story {
    let lead = CustomerPhone::parse(&format!("49{index:09}")).expect("an identifier");
    let at = now - TimeDelta::minutes(i64::try_from(index * 7 % 129_600).expect("minutes"));
    let mut story = Story::new(&lead, random.uuid(), at);
    for (number, sender) in [(1, Sender::User), (2, Sender::Agent)] {
        let message = Message {
            message_id: format!("wamid.{index:09}.{number}"),
            conversation_id: Uuid::from_u128(u128::from(index)).to_string(),
            agent_id: Some("agent-001".to_owned()),
            agent_name: Some("Agent".to_owned()),
            platform: Platform::ALL[usize::try_from(index % 3).expect("a platform")],
            phone_number_id: Some("phone-001".to_owned()),
            sender,
            text: "Thank you for asking. I will send an overview of the prices and two dates for a call.".to_owned(),
            timestamp: at + TimeDelta::seconds(number),
            status: "sent".to_owned(),
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
            extracted_at: at + TimeDelta::seconds(9),
        };
        story.extraction(&extraction).expect("an extraction");
    }
    story
}

/// The resident memory of this process, in MiB.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    // Pages of 4 KiB.
    pages / 256
}

struct Measured {
    sorted: Vec<Duration>,
    whole: Duration,
}

async fn measure(request: &impl Fn() -> reqwest::RequestBuilder, clients: usize, requests: usize) -> Measured {
    let started = Instant::now();
    let one_client = || async {
        let mut times = Vec::with_capacity(requests / clients);
        for _ in 0..requests / clients {
            let sent = Instant::now();
            let answer = send(request()).await;
            times.push(sent.elapsed());
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        times
    };
    let times = futures_util::future::join_all((0..clients).map(|_| one_client())).await;
    let whole = started.elapsed();
    let mut sorted = times.concat();
    sorted.sort_unstable();
    Measured { sorted, whole }
}

impl Measured {
    fn print(&self, name: &str) {
        let at = |share: usize| {
            self.sorted[(self.sorted.len() * share / 100).min(self.sorted.len() - 1)].as_secs_f64() * 1_000.0
        };
        let per_second = self.sorted.len() as f64 / self.whole.as_secs_f64();
        println!("{name:<42} {:>6.2} ms {:>6.2} ms {:>6.2} ms {per_second:>12.0}", at(50), at(95), at(99));
    }
}
