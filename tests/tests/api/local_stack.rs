//! `cargo local` as a user runs it.

use cli::demo;
use serde_json::json;
use shared::base::context::FromContext;
use tests::binaries::{Program, binary, local};
use tests::{Answer, CONTACT, SUGGEST, send};
use tokio::process::Command;

async fn suggest(gateway: &str, word: &str, idempotency_key: Option<&str>) -> Answer {
    let mut request = tests::client().post(format!("{gateway}{SUGGEST}")).bearer_auth(demo::key(word));
    if let Some(key) = idempotency_key {
        request = request.header("Idempotency-Key", key);
    }
    send(request.json(&json!({"contact_id": CONTACT, "count": 3}))).await
}

#[tokio::test]
async fn the_first_start_has_demo_data_prints_a_curl_and_ctrl_c_ends_it_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let (mut program, ready) = local(folder.path(), &[], &[]).await;
    let gateway = ready.gateway.unwrap();
    let health = send(tests::client().get(format!("{gateway}/health"))).await;
    assert_eq!(health.status, 200);
    let answer = suggest(&gateway, "demo", None).await;
    let data = &answer.json()["data"];
    // The figures of the README's example.
    assert_eq!(data["credits_remaining"], 4_861);
    let summary = data["activity_summary"].as_str().unwrap();
    assert!(
        summary
            .starts_with("3 emails and 1 meeting with Jane in the last 14 days; last touch was a discovery call on "),
        "{summary}"
    );
    assert_eq!(data["suggestions"][0]["title"], "Share fee proposal");
    assert_eq!(data["suggestions"][1]["title"], "Schedule legal review session");

    for (word, status) in [("read", 403), ("poor", 402), ("past", 401), ("rival", 404)] {
        assert_eq!(suggest(&gateway, word, None).await.status, status, "{word}");
    }
    let printed = program.output();
    for expected in [
        &gateway,
        &demo::key("demo"),
        "curl -s",
        "123e4567-e89b-12d3-a456-426614174000",
        "213 leads",
        "conversations with",
        &format!("/users/{}/leads?limit=5", demo::USER),
        &format!("{}  reads only", demo::key("read")),
        "local.log",
    ] {
        assert!(printed.contains(expected), "{expected}: {printed}");
    }
    // The log is in a file, so the banner stays in sight.
    assert!(printed.trim_end().ends_with("Ctrl-C ends it.") && !printed.contains("answered"), "{printed}");
    assert!(std::fs::read_to_string(folder.path().join("local.log")).unwrap().contains("answered"));
    assert!(program.interrupt().await, "{}", program.output());
    assert!(!folder.path().join("ready.json").exists());
}

#[tokio::test]
async fn the_demo_user_has_the_documents_lead_and_some_60_others_and_its_namesake_has_others() {
    let folder = tempfile::tempdir().unwrap();
    let (_program, ready) = local(folder.path(), &["--ephemeral"], &[]).await;
    let leads = format!("{}/users/{}/leads", ready.gateway.unwrap(), demo::USER);
    let client = tests::client();
    let get = |word: &str, rest: &str| send(client.get(format!("{leads}{rest}")).bearer_auth(demo::key(word)));
    let stats = get("demo", "/stats").await.json()["data"].clone();
    assert_eq!(stats["total_leads"], 60);
    for count in [&stats["hot_leads"], &stats["warm_leads"], &stats["cold_leads"], &stats["leads_last_7_days"]] {
        assert!(count.as_u64().unwrap() >= 8, "{stats}");
    }
    assert_eq!(get("rival", "").await.json()["pagination"]["total"], 6);
    let found = get("demo", "?search=siddhant").await.json();
    let lead = &found["data"][0];
    assert_eq!((&found["pagination"]["total"], &lead["customer_phone"]), (&json!(1), &json!("918979556941")));
    assert_eq!((&lead["total_messages"], &lead["lead_status"]), (&json!(37), &json!("Warm")));
    assert_eq!(lead["first_contact_at"], "2025-10-05T06:21:34.662Z");
    let page = get("demo", "/918979556941/messages?limit=2").await.json()["data"].clone();
    assert_eq!(page["pagination"]["total"], 37);
    assert_eq!(page["messages"][0]["text"], "hi my name is siddhant");
    assert_eq!(page["messages"][1]["message_id"], "out-1759645300741-hij9fvlyv");
    assert_eq!(page["messages"][1]["timestamp"], "2025-10-05T06:21:42.667Z");
    assert_eq!(get("rival", "/918979556941").await.status, 404);
}

