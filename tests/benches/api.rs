//! `cargo bench --bench api`: latency and throughput of suggest-followups with the built-in
//! composer, beside the least that the same gateway does: answering `/health`.
//!
//! Everything runs in this process over loopback, as in `cargo local`: gateway, functions, DynamoDB
//! in memory and the composer share the machine's cores.

use serde_json::json;
use shared::auth::Permission;
use tests::measurement::{head, measure};
use tests::{Api, CONTACT, SUGGEST};

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

    head();
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
