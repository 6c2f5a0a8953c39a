//! The protocol as `docs/prospect-provider.md` shows it, against a server that answers as a test says, byte for
//! byte.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::{Uuid, uuid};

use super::provider::Provider;
use super::{Found, Prospect, Query, SearchError};
use crate::base::clock::{Clock, Random};
use crate::base::context::Context;
use crate::base::environment::{ConfigError, Environment};
use crate::clients::secrets::tests::valued_as_named;

const DOCUMENT: &str = include_str!("../../../../docs/prospect-provider.md");

const SEARCH: Uuid = uuid!("4f1c7a52-9c0e-4a5b-8f43-0d7f6f1f2a10");

/// The examples of a kind, in their order.
fn examples(kind: &str) -> Vec<Value> {
    let start = format!("```json {kind}\n");
    let blocks = DOCUMENT.split(&start).skip(1);
    blocks.map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap()).collect()
}

/// One answer: status, more header lines, body, and how many bytes of it are sent.
type Answer = (u16, &'static str, Vec<u8>, usize);

fn answer(status: u16, body: &Value) -> Answer {
    let body = body.to_string().into_bytes();
    let length = body.len();
    (status, "", body, length)
}

/// Answers in order; the last answer goes on for ever.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/prospects", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
                let (head, body) = loop {
                    let read = connection.read(&mut buffer).await.unwrap();
                    bytes.extend_from_slice(&buffer[..read]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                    if body.len() >= length.parse().unwrap() {
                        break (head.to_owned(), serde_json::from_str(body).unwrap());
                    }
                };
                let count = {
                    let mut seen = seen.lock().unwrap();
                    seen.push((head, body));
                    seen.len()
                };
                let (status, more, body, sent) = &script[count.min(script.len()) - 1];
                let head =
                    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{more}\r\n", body.len());
                // Who has read enough goes.
                let _ = connection.write_all(&[head.as_bytes(), &body[..*sent]].concat()).await;
            }
        });
        Self { url, requests, task }
    }

    fn requests(&self) -> Vec<(String, Value)> {
        self.requests.lock().unwrap().clone()
    }
}

fn provider(url: &str) -> Result<Option<Provider>, ConfigError> {
    let variables = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("PROSPECTS_URL", url),
        ("PROSPECTS_KEY_SECRET", "secret-key"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &valued_as_named()),
    ];
    let environment = Environment::from_iter(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Provider::new(&Context::new(environment, Clock::default(), Random::seeded(1)).unwrap())
}

fn query(count: u32) -> Query {
    let texts = |text: &str| vec![text.to_owned()];
    Query {
        titles: texts("CTOs"),
        industries: texts("SaaS companies"),
        places: texts("California"),
        min_employees: Some(50),
        max_employees: Some(200),
        count,
    }
}

async fn search(server: &Server, count: u32) -> Result<Vec<Prospect>, SearchError> {
    let without = HashSet::from(["provider:p-77".to_owned(), "own:p-1".to_owned()]);
    let query = query(count);
    let mut found = Found::new(&query, &without);
    provider(&server.url).unwrap().unwrap().find(SEARCH, &query, &mut found).await?;
    Ok(found.prospects)
}

fn ids(prospects: &[Prospect]) -> Vec<&str> {
    prospects.iter().map(|prospect| prospect.prospect_id.as_str()).collect()
}

