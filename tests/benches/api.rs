//! `cargo bench --bench api`: latency and throughput of suggest-followups and leadFollowUp with the
//! built-in composer, beside the least that the same gateway does: answering `/health`.
//!
//! Everything runs in this process over loopback, as in `cargo local`: gateway, functions, DynamoDB
//! in memory and the composer share the machine's cores.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::workspace::accounts::Role;
use shared::workspace::auth::Permission;
use tests::measurement::{head, measure};
use tests::{Api, CONTACT, FOLLOW_UP, SUGGEST, Setup, scan};
use uuid::Uuid;

/// Requests of one measurement: enough for a 99th percentile, bounded for a shared machine.
const REQUESTS: usize = 2_000;

/// The same for follow-ups, which wait for the queue.
const FOLLOW_UPS: usize = 200;

fn main() {
    // `cargo test` runs benchmark targets too, with `--test`; there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let api = Api::with(Setup { without_policies: true, ..Setup::default() }).await;
    let credits = u32::try_from(REQUESTS * 10).expect("credits");
    let workspace = api.new_workspace(credits * 2).await;
    let key = api.new_key(workspace, &Permission::ALL, |_| {}).await;
    let client = tests::client();
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
    follow_ups(&api).await;
    lexi(&api).await;
}

/// Messages to Lexi, streamed: the first words and the whole, beside the same of the model alone, asked for the same
/// answers over the same loopback. The first needs no tool, and asks the model once; for the second it looks a contact
/// up by name, and asks twice.
async fn lexi(api: &Api) {
    let client = tests::client();
    let model = &api.stack.ready.environment["LLM_BASE_URL"];
    let tool = json!({"type": "function", "function": {"name": "get_contact", "parameters": {"type": "object"}}});
    for (name, message, looks) in [("nothing to look up", "Hello", false), ("a contact", "Who is Jane Smith?", true)] {
        let asked = json!([
            {"role": "system", "content": "-"},
            {"role": "user", "content": "{}"},
            {"role": "user", "content": message},
        ]);
        let mut answered = asked.clone();
        if looks {
            let call = json!({"id": "1", "type": "function", "function": {"name": "get_contact", "arguments": "{}"}});
            let found = json!({"contact": {"full_name": "Jane Smith"}, "activity": []});
            answered.as_array_mut().expect("messages").extend([
                json!({"role": "assistant", "content": null, "tool_calls": [call]}),
                json!({"role": "tool", "tool_call_id": "1", "content": found.to_string()}),
            ]);
        }
        let turn = |messages: &Value| {
            let request = client.post(format!("{model}/chat/completions"));
            request.json(&json!({"model": "-", "stream": true, "messages": messages, "tools": [tool.clone()]}))
        };
        let chat = || {
            let request = api.authorized("POST", "/v1/lexi/chat").header("Accept", "text/event-stream");
            request.json(&json!({ "message": message }))
        };
        let (mut alone, mut through) = (Vec::new(), Vec::new());
        for round in 0..220 {
            let started = Instant::now();
            if looks {
                streamed(turn(&asked), "").await;
            }
            let asked_for = started.elapsed();
            let (first, whole) = streamed(turn(&answered), "content").await;
            let both = streamed(chat(), "event: text").await;
            // Warm first.
            if round >= 20 {
                alone.push((asked_for + first, asked_for + whole));
                through.push(both);
            }
        }
        for (what, mut took) in [("the model alone", alone), ("POST /v1/lexi/chat, streamed", through)] {
            let mut p50 = |of: fn(&(Duration, Duration)) -> Duration| {
                took.sort_unstable_by_key(of);
                of(&took[took.len() / 2]).as_secs_f64() * 1_000.0
            };
            let (first, whole) = (p50(|took| took.0), p50(|took| took.1));
            let line = format!("{what}, {name}");
            println!("{line:<50} first words p50 {first:>6.2} ms, whole p50 {whole:>6.2} ms");
        }
    }
}

/// Reads a stream; gives how long it took until `mark` came, and until its end.
async fn streamed(request: reqwest::RequestBuilder, mark: &str) -> (Duration, Duration) {
    let started = Instant::now();
    let mut response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let (mut text, mut first) = (String::new(), None);
    while let Some(chunk) = response.chunk().await.expect("a chunk") {
        text.push_str(&String::from_utf8_lossy(&chunk));
        if first.is_none() && text.contains(mark) {
            first = Some(started.elapsed());
        }
    }
    (first.expect("its mark"), started.elapsed())
}

/// leadFollowUp with one model call, with two and the queue between them, and how many commands a second
/// are accepted and refined.
async fn follow_ups(api: &Api) {
    let alone = api.staff((true, true), &[Role::Sales]).await.site;
    let staffed = api.staff((true, true), &[Role::Sales, Role::Copywriter]).await.site;
    let request = |site: Uuid, prefer: &'static str| {
        let request = api.authorized("POST", FOLLOW_UP).header("Prefer", prefer);
        request.json(&json!({"siteId": site, "leadId": CONTACT}))
    };
    let sales = || request(alone, "wait=20");
    let both = || request(staffed, "wait=20");
    measure(&both, 1, 20).await;
    measure(&sales, 1, FOLLOW_UPS).await.print("POST leadFollowUp, sales alone, 1 client");
    measure(&both, 1, FOLLOW_UPS).await.print("POST leadFollowUp, refined, 1 client");
    let table = &api.stack.ready.environment["WORK_TABLE"];
    let millis = |command: &Value, field: &str| {
        let at = command[field]["S"].as_str().and_then(|at| at.parse::<DateTime<Utc>>().ok());
        at.map(|at| at.timestamp_millis()).unwrap_or_default()
    };
    let of_kind = |items: Vec<Value>, kind: &str| -> Vec<Value> {
        items.into_iter().filter(|item| item["sk"]["S"] == "command" && item["role"]["S"] == kind).collect()
    };
    let refined = of_kind(scan(&api.stack.ready.dynamodb, table).await, "copywriter");
    for (what, from, until) in [
        ("stored until taken from the queue", "created_at", "started_at"),
        ("taken until refined", "started_at", "finished_at"),
    ] {
        let mut took: Vec<_> = refined.iter().map(|command| millis(command, until) - millis(command, from)).collect();
        took.sort_unstable();
        println!("{:<42} p50 {} ms of {}", format!("  {what}"), took[took.len() / 2], took.len());
    }
    let started = Instant::now();
    let accepted = || request(staffed, "respond-async");
    measure(&accepted, 8, FOLLOW_UPS).await.print("POST leadFollowUp, accepted, 8 clients");
    loop {
        let commands = of_kind(scan(&api.stack.ready.dynamodb, table).await, "copywriter");
        if commands.iter().all(|command| command["status"]["S"] == "completed") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let per_second = FOLLOW_UPS as f64 / started.elapsed().as_secs_f64();
    println!("{:<42} {per_second:>45.0} commands/s", "accepted and refined through the queue");
}
