//! `key`: the API keys of a workspace.

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shared::base::context::FromContext;
use shared::base::time::timestamp;
use shared::workspace::accounts::{Accounts, KeyRecord, Workspace};
use shared::workspace::auth::{ApiKey, Permission, Quota};
use uuid::Uuid;

use crate::connection::Connection;
use crate::error::CliError;
use crate::output::{Answer, facts, or_dash};
use crate::workspace::{self, Of};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key and show it; it cannot be shown again
    #[command(after_help = CREATE_HELP)]
    Create(Create),
    /// List the keys of a workspace with their last use, oldest first; never the keys themselves
    List(Of),
    /// Replace a key by a new one with the same name, permissions, quota and expiry; the old one stays valid for a while
    Rotate {
        #[command(flatten)]
        which: Which,
        /// How long the old key stays valid, so that every client can change to the new one
        #[arg(long, value_name = "24h|7d", default_value = "24h")]
        overlap: Overlap,
    },
    /// Revoke a key from now on, for good
    Revoke(Which),
}

/// A key of a workspace.
#[derive(Args, Debug)]
pub struct Which {
    #[command(flatten)]
    of: Of,
    /// The key's identifier, as `key list` shows it
    #[arg(value_name = "KEY_ID", value_parser = id)]
    key_id: Uuid,
}

impl Which {
    async fn key(&self, accounts: &Accounts) -> Result<KeyRecord, CliError> {
        let Self { of: Of { workspace }, key_id } = self;
        let found = accounts.key(*workspace, *key_id).await?;
        found.ok_or_else(|| CliError::Refused(format!("the workspace {workspace} has no key {key_id}")))
    }
}

const CREATE_HELP: &str = include_str!("../help/key-create.txt");

/// A key that is to be made.
#[derive(Args, Debug)]
pub struct Create {
    /// The workspace that it belongs to
    #[arg(long, value_name = "UUID", value_parser = workspace::id)]
    workspace: Uuid,
    /// What it is for, such as `CRM`; `key list` shows it
    #[arg(long, value_name = "TEXT", value_parser = name)]
    name: Option<String>,
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

/// A newtype, because clap would treat a plain set as an option that can be given several times.
#[derive(Clone, Debug)]
struct Permissions(BTreeSet<Permission>);

fn permissions(list: &str) -> Result<Permissions, String> {
    let named = list.split(',').map(|name| Permission::named(name.trim()).map_err(|error| error.to_string()));
    named.collect::<Result<Vec<_>, _>>().map(|sets| Permissions(sets.into_iter().flatten().collect()))
}

fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    match name.chars().count() {
        1..=100 => Ok(name.to_owned()),
        _ => Err("a name has 1 to 100 characters".to_owned()),
    }
}

fn id(text: &str) -> Result<Uuid, String> {
    text.trim().parse().map_err(|_| "must be a UUID, as `cargo cli key list` prints it".to_owned())
}

/// How long a key stays valid beside its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap(TimeDelta);

impl FromStr for Overlap {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |unit| text.strip_suffix(unit)?.parse::<u16>().ok().map(i64::from);
        let overlap = number('h').map(TimeDelta::hours).or_else(|| number('d').map(TimeDelta::days));
        overlap.map(Self).ok_or("give a number of hours or days, such as 24h or 7d")
    }
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
        Command::Rotate { which, overlap } => rotate(&which, overlap, connection).await,
        Command::Revoke(which) => revoke(&which, connection).await,
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
    record.name = create.name;
    record.quota = Quota { per_minute: create.per_minute, per_day: create.per_day };
    record.expires_at = expires.map(|at| at.timestamp());
    Accounts::new(context)?.put_key(&record).await?;
    Ok(revealed(&key, &record, &workspace, "Keep the key now: it is stored nowhere and not shown again."))
}

