//! The commands of the guides, run one after the other as a reader would, against `cargo local` with its demo data:
//! each does what it says, and what is shown beside it has the fields that are really there.

use std::path::Path;

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
            steps.last_mut().unwrap().shown = Some(serde_json::from_str(shown).unwrap_or_else(|_| panic!("{shown}")));
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

async fn follow(guide: &str, folder: &Path, gateway: &str) {
    let steps = steps(&std::fs::read_to_string(project().join("docs").join(guide)).unwrap());
    assert!(steps.len() > 5, "{guide}");
    let ready = folder.join("ready.json").display().to_string();
    let cli = format!("{} --ready-file {ready}", binary("cli").display());
    // What is answered with an error ends it.
    let mut script = "set -euo pipefail\ncurl() { command curl --fail-with-body \"$@\"; }\n".to_owned();
    for step in &steps {
        let commands = step.commands.replace("http://127.0.0.1:3000", gateway);
        let commands = commands.replace(".local/ready.json", &ready).replace("cargo cli", &cli);
        script.push_str(&format!("{commands}\nprintf '\\n\\x1e'\n"));
    }
    let ran = Command::new("bash").arg("-c").arg(&script).current_dir(project()).output().await.unwrap();
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

#[tokio::test]
async fn every_command_of_the_guides_does_what_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (_program, ready) = local(folder.path(), &[], &[]).await;
    let gateway = ready.gateway.unwrap();
    for guide in ["getting-started.md", "api-guide.md"] {
        follow(guide, folder.path(), &gateway).await;
    }
}
