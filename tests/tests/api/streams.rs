//! An endpoint that sends events while it works, behind the gateway: when they arrive, how a stream ends, and
//! that neither a reader nor the lack of one changes the work. The endpoint is one of the tests' own, which
//! does as its request says.

use shared::base::context::FromContext;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use local::{Event, Gateway};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::api::http::{Answered, Call, Dialect, Endpoint, Gate, Json, Reply, Routes};
use shared::api::lambda::Function;
use shared::base::environment::ConfigError;
use shared::base::problem::{Code, Problem};
use shared::workspace::auth::Permission;
use tests::faults::logged;
use tests::{Answer, Api, send};
use tokio::sync::Notify;

/// Does what the `steps` of its request say: `say` a word, `wait` to be told to go on, `fail`, `panic`,
/// answer what was `kept`, or `linger` past every time.
#[derive(Clone, Default)]
struct Obedient {
    go_on: Arc<Notify>,
    finished: Arc<AtomicUsize>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Steps {
    #[schemars(length(max = 100))]
    steps: Option<String>,
}

impl Endpoint for Obedient {
    const DIALECT: Dialect = Dialect::Leadlex;
    const PERMISSION: Permission = Permission::Lexi;
    const STREAMS: bool = true;
    type Request = Json<Steps>;
    type Answer = Value;

    async fn handle(&self, call: &Call, Json(Steps { steps }): Json<Steps>) -> Result<Answered<Value>, Problem> {
        let steps: Vec<_> = steps.iter().flat_map(|steps| steps.split_whitespace()).collect();
        for step in &steps {
            match *step {
                "wait" => self.go_on.notified().await,
                "linger" => tokio::time::sleep(Duration::from_secs(60)).await,
                "fail" => return Err(Problem::new(Code::AiUnavailable, "the model failed").because("a test")),
                "panic" => panic!("as a test says"),
                "kept" => return Ok(Reply::replayed(200, json!({"data": {"said": "before"}}).to_string()).into()),
                "refused" => {
                    return Ok(Reply::replayed(404, json!({"error": {"code": "not_found"}}).to_string()).into());
                }
                word => call.events.send("text", &json!({"delta": word})),
            }
        }
        self.finished.fetch_add(1, Ordering::Relaxed);
        call.success(json!({"said": steps.len(), "lines": "one\ntwo"}))
    }
}

/// The endpoint, and where it is reached.
struct Served {
    api: Api,
    endpoint: Obedient,
    url: String,
    client: reqwest::Client,
}

impl Served {
    async fn start() -> Self {
        Self::with_time(Duration::from_secs(29)).await
    }

