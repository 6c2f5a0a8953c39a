//! `recommendations`: what waits for a reviewer, over the API and with the reviewer's own key, so that every check of the
//! API holds and the audit names who approved.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use shared::clients::{answer, http_client::http_client};
use uuid::Uuid;

use crate::connection::Target;
use crate::error::CliError;
use crate::output::{Answer, facts, table};

const ROUTE: &str = "/api/v1/ai/followup/recommendations";

/// How long the API may take.
const TIMEOUT: Duration = Duration::from_secs(35);

/// The longest answer: a page of a hundred recommendations with drafts of 5,000 characters is far below.
const MOST_BYTES: usize = 16 << 20;

/// Commands about recommendations.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List recommendations, the most urgent first
    List {
        #[command(flatten)]
        api: Api,
        /// Only those of this status, such as pending_review or manual; all with `all`
        #[arg(long, value_name = "STATUS", default_value = "pending_review")]
        status: String,
        /// Which page
        #[arg(long, value_name = "N", default_value_t = 1)]
        page: u32,
    },
    /// Show a recommendation with its draft, and why it is proposed
    Show {
        #[command(flatten)]
        api: Api,
        /// The recommendation's identifier
        #[arg(value_name = "ID")]
        id: Uuid,
    },
    /// Approve a recommendation as it is, or changed; then it is sent
    #[command(after_help = include_str!("../help/recommendations-approve.txt"))]
    Approve(Approve),
    /// Return an item of the manual queue to the model
    Requeue {
        #[command(flatten)]
        api: Api,
        /// The recommendation's identifier
        #[arg(value_name = "ID")]
        id: Uuid,
    },
    /// Close an item of the manual queue, or a delivery with an unknown result, without a message
    Resolve {
        #[command(flatten)]
        api: Api,
        /// The recommendation's identifier
        #[arg(value_name = "ID")]
        id: Uuid,
    },
}

/// An approval.
#[derive(Args, Debug)]
pub struct Approve {
    #[command(flatten)]
    api: Api,
    /// The recommendation's identifier
    #[arg(value_name = "ID")]
    id: Uuid,
    /// The version that you have seen, as `show` prints it; if somebody has changed it since, nothing is approved
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// Another channel
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// Another subject line or headline
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Another text
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
}

/// The API, and whose key is used.
#[derive(Args, Debug)]
pub struct Api {
    /// The API key, with the permissions read:ai and, to approve, write:ai
    #[arg(long, value_name = "KEY", env = "LEAD_FOLLOWUP_KEY", hide_env_values = true)]
    key: String,
    /// The address of the API [default: the one that `cargo local` runs]
    #[arg(long, value_name = "URL", env = "LEAD_FOLLOWUP_URL")]
    url: Option<String>,
}

impl Api {
    /// Sends a request, and returns the answer or what the API says is wrong.
    async fn call(&self, target: &Target, path: &str, body: Option<Value>) -> Result<Value, CliError> {
        let base = self.url.clone().map_or_else(|| target.local_api(), Ok)?;
        let url = format!("{}{ROUTE}{path}", base.trim_end_matches('/'));
        let refused = |reason: &dyn std::fmt::Display| CliError::Refused(format!("{base}: {reason}"));
        let client = http_client()?;
        let request = match &body {
            Some(body) => client.post(&url).json(body),
            None => client.get(&url),
        };
        let sent = request.bearer_auth(&self.key).timeout(TIMEOUT).send().await;
        let response = sent.map_err(|error| refused(&error.without_url()))?;
        let status = response.status();
        let body = answer::body(response, MOST_BYTES).await.map_err(|error| refused(&error))?;
        let body: Value = serde_json::from_slice(&body).map_err(|_| refused(&format!("answered {status}")))?;
        if status.is_success() {
            return Ok(body);
        }
        let error = &body["error"];
        let details = match &error["details"] {
            Value::Object(details) if !details.is_empty() => format!(" {}", error["details"]),
            _ => String::new(),
        };
        let message = error["message"].as_str().unwrap_or_default();
        Err(CliError::Refused(format!("{status}: {message}{details}")))
    }
}

/// Runs a command.
pub async fn run(command: Command, target: &Target) -> Result<Answer, CliError> {
    match command {
        Command::List { api, status, page } => {
            let filter = if status == "all" { String::new() } else { format!("&status={status}") };
            let document = api.call(target, &format!("?page={page}{filter}"), None).await?;
            Ok(Answer::new(document.clone(), listed(&document, page)))
        }
        Command::Show { api, id } => {
            let document = api.call(target, &format!("/{id}"), None).await?;
            Ok(Answer::new(document.clone(), shown(&document)))
        }
        Command::Approve(approve) => {
            let fields = [
                ("version", approve.version.map(|version| json!(version))),
                ("channel", approve.channel.map(Value::from)),
                ("draft_title", approve.title.map(Value::from)),
                ("draft_message", approve.message.map(Value::from)),
            ];
            let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            let body = Value::Object(Map::from_iter(given));
            let document = approve.api.call(target, &format!("/{}/approve", approve.id), Some(body)).await?;
            Ok(decided(approve.id, document))
        }
        Command::Requeue { api, id } => {
            Ok(decided(id, api.call(target, &format!("/{id}/requeue"), Some(json!({}))).await?))
        }
        Command::Resolve { api, id } => {
            Ok(decided(id, api.call(target, &format!("/{id}/resolve"), Some(json!({}))).await?))
        }
    }
}

fn decided(id: Uuid, document: Value) -> Answer {
    let text = format!("The recommendation {id} is {}.", text(&document["status"]));
    Answer::new(document, text)
}

fn listed(document: &Value, page: u32) -> String {
    let recommendations = document["recommendations"].as_array().map_or(&[][..], Vec::as_slice);
    if recommendations.is_empty() {
        return "There are no recommendations.".to_owned();
    }
    let fields = ["recommendation_id", "status", "priority_score", "recommended_channel", "lead_id", "created_at"];
    let rows = recommendations.iter().map(|one| fields.map(|field| text(&one[field])));
    let head = ["recommendation", "status", "priority", "channel", "lead", "created"];
    let more = match document["has_more"] == true {
        true => format!("\n\nThere are more: --page {}", page + 1),
        false => String::new(),
    };
    table(head, rows) + &more
}

fn shown(document: &Value) -> String {
    let names = [
        ("recommendation", "recommendation_id"),
        ("status", "status"),
        ("version", "version"),
        ("lead", "lead_id"),
        ("priority", "priority_score"),
        ("channel", "recommended_channel"),
        ("why", "reasoning_summary"),
        ("title", "draft_title"),
        ("created", "created_at"),
    ];
    let head = facts(&names.map(|(name, field)| (name, text(&document[field]))));
    format!("{head}\n\n{}", text(&document["draft_message"]))
}

/// A value for people; a dash where there is none.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