#[tokio::test]
async fn the_demo_user_has_a_channel_of_each_kind_for_webhooks() {
    let stack = local::Stack::start(local::Options { template: tests::template(), demo: true, ..Default::default() });
    let stack = stack.await.unwrap();
    let client = tests::client();
    let at = 1_760_000_000_123_i64;
    let instagram = json!({"object": "instagram", "entry": [{"id": demo::INSTAGRAM_ACCOUNT, "messaging": [{
        "sender": {"id": "1254459154682919"}, "recipient": {"id": demo::INSTAGRAM_ACCOUNT}, "timestamp": at,
        "message": {"mid": "aWdf1", "text": "hello"},
    }]}]});
    let mut whatsapp = tests::meta::text("wamid.demo", "16505551234", "Kerry", "hi");
    whatsapp["metadata"]["phone_number_id"] = json!(demo::PHONE_NUMBER_ID);
    for (lead, delivery) in [("1254459154682919", instagram), ("16505551234", tests::meta::whatsapp(&[whatsapp]))] {
        let body = delivery.to_string();
        let signature = tests::meta::signature(body.as_bytes());
        let request = client.post(format!("{}{}", stack.url(), tests::meta::WEBHOOK));
        let answer = send(request.header("X-Hub-Signature-256", signature).body(body)).await;
        assert_eq!((answer.status, answer.json()["taken"].clone()), (200, json!(1)), "{}", answer.text);
        let path = format!("{}/users/{}/leads/{lead}", stack.url(), demo::USER);
        let started = std::time::Instant::now();
        while send(client.get(&path).bearer_auth(demo::key("demo"))).await.status != 200 {
            assert!(started.elapsed().as_secs() < 20, "{lead} is not there");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn data_survives_kill_9_the_ledger_verifies_and_a_replayed_key_replays() {
    let folder = tempfile::tempdir().unwrap();
    let (mut program, ready) = local(folder.path(), &[], &[]).await;
    let gateway = ready.gateway.unwrap();
    let first = suggest(&gateway, "demo", Some("kept")).await;
    assert_eq!(first.status, 200);
    // Killed in the middle of work.
    let storm = (0..20).map(|_| suggest_or_nothing(gateway.clone()));
    let storm = tokio::spawn(futures_util::future::join_all(storm));
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    program.kill().await;
    let answered = storm.await.unwrap().into_iter().filter(|status| *status == Some(200)).count();

    let (mut program, ready) = local(folder.path(), &[], &[]).await;
    let replayed = suggest(ready.gateway.as_deref().unwrap(), "demo", Some("kept")).await;
    assert_eq!((replayed.status, replayed.header("idempotent-replayed"), &replayed.text), (200, "true", &first.text));
    let ready_file = folder.path().join("ready.json");
    let workspace = demo::WORKSPACE.to_string();
    let mut verify = Program::run(Command::new(binary("cli")).arg("--ready-file").arg(&ready_file).args([
        "credits",
        "verify",
        "--workspace",
        &workspace,
    ]));
    assert!(verify.end().await, "{}", verify.output());
    let mut show = Program::run(Command::new(binary("cli")).arg("--ready-file").arg(&ready_file).args([
        "--json",
        "credits",
        "show",
        "--workspace",
        &workspace,
    ]));
    assert!(show.end().await, "{}", show.output());
    let shown: serde_json::Value = serde_json::from_str(&show.output()).unwrap();
    // Everything that was answered was charged, once.
    assert!(shown["spent"].as_u64().unwrap() >= 2 + 2 * answered as u64, "{shown}");
    assert!(shown["spent"].as_u64().unwrap() <= 2 + 2 * 20, "{shown}");

    // Killed once more; what the storm left held is voided once it has expired.
    program.kill().await;
    let clock = shared::base::clock::Clock::default();
    clock.advance(chrono::TimeDelta::minutes(5));
    let stack = tests::start(tests::Setup { data: Some(folder.path().to_owned()), clock, ..Default::default() }).await;
    functions::sweeper::Sweeper::new(&stack.context).unwrap().sweep().await.unwrap();
    let ledger = shared::workspace::credits::Ledger::new(&stack.context).unwrap();
    assert_eq!(ledger.verify(demo::WORKSPACE).await.unwrap(), []);
    assert_eq!(ledger.balance(demo::WORKSPACE).await.unwrap().held, 0);
}

async fn suggest_or_nothing(gateway: String) -> Option<u16> {
    let request = tests::client().post(format!("{gateway}{SUGGEST}")).bearer_auth(demo::key("demo"));
    tests::try_send(request.json(&json!({"contact_id": CONTACT}))).await.ok().map(|answer| answer.status)
}

#[tokio::test]
async fn a_data_folder_of_another_version_is_named_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let start = |template: String| {
        let data = Some(folder.path().to_owned());
        local::Stack::start(local::Options { template, data, emulators_only: true, ..Default::default() })
    };
    let now = tests::template();
    start(now.clone()).await.unwrap().stop().await;
    start(now.clone()).await.unwrap().stop().await;
    for (this, other) in [
        ("IndexName: unscored", "IndexName: unanswered"),
        ("IndexName: contacts", "IndexName: people"),
        ("AttributeName: changed_at,", "AttributeName: moved_at,"),
        ("NonKeyAttributes: [lead_id]", "NonKeyAttributes: [lead_id, version]"),
    ] {
        assert!(now.contains(this), "{this}");
        let other = now.replace(this, other);
        let error = start(other).await.unwrap_err().to_string();
        for part in ["lead-followup-leads", folder.path().to_str().unwrap(), "delete", "--data"] {
            assert!(error.contains(part), "{this}: {error}");
        }
    }
    start(now).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_busy_port_is_one_clear_line() {
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    for option in ["--port", "--dynamodb-port", "--sqs-port"] {
        let ports = ["--port", "--dynamodb-port", "--sqs-port"]
            .iter()
            .flat_map(|name| [*name, if *name == option { &port } else { "0" }]);
        let mut program = Program::run(Command::new(binary("local")).arg("--data").arg(folder.path()).args(ports));
        assert!(!program.end().await);
        assert_eq!(program.output(), format!("error: port {port} is in use; choose another with {option}\n"));
    }
}

#[tokio::test]
async fn a_second_one_in_the_same_folder_is_refused_and_leaves_the_first_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (_first, ready) = local(folder.path(), &["--no-demo"], &[]).await;
    let mut command = Command::new(binary("local"));
    command.args(["--port", "0", "--dynamodb-port", "0", "--sqs-port", "0", "--data"]).arg(folder.path());
    let mut second = Program::run(&mut command);
    assert!(!second.end().await);
    assert!(second.output().starts_with("error: another cargo local is using "), "{}", second.output());
    assert!(folder.path().join("ready.json").exists());
    assert_eq!(send(tests::client().get(format!("{}/health", ready.gateway.unwrap()))).await.status, 200);
}

#[tokio::test]
async fn an_ephemeral_one_runs_beside_another_and_leaves_its_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    // Whichever starts first.
    let (mut early, ephemeral) = local(folder.path(), &["--ephemeral", "--no-demo"], &[]).await;
    let (_lasting, lasting) = local(folder.path(), &["--no-demo"], &[]).await;
    assert_ne!(ephemeral.gateway, lasting.gateway);
    let ready = std::fs::read(folder.path().join("ready.json")).unwrap();
    let mut command = Command::new(binary("local"));
    command.args(["--port", "0", "--dynamodb-port", "0", "--sqs-port", "0", "--no-demo", "--ephemeral", "--data"]);
    let mut late = Program::run(command.arg(folder.path()));
    late.printed("Ctrl-C ends it.").await;
    for gateway in [&ephemeral.gateway, &lasting.gateway] {
        let health = format!("{}/health", gateway.as_deref().unwrap());
        assert_eq!(send(tests::client().get(health)).await.status, 200);
    }
    assert!(early.interrupt().await && late.interrupt().await);
    assert_eq!(std::fs::read(folder.path().join("ready.json")).unwrap(), ready);
}

#[tokio::test]
async fn a_broken_or_missing_template_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("template.yaml");
    std::fs::write(&broken, tests::template().replace("!Ref AccountsTable", "!Ref AccountTable")).unwrap();
    let missing = folder.path().join("nothing.yaml");
    for (template, expected) in
        [(&broken, "refers to AccountTable, which is not declared"), (&missing, "run from the project's folder")]
    {
        let mut command = Command::new(binary("local"));
        command
            .args(["--port", "0", "--dynamodb-port", "0", "--sqs-port", "0", "--ephemeral", "--data"])
            .arg(folder.path());
        let mut program = Program::run(command.arg("--template").arg(template));
        assert!(!program.end().await);
        let told = program.output();
        assert!(told.starts_with("error: ") && told.contains(expected) && told.lines().count() == 1, "{told}");
    }
}

