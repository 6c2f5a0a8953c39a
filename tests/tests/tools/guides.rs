//! The commands of the README and of every document, run one after the other as a reader would, against `cargo local`
//! with its demo data: each does what it says, and what is shown beside it has the fields that are really there.

use std::path::Path;

use local::Ready;
use serde_json::Value;
use tests::binaries::{binary, local};
use tests::project;
use tokio::process::Command;

/// A command, and what is shown of its answer.
struct Step {
    commands: String,
    shown: Option<Value>,
}

/// The blocks of shell of a guide, each with the JSON behind it.
fn steps(guide: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in guide.split("\n```").collect::<Vec<_>>().chunks(2) {
        let [_, block] = block else { continue };
        if let Some(commands) = block.strip_prefix("sh\n") {
            steps.push(Step { commands: commands.to_owned(), shown: None });
        } else if let Some(shown) = block.strip_prefix("json\n") {
            let Some(step) = steps.last_mut() else { continue };
            step.shown = Some(serde_json::from_str(shown).unwrap_or_else(|_| panic!("{shown}")));
        }
    }
    steps
}

/// Whether everything that is shown is there: every field, and of a list at least one like the first.
fn has(there: &Value, shown: &Value) -> bool {
    match (there, shown) {
        (Value::Object(there), Value::Object(shown)) => {
            shown.iter().all(|(name, shown)| there.get(name).is_some_and(|there| has(there, shown)))
        }
        (Value::Array(there), Value::Array(shown)) => {
            shown.first().is_none_or(|shown| there.iter().any(|there| has(there, shown)))
        }
        (Value::String(there), Value::String(shown))
            if shown.chars().all(|one| one.is_ascii_lowercase() || one == '_') =>
        {
            there == shown
        }
        (there, shown) => std::mem::discriminant(there) == std::mem::discriminant(shown) || shown.is_null(),
    }
}

/// Commands that do not run here, each with the reason.
const NOT_HERE: [(&str, &str); 11] = [
    ("cargo local", "every other command runs beside it"),
    ("LLM_BASE_URL=", "starts `cargo local` with a model that costs money"),
    ("cargo lambda watch", "has a test of its own"),
    ("cargo test", "runs this test"),
    (".ci/run", "runs this test"),
    ("cargo new-function", "changes the project; a test compares what it writes"),
    ("cargo openapi", "changes the project; a test compares what it writes"),
    ("pip install", "needs an AWS account"),
    ("rustup target", "needs an AWS account"),
    ("sam ", "needs an AWS account"),
    ("aws ", "needs an AWS account"),
];

/// What stands for the words in capitals that a reader replaces.
const PLACEHOLDERS: [(&str, &str); 7] = [
    ("--workspace ID", "--workspace 5eed0000-0000-4000-8000-000000000001"),
    ("--site SITE", "--site 5eed0000-0000-4000-8000-000000000402"),
    ("--id PHONE_NUMBER_ID", "--id 106540352242999"),
    ("--user USER", "--user 789895c8-4bd6-43e9-bfea-a4171ec47197"),
    ("cargo cli --stack lead-followup", "cargo cli"),
    (" RECOMMENDATION ", " $recommendation "),
    ("cargo cli leads erase", "echo erase | cargo cli leads erase"),
];

/// Makes a recommendation for a reader who has one.
const RECOMMENDED: &str = r#"recommendation=$(curl -s GATEWAY/api/v1/ai/followup/recommendation \
  -H 'Authorization: Bearer wbk_demoaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' \
  -H 'Content-Type: application/json' -d '{"lead_id": "123e4567-e89b-12d3-a456-426614174000"}' | grep -o '"recommendation_id":"[^"]*' | cut -d'"' -f4)
"#;

/// The files that the commands name.
const FILES: [(&str, &str); 3] = [
    ("leads.csv", "Record ID,Name,Email\n7001,Jo Doe,jo@acme.example\n7002,Sam Poe,sam@acme.example\n"),
    ("prospects.csv", "Name,Email,Company\nAda Byron,ada@byron.example,Byron & Co\n"),
    (
        "chats.jsonl",
        r#"{"message_id": "7001", "customer_phone": "web-7001", "platform": "webchat", "sender": "user", "text": "Hi", "timestamp": "2026-11-20T09:30:00Z"}"#,
    ),
];

/// The commands of a block that run here.
fn runs_here(commands: &str) -> String {
    let commands = commands.replace("\\\n", "\x1f");
    let here = commands.lines().filter(|line| !NOT_HERE.iter().any(|(start, _)| line.starts_with(start)));
    here.collect::<Vec<_>>().join("\n").replace('\x1f', "\\\n")
}

async fn follow(guide: &str, folder: &Path, ready: &Ready) {
    let steps = steps(&std::fs::read_to_string(project().join(guide)).unwrap());
    let gateway = ready.gateway.as_deref().unwrap();
    let ready_file = folder.join("ready.json").display().to_string();
    let cli = format!("{} --ready-file {ready_file}", binary("cli").display());
    // What is answered with an error ends it.
    let mut script = "set -euo pipefail\ncurl() { command curl --fail-with-body \"$@\"; }\n".to_owned();
    script.push_str(&format!("PROVIDERS={}\n", ready.providers));
    if steps.iter().any(|step| step.commands.contains(" RECOMMENDATION ")) {
        script.push_str(&RECOMMENDED.replace("GATEWAY", gateway));
    }
    for step in &steps {
        let mut commands = runs_here(&step.commands);
        for (word, value) in PLACEHOLDERS {
            commands = commands.replace(word, value);
        }
        let commands = commands.replace("http://127.0.0.1:3000", gateway);
        let commands = commands.replace(".local/ready.json", &ready_file).replace("cargo cli", &cli);
        script.push_str(&format!("{commands}\nprintf '\\n\\x1e'\n"));
    }
    let ran = Command::new("bash").arg("-c").arg(&script).current_dir(folder).output().await.unwrap();
    let (said, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let said: Vec<_> = said.split_terminator('\x1e').collect();
    assert!(ran.status.success(), "{guide}, step {}: {errors}{:?}", said.len(), said.last());
    for (step, said) in steps.iter().zip(said) {
        let Some(shown) = &step.shown else { continue };
        let documents = serde_json::Deserializer::from_str(said).into_iter::<Value>();
        let last = documents.map_while(Result::ok).last().unwrap_or_else(|| panic!("{guide}: no JSON: {said}"));
        assert!(has(&last, shown), "{guide}: {}\n{last}\nis not\n{shown}", step.commands);
    }
}

/// Every document of the project with commands.
fn documents() -> Vec<String> {
    let documents = std::fs::read_dir(project().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut documents: Vec<_> = documents.map(|name| format!("docs/{}", name.to_string_lossy())).collect();
    documents.extend(["README.md".to_owned(), "CONTRIBUTING.md".to_owned()]);
    documents.retain(|name| {
        name.ends_with(".md") && std::fs::read_to_string(project().join(name)).unwrap().contains("\n```sh\n")
    });
    documents.sort();
    documents
}

#[tokio::test]
async fn every_command_of_the_documents_does_what_is_shown() {
    let documents = documents();
    assert!(documents.len() > 8, "{documents:?}");
    for document in documents {
        // Each with the demo data as it is at first.
        let folder = tempfile::tempdir().unwrap();
        let (_program, ready) = local(folder.path(), &[], &[]).await;
        for (name, content) in FILES {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        follow(&document, folder.path(), &ready).await;
    }
}
