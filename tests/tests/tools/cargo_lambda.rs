//! The functions' own binaries under `cargo lambda watch`, against `cargo local --emulators-only`.

use std::path::PathBuf;
use std::time::Duration;

use cli::demo;
use serde_json::json;
use tests::binaries::{Program, binary, local};
use tests::{CONTACT, SUGGEST, project, send, try_send};
use tokio::process::Command;

/// cargo-lambda on the path, or where `.ci/lint-template` installs it.
fn cargo_lambda() -> PathBuf {
    let installed = project().join("target/python/bin/cargo-lambda");
    if installed.exists() { installed } else { PathBuf::from("cargo-lambda") }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn the_watch_routes_serve_the_endpoint_against_the_emulators() {
    let folder = tempfile::tempdir().unwrap();
    let (_emulators, ready) = local(folder.path(), &["--emulators-only"], &[]).await;
    assert_eq!(ready.gateway, None);
    binary("suggest-followups");

    let port = free_port().to_string();
    let mut command = Command::new(cargo_lambda());
    command.args([
        "lambda",
        "watch",
        "--ignore-changes",
        "--wait",
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
        &port,
    ]);
    let mut watch = Program::run(command.arg("--env-file").arg(folder.path().join("functions.env")));
    let address = format!("http://127.0.0.1:{port}");
    let client = reqwest::Client::builder().timeout(Duration::from_secs(300)).build().unwrap();
    let health = client.get(format!("{address}/health"));
    watch
        .until("cargo lambda watch serves", Duration::from_secs(300), async || {
            try_send(health.try_clone().unwrap()).await.is_ok_and(|answer| answer.status == 200)
        })
        .await;

    let ask = |word: &str, key: &str| {
        let request =
            client.post(format!("{address}{SUGGEST}")).bearer_auth(demo::key(word)).header("Idempotency-Key", key);
        send(request.json(&json!({"contact_id": CONTACT, "count": 3})))
    };
    let first = ask("demo", "a").await;
    assert_eq!(first.status, 200, "{}\n{}", first.text, watch.output());
    assert_eq!(first.json()["data"]["credits_remaining"], 4_861);
    assert_eq!(first.json()["data"]["suggestions"][0]["title"], "Share fee proposal");
    let again = ask("demo", "a").await;
    assert_eq!((again.header("idempotent-replayed"), &again.text), ("true", &first.text));
    assert_eq!(ask("poor", "a").await.status, 402);
    let credits =
        send(client.get(format!("{address}/functions/v1/api-gateway/v1/credits")).bearer_auth(demo::key("read"))).await;
    assert_eq!(credits.json()["data"]["balance"], 4_861);
    assert_eq!(send(client.get(format!("{address}/v1/nothing"))).await.code(), (404, "not_found".to_owned()));

    // A function's log lines are JSON with the fields that Lambda reads.
    let answered = watch.output().lines().rev().find(|line| line.contains("\"answered\"")).map(str::to_owned).unwrap();
    let line: serde_json::Value = serde_json::from_str(&answered[answered.find('{').unwrap()..]).unwrap();
    assert_eq!((&line["level"], &line["message"]), (&json!("INFO"), &json!("answered")));
    assert!(line["timestamp"].is_string() && line["span"]["request_id"].is_string(), "{line}");
    watch.interrupt().await;
    let log = watch.output();
    for personal in ["Jane", "jane@acme.example", "2025550142", "flat-fee"] {
        assert!(!log.contains(personal), "the log holds {personal}");
    }
}
