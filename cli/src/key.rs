//! `key`: the API keys of a workspace.

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::base::context::FromContext;
use shared::base::time::timestamp;
use shared::workspace::accounts::{Accounts, KeyRecord};
use shared::workspace::auth::{ApiKey, Permission, Quota};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, facts};
use crate::workspace::{self, Of};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key and show it, this once
    #[command(after_help = CREATE_HELP)]
    Create(Create),
    /// List the keys of a workspace, oldest first; never the keys themselves
    List(Of),
    /// Revoke a key from now on, for good
    Revoke {
        #[command(flatten)]
        of: Of,
        /// The key's identifier, as `key list` shows it
        #[arg(value_name = "KEY_ID", value_parser = id)]
        key_id: Uuid,
    },
}

const CREATE_HELP: &str = include_str!("../help/key-create.txt");

/// A key that is to be made.
#[derive(Args, Debug)]
pub struct Create {
    /// The workspace that it belongs to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// What it may do, comma separated
    #[arg(long, value_name = "LIST", value_parser = permissions)]
    permissions: Permissions,
    /// The day from which it is refused (00:00 UTC), or how long it is good for, in days
    #[arg(long, value_name = "2027-01-31|90d")]
    expires: Option<Expiry>,
    /// Requests in a minute
    #[arg(long, value_name = "N", default_value_t = Quota::default().per_minute, value_parser = clap::value_parser!(u32).range(1..))]
    per_minute: u32,
    /// Requests in a UTC day
    #[arg(long, value_name = "N", default_value_t = Quota::default().per_day, value_parser = clap::value_parser!(u32).range(1..))]
    per_day: u32,
}

/// A type of its own, because clap takes a bare set for an option that may be repeated.
#[derive(Clone, Debug)]
struct Permissions(BTreeSet<Permission>);

fn permissions(list: &str) -> Result<Permissions, String> {
    let named = list.split(',').map(|name| Permission::named(name.trim()).map_err(|error| error.to_string()));
    named.collect::<Result<Vec<_>, _>>().map(|sets| Permissions(sets.into_iter().flatten().collect()))
}

fn id(text: &str) -> Result<Uuid, String> {
    text.trim().parse().map_err(|_| "must be a UUID, as `cargo cli key list` prints it".to_owned())
}

/// When a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    On(NaiveDate),
    In(TimeDelta),
}

impl FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::On(date));
        }
        let days = text.strip_suffix('d').and_then(|days| days.parse::<u16>().ok()).filter(|days| *days > 0);
        let days = days.ok_or("give a date such as 2027-01-31 or a number of days such as 90d")?;
        Ok(Self::In(TimeDelta::days(i64::from(days))))
    }
}

impl Expiry {
    /// The moment, if it is still to come.
    fn after(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let at = match self {
            Self::On(date) => date.and_time(NaiveTime::MIN).and_utc(),
            Self::In(time) => now + time,
        };
        (at > now).then_some(at)
    }
}

/// Runs a command.
pub async fn run(command: Command, connection: &Connection) -> Result<Answer, CliError> {
    match command {
        Command::Create(create) => make(create, connection).await,
        Command::List(of) => list(of.workspace, connection).await,
        Command::Revoke { of, key_id } => revoke(of.workspace, key_id, connection).await,
    }
}

async fn make(create: Create, connection: &Connection) -> Result<Answer, CliError> {
    let context = &connection.context;
    let now = context.clock.now();
    let expires = match create.expires.map(|expiry| expiry.after(now)) {
        Some(None) => return Err(CliError::Refused("--expires lies in the past".to_owned())),
        Some(at) => at,
        None => None,
    };
    let workspace = connection.workspace(create.workspace).await?;
    let key = ApiKey::generate(&context.random);
    let mut record = KeyRecord::new(&key, context.random.uuid(), workspace.workspace_id, create.permissions.0, now);
    record.quota = Quota { per_minute: create.per_minute, per_day: create.per_day };
    record.expires_at = expires.map(|at| at.timestamp());
    Accounts::new(context)?.put_key(&record).await?;

    let mut document = shown(&record);
    document["key"] = key.reveal().into();
    document["workspace_id"] = json!(workspace.workspace_id);
    let text = facts(&[
        ("key", key.reveal().to_owned()),
        ("key id", record.key_id.to_string()),
        ("workspace", format!("{} ({})", workspace.workspace_id, workspace.name)),
        ("permissions", names(&record)),
        ("quota", quota(&record)),
        ("expires", moment_or(record.expires_at, "never")),
    ]);
    let remark = "Keep the key now: it is stored nowhere and not shown again.";
    Ok(Answer::new(document, format!("{text}\n\n{remark}")))
}

