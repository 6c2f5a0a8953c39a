//! Proves, with the built command against an embedded DynamoDB: what a command writes the next one
//! reads; repeating an import changes nothing; a lead that was imported is found again; wrong values
//! are left out with a warning, and rejected rows end up in their file; imported prospects are found by a
//! search; a person is erased; leads are followed up with the
//! sites and agents that were added; the demo keys stay on this machine; and the channel model is evaluated
//! without a stack.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use shared::base::context::FromContext;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

/// The template's tables, and a folder for the files of one test.
struct Stack {
    folder: PathBuf,
    tables: local::Stack,
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Stack {
    async fn start(test: &str) -> Self {
        Self::with(test, local::Options { emulators_only: true, ..local::Options::default() }).await
    }

    /// With the functions behind a gateway, too.
    async fn with_api(test: &str) -> Self {
        Self::with(test, local::Options::default()).await
    }

    async fn with(test: &str, options: local::Options) -> Self {
        let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap();
        let tables = local::Stack::start(local::Options { template, ..options }).await.unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let stack = Self { folder, tables };
        std::fs::create_dir_all(&stack.folder).unwrap();
        let ready = serde_json::to_string(&stack.tables.ready).unwrap();
        stack.file("ready.json", ready.as_bytes());
        stack
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> Option<String> {
        std::fs::read(self.folder.join(name)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let ready = self.folder.join("ready.json");
        let command = Command::new(env!("CARGO_BIN_EXE_cli"))
            .args(arguments)
            .arg("--ready-file")
            .arg(ready)
            .stdin(std::process::Stdio::null())
            .output();
        command.await.unwrap()
    }

    /// The exit status and the JSON document of a command.
    async fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.run(&[arguments, &["--json"]].concat()).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).expect(&errors))
    }