#[tokio::test]
async fn the_examples_of_the_document_are_what_is_sent_and_understood() {
    let answers = examples("response").iter().map(|example| answer(200, example)).collect();
    let server = Server::start(answers).await;
    let found = search(&server, 3).await.unwrap();
    assert_eq!(ids(&found), ["provider:p-81", "provider:p-82", "provider:p-90"]);
    let requests = server.requests();
    assert_eq!(requests.iter().map(|(_, body)| body.clone()).collect::<Vec<_>>(), examples("request"));
    for (head, _) in &requests {
        assert!(head.starts_with("POST /v1/prospects HTTP/1.1"), "{head}");
        for line in [
            "authorization: Bearer secret-key",
            "content-type: application/json",
            &format!("idempotency-key: {SEARCH}"),
        ] {
            assert!(head.contains(line), "{head}");
        }
        assert!(DOCUMENT.contains(&format!("Idempotency-Key: {SEARCH}")));
    }
    let expected = Prospect {
        prospect_id: "provider:p-81".to_owned(),
        full_name: "Mira Solberg".to_owned(),
        job_title: "Chief Technology Officer".to_owned(),
        company_name: "Quillstack".to_owned(),
        industry: "Software".to_owned(),
        employees: Some(120),
        city: Some("Oakland".to_owned()),
        region: Some("California".to_owned()),
        country: Some("United States".to_owned()),
        email: Some("mira.solberg@quillstack.example".to_owned()),
        phone: Some("+15105550142".to_owned()),
        linkedin: Some("https://www.linkedin.example/in/mira-solberg".to_owned()),
    };
    assert_eq!(found[0], expected);
    assert_eq!((found[1].industry.as_str(), &found[1].email), ("", &None));
}

