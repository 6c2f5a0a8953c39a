//! `cargo bench --bench api`: latency and throughput of suggest-followups with the built-in
//! composer, beside the least that the same gateway does: answering `/health`.
//!
//! Everything runs in this process over loopback, as in `cargo local`: gateway, functions, DynamoDB
//! in memory and the composer share the machine's cores.

use std::time::{Duration, Instant};

use serde_json::json;
use shared::auth::Permission;
use tests::{Api, CONTACT, SUGGEST, send};

/// Requests of one measurement: enough for a 99th percentile, bounded for a shared machine.
const REQUESTS: usize = 2_000;

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
