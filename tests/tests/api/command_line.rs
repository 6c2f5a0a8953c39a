//! `cargo cli` against a running `cargo local`: from nothing to a first answer, and to webhooks, as an
//! operator goes.

use std::path::Path;

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::base::clock::Clock;
use tests::binaries::{Program, binary, local};
use tests::meta::{PHONE, USER, WEBHOOK, signature, text, whatsapp};
use tests::{SUGGEST, scan, send};
use tokio::process::Command;

/// Runs a command with `--json`, and gives its exit status and document; an error is a line of text.
async fn cli(folder: &Path, arguments: &[&str]) -> (bool, Value) {
    let mut command = Command::new(binary("cli"));
    command.arg("--ready-file").arg(folder.join("ready.json")).arg("--json").args(arguments);
    let mut program = Program::run(&mut command);
    let good = program.end().await;
    let output = program.output();
    (good, serde_json::from_str(&output).unwrap_or(Value::String(output)))
}

async fn done(folder: &Path, arguments: &[&str]) -> Value {
    let (good, document) = cli(folder, arguments).await;
    assert!(good, "{arguments:?}: {document}");
    document
}

#[tokio::test]
async fn a_workspace_a_key_credits_and_an_import_lead_to_suggestions() {
    let folder = tempfile::tempdir().unwrap();
    let (_program, ready) = local(folder.path(), &["--no-demo"], &[]).await;
    let gateway = ready.gateway.unwrap();

    let workspace = done(folder.path(), &["workspace", "create", "--name", "Acme Sales"]).await;
    let workspace = workspace["workspace_id"].as_str().unwrap().to_owned();
    let key = done(folder.path(), &["key", "create", "--workspace", &workspace, "--permissions", "read,write"]).await;
    let (key, key_id) = (key["key"].as_str().unwrap().to_owned(), key["key_id"].as_str().unwrap().to_owned());
    done(folder.path(), &["credits", "grant", "--workspace", &workspace, "10"]).await;

    let file = folder.path().join("leads.jsonl");
    let yesterday = (Clock::default().now() - TimeDelta::days(1)).to_rfc3339();
    let lead = json!({
        "external_ref": "LD-1", "full_name": "Ada Byron", "email": "Ada@Engine.Example", "phone": "+44 20 7946 0958",
        "activities": [{"type": "call", "occurred_at": yesterday, "title": "Pricing call"}],
    });
    std::fs::write(&file, format!("{lead}\nnot json\n")).unwrap();
    let import = ["leads", "import", file.to_str().unwrap(), "--workspace", &workspace];
    let (good, first) = cli(folder.path(), &import).await;
    assert!(!good, "a rejected row is no complete success: {first}");
    assert_eq!(
        (&first["created"], &first["activities_added"], &first["rejected"]),
        (&json!(1), &json!(1), &json!(1)),
        "{first}"
    );
    let rejects = std::fs::read_to_string(folder.path().join("leads.rejects.jsonl")).unwrap();
    assert!(rejects.contains('2'), "the line is named: {rejects}");
    let (_, again) = cli(folder.path(), &import).await;
    assert_eq!(
        (&again["created"], &again["updated"], &again["unchanged"], &again["activities_added"]),
        (&json!(0), &json!(0), &json!(1), &json!(0)),
        "{again}"
    );

    let items = scan(&ready.dynamodb, &ready.environment["LEADS_TABLE"]).await;
    let contact_id = items.iter().find(|item| item["sk"]["S"] == "lead").unwrap()["lead_id"]["S"].clone();
    let request =
        tests::client().post(format!("{gateway}{SUGGEST}")).bearer_auth(&key).json(&json!({"contact_id": contact_id}));
    let answer = send(request.try_clone().unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let data = &answer.json()["data"];
    assert!(
        data["activity_summary"]
            .as_str()
            .unwrap()
            .starts_with("1 call with Ada in the last 7 days; last touch was a pricing call"),
        "{data}"
    );
    assert_eq!(data["credits_remaining"], 8);

    done(folder.path(), &["credits", "verify", "--workspace", &workspace]).await;
    done(folder.path(), &["key", "revoke", "--workspace", &workspace, &key_id]).await;
    assert_eq!(send(request).await.status, 401);
}

#[tokio::test]
async fn webhooks_are_taken_from_when_a_channel_is_added_until_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (_program, ready) = local(folder.path(), &["--no-demo"], &[]).await;
    let gateway = ready.gateway.unwrap();
    let create = async |name: &str| done(folder.path(), &["workspace", "create", "--name", name]).await;
    let workspace = create("Acme Sales").await["workspace_id"].as_str().unwrap().to_owned();
    let rival = create("Rival").await["workspace_id"].as_str().unwrap().to_owned();
    let key = done(folder.path(), &["key", "create", "--workspace", &workspace, "--permissions", "read"]).await;
    let key = key["key"].as_str().unwrap().to_owned();

    let client = tests::client();
    let deliver = async |id: &str| {
        let body = whatsapp(&[text(id, "16505551234", "Kerry", "hi")]).to_string();
        let request =
            client.post(format!("{gateway}{WEBHOOK}")).header("X-Hub-Signature-256", signature(body.as_bytes()));
        let answer = send(request.body(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["taken"].as_u64().unwrap()
    };
    let messages = async || {
        let path = format!("{gateway}/users/{USER}/leads/16505551234/messages");
        let answer = send(client.get(path).bearer_auth(&key)).await;
        answer.json()["data"]["messages"].as_array().map_or(0, Vec::len)
    };
    let channel = async |of: &str, what: &str, rest: &[&str]| {
        cli(folder.path(), &[&["channel", what, "--workspace", of], rest].concat()).await
    };
    let phone = ["--platform", "whatsapp", "--id", PHONE];
    let add = [&phone[..], &["--user", USER, "--agent-name", "Ava"]].concat();

    assert_eq!(deliver("wamid.before").await, 0);
    let (good, added) = channel(&workspace, "add", &add).await;
    assert!(good, "{added}");
    assert!(!channel(&rival, "add", &add).await.0, "another workspace took the channel over");
    let (_, listed) = channel(&workspace, "list", &[]).await;
    assert!(listed.to_string().contains(PHONE) && listed.to_string().contains("Ava"), "{listed}");
    assert!(!channel(&rival, "list", &[]).await.1.to_string().contains(PHONE));

    assert_eq!(deliver("wamid.while").await, 1);
    for _ in 0..100 {
        if messages().await > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(messages().await, 1);

    assert!(!channel(&rival, "remove", &phone).await.0, "another workspace removed the channel");
    let (good, removed) = channel(&workspace, "remove", &phone).await;
    assert!(good, "{removed}");
    assert_eq!(deliver("wamid.after").await, 0);
    assert!(!channel(&workspace, "list", &[]).await.1.to_string().contains(PHONE));
    assert_eq!(messages().await, 1);
}

#[tokio::test]
async fn without_a_running_stack_it_says_what_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary("cli"));
    let mut program =
        Program::run(command.arg("--ready-file").arg(folder.path().join("ready.json")).args(["seed", "demo"]));
    assert!(!program.end().await);
    let told = program.output();
    assert!(told.starts_with("error: ") && told.contains("cargo local") && told.lines().count() == 1, "{told}");
}
