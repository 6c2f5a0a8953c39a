//! What a function's binary costs before and beyond its work: its size, how long it takes from the start of the
//! process until it asks for an event, and how long its first and its later answers take. Beside a function that does
//! nothing (`shared/examples/bare.rs`), built in the same way:
//!
//! ```sh
//! cargo build --release -p shared --example bare
//! (cd functions/suggest-followups && cargo build --release)
//! cargo bench --bench start -- target/release/examples/bare target/release/suggest-followups
//! ```
//!
//! An event is answered over a stand-in for the Lambda runtime API; `suggest-followups` talks to the whole stack, with
//! DynamoDB and the composer in this process.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::runtime_api::RuntimeApi;
use tests::{Api, CONTACT, Setup};
use tokio::process::Command;

/// How often a process is started.
const STARTS: usize = 20;
/// How many events one process answers.
const EVENTS: usize = 200;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // What cargo adds by itself begins with dashes.
    let programs: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let api = Api::with(Setup { without_policies: true, ..Setup::default() }).await;
    println!("{:<52} {:>8} {:>9} {:>9} {:>9} {:>9}", "program", "size", "ready", "first", "warm p50", "warm p95");
    for program in &programs {
        measure(&api, Path::new(program)).await;
    }
}

fn event(key: &str) -> Value {
    let sample = std::fs::read_to_string(tests::project().join("events/suggest-followups.json")).unwrap();
    let mut event: Value = serde_json::from_str(&sample).unwrap();
    event["headers"]["authorization"] = json!(format!("Bearer {key}"));
    event["body"] = json!(json!({"contact_id": CONTACT}).to_string());
    event
}

async fn measure(api: &Api, program: &Path) {
    let file = tests::project().join(program);
    let megabytes = std::fs::metadata(&file).expect("a program that was built").len() as f64 / 1e6;
    let (mut ready, mut first, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    for start in 0..STARTS {
        let mut runtime = RuntimeApi::start().await;
        let mut command = Command::new(&file);
        runtime.run(&mut command);
        let started = Instant::now();
        let mut process = command
            .envs(&api.stack.variables)
            .stdout(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        ready.push(runtime.asked.recv().await.expect("it asks for an event") - started);
        let events = if start == 0 { EVENTS } else { 1 };
        for nth in 0..events {
            let sent = Instant::now();
            runtime.events.send(event(&api.key)).unwrap();
            let answered = runtime.answered.recv().await.expect("an answer");
            let took = sent.elapsed();
            let told: Vec<u8> = answered.pieces.iter().flat_map(|(_, piece)| piece.to_vec()).collect();
            let told: Value = serde_json::from_slice(&told).unwrap();
            assert_eq!(told["statusCode"], 200, "{told}");
            if nth == 0 { &mut first } else { &mut warm }.push(took);
        }
        process.kill().await.expect("it ends");
    }
    let at = |times: &mut Vec<Duration>, share: usize| {
        times.sort_unstable();
        times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0
    };
    println!(
        "{:<52} {megabytes:>5.2} MB {:>6.2} ms {:>6.2} ms {:>6.2} ms {:>6.2} ms",
        program.display().to_string(),
        at(&mut ready, 50),
        at(&mut first, 50),
        at(&mut warm, 50),
        at(&mut warm, 95),
    );
}