#[tokio::test]
async fn ephemeral_data_is_gone_and_no_demo_means_none() {
    let folder = tempfile::tempdir().unwrap();
    let (mut program, ready) = local(folder.path(), &["--ephemeral", "--no-demo"], &[]).await;
    assert_eq!(suggest(ready.gateway.as_deref().unwrap(), "demo", None).await.status, 401);
    assert!(program.interrupt().await);
    assert!(!folder.path().join("dynamodb.sqlite").exists());
}

#[tokio::test]
async fn a_real_model_takes_the_composers_place() {
    let model =
        tests::ScriptedModel::start(vec![tests::ModelReply::suggestions(&[tests::suggestion("linkedin")])]).await;
    let named = model.as_model();
    let folder = tempfile::tempdir().unwrap();
    let variables = [("LLM_BASE_URL", named.base_url.as_str()), ("LLM_API_KEY", "k"), ("LLM_MODEL", "m")];
    let (program, ready) = local(folder.path(), &["--ephemeral"], &variables).await;
    let answer = suggest(ready.gateway.as_deref().unwrap(), "demo", None).await;
    assert_eq!(answer.json()["data"]["suggestions"][0]["type"], "linkedin");
    assert_eq!(model.requests()[0]["model"], "m");
    assert!(!program.output().contains("built-in composer"));
}

#[tokio::test]
async fn a_model_without_a_name_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary("local"));
    command
        .args(["--port", "0", "--dynamodb-port", "0", "--sqs-port", "0", "--ephemeral", "--data"])
        .arg(folder.path());
    let mut program = Program::run(command.env("LLM_BASE_URL", "http://127.0.0.1:9/v1").env_remove("LLM_MODEL"));
    assert!(!program.end().await);
    assert!(program.output().contains("environment variable LLM_MODEL is not set"), "{}", program.output());
}

#[tokio::test]
async fn a_function_without_its_configuration_names_what_is_missing_and_does_not_start() {
    let runtime = [
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ];
    let aws = [
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ];
    for (name, missing) in [
        ("suggest-followups", "ACCOUNTS_TABLE"),
        ("credits", "ACCOUNTS_TABLE"),
        ("sweeper", "CREDITS_TABLE"),
        ("score-due", "LEADS_TABLE"),
        ("lead-scorer", "LEADS_TABLE"),
    ] {
        let mut program = Program::run(Command::new(binary(name)).envs(runtime).envs(aws));
        assert!(!program.end().await);
        assert!(
            program.output().contains(&format!("environment variable {missing} is not set")),
            "{}",
            program.output()
        );
    }
}