    async fn with_time(timeout: Duration) -> Self {
        let (api, endpoint) = (Api::start().await, Obedient::default());
        let event = Event::Route { method: "POST".to_owned(), path: "/v1/obey".to_owned() };
        let function = Function::from(routes(&api, &endpoint).unwrap());
        let context = &api.stack.context;
        let functions = [(&event, &function, timeout)].into_iter();
        let gateway = Gateway::new(functions, context.clock.clone(), context.random.clone()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/obey", listener.local_addr().unwrap());
        tokio::spawn(gateway.serve(listener));
        Self { api, endpoint, url, client: tests::client() }
    }

    fn ask(&self, accept: &str, steps: &[&str]) -> reqwest::RequestBuilder {
        let request = self.client.post(&self.url).bearer_auth(&self.api.key).header("Accept", accept);
        request.json(&json!({"steps": steps.join(" ")}))
    }

    async fn events(&self, steps: &[&str]) -> Answer {
        send(self.ask("text/event-stream", steps)).await
    }

    /// Waits until the work of so many requests is finished.
    async fn until_finished(&self, count: usize) {
        let started = Instant::now();
        while self.endpoint.finished.load(Ordering::Relaxed) < count {
            assert!(started.elapsed() < Duration::from_secs(10), "the work does not go on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn routes(api: &Api, endpoint: &Obedient) -> Result<Routes, ConfigError> {
    Ok(Routes::new(Gate::new(&api.stack.context)?).with("POST", "/v1/obey", endpoint.clone()))
}

/// Events without their ids.
fn plain(events: impl AsRef<[u8]>) -> String {
    let events = String::from_utf8(events.as_ref().to_vec()).unwrap();
    events.split_inclusive('\n').filter(|line| !line.starts_with("id: ")).collect()
}

fn text(delta: &str) -> String {
    format!("event: text\ndata: {{\"delta\":\"{delta}\"}}\n\n")
}

fn done(said: usize) -> String {
    format!("event: done\ndata: {{\"said\":{said},\"lines\":\"one\\ntwo\"}}\n\ndata: [DONE]\n\n")
}

#[tokio::test]
async fn events_arrive_while_the_work_goes_on() {
    let served = Served::start().await;
    let mut response = served.ask("text/event-stream", &["a", "wait", "ä\"b", "wait"]).send().await.unwrap();
    let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    assert_eq!(response.status(), 200);
    assert_eq!(header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!((header("cache-control").as_str(), header("x-accel-buffering").as_str()), ("no-store", "no"));
    assert!(header("x-request-id").parse::<uuid::Uuid>().is_ok());
    for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-policy", "ratelimit"] {
        assert!(!header(name).is_empty(), "{name}");
    }
    let mut next = async || plain(response.chunk().await.unwrap().unwrap_or_default());
    assert_eq!(next().await, text("a"));
    served.endpoint.go_on.notify_one();
    assert_eq!(next().await, text("ä\\\"b"));
    assert_eq!(served.endpoint.finished.load(Ordering::Relaxed), 0);
    served.endpoint.go_on.notify_one();
    assert_eq!(next().await, done(4));
    assert_eq!(next().await, "");
}

#[tokio::test]
async fn who_asks_for_no_events_gets_the_reply_alone() {
    let served = Served::start().await;
    for accept in ["*/*", "application/json", "application/json, text/event-stream;q=0.5"] {
        let answer = send(served.ask(accept, &["a", "b"])).await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json(), json!({"data": {"said": 2, "lines": "one\ntwo"}}));
    }
    // Nor does an endpoint that does not stream.
    let credits = send(served.api.authorized("GET", "/v1/credits").header("Accept", "text/event-stream")).await;
    assert_eq!((credits.status, credits.header("content-type")), (200, "application/json"));
}

#[tokio::test]
async fn what_is_finished_at_once_is_a_stream_too() {
    let served = Served::start().await;
    let answer = served.events(&["a", "b"]).await;
    assert_eq!(plain(&answer.text), format!("{}{}{}", text("a"), text("b"), done(2)));
    assert_eq!(plain(served.events(&[]).await.text), done(0));
    let kept = served.events(&["a", "kept"]).await;
    assert_eq!(
        plain(&kept.text),
        format!("{}event: done\ndata: {{\"said\":\"before\"}}\n\ndata: [DONE]\n\n", text("a"))
    );
    assert_eq!((kept.header("idempotent-replayed"), kept.header("x-accel-buffering")), ("true", "no"));
}

#[tokio::test]
async fn a_problem_before_the_first_event_is_an_ordinary_error() {
    let served = Served::start().await;
    let failed = served.events(&["fail"]).await;
    assert_eq!(failed.code(), (502, "ai_unavailable".to_owned()));
    assert_eq!(failed.header("content-type"), "application/json");
    assert_eq!(served.events(&["panic"]).await.code(), (500, "internal_error".to_owned()));
    assert_eq!(served.events(&["refused"]).await.code(), (404, "not_found".to_owned()));
    let request = || served.client.post(&served.url).header("Accept", "text/event-stream");
    assert_eq!(send(request().json(&json!({}))).await.code(), (401, "invalid_key".to_owned()));
    let wrong = send(request().bearer_auth(&served.api.key).json(&json!({"steps": 5}))).await;
    assert_eq!(wrong.code(), (400, "validation_error".to_owned()));
}

#[tokio::test]
async fn a_problem_after_it_is_an_event_that_ends_the_stream() {
    let served = Served::start().await;
    for (steps, code, message) in [
        (["a", "wait", "fail"], "ai_unavailable", "the model failed"),
        (["a", "wait", "panic"], "internal_error", "an unexpected error occurred; report it with the request id"),
    ] {
        let mut response = served.ask("text/event-stream", &steps).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut all = response.chunk().await.unwrap().unwrap().to_vec();
        served.endpoint.go_on.notify_one();
        while let Some(more) = response.chunk().await.unwrap() {
            all.extend_from_slice(&more);
        }
        let error = json!({"error": {"code": code, "message": message}});
        assert_eq!(plain(all), format!("{}event: error\ndata: {error}\n\n", text("a")));
    }
    // Nobody needs to wait for that.
    let at_once = served.events(&["a", "fail"]).await;
    assert!(at_once.status == 200 && at_once.text.ends_with("\n\n") && at_once.text.contains("event: error\n"));
}

#[tokio::test]
async fn the_work_goes_on_when_the_client_goes_away() {
    let served = Served::start().await;
    let mut response = served.ask("text/event-stream", &["a", "wait", "b", "wait", "c"]).send().await.unwrap();
    assert_eq!(plain(response.chunk().await.unwrap().unwrap()), text("a"));
    drop(response);
    served.endpoint.go_on.notify_one();
    tokio::time::sleep(Duration::from_millis(50)).await;
    served.endpoint.go_on.notify_one();
    served.until_finished(1).await;
    // Even one that has seen nothing yet.
    let asked = tokio::time::timeout(Duration::from_millis(200), served.events(&["wait", "b"])).await;
    assert!(asked.is_err());
    served.endpoint.go_on.notify_one();
    served.until_finished(2).await;
}

#[tokio::test]
async fn a_function_that_is_not_done_in_time_is_cut_off() {
    let served = Served::with_time(Duration::from_millis(700)).await;
    let started = Instant::now();
    let mut response = served.ask("text/event-stream", &["a", "linger"]).send().await.unwrap();
    assert_eq!(plain(response.chunk().await.unwrap().unwrap()), text("a"));
    assert!(response.chunk().await.is_err(), "the end is no good one");
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(served.events(&["linger"]).await.status, 504);
}

#[tokio::test]
async fn the_request_is_logged_when_its_stream_ends() {
    let served = Served::start().await;
    let log = logged(async {
        let mut response = served.ask("text/event-stream", &["secret-word", "wait", "fail"]).send().await.unwrap();
        response.chunk().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        served.endpoint.go_on.notify_one();
        while response.chunk().await.unwrap().is_some() {}
    })
    .await;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_request: Vec<_> = lines.iter().filter(|line| line["span"]["route"] == "POST /v1/obey").collect();
    let last = of_request.iter().filter(|line| line["fields"]["status"] == 502).collect::<Vec<_>>();
    assert_eq!(last.len(), 1, "{log}");
    assert_eq!((&last[0]["fields"]["message"], &last[0]["fields"]["cause"]), (&json!("failed"), &json!("a test")));
    assert!(last[0]["fields"]["ms"].as_i64().unwrap() >= 100, "{log}");
    assert!(!log.contains("secret-word"));
}

/// What a function's own address hands over knows no route.
#[tokio::test]
async fn a_function_with_an_address_of_its_own_takes_its_routes_and_no_others() {
    let api = Api::start().await;
    let routes = routes(&api, &Obedient::default()).unwrap();
    let ask = async |method: &str, path: &str, key: &str| {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
            "headers": {
                "authorization": format!("Bearer {key}"),
                "content-type": "application/json",
                "host": "abc.lambda-url.eu-central-1.on.aws",
            },
            "requestContext": {
                "accountId": "anonymous", "apiId": "abc", "domainName": "abc.lambda-url.eu-central-1.on.aws",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
                "requestId": "1", "routeKey": "$default", "stage": "$default", "timeEpoch": 0,
            },
            "body": "{}", "isBase64Encoded": false,
        });
        let mut response = routes.answer(lambda_http::request::from_str(&event.to_string()).unwrap()).await;
        let body: Value = serde_json::from_slice(&response.body_mut().next().await.unwrap()).unwrap();
        let allow = response.headers().get("allow").map(|allow| allow.to_str().unwrap().to_owned());
        (response.status().as_u16(), body["error"]["code"].as_str().map(str::to_owned), allow)
    };
    let log = logged(async {
        for path in ["/v1/obey", "/functions/v1/api-gateway/v1/obey"] {
            assert_eq!(ask("POST", path, &api.key).await, (200, None, None), "{path}");
            assert_eq!(ask("POST", path, "x").await, (401, Some("invalid_key".to_owned()), None), "{path}");
            let wrong = (405, Some("method_not_allowed".to_owned()), Some("POST".to_owned()));
            assert_eq!(ask("GET", path, &api.key).await, wrong, "{path}");
        }
        assert_eq!(ask("POST", "/v1/credits", &api.key).await, (404, Some("not_found".to_owned()), None));
    })
    .await;
    assert_eq!(log.lines().filter(|line| line.contains("POST /v1/obey")).count(), 4, "{log}");
}
