//! Breaks the whole API on purpose, as long as one likes, and says whether anything was lost, done twice or told to
//! the wrong workspace (docs/breaking.md).

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;
use tests::breaking::{Options, Report, run};

/// Drives mixed traffic over every endpoint of a stack in this process while its stores, queues, model and providers
/// fail and its workers are killed, then lets everything heal and checks every invariant.
///
/// The same seed gives the same operations. With more than one client, which of two comes first differs from run to
/// run; with `--clients 1` only the time that something takes does.
#[derive(Debug, Parser)]
#[command(name = "break", version)]
struct Arguments {
    /// What decides which operations there are and what fails
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many operations; every 1,000 have a stack of their own, so a million need no more memory than those
    #[arg(long, default_value_t = 1_000)]
    operations: usize,
    /// How many stacks at a time: most of their time is waiting
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    at_once: u16,
    /// How many clients each has at a time
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=100))]
    clients: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { seed, operations, at_once, clients } = Arguments::parse();
    let (clients, at_once) = (usize::from(clients), usize::from(at_once));
    let options = Options { seed, operations, clients, at_once, is_talkative: true };
    let report = run(options).await;
    print(&report);
    match report.failed {
        None => {
            println!("\nNothing was lost, done twice or told to the wrong workspace.");
            ExitCode::SUCCESS
        }
        Some((seed, operations)) => {
            println!("\n{} violations:", report.violations.len());
            report.violations.iter().for_each(|violation| println!("- {violation}"));
            println!(
                "\nTo repeat: cargo run -p tests --bin break -- --seed {seed} --operations {operations} --clients {clients}"
            );
            ExitCode::FAILURE
        }
    }
}

fn print(report: &Report) {
    let mut by_kind: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((kind, outcome), count) in &report.operations {
        by_kind.entry(kind).or_default().push(format!("{outcome} {count}"));
    }
    println!("\nWhat was done, and what came of it:");
    by_kind.iter().for_each(|(kind, outcomes)| println!("  {kind:28} {}", outcomes.join(", ")));
    println!("\nWhat went wrong on purpose:");
    report.injected.iter().for_each(|(what, count)| println!("  {count:7} {what}"));
    println!("\nWhat was checked, and how often:");
    report.checked.iter().for_each(|(what, count)| println!("  {count:7} {what}"));
    println!("\nIn {:.1?}.", report.took);
}