async fn list(workspace_id: Uuid, connection: &Connection) -> Result<Answer, CliError> {
    let keys = connection.store::<Accounts>(workspace_id).await?.keys(workspace_id).await?;
    let row = |key: &KeyRecord| {
        let created = timestamp(key.created_at);
        let (expires, revoked) = (moment_or(key.expires_at, "never"), moment_or(key.revoked_at, "no"));
        [key.key_id.to_string(), key.prefix.clone(), names(key), quota(key), created, expires, revoked]
    };
    let head = ["key id", "prefix", "permissions", "quota", "created", "expires", "revoked"];
    Ok(Answer::list("keys", "The workspace has no keys.", &keys, shown, head, row))
}

async fn revoke(workspace_id: Uuid, key_id: Uuid, connection: &Connection) -> Result<Answer, CliError> {
    let accounts: Accounts = connection.store(workspace_id).await?;
    if !accounts.revoke(workspace_id, key_id, connection.context.clock.now()).await? {
        return Err(CliError::Refused(format!("the workspace {workspace_id} has no key {key_id}")));
    }
    Ok(Answer::new(json!({ "key_id": key_id, "revoked": true }), format!("The key {key_id} is revoked.")))
}

/// A key as JSON: what is stored of it, without the digest.
fn shown(key: &KeyRecord) -> Value {
    json!({
        "key_id": key.key_id,
        "prefix": key.prefix,
        "permissions": key.permissions,
        "per_minute": key.quota.per_minute,
        "per_day": key.quota.per_day,
        "created_at": timestamp(key.created_at),
        "expires_at": moment(key.expires_at),
        "revoked_at": moment(key.revoked_at),
    })
}

fn names(key: &KeyRecord) -> String {
    key.permissions.iter().map(|permission| permission.name()).collect::<Vec<_>>().join(",")
}

fn quota(key: &KeyRecord) -> String {
    format!("{}/min {}/day", key.quota.per_minute, key.quota.per_day)
}

fn moment_or(epoch: Option<i64>, none: &str) -> String {
    moment(epoch).unwrap_or_else(|| none.to_owned())
}

fn moment(epoch: Option<i64>) -> Option<String> {
    epoch.and_then(|epoch| DateTime::from_timestamp(epoch, 0)).map(timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_expiry_is_a_date_or_a_number_of_days() {
        let now = day("2026-06-01T12:00:00Z");
        let after = |text: &str| text.parse::<Expiry>().unwrap().after(now);
        assert_eq!(after("2027-01-31"), Some(day("2027-01-31T00:00:00Z")));
        assert_eq!(after("90d"), Some(day("2026-08-30T12:00:00Z")));
        for wrong in ["", "d", "0d", "-1d", "90", "2027-02-30", "31.01.2027"] {
            assert!(wrong.parse::<Expiry>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_expiry_in_the_past_is_none() {
        let now = day("2026-06-01T12:00:00Z");
        assert_eq!("2026-06-01".parse::<Expiry>().unwrap().after(now), None);
    }

    #[test]
    fn the_help_speaks_of_every_permission() {
        for permission in Permission::ALL {
            assert!(CREATE_HELP.contains(permission.name()), "{permission}");
        }
    }

    #[test]
    fn a_key_is_listed_without_its_digest() {
        let key = ApiKey::generate(&shared::base::clock::Random::seeded(1));
        let record = KeyRecord::new(&key, Uuid::nil(), Uuid::nil(), BTreeSet::new(), day("2026-06-01T12:00:00Z"));
        assert!(!shown(&record).to_string().contains(&key.digest()));
    }
}
