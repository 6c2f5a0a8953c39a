//! The command `cargo new-function`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Parser;
use new_function::{MARK, Name, NewFunction, NewFunctionError, Permission, Route, write};

/// Writes a function with one endpoint, and enters it wherever functions are listed.
///
/// It compiles and answers at once. What is left to write is marked TODO, and tests say where.
#[derive(Debug, Parser)]
#[command(name = "cargo new-function", bin_name = "cargo new-function", version, after_help = EXAMPLES)]
struct Arguments {
    /// Name of the function and its crate, such as suggest-meetings
    name: Name,
    /// Method and path of its endpoint, such as "POST /v1/ai/suggest-meetings"
    #[arg(long)]
    route: Route,
    /// Permission that a key needs: write:ai, read:ai, lexi, read:leads or write:leads
    #[arg(long)]
    permission: Permission,
    /// Group of the API's description that it stands in; functions/all/src/lib.rs has them
    #[arg(long)]
    group: String,
}

const EXAMPLES: &str = "Examples:
  cargo new-function suggest-meetings --route \"POST /v1/ai/suggest-meetings\" --permission write:ai --group Follow-ups
  cargo new-function get-contact --route \"GET /v1/contacts/{id}\" --permission read:leads --group \"Contacts and lists\"

A function with several endpoints gets the others by hand, as functions/lists has them; so does the worker of a queue,
as functions/analyst, and a schedule, as functions/sweeper.";

fn main() -> ExitCode {
    let Arguments { name, route, permission, group } = Arguments::parse();
    let project = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    match run(&NewFunction { name, route, permission, group }, project) {
        Ok(report) => {
            say(&mut std::io::stdout(), &report);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&mut std::io::stderr(), &format!("error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Writes, and tells what was written.
fn run(new: &NewFunction, project: &Path) -> Result<String, NewFunctionError> {
    let files = new.plan(project)?;
    write(project, &files)?;
    let name = new.name.as_str();
    // Other names have other lengths. A file that is not formatted is found by CI, too.
    drop(Command::new("cargo").args(["fmt", "--package", name, "--package", "tests"]).current_dir(project).status());
    let mut report = String::new();
    for file in &files {
        report += &format!("{} {}\n", if file.is_new { "made   " } else { "changed" }, file.path);
    }
    report += &format!(
        "\nWrite what is marked {MARK}, then\n  \
         cargo openapi > openapi.new && mv openapi.new docs/openapi.json\n  \
         cargo test -p tests --test api -- {} functions openapi template isolation\n",
        new.name.snake()
    );
    Ok(report)
}

/// A reader that went away is no reason to fail.
fn say(to: &mut dyn Write, text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}
