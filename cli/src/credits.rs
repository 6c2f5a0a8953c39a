//! `credits`: the credits of a workspace.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::base::context::FromContext;
use shared::base::store::StoreError;
use shared::base::time::timestamp;
use shared::workspace::accounts::Accounts;
use shared::workspace::credits::{Balance, Entry, EntryKind, Ledger};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, columns, facts, table};
use crate::workspace::{self, Of};

/// What can be done with credits.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add credits to a workspace
    #[command(after_help = include_str!("../help/credits-grant.txt"))]
    Grant(Grant),
    /// Show a workspace's balance and its latest entries
    Show {
        #[command(flatten)]
        of: Of,
        /// How many entries, newest first
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1000))]
        entries: u16,
    },
    /// Recompute balances from their entries; exit status 1 if one disagrees
    Verify(Verify),
}

/// Whose balance is recomputed.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct Verify {
    /// The workspace
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Option<Uuid>,
    /// Every workspace
    #[arg(long)]
    all: bool,
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
    /// The reason; the workspace sees it in its ledger
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
pub async fn run(command: Command, connection: &Connection) -> Result<Answer, CliError> {
    match command {
        Command::Grant(grant) => add(grant, connection).await,
        Command::Show { of: Of { workspace }, entries } => {
            show(workspace, usize::from(entries), &connection.store(workspace).await?).await
        }
        Command::Verify(Verify { workspace: Some(workspace), .. }) => {
            verify(workspace, &connection.store(workspace).await?).await
        }
        Command::Verify(_) => verify_all(connection).await,
    }
}

async fn add(grant: Grant, connection: &Connection) -> Result<Answer, CliError> {
    let ledger: Ledger = connection.store(grant.workspace).await?;
    let context = &connection.context;
    let grant_id = grant.grant_id.unwrap_or_else(|| context.random.uuid());
    // A repeated grant changes nothing, whatever it says; here is told what the first one said.
    let earlier = match grant.grant_id {
        Some(_) => granted_before(grant.workspace, grant_id, &ledger).await?,
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
    let amount = grant.amount;
    Ok(Answer::new(
        json!({ "grant_id": grant_id, "amount": amount, "added": added, "balance": shown(&balance) }),
        format!("{did} {amount} credits (grant {grant_id}); {} are available.", balance.available),
    ))
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

async fn show(workspace_id: Uuid, limit: usize, ledger: &Ledger) -> Result<Answer, CliError> {
    let balance = ledger.balance(workspace_id).await?;
    let entries = if limit == 0 { Vec::new() } else { ledger.entries(workspace_id, 0, limit).await? };
    let mut document = shown(&balance);
    let counts: Vec<_> =
        document.as_object().into_iter().flatten().map(|(name, count)| (name, count.to_string())).collect();
    let mut text = facts(&counts);
    if !entries.is_empty() {
        let rows = entries.iter().map(|entry| {
            let (kind, amount) = (kind(entry.kind).to_owned(), entry.amount.to_string());
            vec![timestamp(entry.created_at), kind, amount, entry.action.clone()]
        });
        text = format!("{text}\n\n{}", columns(&rows.collect::<Vec<_>>()));
    }
    document["latest"] = entries.iter().map(entry).collect();
    Ok(Answer::new(document, text))
}

async fn verify(workspace_id: Uuid, ledger: &Ledger) -> Result<Answer, CliError> {
    let differences = ledger.verify(workspace_id).await?;
    let mut text = String::from("The balance agrees with the entries.");
    if !differences.is_empty() {
        let rows = differences.iter().map(|difference| {
            [difference.field.to_owned(), difference.balance.to_string(), difference.recomputed.to_string()]
        });
        let rows = table(["field", "balance", "recomputed"], rows);
        text = format!("The balance does not agree with the entries:\n{rows}");
    }
    let agrees = differences.is_empty();
    let code = if agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    Ok(Answer { code, ..Answer::new(json!({ "agrees": agrees, "differences": differences }), text) })
}

async fn verify_all(connection: &Connection) -> Result<Answer, CliError> {
    let ledger = Ledger::new(&connection.context)?;
    let mut workspaces = Accounts::new(&connection.context)?.workspaces().await?;
    workspaces.sort_by_key(|workspace| workspace.created_at);
    let (mut documents, mut rows, mut code) = (Vec::new(), Vec::new(), ExitCode::SUCCESS);
    for workspace in workspaces {
        let differences = ledger.verify(workspace.workspace_id).await?;
        let agrees = differences.is_empty();
        if !agrees {
            code = ExitCode::FAILURE;
        }
        let fields = differences.iter().map(|difference| difference.field).collect::<Vec<_>>().join(", ");
        let said = if agrees { "agrees".to_owned() } else { format!("does not agree: {fields}") };
        rows.push([workspace.workspace_id.to_string(), workspace.name, said]);
        documents.push(json!({ "workspace_id": workspace.workspace_id, "agrees": agrees, "differences": differences }));
    }
    let text = table(["workspace", "name", "balance"], rows.into_iter());
    Ok(Answer { code, ..Answer::new(json!({ "workspaces": documents }), text) })
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
    let mut shown = json!(entry);
    shown["created_at"] = timestamp(entry.created_at).into();
    shown
}

fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Grant => "grant",
        EntryKind::Charge => "charge",
        EntryKind::Void => "void",
    }
}
