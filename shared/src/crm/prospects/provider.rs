//! The HTTP provider of prospects: the client of the protocol that `docs/prospect-provider.md` documents.
//!
//! A search is one POST a page. All of them, and everything that is tried again, carry the search's own
//! `Idempotency-Key`, by which the provider charges it once; that is why trying again is safe.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Response, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Found, Prospect, Query, SearchError};
use crate::base::clock::{Clock, Random};
use crate::base::context::Context;
use crate::base::environment::ConfigError;
use crate::base::observe::traces::{Of, Subsegment};
use crate::clients::answer::{self, Unread};
use crate::clients::http_client::http_client;
use crate::clients::secrets::Secret;
use pii::addresses;

/// What the identifiers of a provider's prospects begin with in what a search gives.
const SOURCE: &str = "provider:";

/// The longest identifier, so that all of it has 128 characters with its source.
const LONGEST_ID: usize = 128 - SOURCE.len();

const LONGEST_CURSOR: usize = 1024;

/// The most identifiers that a request excludes. Others are left out of what comes.
const MOST_EXCLUDED: usize = 1000;

/// The most pages of a search, and the most bytes of one.
const MOST_PAGES: usize = 20;
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// How often a page is asked for, and how long for one of those, connecting included.
const ATTEMPTS: u32 = 3;
const WITHIN: Duration = Duration::from_secs(10);

/// How long a whole search may take.
const WHOLE: Duration = Duration::from_secs(40);

/// The longest that a provider is waited for before it is asked again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A provider, by its address and key.
#[derive(Clone)]
pub(super) struct Provider {
    http: reqwest::Client,
    url: Url,
    key: Secret,
    /// How long one request may take.
    pub(super) within: Duration,
    clock: Clock,
    random: Random,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Provider(..)")
    }
}

#[derive(Serialize)]
struct Request<'a> {
    query: Criteria<'a>,
    count: usize,
    exclude: &'a BTreeSet<&'a str>,
    cursor: Option<&'a str>,
}

#[derive(Serialize)]
struct Criteria<'a> {
    titles: &'a [String],
    industries: &'a [String],
    places: &'a [String],
    min_employees: Option<u32>,
    max_employees: Option<u32>,
}

#[derive(Deserialize)]
struct Page {
    prospects: Vec<Value>,
    #[serde(default)]
    next_cursor: Option<String>,
}

/// Why a page did not come.
enum Failure {
    /// It may come if it is asked for again.
    Passing { what: String, retry_after: Option<Duration> },
    /// It will not.
    Final(String),
}

impl Failure {
    fn passing(what: &str) -> Self {
        Self::Passing { what: format!("prospect provider: {what}"), retry_after: None }
    }
}