async fn rotate(which: &Which, Overlap(overlap): Overlap, connection: &Connection) -> Result<Answer, CliError> {
    let context = &connection.context;
    let (workspace, accounts) = (connection.workspace(which.of.workspace).await?, Accounts::new(context)?);
    let (old, now) = (which.key(&accounts).await?, context.clock.now());
    if !old.is_valid(now) {
        let reason = format!("the key {} is revoked or expired; make a new one with `key create`", old.key_id);
        return Err(CliError::Refused(reason));
    }
    let (key, key_id) = (ApiKey::generate(&context.random), context.random.uuid());
    let mut record = KeyRecord::new(&key, key_id, old.workspace_id, old.permissions.clone(), now);
    record.name.clone_from(&old.name);
    record.quota = old.quota;
    // A key that was given for a time is not prolonged by being replaced.
    record.expires_at = old.expires_at;
    accounts.put_key(&record).await?;
    accounts.expire(&old, now + overlap).await?;
    let overlapped = (now + overlap).timestamp();
    let end = moment(Some(old.expires_at.map_or(overlapped, |expires| expires.min(overlapped)))).unwrap_or_default();
    let remark = format!("Keep the key now: it is not shown again. The old key {} ends at {end}.", old.key_id);
    let mut answer = revealed(&key, &record, &workspace, &remark);
    answer.document["replaces"] = json!({"key_id": old.key_id, "expires_at": end});
    Ok(answer)
}

/// The answer that shows a new key; it is the only one.
fn revealed(key: &ApiKey, record: &KeyRecord, workspace: &Workspace, remark: &str) -> Answer {
    let mut document = shown(record);
    document["key"] = key.reveal().into();
    document["workspace_id"] = json!(record.workspace_id);
    let text = facts(&[
        ("key", key.reveal().to_owned()),
        ("key id", record.key_id.to_string()),
        ("name", or_dash(&record.name)),
        ("workspace", format!("{} ({})", workspace.workspace_id, workspace.name)),
        ("permissions", names(record)),
        ("quota", quota(record)),
        ("expires", moment_or(record.expires_at, "never")),
    ]);
    Answer::new(document, format!("{text}\n\n{remark}"))
}

async fn list(workspace_id: Uuid, connection: &Connection) -> Result<Answer, CliError> {
    let keys = connection.store::<Accounts>(workspace_id).await?.keys(workspace_id).await?;
    let row = |key: &KeyRecord| {
        let created = timestamp(key.created_at);
        let used = key.last_used_at().map_or_else(|| "never".to_owned(), timestamp);
        let (expires, revoked) = (moment_or(key.expires_at, "never"), moment_or(key.revoked_at, "no"));
        let id = key.key_id.to_string();
        [id, or_dash(&key.name), key.prefix.clone(), names(key), quota(key), created, used, expires, revoked]
    };
    let head = ["key id", "name", "prefix", "permissions", "quota", "created", "last used", "expires", "revoked"];
    Ok(Answer::list("keys", "The workspace has no keys.", &keys, shown, head, row))
}

async fn revoke(which: &Which, connection: &Connection) -> Result<Answer, CliError> {
    let accounts: Accounts = connection.store(which.of.workspace).await?;
    let key = which.key(&accounts).await?;
    accounts.revoke(&key, connection.context.clock.now()).await?;
    let key_id = key.key_id;
    Ok(Answer::new(json!({ "key_id": key_id, "revoked": true }), format!("The key {key_id} is revoked.")))
}

/// A key as JSON: what is stored of it, without the digest.
fn shown(key: &KeyRecord) -> Value {
    json!({
        "key_id": key.key_id,
        "name": key.name,
        "prefix": key.prefix,
        "permissions": key.permissions,
        "per_minute": key.quota.per_minute,
        "per_day": key.quota.per_day,
        "created_at": timestamp(key.created_at),
        "last_used_at": key.last_used_at().map(timestamp),
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
    fn an_overlap_is_a_number_of_hours_or_days() {
        assert_eq!("24h".parse(), Ok(Overlap(TimeDelta::hours(24))));
        assert_eq!("0d".parse(), Ok(Overlap(TimeDelta::zero())));
        for wrong in ["", "h", "24", "-1h", "1.5d", "2w"] {
            assert!(wrong.parse::<Overlap>().is_err(), "{wrong}");
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