#[tokio::test]
async fn no_further_page_is_asked_for_once_there_are_enough() {
    let server = Server::start(vec![answer(200, &examples("response")[0])]).await;
    assert_eq!(ids(&search(&server, 2).await.unwrap()), ["provider:p-81", "provider:p-82"]);
    assert_eq!(ids(&search(&server, 1).await.unwrap()), ["provider:p-81"]);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_provider_whose_pages_never_end_is_left() {
    let same = json!({"prospects": [], "next_cursor": "a"});
    let server = Server::start(vec![answer(200, &same)]).await;
    assert_eq!(search(&server, 5).await.unwrap(), []);
    assert_eq!(server.requests().len(), 2);
    let other = |index: usize| answer(200, &json!({"prospects": [], "next_cursor": index.to_string()}));
    let server = Server::start((0..40).map(other).collect()).await;
    assert_eq!(search(&server, 5).await.unwrap(), []);
    assert_eq!(server.requests().len(), 20);
}

#[tokio::test]
async fn what_comes_is_checked() {
    let long = "x".repeat(201);
    let good = json!({"id": "p-1", "full_name": " Ada   Ley ", "email": "ADA@x.example", "phone": "+1 415 555 0100"});
    let with = |name: &str, value: Value| {
        let mut prospect = good.clone();
        prospect[name] = value;
        prospect
    };
    let prospects = json!([
        with("id", json!("")), with("id", json!("p 2")), with("id", json!(7)), with("id", json!("x".repeat(120))),
        with("full_name", Value::Null), with("full_name", json!(long)), with("full_name", json!("A\u{7}B")), 7, [],
        with("id", json!("p-77")),
        good,
        with("id", json!("p-1")), with("id", json!("p-2")),
        {"id": "p-3", "full_name": "B", "email": "no address", "phone": "555", "employees": -1, "job_title": long,
         "linkedin": "javascript:alert(1)", "city": 7, "country": "US", "unknown": 1},
    ]);
    let server = Server::start(vec![answer(200, &json!({ "prospects": prospects }))]).await;
    let found = search(&server, 500).await.unwrap();
    assert_eq!(ids(&found), ["provider:p-1", "provider:p-3"]);
    assert_eq!(found[0].full_name, "Ada Ley");
    assert_eq!(found[0].email.as_deref(), Some("ada@x.example"));
    assert_eq!(found[0].phone.as_deref(), Some("+14155550100"));
    let expected = Prospect {
        prospect_id: "provider:p-3".to_owned(),
        full_name: "B".to_owned(),
        country: Some("US".to_owned()),
        ..Prospect::default()
    };
    assert_eq!(found[1], expected);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_with_the_same_key() {
    let good = answer(200, &json!({"prospects": [{"id": "p-1", "full_name": "A"}]}));
    let half = (200, "", good.2.clone(), 5);
    let failures = [
        answer(500, &json!({})),
        answer(503, &json!({})),
        (429, "retry-after: 0\r\n", Vec::new(), 0),
        answer(409, &json!({})),
        answer(200, &json!("nothing")),
        half,
    ];
    let found = failures.map(async |failure| {
        let server = Server::start(vec![failure.clone(), failure, good.clone()]).await;
        assert_eq!(ids(&search(&server, 5).await.unwrap()), ["provider:p-1"]);
        let requests = server.requests();
        assert_eq!(requests.len(), 3);
        assert!(requests.iter().all(|request| *request == requests[0]));
    });
    futures_util::future::join_all(found).await;
}

#[tokio::test]
async fn what_does_not_pass_is_unavailable_after_three_attempts_and_says_nothing_of_anybody() {
    let server = Server::start(vec![answer(503, &json!({"error": {"code": "jane@x.example"}}))]).await;
    let error = search(&server, 5).await.unwrap_err();
    assert_eq!(error, SearchError::Unavailable("prospect provider: status 503".to_owned()));
    assert_eq!(server.requests().len(), 3);
    // Nobody waits a minute for it.
    let server = Server::start(vec![(429, "retry-after: 60\r\n", Vec::new(), 0)]).await;
    assert!(matches!(search(&server, 5).await, Err(SearchError::Unavailable(_))));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_is_refused_is_not_tried_again() {
    let example = &examples("error")[0];
    let too_long = vec![b' '; 2 * 1024 * 1024 + 1];
    let length = too_long.len();
    for (script, expected) in [
        (answer(422, example), "prospect provider: status 422, query_not_supported"),
        (answer(401, &json!({})), "prospect provider: status 401"),
        (answer(400, &json!({"error": {"code": "Jane Doe"}})), "prospect provider: status 400"),
        (answer(302, &json!({})), "prospect provider: status 302"),
        ((200, "", too_long, length), "prospect provider: the answer is longer than 2 MiB"),
        (
            answer(200, &json!({"prospects": [], "next_cursor": "x".repeat(1025)})),
            "prospect provider: the cursor is too long",
        ),
    ] {
        let server = Server::start(vec![script]).await;
        assert_eq!(search(&server, 5).await.unwrap_err(), SearchError::Refused(expected.to_owned()));
        assert_eq!(server.requests().len(), 1, "{expected}");
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_unavailable() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let (query, without) = (query(5), HashSet::new());
    let mut found = Found::new(&query, &without);
    let mut provider = provider(&url).unwrap().unwrap();
    provider.within = Duration::from_millis(50);
    let searched = provider.find(SEARCH, &query, &mut found).await;
    assert_eq!(searched, Err(SearchError::Unavailable("prospect provider: timeout".to_owned())));
}

#[test]
fn an_address_is_https_or_here_and_needs_a_key() {
    let made = |pairs: &[(&str, &str)]| {
        let all = [("AWS_REGION", "x"), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")];
        let variables: HashMap<_, _> = all.iter().chain(pairs).copied().collect();
        let environment =
            Environment::from_iter(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        Provider::new(&Context::new(environment, Clock::default(), Random::seeded(1)).unwrap())
    };
    assert!(made(&[]).unwrap().is_none());
    assert!(made(&[("PROSPECTS_KEY_SECRET", "k"), ("PROSPECTS_URL", "")]).unwrap().is_none());
    for url in ["https://p.example/v1", "http://127.0.0.1:7/v1", "http://[::1]:7", "http://localhost:7"] {
        assert!(made(&[("PROSPECTS_URL", url), ("PROSPECTS_KEY_SECRET", "k")]).unwrap().is_some());
        assert_eq!(made(&[("PROSPECTS_URL", url)]).unwrap_err(), ConfigError::Missing("PROSPECTS_KEY_SECRET"));
    }
    for url in ["http://p.example", "ftp://127.0.0.1", "nowhere", "http://localhost.p.example", "file:///x"] {
        let error = made(&[("PROSPECTS_URL", url), ("PROSPECTS_KEY_SECRET", "k")]).unwrap_err();
        assert!(matches!(error, ConfigError::Invalid { name: "PROSPECTS_URL", .. }), "{url}");
    }
}