impl Provider {
    /// The provider at `PROSPECTS_URL`, if that is set, with the key in the secret `PROSPECTS_KEY_SECRET`.
    pub fn new(context: &Context) -> Result<Option<Self>, ConfigError> {
        const NAME: &str = "PROSPECTS_URL";
        let invalid = |reason: String| ConfigError::Invalid { name: NAME, reason };
        let Some(url) = context.environment.optional(NAME) else { return Ok(None) };
        let url: Url = url.parse().map_err(|error| invalid(format!("{error}")))?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(invalid("it must be https, or http on this machine".to_owned()));
        }
        let key = Secret::required(context, "PROSPECTS_KEY_SECRET")?;
        let http = http_client()?;
        let (clock, random) = (context.clock.clone(), context.random.clone());
        Ok(Some(Self { http, url, key, within: WITHIN, clock, random }))
    }

    /// Adds to what was found until it is enough, or the provider has nobody else.
    pub async fn find(&self, search_id: Uuid, query: &Query, found: &mut Found<'_>) -> Result<(), SearchError> {
        let searched = tokio::time::timeout(WHOLE, self.pages(search_id, query, found)).await;
        searched.unwrap_or_else(|_| Err(SearchError::Unavailable("prospect provider: timeout".to_owned())))
    }

    async fn pages(&self, search_id: Uuid, query: &Query, found: &mut Found<'_>) -> Result<(), SearchError> {
        // In an order, so that a search that is tried again says the same.
        let excluded: BTreeSet<&str> = found.without.iter().filter_map(|id| id.strip_prefix(SOURCE)).collect();
        let excluded = excluded.into_iter().take(MOST_EXCLUDED).collect();
        let count = found.missing();
        let criteria = || Criteria {
            titles: &query.titles,
            industries: &query.industries,
            places: &query.places,
            min_employees: query.min_employees,
            max_employees: query.max_employees,
        };
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let request = Request { query: criteria(), count, exclude: &excluded, cursor: cursor.as_deref() };
            let page = self.page(search_id, &request).await?;
            let received = page.prospects.len();
            let prospects: Vec<_> = page.prospects.iter().filter_map(prospect).collect();
            tracing::info!(received, left_out = received - prospects.len(), "prospect provider answered");
            for prospect in prospects {
                found.take(SOURCE, prospect);
            }
            let next = page.next_cursor.filter(|next| !next.is_empty());
            if found.is_enough() || next.is_none() || next == cursor {
                break;
            }
            cursor = next;
        }
        Ok(())
    }

    /// One page, asked for again while that may help.
    async fn page(&self, search_id: Uuid, request: &Request<'_>) -> Result<Page, SearchError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let asked = self.clock.now();
            let (what, retry_after) = match self.ask(search_id, request).await {
                Ok(page) => return Ok(page),
                Err(Failure::Final(what)) => return Err(SearchError::Refused(what)),
                Err(Failure::Passing { what, retry_after }) => (what, retry_after),
            };
            let latency_ms = (self.clock.now() - asked).num_milliseconds();
            tracing::warn!(cause = what, latency_ms, "prospect provider failed");
            let wait = self.random.up_to(Duration::from_millis(200 << attempt)).max(retry_after.unwrap_or_default());
            if attempt == ATTEMPTS || wait > LONGEST_WAIT {
                return Err(SearchError::Unavailable(what));
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn ask(&self, search_id: Uuid, request: &Request<'_>) -> Result<Page, Failure> {
        let key =
            self.key.value().await.map_err(|error| Failure::Passing { what: error.to_string(), retry_after: None })?;
        let mut call = Subsegment::begin("prospects", Of::Remote);
        let sent = self
            .http
            .post(self.url.clone())
            .timeout(self.within)
            .bearer_auth(key)
            .header("idempotency-key", search_id.to_string())
            .json(request)
            .send()
            .await;
        let response = sent.map_err(|error| Failure::passing(kind(&error)))?;
        let status = response.status().as_u16();
        let retry_after = answer::retry_after(response.headers());
        let body = body(response).await;
        call.answered(status);
        match status {
            200 => {
                let page: Page =
                    serde_json::from_slice(&body?).map_err(|_| Failure::passing("the answer does not read"))?;
                match &page.next_cursor {
                    Some(cursor) if cursor.len() > LONGEST_CURSOR => {
                        Err(Failure::Final("prospect provider: the cursor is too long".to_owned()))
                    }
                    _ => Ok(page),
                }
            }
            408 | 409 | 425 | 429 | 500.. => {
                Err(Failure::Passing { what: format!("prospect provider: status {status}"), retry_after })
            }
            _ => Err(Failure::Final(match body.ok().and_then(|body| code(&body)) {
                Some(code) => format!("prospect provider: status {status}, {code}"),
                None => format!("prospect provider: status {status}"),
            })),
        }
    }
}

/// Whether an address is this machine's own, whatever names resolve to.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn kind(error: &reqwest::Error) -> &'static str {
    match () {
        () if error.is_connect() => "no connection",
        () if error.is_timeout() => "timeout",
        () => "the connection broke off",
    }
}

/// The body of an answer, as long as it is not too long.
async fn body(response: Response) -> Result<Vec<u8>, Failure> {
    answer::body(response, MOST_BYTES).await.map_err(|error| match error {
        Unread::TooLong => Failure::Final("prospect provider: the answer is longer than 2 MiB".to_owned()),
        Unread::BrokenOff(error) => Failure::passing(kind(&error)),
    })
}

/// The code of an error, if it is one: nothing in it can be a name or a sentence.
fn code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let code = body["error"]["code"].as_str()?;
    let is_code = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_code.then(|| code.to_owned())
}

/// A prospect as a provider tells it. Without an identifier or a name it is none; another value that cannot be
/// right is left out.
fn prospect(told: &Value) -> Option<Prospect> {
    let line = |name: &str, limit: usize| {
        let text = told[name].as_str()?.split_whitespace().collect::<Vec<_>>().join(" ");
        let fits = !text.is_empty() && text.chars().count() <= limit && !text.chars().any(char::is_control);
        fits.then_some(text)
    };
    let prospect_id = told["id"].as_str()?;
    let is_id =
        (1..=LONGEST_ID).contains(&prospect_id.len()) && prospect_id.bytes().all(|byte| byte.is_ascii_graphic());
    Some(Prospect {
        prospect_id: is_id.then(|| prospect_id.to_owned())?,
        full_name: line("full_name", 200)?,
        job_title: line("job_title", 200).unwrap_or_default(),
        company_name: line("company_name", 200).unwrap_or_default(),
        industry: line("industry", 200).unwrap_or_default(),
        employees: told["employees"].as_u64().and_then(|employees| employees.try_into().ok()),
        city: line("city", 200),
        region: line("region", 200),
        country: line("country", 200),
        email: line("email", 254).and_then(|email| addresses::email(&email).ok()),
        phone: line("phone", 40).and_then(|phone| addresses::phone(&phone, None).ok()),
        linkedin: line("linkedin", 500).filter(|address| address.starts_with("https://")),
    })
}
