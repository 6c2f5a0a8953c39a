//! A proxy before DynamoDB and SQS that enforces the permissions of the template's roles ("Actions, resources, and
//! condition keys for Amazon DynamoDB", Service Authorization Reference).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::body::{Body, Bytes};
use axum::extract::State;
use http::HeaderMap;
use local::Permission;
use serde_json::Value;

use crate::proxy::{Upstream, denied, response};
use crate::server::Server;

/// The permissions of each function.
#[derive(Clone, Debug, Default)]
pub struct Permissions(Arc<HashMap<String, Vec<Permission>>>);

impl Permissions {
    /// The permissions of the project's template.
    pub fn of_project() -> Self {
        static PROJECT: LazyLock<Permissions> = LazyLock::new(|| Permissions::of(&crate::template()));
        PROJECT.clone()
    }

    /// The permissions of a template.
    pub fn of(template: &str) -> Self {
        let functions = crate::parsed(template).functions().expect("functions");
        Self(Arc::new(functions.into_iter().map(|function| (function.name, function.permissions)).collect()))
    }

    /// The permission that a function lacks for a request. A caller that is not a function may do everything.
    pub fn refusal(&self, headers: &HeaderMap, request: &Value) -> Option<String> {
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

/// The actions of a request, each with the end of the ARN of its resource.
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
        "SendMessage" | "SendMessageBatch" | "ChangeMessageVisibility" => {
            let queue = request["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
            vec![(format!("sqs:{}", operation.trim_end_matches("Batch")), format!(":{queue}"))]
        }
        // It only opens the connection.
        "DescribeEndpoints" => Vec::new(),
        other => of(other, table(request)),
    }
}

/// A proxy that refuses what a function may not do.
pub struct PermissionProxy {
    server: Server,
    upstream: Upstream,
}

impl PermissionProxy {
    pub async fn start(permissions: Permissions) -> Self {
        let upstream = Upstream::default();
        let app = axum::Router::new().fallback(pass).with_state((permissions, upstream.clone()));
        Self { server: Server::start(app).await, upstream }
    }

    pub fn url(&self) -> &str {
        self.server.url()
    }

    pub fn set_upstream(&self, url: &str) {
        self.upstream.set(url);
    }
}

async fn pass(
    State((permissions, upstream)): State<(Permissions, Upstream)>,
    headers: HeaderMap,
    body: Bytes,
) -> http::Response<Body> {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(reason) = permissions.refusal(&headers, &request) {
        return denied(&reason);
    }
    let (status, body) = upstream.forward(headers, body).await;
    response(status, body)
}
