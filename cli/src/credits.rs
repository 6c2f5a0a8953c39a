//! `credits`: the credits of a workspace.

use shared::base::context::FromContext;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::base::store::StoreError;
use shared::base::time::timestamp;
use shared::workspace::credits::{Balance, Entry, EntryKind, Ledger};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Output, columns, facts};
use crate::workspace;

/// What can be done with credits.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add credits to a workspace
    #[command(after_help = include_str!("../help/credits-grant.txt"))]
    Grant(Grant),
    /// Show a workspace's balance and its latest entries
    Show {
        /// The workspace
        #[arg(long, value_name = "UUID", value_parser = workspace::id)]
        workspace: Uuid,
        /// How many entries, newest first
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1000))]
        entries: u16,
    },
    /// Recompute a workspace's balance from its entries; exit status 1 if they disagree
    Verify {
        /// The workspace
        #[arg(long, value_name = "UUID", value_parser = workspace::id)]
        workspace: Uuid,
    },
}

/// Credits that are to be added.
#[derive(Args, Debug)]
pub struct Grant {
    /// The workspace
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// How many credits
    #[arg(value_name = "AMOUNT", value_parser = clap::value_parser!(u32).range(1..))]
    amount: u32,
    /// What for; stands in the ledger, where the workspace can read it
    #[arg(long, value_name = "TEXT", default_value = "grant", value_parser = reason)]
    reason: String,
    /// The grant's identifier: the same again adds nothing, so that repeating is harmless
    #[arg(long, value_name = "UUID")]
    grant_id: Option<Uuid>,
}

fn reason(text: &str) -> Result<String, String> {
    let reason = text.trim();
    match reason.chars().count() {
        1..=200 => Ok(reason.to_owned()),
        _ => Err("a reason has 1 to 200 characters".to_owned()),
    }
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    let ledger = Ledger::new(&connection.context)?;
    match command {
        Command::Grant(grant) => {
            connection.workspace(grant.workspace).await?;
            add(grant, &ledger, connection, output).await
        }
        Command::Show { workspace, entries } => {
            connection.workspace(workspace).await?;
            show(workspace, usize::from(entries), &ledger, output).await
        }
        Command::Verify { workspace } => {
            connection.workspace(workspace).await?;
            verify(workspace, &ledger, output).await
        }
    }
}

async fn add(grant: Grant, ledger: &Ledger, connection: &Connection, output: &Output) -> Result<ExitCode, CliError> {
    let context = &connection.context;
    let grant_id = grant.grant_id.unwrap_or_else(|| context.random.uuid());
    // A repeated grant changes nothing, whatever it says; here is told what the first one said.
    let earlier = match grant.grant_id {
        Some(_) => granted_before(grant.workspace, grant_id, ledger).await?,
        None => None,
    };
    match &earlier {
        Some(entry) if entry.amount != grant.amount => {
            let reason = format!("the grant {grant_id} was made already, of {} credits", entry.amount);
            return Err(CliError::Refused(reason));
        }
        Some(_) => {}
        None => {
            let now = context.clock.now();
            let sent = ledger.grant(grant.workspace, grant_id, grant.amount, &grant.reason, now).await;
            sent.map_err(|error| unsure(error, grant_id))?;
        }
    }
    let balance = ledger.balance(grant.workspace).await?;
    let added = earlier.is_none();
    let did = if added { "Granted" } else { "Granted earlier, and not again:" };
    output.result(
        &json!({
            "grant_id": grant_id,
            "amount": grant.amount,
            "added": added,
            "balance": shown(&balance),
        }),
        &format!("{did} {} credits (grant {grant_id}); {} are available.", grant.amount, balance.available),
    )?;
    Ok(ExitCode::SUCCESS)
}

async fn granted_before(workspace_id: Uuid, grant_id: Uuid, ledger: &Ledger) -> Result<Option<Entry>, StoreError> {
    let entries = ledger.entries(workspace_id, 0, usize::MAX).await?;
    Ok(entries.into_iter().find(|entry| entry.kind == EntryKind::Grant && entry.entry_id == grant_id))
}

/// An unavailable table may have applied the grant all the same.
fn unsure(error: StoreError, grant_id: Uuid) -> CliError {
    match error {
        StoreError::Unavailable(cause) => CliError::Refused(format!(
            "it is not certain whether the credits were added ({cause}); repeat the command with --grant-id {grant_id}"
        )),
        broken @ StoreError::Broken(_) => broken.into(),
    }
}

async fn show(workspace_id: Uuid, limit: usize, ledger: &Ledger, output: &Output) -> Result<ExitCode, CliError> {
    let balance = ledger.balance(workspace_id).await?;
    let entries = if limit == 0 { Vec::new() } else { ledger.entries(workspace_id, 0, limit).await? };
    let mut document = shown(&balance);
    document["latest"] = entries.iter().map(entry).collect();
    let mut text = facts(&[
        ("available", balance.available.to_string()),
        ("held", balance.held.to_string()),
        ("spent", balance.spent.to_string()),
        ("granted", balance.granted.to_string()),
        ("entries", balance.entries.to_string()),
    ]);
    if !entries.is_empty() {
        let rows = entries.iter().map(|entry| {
            vec![
                timestamp(entry.created_at),
                kind(entry.kind).to_owned(),
                entry.amount.to_string(),
                entry.action.clone(),
            ]
        });
        text = format!("{text}\n\n{}", columns(&rows.collect::<Vec<_>>()));
    }
    output.result(&document, &text)?;
    Ok(ExitCode::SUCCESS)
}

async fn verify(workspace_id: Uuid, ledger: &Ledger, output: &Output) -> Result<ExitCode, CliError> {
    let differences = ledger.verify(workspace_id).await?;
    let mut text = String::from("The balance agrees with the entries.");
    if !differences.is_empty() {
        let mut rows = vec![["field", "balance", "recomputed"].map(str::to_owned).to_vec()];
        rows.extend(differences.iter().map(|difference| {
            vec![difference.field.to_owned(), difference.balance.to_string(), difference.recomputed.to_string()]
        }));
        text = format!("The balance does not agree with the entries:\n{}", columns(&rows));
    }
    output.result(&json!({ "agrees": differences.is_empty(), "differences": differences }), &text)?;
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn shown(balance: &Balance) -> Value {
    json!({
        "available": balance.available,
        "held": balance.held,
        "spent": balance.spent,
        "granted": balance.granted,
        "entries": balance.entries,
    })
}

fn entry(entry: &Entry) -> Value {
    json!({
        "entry_id": entry.entry_id,
        "kind": kind(entry.kind),
        "amount": entry.amount,
        "action": entry.action,
        "created_at": timestamp(entry.created_at),
    })
}

fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Grant => "grant",
        EntryKind::Charge => "charge",
        EntryKind::Void => "void",
    }
}