    /// The exit status of a command and what it says, on both streams.
    async fn text(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.run(arguments).await;
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code().unwrap(), out, err)
    }

    /// Direct access to the tables.
    fn context(&self) -> shared::base::context::Context {
        self.tables.context.clone()
    }

    /// Identifiers and numbers of the stored messages in the one partition that begins and ends so.
    async fn messages(&self, begins: &str, ends: &str) -> Vec<(String, u64)> {
        let scanned =
            self.context().dynamodb.scan().table_name(&self.tables.variables["LEADS_TABLE"]).send().await.unwrap();
        let in_partition = |item: &std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>| {
            let pk = item["pk"].as_s().unwrap();
            pk.starts_with(begins) && pk.ends_with(ends)
        };
        let items = scanned.items().iter().filter(|item| in_partition(item));
        let told = |item: &std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>| {
            let number = item["sequence_no"].as_n().unwrap().parse().unwrap();
            (item["message_id"].as_s().unwrap().clone(), number)
        };
        items.map(told).collect()
    }

    async fn workspace(&self) -> String {
        let (status, made) = self.json(&["workspace", "create", "--name", "Acme"]).await;
        assert_eq!(status, 0);
        made["workspace_id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_counted_asked_about_and_erased() {
    let stack = Stack::start("erase").await;
    let workspace = stack.workspace().await;
    let file = stack.file("one.csv", b"Name,Email,Phone\nAda Byron,ada@engine.example,+442079460958\n");
    assert_eq!(stack.json(&["leads", "import", &file, "--workspace", &workspace]).await.0, 0);
    let erase = ["leads", "erase", "--workspace", &workspace, "--email", "Ada@Engine.example"];
    let with = |more: &'static str| [&erase[..], &[more]].concat();

    let (status, out, _) = stack.text(&with("--dry-run")).await;
    assert!(status == 0 && out.starts_with("Would be erased:") && out.contains("identities  2"), "{out}");
    assert!(!out.contains("Ada") && !out.contains("engine") && !out.contains("958"), "{out}");
    // Nobody answers.
    let (status, _, err) = stack.text(&erase).await;
    assert!(status == 1 && err.ends_with("error: nothing was erased\n"), "{err}");
    assert_eq!(stack.json(&["leads", "find", "ada@engine.example", "--workspace", &workspace]).await.0, 0);

    let (status, erased) = stack.json(&with("--yes")).await;
    assert_eq!((status, &erased["erased"], &erased["found"]["counts"]["contacts"]), (0, &json!(true), &json!(1)));
    assert_eq!(
        stack.run(&["leads", "find", "ada@engine.example", "--workspace", &workspace]).await.status.code(),
        Some(1)
    );
    let (status, out, _) = stack.text(&with("--yes")).await;
    assert_eq!((status, out.as_str()), (0, "There is nothing of this person in the workspace.\n"));
    let (status, verified, _) = stack.text(&["credits", "verify", "--workspace", &workspace]).await;
    assert_eq!(status, 0, "{verified}");
    let nobody = stack.run(&["leads", "erase", "--workspace", &workspace]).await;
    assert_eq!(nobody.status.code(), Some(2), "it has to be said who");
}

fn counts(summary: &Value) -> [u64; 6] {
    ["rows", "created", "updated", "unchanged", "activities_added", "rejected"]
        .map(|name| summary[name].as_u64().unwrap())
}

/// A date that no import finds too old.
fn recent() -> String {
    (shared::base::clock::Clock::default().now() - chrono::TimeDelta::days(30)).format("%Y-%m-%d").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_can_be_listed_and_revoked() {
    let stack = Stack::start("keys").await;
    let workspace = stack.workspace().await;
    let of = ["--workspace", &workspace];
    let create = ["key", "create", "--permissions", "ai:write, read", "--expires", "90d", "--per-minute", "7"];
    let (status, made) = stack.json(&[&create[..], &of].concat()).await;
    assert_eq!(status, 0);
    assert_eq!(made["key"].as_str().unwrap().len(), 56);
    assert_eq!(made["permissions"], json!(["write:ai", "read:ai", "read:leads"]));

    let listed = stack.run(&["key", "list", of[0], of[1]]).await;
    let text = String::from_utf8_lossy(&listed.stdout);
    assert!(text.contains("7/min 10000/day") && !text.contains(made["key"].as_str().unwrap()), "{text}");

    let key_id = made["key_id"].as_str().unwrap();
    assert_eq!(stack.json(&["key", "revoke", of[0], of[1], key_id]).await.0, 0);
    let (_, listed) = stack.json(&["key", "list", of[0], of[1]]).await;
    assert!(listed["keys"][0]["revoked_at"].is_string(), "{listed}");
    let unknown = stack.run(&["key", "revoke", of[0], of[1], &workspace]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).starts_with("error: the workspace "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_keeps_its_name_and_rights_and_the_old_one_ends() {
    let stack = Stack::with_api("rotation").await;
    let workspace = stack.workspace().await;
    let of = ["--workspace", &workspace];
    let create = ["key", "create", "--name", "CRM", "--permissions", "read:ai", "--per-day", "50"];
    let (_, old) = stack.json(&[&create[..], &of].concat()).await;
    let used = async |key: &Value| {
        let url = format!("{}/v1/credits", stack.tables.url());
        let request = reqwest::Client::new().get(url).bearer_auth(key["key"].as_str().unwrap());
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(used(&old).await, 200);
    let id = |key: &Value| key["key_id"].as_str().unwrap().to_owned();
    let (status, new) = stack.json(&["key", "rotate", of[0], of[1], &id(&old), "--overlap", "1h"]).await;
    assert_eq!((status, &new["name"], &new["per_day"]), (0, &json!("CRM"), &json!(50)));
    assert_eq!((&new["permissions"], &new["replaces"]["key_id"]), (&json!(["read:ai"]), &old["key_id"]));
    // Both are good for an hour.
    assert_eq!((used(&old).await, used(&new).await), (200, 200));
    let (_, listed) = stack.json(&["key", "list", of[0], of[1]]).await;
    let old_now = listed["keys"].as_array().unwrap().iter().find(|key| key["key_id"] == old["key_id"]).unwrap();
    assert!(old_now["last_used_at"].is_string() && old_now["expires_at"] == new["replaces"]["expires_at"], "{listed}");

    // A key for a time is not prolonged, and ends no later because it is replaced.
    let short = ["key", "create", "--permissions", "read:ai", "--expires", "2d"];
    let (_, short) = stack.json(&[&short[..], &of].concat()).await;
    let (_, next) = stack.json(&["key", "rotate", of[0], of[1], &id(&short), "--overlap", "7d"]).await;
    assert_eq!((&next["expires_at"], &next["replaces"]["expires_at"]), (&short["expires_at"], &short["expires_at"]));

    // Without an overlap the old one is refused at once, and cannot be rotated again.
    let (_, newest) = stack.json(&["key", "rotate", of[0], of[1], &id(&new), "--overlap", "0h"]).await;
    assert_eq!((used(&new).await, used(&newest).await), (401, 200));
    let (status, _, err) = stack.text(&["key", "rotate", of[0], of[1], &id(&new)]).await;
    assert!(status == 1 && err.contains("is revoked or expired"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_workspace_is_verified_at_once() {
    let stack = Stack::start("verify-all").await;
    let (first, second) = (stack.workspace().await, stack.workspace().await);
    assert_eq!(stack.json(&["credits", "grant", "5", "--workspace", &first]).await.0, 0);
    let (status, verified) = stack.json(&["credits", "verify", "--all"]).await;
    let agree = |id: &str| json!({"workspace_id": id, "agrees": true, "differences": []});
    assert_eq!((status, verified), (0, json!({"workspaces": [agree(&first), agree(&second)]})));
    // A balance that somebody changed by hand.
    let balance = stack.context().dynamodb.scan().table_name(&stack.tables.variables["CREDITS_TABLE"]).send().await;
    let item = balance.unwrap().items().iter().find(|item| item["sk"].as_s().unwrap() == "balance").unwrap().clone();
    let six = aws_sdk_dynamodb::types::AttributeValue::N("6".to_owned());
    let put = stack.context().dynamodb.put_item().table_name(&stack.tables.variables["CREDITS_TABLE"]);
    put.set_item(Some(item)).item("available", six).send().await.unwrap();
    let (status, text, _) = stack.text(&["credits", "verify", "--all"]).await;
    assert!(status == 1 && text.contains("does not agree: available"), "{text}");
    for wrong in [&["credits", "verify"][..], &["credits", "verify", "--all", "--workspace", &first]] {
        assert_eq!(stack.run(wrong).await.status.code(), Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_shown_by_whatever_names_it() {
    let stack = Stack::start("show").await;
    let workspace = stack.workspace().await;
    let rows = format!(
        "Record ID,Name,Email,Activity Type,Activity Date,Activity Subject\nLD-1,Ada,ada@engine.example,call,{},Pricing\n",
        recent()
    );
    let file = stack.file("one.csv", rows.as_bytes());
    assert_eq!(stack.json(&["leads", "import", &file, "--workspace", &workspace]).await.0, 0);
    let show = async |lead: &str| stack.json(&["leads", "show", lead, "--workspace", &workspace]).await.1;
    let lead = show("LD-1").await;
    assert_eq!((&lead["full_name"], &lead["activities"][0]["title"]), (&json!("Ada"), &json!("Pricing")));
    assert_eq!(show("ada@engine.example").await, lead);
    assert_eq!(show(lead["lead_id"].as_str().unwrap()).await, lead);
    let (status, text, _) = stack.text(&["leads", "show", "LD-1", "--workspace", &workspace]).await;
    assert!(status == 0 && text.contains("ada@engine.example") && text.contains("Pricing"), "{text}");
    assert_eq!(stack.text(&["leads", "show", "LD-2", "--workspace", &workspace]).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recommendation_is_listed_shown_and_approved() {
    let stack = Stack::with_api("review").await;
    let workspace = stack.workspace().await;
    let of = ["--workspace", &workspace];
    assert_eq!(stack.json(&["credits", "grant", "50", of[0], of[1]]).await.0, 0);
    let site = ["site", "add", "--name", "Acme", "--url", "https://acme.example", "--email", "sales@acme.example"];
    assert_eq!(stack.json(&[&site[..], &of].concat()).await.0, 0);
    let (_, key) = stack.json(&["key", "create", "--permissions", "read,write", of[0], of[1]]).await;
    let key = key["key"].as_str().unwrap();
    let file = stack.file("one.csv", b"Record ID,Name,Email\nLD-1,Ada Byron,ada@engine.example\n");
    assert_eq!(stack.json(&["leads", "import", &file, of[0], of[1]]).await.0, 0);
    let (_, lead) = stack.json(&["leads", "find", "LD-1", of[0], of[1]]).await;
    let events = json!([{"type": "email", "outcome": "opened"}, {"type": "email", "outcome": "replied"}]);
    let asked = reqwest::Client::new()
        .post(format!("{}/api/v1/ai/followup/recommendation", stack.tables.url()))
        .bearer_auth(key)
        .json(&json!({"lead_id": lead["lead_id"], "engagement_history": events}))
        .send();
    let asked = asked.await.unwrap();
    let (status, made) = (asked.status(), asked.json::<Value>().await.unwrap());
    assert_eq!(status, 200, "{made}");
    let id = made["recommendation_id"].as_str().unwrap();

    let with = |arguments: &[&'static str]| [arguments, &["--key"]].concat();
    let run = async |arguments: &[&'static str], more: &[&str]| {
        let arguments = with(arguments);
        stack.json(&[&arguments[..], &[key], more].concat()).await
    };
    let (status, listed) = run(&["recommendations", "list"], &[]).await;
    assert_eq!((status, &listed["recommendations"][0]["recommendation_id"]), (0, &made["recommendation_id"]));
    let (_, shown) = run(&["recommendations", "show"], &[id]).await;
    assert_eq!((&shown["version"], &shown["status"]), (&json!(1), &json!("pending_review")));
    let changed =
        [id, "--version", "1", "--channel", "email", "--title", "Your proposal", "--message", "Hi Ada, shall we talk?"];
    let (status, approved) = run(&["recommendations", "approve"], &changed).await;
    assert_eq!((status, &approved["status"]), (0, &json!("approved")), "{approved}");
    let (status, _, err) = stack.text(&["recommendations", "approve", id, "--key", key, "--version", "1"]).await;
    assert!(status == 1 && err.starts_with("error: 409"), "{err}");
    let (status, _, err) = stack.text(&["recommendations", "list", "--key", "wbk_wrong"]).await;
    assert!(status == 1 && err.starts_with("error: 401"), "{err}");
}

#[tokio::test]
async fn each_shell_has_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = Command::new(env!("CARGO_BIN_EXE_cli")).args(["completions", shell]).output().await.unwrap();
        let script = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && script.contains("recommendations") && script.contains("rotate"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_rejected_rows_says_so_also_when_nobody_reads_on() {
    let stack = Stack::start("pipe").await;
    let workspace = stack.workspace().await;
    let file = stack.file("one.csv", b"Name,Email\nAda,ada@engine.example\nBob\xff,bob@engine.example\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cli"))
        .args(["leads", "import", &file, "--workspace", &workspace, "--ready-file"])
        .arg(stack.folder.join("ready.json"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().await.unwrap().code(), Some(3));
}

/// The exports that docs/importing.md names, with the columns that each writes and the options that the page adds.
#[tokio::test(flavor = "multi_thread")]
async fn the_export_of_every_crm_that_the_documents_name_is_read() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/importing.md")).unwrap();
    let exports = [
        (
            "HubSpot",
            "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Create Date,Associated Company,Job Title\n\
             512,Ada,Byron,ada@engine.example,+44 20 7946 0958,Kim,Open,2026-10-01 09:00,Engine & Co,CEO\n",
        ),
        (
            "Salesforce",
            "\"Contact ID\",\"First Name\",\"Last Name\",\"Title\",\"Account Name\",\"Email\",\"Phone\",\"Lead Source\"\n\
             \"003D000001abcde\",\"Ada\",\"Byron\",\"CEO\",\"Engine & Co\",\"ada@engine.example\",\"+44 20 7946 0958\",\"Web\"\n",
        ),
        (
            "Pipedrive",
            "Person - ID,Person - Name,Person - Organization,Person - Job title,Person - Email - Work,Person - Phone - Work\n\
             17,Ada Byron,Engine & Co,CEO,ada@engine.example,+44 20 7946 0958\n",
        ),
        (
            "Google Contacts",
            "First Name,Middle Name,Last Name,Organization Name,Organization Title,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value\n\
             Ada,,Byron,Engine & Co,CEO,* Work,ada@engine.example,Mobile,+44 20 7946 0958\n",
        ),
    ];
    for (number, (name, export)) in exports.into_iter().enumerate() {
        let stack = Stack::start(&format!("export-{number}")).await;
        let workspace = stack.workspace().await;
        let row = document.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
        let maps = row.split("--map \"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let file = stack.file("export.csv", export.as_bytes());
        let mut import = vec!["leads", "import", &file, "--workspace", &workspace];
        import.extend(maps.flat_map(|map| ["--map", map]));
        let (status, report) = stack.json(&import).await;
        assert_eq!((status, &report["created"]), (0, &json!(1)), "{name}: {report}");
        let (_, lead) = stack.json(&["leads", "find", "ada@engine.example", "--workspace", &workspace]).await;
        let fields = ["full_name", "company_name", "job_title", "phone"].map(|field| lead[field].clone());
        assert_eq!(json!(fields), json!(["Ada Byron", "Engine & Co", "CEO", "+442079460958"]), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_grant_adds_nothing_and_the_ledger_agrees() {
    let stack = Stack::start("credits").await;
    let workspace = stack.workspace().await;
    let of = ["--workspace", &workspace];
    let grant = ["credits", "grant", "500", "--reason", "Invoice 1", "--grant-id", &workspace, of[0], of[1]];
    let (_, first) = stack.json(&grant).await;
    let (_, again) = stack.json(&grant).await;
    assert_eq!((&first["added"], &again["added"]), (&json!(true), &json!(false)));
    assert_eq!(again["balance"]["available"], 500);
    let other = stack.run(&["credits", "grant", "400", "--grant-id", &workspace, of[0], of[1]]).await;
    assert_eq!(other.status.code(), Some(1));

    let (_, shown) = stack.json(&["credits", "show", of[0], of[1]]).await;
    assert_eq!(shown["latest"][0]["action"], "Invoice 1");
    assert_eq!(
        stack.json(&["credits", "verify", of[0], of[1]]).await,
        (0, json!({ "agrees": true, "differences": [] }))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_a_file_twice_changes_nothing_the_second_time() {
    let stack = Stack::start("import").await;
    let workspace = stack.workspace().await;
    let day = recent();
    let file = stack.file(
        "contacts.csv",
        format!(
            "\u{feff}Record ID,First Name,Last Name,Email,Phone Number,Owner,Activity Type,Activity Date,Activity Notes\n\
             1,Jane,Doe,Jane@Example.org,+1 415 555 0100,me,Call,{day},first\n\
             1,,,,,me,Call,{day},second\n\
             2,Joe,Roe,joe@example.org,,me,,,\n\
             ,Ann,Poe,ann.example.org,,me,,,\n\
             3,Eve,Moe,,+1 415 555 0100,me,,,\n"
        )
        .as_bytes(),
    );
    let import = ["leads", "import", &file, "--workspace", &workspace];

    let (status, looked) = stack.json(&[&import[..], &["--dry-run"]].concat()).await;
    assert_eq!((status, counts(&looked)), (3, [5, 2, 0, 0, 2, 2]));
    assert_eq!(stack.read("contacts.rejects.csv"), None);

    let (status, first) = stack.json(&import).await;
    assert_eq!((status, counts(&first)), (3, [5, 2, 0, 0, 2, 2]));
    assert_eq!(first["ignored_columns"], json!(["Owner"]));
    let rejects = stack.read("contacts.rejects.csv").unwrap();
    assert!(rejects.contains("\n5,email has no @,,Ann,Poe,"), "{rejects}");
    assert!(rejects.contains("\n6,its phone belongs to another lead of this file,3,Eve,"), "{rejects}");

    assert_eq!(counts(&stack.json(&import).await.1), [5, 0, 0, 2, 0, 2]);

    let corrected = stack.file("corrected.csv", rejects.replace("ann.example", "ann@example").as_bytes());
    let (_, last) = stack.json(&["leads", "import", &corrected, "--workspace", &workspace]).await;
    assert_eq!((counts(&last), &last["ignored_columns"]), ([2, 1, 0, 0, 0, 1], &json!(["Owner"])));
    assert_eq!(last["first_rejected"][0]["reason"], "its phone belongs to another lead");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_says_overwrites_and_what_it_leaves_out_stays() {
    let stack = Stack::start("overwrite").await;
    let workspace = stack.workspace().await;
    let import = async |name: &str, content: String| {
        let file = stack.file(name, content.as_bytes());
        stack.json(&["leads", "import", &file, "--workspace", &workspace]).await
    };
    let day = recent();
    let first = format!(
        "{{\"external_ref\": 7, \"email\": \"a@x.org\", \"stage\": \"new\", \"activities\": [{{\"type\": \"call\", \"occurred_at\": \"{day}\"}}]}}\n\
         {{\"email\": \"b@x.org\"}}\n"
    );
    let (status, done) = import("first.jsonl", first.clone()).await;
    assert_eq!((status, counts(&done)), (0, [2, 2, 0, 0, 1, 0]));
    // Found by the e-mail address alone; the rest stays, and so the first file changes it back.
    let changed = import("second.ndjson", "{\"email\": \"A@X.org\", \"stage\": \"won\"}".to_owned()).await;
    assert_eq!(counts(&changed.1), [1, 0, 1, 0, 0, 0]);
    assert_eq!(counts(&import("first.jsonl", first).await.1), [2, 0, 1, 1, 0, 0]);
    // One that takes another lead's address, and one that is somebody else by a stronger identity.
    let mixed = "{\"external_ref\": \"7\", \"email\": \"b@x.org\"}\n{\"external_ref\": \"8\", \"email\": \"a@x.org\"}\n{nonsense\n";
    let (status, mixed) = import("mixed.jsonl", mixed.to_owned()).await;
    assert_eq!((status, counts(&mixed)), (3, [3, 0, 0, 0, 0, 3]));
    assert!(stack.read("mixed.rejects.jsonl").unwrap().contains("\"rejected_line\":3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_lead_is_found_by_its_identities_and_listed() {
    let stack = Stack::start("find").await;
    let workspace = stack.workspace().await;
    let of = ["--workspace", &workspace];
    let file = stack.file(
        "kontakte.csv",
        "Nr;Vorname;Nachname;E-Mail;Telefon;Firma\n\
         7;Zoë;Ä;zoe@x.org;+49 30 1234567;Acme GmbH\n\
         8;bob;B;bob@x.org;;Other\n\
         9;;;nobody@x.org;;\n"
            .as_bytes(),
    );
    let import = ["leads", "import", &file, "--map", "Nr=external_ref", of[0], of[1]];
    let (status, text, _) = stack.text(&import).await;
    assert_eq!(status, 0);
    assert!(text.contains("\n\nThe leads and their ids: cargo cli --ready-file "), "{text}");
    assert!(text.ends_with(&format!(" leads list --workspace {workspace}\n")), "{text}");
    let (_, again) = stack.json(&import).await;
    let outcomes: Vec<_> =
        again["leads"].as_array().unwrap().iter().map(|lead| (&lead["line"], &lead["outcome"])).collect();
    let unchanged = json!("unchanged");
    assert_eq!(outcomes, [(&json!(2), &unchanged), (&json!(3), &unchanged), (&json!(4), &unchanged)]);
    let zoe = &again["leads"][0]["lead_id"];

    for value in ["7", "ZOE@X.org", "0049 30 1234567"] {
        let (status, found) = stack.json(&["leads", "find", value, of[0], of[1]]).await;
        assert_eq!((status, &found["lead_id"], &found["company_name"]), (0, zoe, &json!("Acme GmbH")), "{value}");
    }
    let national = ["leads", "find", "030 1234567", of[0], of[1]];
    let (status, _, error) = stack.text(&national).await;
    assert_eq!(status, 1);
    assert!(error.starts_with("error: no lead of the workspace has the reference, "), "{error}");
    assert!(error.contains("--country-code") && error.lines().count() == 1, "{error}");
    assert_eq!(&stack.json(&[&national[..], &["--country-code", "49"]].concat()).await.1["lead_id"], zoe);

    let (_, listed) = stack.json(&["leads", "list", of[0], of[1]]).await;
    let references: Vec<_> =
        listed["leads"].as_array().unwrap().iter().map(|lead| lead["external_ref"].as_str().unwrap()).collect();
    assert_eq!((references, &listed["total"]), (vec!["8", "7", "9"], &json!(3)), "by name, those without one last");
    let (_, searched) = stack.json(&["leads", "list", "--search", "ACME", of[0], of[1]]).await;
    assert_eq!((&searched["leads"][0]["lead_id"], &searched["total"]), (zoe, &json!(1)));
    let (_, text, _) = stack.text(&["leads", "list", "--limit", "1", of[0], of[1]]).await;
    assert!(text.contains("bob B") && text.contains("1 of 3 leads") && !text.contains("Zoë"), "{text}");

    let (_, other) = stack.json(&["workspace", "create", "--name", "Other"]).await;
    let elsewhere = ["--workspace", other["workspace_id"].as_str().unwrap()];
    assert_eq!(stack.text(&["leads", "find", "7", elsewhere[0], elsewhere[1]]).await.0, 1);
    assert_eq!(stack.json(&["leads", "list", elsewhere[0], elsewhere[1]]).await.1["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_listed_and_namesakes_are_told() {
    let stack = Stack::start("workspaces").await;
    let first = stack.workspace().await;
    let create = ["workspace", "create", "--name", "Acme"];
    let (status, _, told) = stack.text(&create).await;
    assert_eq!((status, told), (0, format!("note: the workspace {first} is called \"Acme\" too\n")));
    let (_, third) = stack.json(&create).await;
    assert_eq!(third["same_name"].as_array().unwrap().len(), 2);
    // The same one again is no namesake of its own.
    let (_, _, told) = stack.text(&[&create[..], &["--id", &first]].concat()).await;
    assert_eq!(told, "");
    stack.run(&["key", "create", "--permissions", "read", "--workspace", &first]).await;
    let (_, listed) = stack.json(&["workspace", "list"]).await;
    let listed = listed["workspaces"].as_array().unwrap();
    assert_eq!((listed.len(), &listed[0]["workspace_id"]), (3, &json!(first)));
    assert!(stack.text(&["workspace", "list"]).await.1.contains(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_is_left_out_with_a_warning_and_can_be_added_later() {
    let stack = Stack::start("warnings").await;
    let workspace = stack.workspace().await;
    let day = recent();
    let file = stack.file(
        "contacts.csv",
        format!(
            "Email,Phone,Activity Type,Activity Date,Activity Direction\n\
             a@x.org,020 7946 0000,Email,{day},INCOMING_EMAIL\n\
             b@x.org,,Call,{day},sideways\n\
             c@x.org,,Call,someday,\n\
             d@x.org,,Call,,\n"
        )
        .as_bytes(),
    );
    let import = ["leads", "import", &file, "--workspace", &workspace];
    let (status, done) = stack.json(&import).await;
    assert_eq!((status, counts(&done), &done["warnings"]), (0, [4, 4, 0, 0, 2, 0], &json!(4)));
    assert_eq!(done["warned"][3], json!({ "line": 5, "reason": "an activity needs a date; the activity is left out" }));
    assert_eq!((&done["rejects_file"], stack.read("contacts.rejects.csv")), (&Value::Null, None));

    let (status, text, told) = stack.text(&import).await;
    assert!(status == 0 && text.contains("warnings          4\n"), "{text}");
    let first =
        "line 2: warning: phone is a national number without its country; say which with --country-code; left out\n";
    assert!(told.contains("note: no column could be read as a name; ") && told.contains(first), "{told}");
    let (_, again) = stack.json(&import).await;
    assert_eq!((counts(&again), &again["warnings"]), ([4, 0, 0, 4, 0, 0], &json!(4)));

    let (_, added) = stack.json(&[&import[..], &["--country-code", "44"]].concat()).await;
    assert_eq!((counts(&added), &added["warnings"]), ([4, 0, 1, 3, 0, 0], &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_with_slashes_is_added_once_its_order_is_said() {
    let stack = Stack::start("dates").await;
    let workspace = stack.workspace().await;
    let recent = recent();
    let [year, month] = [&recent[..4], &recent[5..7]];
    // In the same month, the day being another number than the month's.
    let day = if month == "01" { "02" } else { "01" };
    let content = format!("Email,Activity Type,Activity Date\na@x.org,call,{month}/{day}/{year}\n");
    let file = stack.file("contacts.csv", content.as_bytes());
    let import = ["leads", "import", &file, "--workspace", &workspace];
    let (status, first) = stack.json(&import).await;
    assert_eq!((status, counts(&first)), (0, [1, 1, 0, 0, 0, 0]));
    assert!(first["warned"][0]["reason"].as_str().unwrap().contains("--date-order"), "{first}");
    let ordered = [&import[..], &["--date-order", "mdy"]].concat();
    assert_eq!(counts(&stack.json(&ordered).await.1), [1, 0, 0, 1, 1, 0]);
    assert_eq!(counts(&stack.json(&ordered).await.1), [1, 0, 0, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_understood_says_what_to_do() {
    let stack = Stack::start("files").await;
    let workspace = stack.workspace().await;
    let import = async |name: &str, content: &[u8]| {
        let file = stack.file(name, content);
        stack.text(&["leads", "import", &file, "--workspace", &workspace]).await
    };
    let (status, _, told) = import("columns.csv", b"Who,Where\nJane,Here\n").await;
    let reason = "no column could be read as reference, e-mail or phone; name one with --map COLUMN=FIELD";
    assert!(status == 1 && told.contains(reason) && told.lines().count() == 1, "{told}");
    let (status, _, told) = import("latin.csv", b"Name,Email\nJ\xe4n,a@x.org\nZo\xeb,b@x.org\n").await;
    assert!(status == 3 && told.starts_with("note: 2 rows are not UTF-8; save the file as CSV UTF-8 "), "{told}");
    let (status, _, told) = import("leads.jsonl", b"{\"email\": \"a@x.org\", \"owner\": 1}\n{\"email\":\n").await;
    assert_eq!(status, 3);
    assert!(told.starts_with("ignored fields: owner\n") && !told.contains("column"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_is_no_uuid_is_wrong_usage() {
    let stack = Stack::start("uuid").await;
    for command in [["credits", "show"], ["key", "list"], ["leads", "list"]] {
        let (status, _, told) = stack.text(&[command[0], command[1], "--workspace", "acme"]).await;
        assert_eq!(status, 2);
        assert!(told.contains("must be a UUID, as `cargo cli workspace create` prints it"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_messages_twice_records_them_once_in_the_order_of_the_file() {
    let stack = Stack::start("messages").await;
    let workspace = stack.workspace().await;
    let line = |lead: &str, id: usize| {
        let text = format!("text {id}");
        json!({"message_id": format!("m{id}"), "customer_phone": lead, "platform": "whatsapp", "sender": "user",
            "text": text, "timestamp": "2026-01-01T00:00:00Z", "conversation_id": "c"})
        .to_string()
    };
    let mut lines: Vec<String> = (0..30).flat_map(|id| ["1202555", "+4930"].map(|lead| line(lead, id))).collect();
    // Twice in the file; no lead; no JSON.
    lines.extend([line("1202555", 3), line("", 1), "{".to_owned()]);
    let file = stack.file("chats.jsonl", lines.join("\n").as_bytes());
    let import = ["messages", "import", &file, "--workspace", &workspace, "--user", "me"];
    let told =
        |summary: &Value| ["rows", "leads", "new", "duplicate", "rejected"].map(|name| summary[name].as_u64().unwrap());

    let (status, summary) = stack.json(&[&import[..], &["--dry-run"]].concat()).await;
    assert_eq!((status, told(&summary)), (3, [63, 2, 60, 1, 2]));
    assert!(stack.read("chats.rejects.jsonl").is_none());
    let (status, summary) = stack.json(&import).await;
    assert_eq!((status, told(&summary)), (3, [63, 2, 60, 1, 2]));
    assert_eq!(summary["first_rejected"][0]["line"], 62);
    assert!(stack.read("chats.rejects.jsonl").unwrap().contains("\"rejected_line\":62"));
    for dry in [&["--dry-run"][..], &[]] {
        assert_eq!(told(&stack.json(&[&import[..], dry].concat()).await.1), [63, 2, 0, 61, 2]);
    }

    let context = stack.context();
    let conversations = shared::crm::conversations::Conversations::new(&context).unwrap();
    let user = shared::crm::identifiers::User::new(workspace.parse().unwrap(), "me").unwrap();
    let lead = shared::crm::identifiers::CustomerPhone::parse("4930").unwrap();
    let row = conversations.row(&user, &lead).await.unwrap().unwrap();
    assert_eq!((row.total_messages(), row.last_message.unwrap().message_id.as_str()), (30, "m29"));
    let messages = stack.messages("W#", "#M#4930").await;
    assert_eq!(messages.len(), 30);
    assert!(messages.iter().all(|(id, number)| *id == format!("m{}", number - 1)), "{messages:?}");

    let (status, out, err) = stack.text(&import).await;
    assert_eq!(status, 3, "{err}");
    assert!(
        out.contains("messages known before") && err.contains("line 63: rejected: is not valid JSON"),
        "{out}{err}"
    );
    let (status, _, err) = stack.text(&["messages", "import", &file, "--workspace", &workspace, "--user", "a#b"]).await;
    assert_eq!(status, 1);
    assert!(err.contains("must be 1 to 128 visible ASCII characters"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_drafts_are_counted_removed_once_and_leave_no_trace() {
    let stack = Stack::start("drafts").await;
    let workspace = stack.workspace().await;
    let message = |lead: &str, id: &str, sender: &str, status: &str, minute: u32| {
        json!({"message_id": id, "customer_phone": lead, "platform": "whatsapp", "sender": sender, "status": status,
            "text": id, "timestamp": format!("2026-01-01T00:{minute:02}:00Z"), "phone_number_id": "1"})
        .to_string()
    };
    let draft = |number: u128| format!("follow-up-{}", uuid::Uuid::from_u128(number));
    let lines = [
        message("4930", "a", "user", "sent", 1),
        message("4930", &draft(1), "agent", "pending", 2),
        message("4930", "b", "user", "sent", 3),
        message("4930", &draft(2), "agent", "pending", 4),
        // Of this lead nothing else is known; that one was sent, and the last waits for another reason.
        message("4931", &draft(3), "agent", "pending", 5),
        message("4932", &draft(4), "agent", "sent", 6),
        message("4932", "c", "agent", "pending", 7),
    ];
    let file = stack.file("drafts.jsonl", lines.join("\n").as_bytes());
    let import = ["messages", "import", &file, "--workspace", &workspace, "--user", "me"];
    assert_eq!(stack.json(&import).await.0, 0);
    let remove = ["messages", "remove-drafts", "--workspace", &workspace];
    let (_, dry) = stack.json(&[&remove[..], &["--dry-run"]].concat()).await;
    assert_eq!(dry, json!({"removed": false, "found": {"drafts": 3, "leads": 2, "emptied": 1}}));
    let (_, done) = stack.json(&remove).await;
    assert_eq!(done, json!({"removed": true, "found": {"drafts": 3, "leads": 2, "emptied": 1}}));
    let (_, again) = stack.json(&remove).await;
    assert_eq!(again["found"], json!({"drafts": 0, "leads": 0, "emptied": 0}));

    let conversations = shared::crm::conversations::Conversations::new(&stack.context()).unwrap();
    let user = shared::crm::identifiers::User::new(workspace.parse().unwrap(), "me").unwrap();
    for (lead, counted, last) in [("4930", 2, Some("b")), ("4931", 0, None), ("4932", 2, Some("c"))] {
        let id = shared::crm::identifiers::CustomerPhone::parse(lead).unwrap();
        let row = conversations.row(&user, &id).await.unwrap().unwrap();
        let shown = row.last_message.as_ref().map(|last| last.text.as_str());
        assert_eq!((row.total_messages(), shown, row.has_events()), (counted, last, counted > 0), "{lead}");
        assert_eq!(stack.messages("W#", &format!("#M#{lead}")).await.len() as u64, counted);
    }
}

/// What an import of prospects did.
fn prospect_counts(summary: &Value) -> [u64; 7] {
    ["rows", "created", "updated", "unchanged", "repeated", "warnings", "rejected"]
        .map(|name| summary[name].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_prospects_are_found_by_a_search_and_replaced_by_the_next_import() {
    let stack = Stack::start("prospects").await;
    let workspace = stack.workspace().await;
    let content = "\u{feff}ID,First Name,Last Name,Title,Company,Industry,# Employees,City,State,Country,Email,Owner\n\
         1,Ada,Ley,Founder & CEO,Harlow Legal,Law Practice,51-200,Albany,NY,US,Ada@Harlow.example,me\n\
         2,Bo,Ek,Chief Executive Officer,Brindle Law,Legal Services,many,New York,,,bo@brindle.example,me\n\
         ,Cy,Ott,CEO,Vellum Cloud,SaaS,30,Fresno,CA,US,cy@vellum.example,me\n\
         ,Dot,Fry,CEO,Vellum Cloud,SaaS,30,Fresno,CA,US,dot.vellum.example,me\n\
         3,,,CEO,Nobody,Law Firm,4,New York,NY,US,,me\n\
         ,Cy,Ott,CTO,Vellum Cloud,SaaS,30,Fresno,CA,US,CY@vellum.example,me\n";
    let file = stack.file("prospects.csv", content.as_bytes());
    let import = ["prospects", "import", &file, "--workspace", &workspace];
    let search = async |more: &[&str]| {
        let (status, found) = stack.json(&[&["prospects", "search", "--workspace", &workspace], more].concat()).await;
        assert_eq!(status, 0);
        let names = found["prospects"].as_array().unwrap().iter().map(|one| one["full_name"].as_str().unwrap());
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort();
        (found["searched"].as_str().unwrap().to_owned(), names)
    };
    let ceos = ["--title", "CEO", "--industry", "law firms", "--place", "New York"];

    let (status, looked) = stack.json(&[&import[..], &["--dry-run"]].concat()).await;
    assert_eq!((status, prospect_counts(&looked)), (3, [6, 3, 0, 0, 1, 1, 2]));
    assert_eq!(stack.read("prospects.rejects.csv"), None);
    assert_eq!(search(&ceos).await.1, Vec::<String>::new());

    let (status, first) = stack.json(&import).await;
    assert_eq!((status, prospect_counts(&first)), (3, [6, 3, 0, 0, 1, 1, 2]));
    assert_eq!(first["ignored_columns"], json!(["Owner"]));
    assert!(first["warned"][0]["reason"].as_str().unwrap().starts_with("employees is not a number"), "{first}");
    let rejects = stack.read("prospects.rejects.csv").unwrap();
    assert!(rejects.contains("\n5,email has no @,,Dot,") && rejects.contains("\n6,needs a name,3,"), "{rejects}");
    assert_eq!(
        search(&ceos).await,
        ("20 CEOs at law firms in New York".to_owned(), vec!["Ada Ley".into(), "Bo Ek".into()])
    );
    assert_eq!(search(&["--min-employees", "50", "--max-employees", "200"]).await.1, ["Ada Ley"]);
    assert_eq!(
        search(&["--title", "CEO", "--place", "California"]).await.1,
        Vec::<String>::new(),
        "the last row counts"
    );
    assert_eq!(search(&["--title", "CTO", "--place", "California"]).await.1, ["Cy Ott"]);
    assert_eq!(search(&[&ceos[..], &["--count", "1"]].concat()).await.1.len(), 1);
    assert_eq!(prospect_counts(&stack.json(&import).await.1), [6, 0, 0, 3, 1, 1, 2]);

    let changed = stack.file("changed.csv", content.replace("Founder & CEO", "CFO").as_bytes());
    let (_, changed) = stack.json(&["prospects", "import", &changed, "--workspace", &workspace]).await;
    assert_eq!(prospect_counts(&changed), [6, 0, 1, 2, 1, 1, 2]);
    assert_eq!(search(&ceos).await.1, ["Bo Ek"]);
    let corrected = rejects.replace("dot.vellum", "dot@vellum").replace("3,,,CEO", "3,Eve,Moe,CEO");
    let corrected = stack.file("corrected.csv", corrected.as_bytes());
    let (status, corrected) = stack.json(&["prospects", "import", &corrected, "--workspace", &workspace]).await;
    assert_eq!((status, prospect_counts(&corrected)), (0, [2, 2, 0, 0, 0, 0, 0]));
    assert_eq!(search(&ceos).await.1, ["Bo Ek", "Eve Moe"]);

    let (status, text, _) =
        stack.text(&[&["prospects", "search", "--workspace", &workspace], &ceos[..]].concat()).await;
    assert!(status == 0 && text.starts_with("Searched for 20 CEOs at law firms in New York, found 2:\n\n"), "{text}");
    assert!(text.contains("Eve Moe") && text.contains("New York, NY, US"), "{text}");
    let (_, other) = stack.json(&["workspace", "create", "--name", "Other"]).await;
    let elsewhere = ["prospects", "search", "--title", "CEO", "--workspace", other["workspace_id"].as_str().unwrap()];
    let (status, text, _) = stack.text(&elsewhere).await;
    assert_eq!((status, text.as_str()), (0, "Searched for 20 CEOs: the workspace has no such prospects of its own.\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_prospects_or_a_search_that_cannot_be_used_says_what_to_do() {
    let stack = Stack::start("prospects-wrong").await;
    let workspace = stack.workspace().await;
    let of = ["--workspace", workspace.as_str()];
    for (content, reason) in [
        ("", "the file is empty"),
        ("Name,Title\nAda,CEO\n", "no column could be read as reference, e-mail, LinkedIn address or phone"),
        ("Email,Title\na@x.example,CEO\n", "no column could be read as a name"),
    ] {
        let file = stack.file("wrong.csv", content.as_bytes());
        let (status, _, told) = stack.text(&["prospects", "import", &file, of[0], of[1]]).await;
        assert!(status == 1 && told.contains(reason) && told.lines().count() == 1, "{told}");
    }
    let file = stack.file("bare.csv", b"Email,Who,Location\na@x.example,Ada,\"Albany, NY, US\"\n");
    let import = ["prospects", "import", &file, "--map", "Who=full_name", of[0], of[1]];
    let (status, _, told) = stack.text(&import).await;
    assert!(status == 0 && told.contains("note: no column could be read as a job title"), "{told}");
    let (_, found) = stack.json(&["prospects", "search", "--place", "New York", of[0], of[1]]).await;
    assert_eq!(found["prospects"][0]["region"], "NY");
    let (status, _, told) = stack.text(&["prospects", "import", &file, "--map", "Who=stage", of[0], of[1]]).await;
    assert!(status == 2 && told.contains("the fields are external_ref"), "{told}");
    for (more, reason) in [
        (&[][..], "error: name at least one of titles"),
        (&["--title", "CEO", "--count", "501"], "error: count must be from 1 to 500"),
        (&["--min-employees", "9", "--max-employees", "8"], "error: min_employees must not be above"),
    ] {
        let (status, _, told) = stack.text(&[&["prospects", "search", of[0], of[1]], more].concat()).await;
        assert!(status == 1 && told.starts_with(reason), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_followed_up_with_the_site_and_the_agents_that_were_added() {
    let stack = Stack::with_api("follow-up").await;
    let workspace = stack.workspace().await;
    let of = ["--workspace", workspace.as_str()];
    let done = async |arguments: &[&str]| {
        let (status, document) = stack.json(&[arguments, &of].concat()).await;
        assert_eq!(status, 0, "{arguments:?}: {document}");
        document
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();

    let add = ["site", "add", "--name", "Acme", "--url", "https://acme.example"];
    let site = done(&[&add[..], &["--whatsapp", "106540352242922"]].concat()).await;
    let site_id = text(&site["site_id"]);
    let changed = done(&[&add[..], &["--id", &site_id, "--email", "Sales@Acme.Example"]].concat()).await;
    assert_eq!(
        changed,
        json!({
            "site_id": site_id, "name": "Acme", "url": "https://acme.example", "email": "sales@acme.example",
            "whatsapp": null, "sms": null, "created_at": site["created_at"],
        })
    );
    assert_eq!(done(&["site", "list"]).await, json!({ "sites": [changed] }));
    // A number belongs to one workspace, because its answers do.
    let numbered =
        done(&[&add[..], &["--id", &site_id, "--email", "sales@acme.example", "--sms", "+1 202 555 0100"]].concat())
            .await;
    assert_eq!(numbered["sms"], "+12025550100");
    let rival = stack.workspace().await;
    let taken = [&add[..], &["--sms", "+12025550100", "--workspace", &rival]].concat();
    let (_, _, error) = stack.text(&taken).await;
    assert!(error.contains("another workspace"), "{error}");
    let hook = done(&["workspace", "webhook", "--url", "https://crm.example/hook"]).await;
    assert!(hook["secret"].as_str().unwrap().starts_with("whsec_"), "{hook}");
    assert_eq!(done(&["workspace", "webhook", "--off"]).await["url"], Value::Null);
    let (_, listed, _) = stack.text(&["site", "list", of[0], of[1]]).await;
    assert!(listed.contains(&site_id) && listed.contains("email sales@acme.example"), "{listed}");

    let at = ["--site", site_id.as_str()];
    let user = "11111111-1111-4111-8111-111111111111";
    let agent = async |name: &str, role: &str, rest: &[&str]| {
        let add = ["agent", "add", "--name", name, "--role", role, "--user", user];
        done(&[&add[..], &at, rest].concat()).await
    };
    let away = agent("Ava", "sales", &["--inactive"]).await;
    let sales = agent("Robin", "copywriter", &[]).await;
    let sales_id = text(&sales["agent_id"]);
    let changed = agent("Robin", "sales", &["--id", &sales_id]).await;
    assert_eq!(
        changed,
        json!({
            "agent_id": sales_id, "site_id": site_id, "name": "Robin", "role": "sales", "user_id": user,
            "active": true, "created_at": sales["created_at"],
        })
    );
    let copywriter = agent("Kim", "copywriter", &[]).await;
    let mut listed = done(&["agent", "list", at[0], at[1]]).await["agents"].as_array().unwrap().clone();
    listed.sort_by_key(|agent| agent["name"].to_string());
    assert_eq!(listed, [away, copywriter, changed]);
    let (_, listed, _) = stack.text(&["agent", "list", at[0], at[1], of[0], of[1]]).await;
    assert!(listed.contains("Ava") && listed.contains("no\n") && listed.contains("yes"), "{listed}");

    let file = stack.file("leads.jsonl", br#"{"email": "jane@x.org", "full_name": "Jane Doe"}"#);
    let lead = done(&["leads", "import", &file]).await["leads"][0]["lead_id"].clone();
    let key = text(&done(&["key", "create", "--permissions", "write:ai"]).await["key"]);
    let gateway = stack.tables.ready.gateway.clone().unwrap();
    let request = reqwest::Client::new()
        .post(format!("{gateway}/api/agents/sales/leadFollowUp"))
        .bearer_auth(key)
        .json(&json!({ "siteId": site_id, "leadId": lead }));
    let answer = request.send().await.unwrap();
    let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
    assert_eq!((status, &body["success"]), (200, &json!(true)), "{body}");
    let messages = &body["data"]["messages"];
    assert!(messages["email"]["message"].as_str().unwrap().contains("Jane"), "{body}");
    assert_eq!(messages["whatsapp"], Value::Null);
    assert_eq!(body["data"]["lead"]["sites"], json!({ "name": "Acme", "url": "https://acme.example" }));
    assert!(body["data"]["command_ids"]["copywriter"].is_string(), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_of_a_site_or_an_agent_is_refused_by_the_name_of_its_option() {
    let stack = Stack::start("sites").await;
    let workspace = stack.workspace().await;
    let (_, other) = stack.json(&["workspace", "create", "--name", "Other"]).await;
    let other = other["workspace_id"].as_str().unwrap();
    let of = ["--workspace", workspace.as_str()];
    let site = ["site", "add", "--name", "Acme", "--url", "http://acme.example", of[0], of[1]];
    let (_, made) = stack.json(&site).await;
    let site_id = made["site_id"].as_str().unwrap();
    let agent = |of: &str, site: &str| {
        let user = "11111111-1111-4111-8111-111111111111";
        ["agent", "add", "--name", "Robin", "--role", "sales", "--user", user, "--workspace", of, "--site", site]
            .map(str::to_owned)
    };
    let own = agent(&workspace, site_id);
    let own: Vec<_> = own.iter().map(String::as_str).collect();

    for (command, option, value, reason) in [
        (&site[..], "--name", " ", "a name is needed"),
        (&site, "--url", "acme.example", "http:// or https://"),
        (&site, "--email", "acme.example", "has no @"),
        (&site, "--whatsapp", "+49 30 1", "must be digits"),
        (&site, "--id", "acme", "must be a UUID, as `cargo cli site list` shows it"),
        (&own, "--role", "boss", "must be sales or copywriter"),
        (&own, "--user", "me", "must be a UUID"),
        (&own, "--site", "acme", "must be a UUID, as `cargo cli site list` shows it"),
        (&own, "--id", "robin", "must be a UUID, as `cargo cli agent list` shows it"),
    ] {
        // In place of the good value, if there is one.
        let mut arguments = command.to_vec();
        match arguments.iter().position(|argument| *argument == option) {
            Some(index) => arguments[index + 1] = value,
            None => arguments.extend([option, value]),
        }
        let (status, _, told) = stack.text(&arguments).await;
        assert!(status == 2 && told.contains(option) && told.contains(reason), "{option}: {told}");
    }

    // The site of another workspace is as absent as one that nobody has.
    let theirs = agent(other, site_id);
    let theirs: Vec<_> = theirs.iter().map(String::as_str).collect();
    let no_site = format!("error: the workspace {other} has no site {site_id}\n");
    assert_eq!(stack.text(&theirs).await, (1, String::new(), no_site.clone()));
    let list = ["agent", "list", "--workspace", other, "--site", site_id];
    assert_eq!(stack.text(&list).await, (1, String::new(), no_site));
    let no_agent = format!("error: the site {site_id} has no agent {other}\n");
    assert_eq!(stack.text(&[&own[..], &["--id", other]].concat()).await, (1, String::new(), no_agent));
    let no_site = format!("error: the workspace {workspace} has no site {other}\n");
    assert_eq!(stack.text(&[&site[..], &["--id", other]].concat()).await, (1, String::new(), no_site));
    assert_eq!(stack.json(&["agent", "list", "--site", site_id, of[0], of[1]]).await, (0, json!({ "agents": [] })));
    assert_eq!(stack.json(&["site", "list", of[0], of[1]]).await, (0, json!({ "sites": [made] })));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_data_is_loaded_here_once_and_never_into_a_deployed_stack() {
    let stack = Stack::start("seed").await;
    let (status, seeded) = stack.json(&["seed", "demo"]).await;
    assert_eq!(status, 0);
    assert!(seeded["leads"].as_u64().unwrap() > 0);
    assert_eq!(seeded["prospects"], 2_000);
    assert_eq!(seeded["keys"].as_array().unwrap().len(), 5);
    assert_eq!(stack.json(&["seed", "demo"]).await.1["leads"], 0);

    let deployed = Command::new(env!("CARGO_BIN_EXE_cli"))
        // Refused before any AWS configuration is looked at: there is none.
        .args(["--stack", "some", "seed", "demo"])
        .envs([("AWS_CONFIG_FILE", "none"), ("AWS_SHARED_CREDENTIALS_FILE", "none"), ("AWS_ENDPOINT_URL", "")])
        .env_remove("AWS_ENDPOINT_URL_DYNAMODB")
        .output();
    let deployed = deployed.await.unwrap();
    assert_eq!(deployed.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&deployed.stderr);
    assert_eq!(errors, "error: the demo data loads only into a stack on this machine: its keys are public\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_stack_the_error_is_one_line() {
    let stack = Stack::start("gone").await;
    let gone = json!({ "environment": { "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1" } });
    stack.file("ready.json", gone.to_string().as_bytes());
    let output = stack.run(&["credits", "verify", "--workspace", "00000000-0000-4000-8000-000000000000"]).await;
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.starts_with("error: no local stack is running (") && errors.lines().count() == 1, "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_ready_file_the_error_says_where_it_was_looked_for() {
    let stack = Stack::start("nothing").await;
    let output = Command::new(env!("CARGO_BIN_EXE_cli")).args(["seed", "demo"]).current_dir(&stack.folder).output();
    let output = output.await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = "error: no local stack is running in this folder (.local/ready.json is not there); \
                    start one with `cargo local`, or name a deployed one with --stack\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
}

#[tokio::test]
async fn the_channel_model_is_evaluated_without_a_stack() {
    let evaluate = async |arguments: &[&str]| {
        let all = [&["evaluate", "--seeds", "2", "--leads", "100"], arguments].concat();
        let output = Command::new(env!("CARGO_BIN_EXE_cli")).args(all).output().await.unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let document: Value = serde_json::from_str(&evaluate(&["--json"]).await).unwrap();
    let predictors: Vec<_> = document["predictors"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(predictors, ["raw", "laplace", "global", "segment", "model", "oracle"]);
    assert!(document["predictors"][4]["mean"]["log_loss"].as_f64().unwrap() < 0.6);
    assert!(evaluate(&[]).await.contains("oracle"));
    assert!(evaluate(&["--fit"]).await.contains("180 days"));
}
