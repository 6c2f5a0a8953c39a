//! What the functions' roles allow in AWS, checked here: a proxy before DynamoDB and SQS that refuses what the
//! template's policy of the asking function does not grant ("Actions, resources, and condition keys for Amazon
//! DynamoDB", Service Authorization Reference).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use axum::body::{Body, Bytes};
use axum::extract::State;
use http::HeaderMap;
use local::Permission;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What each function may do.
#[derive(Clone, Debug, Default)]
pub struct Permissions(Arc<HashMap<String, Vec<Permission>>>);

impl Permissions {
    /// Those that the project's template gives.
    pub fn of_project() -> Self {
        static PROJECT: LazyLock<Permissions> = LazyLock::new(|| Permissions::of(&crate::template()));
        PROJECT.clone()
    }

    /// Those that a template gives.
    pub fn of(template: &str) -> Self {
        let functions = crate::parsed(template).functions().expect("functions");
        Self(Arc::new(functions.into_iter().map(|function| (function.name, function.permissions)).collect()))
    }

    /// What a request of a function needs and is not granted. A caller that is no function may do everything.
    pub fn refused(&self, headers: &HeaderMap, request: &Value) -> Option<String> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let caller = text("authorization").split_once("Credential=").map_or("", |(_, rest)| rest);
        let caller = caller.split('/').next().unwrap_or_default();
        let granted = self.0.get(caller)?;
        let (_, operation) = text("x-amz-target").split_once('.').unwrap_or_default();
        let allowed = |action: &str, resource: &str| {
            granted.iter().any(|permission| {
                permission.actions.iter().any(|granted| granted == action)
                    && permission.resources.iter().any(|granted| granted.ends_with(resource))
            })
        };
        needed(operation, request)
            .into_iter()
            .find(|(action, resource)| !allowed(action, resource))
            .map(|(action, resource)| format!("{caller} may not {action} on {resource}"))
    }
}

/// The actions that an operation is, each with the end of the ARN that it is done on.
fn needed(operation: &str, request: &Value) -> Vec<(String, String)> {
    let table = |request: &Value| format!(":table/{}", request["TableName"].as_str().unwrap_or_default());
    let of = |action: &str, resource: String| vec![(format!("dynamodb:{action}"), resource)];
    match operation {
        "TransactWriteItems" | "TransactGetItems" => {
            let items = request["TransactItems"].as_array().into_iter().flatten();
            let inner = items.flat_map(|item| item.as_object().into_iter().flatten());
            inner
                .map(|(kind, inner)| {
                    let action = match kind.as_str() {
                        "ConditionCheck" => "ConditionCheckItem".to_owned(),
                        kind => format!("{kind}Item"),
                    };
                    (format!("dynamodb:{action}"), table(inner))
                })
                .collect()
        }
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = request["RequestItems"].as_object().into_iter().flatten();
            tables.map(|(name, _)| (format!("dynamodb:{operation}"), format!(":table/{name}"))).collect()
        }
        "Query" => match request["IndexName"].as_str() {
            Some(index) => of("Query", format!("{}/index/{index}", table(request))),
            None => of("Query", table(request)),
        },
        "SendMessage" | "SendMessageBatch" => {
            let queue = request["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
            vec![("sqs:SendMessage".to_owned(), format!(":{queue}"))]
        }
        // Whether it is allowed does not matter to whoever opens a connection by it.
        "DescribeEndpoints" => Vec::new(),
        other => of(other, table(request)),
    }
}

/// A running proxy.
pub struct PermissionProxy {
    url: String,
    upstream: Arc<OnceLock<String>>,
    task: JoinHandle<()>,
}

impl Drop for PermissionProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl PermissionProxy {
    /// Starts one whose upstream is named later, because a stack has to know it first.
    pub async fn start(permissions: Permissions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let upstream = Arc::<OnceLock<String>>::default();
        let state = (permissions, Arc::clone(&upstream), crate::client());
        let app = axum::Router::new().fallback(pass).with_state(state);
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self { url, upstream, task }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Names what is behind it.
    pub fn set_upstream(&self, url: &str) {
        self.upstream.set(url.to_owned()).expect("one upstream");
    }
}

type Shared = (Permissions, Arc<OnceLock<String>>, reqwest::Client);

async fn pass(
    State((permissions, upstream, client)): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> http::Response<Body> {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(refused) = permissions.refused(&headers, &request) {
        return denied(&refused);
    }
    let (status, body) = forward(&client, &upstream, headers, body).await;
    response(status, body)
}

/// Asks what is behind a proxy. Its emulators do not check the signature over headers and body.
pub async fn forward(
    client: &reqwest::Client,
    upstream: &OnceLock<String>,
    mut headers: HeaderMap,
    body: impl Into<reqwest::Body>,
) -> (u16, Bytes) {
    for name in ["content-length", "host", "accept-encoding"] {
        headers.remove(name);
    }
    let upstream = upstream.get().map(String::as_str).unwrap_or_default();
    match client.post(upstream).headers(headers).body(body).send().await {
        Ok(told) => (told.status().as_u16(), told.bytes().await.unwrap_or_default()),
        Err(_) => (500, Bytes::from_static(br#"{"__type": "InternalServerError"}"#)),
    }
}

/// An answer in the form of DynamoDB and SQS.
pub fn response(status: u16, body: impl Into<Body>) -> http::Response<Body> {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.into())
        .expect("a response")
}

/// What AWS answers; the test that provoked it can be told by what is printed.
pub fn denied(refused: &str) -> http::Response<Body> {
    eprintln!("the template's policies: {refused}");
    let told = json!({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": refused});
    response(400, told.to_string())
}
