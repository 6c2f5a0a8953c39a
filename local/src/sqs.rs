//! The embedded SQS: rustack, served on loopback, with the queues of the template.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use hyper_util::rt::TokioIo;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use serde_json::json;
use tokio::net::TcpListener;

use crate::error::LocalError;
use crate::template::{ACCOUNT, DeclaredQueue, REGION};

/// Serves SQS until the task is dropped.
pub async fn serve(listener: TcpListener, address: SocketAddr) {
    let config = SqsConfig { host: address.ip().to_string(), port: address.port(), ..SqsConfig::default() };
    let handler = Arc::new(RustackSqsHandler::new(Arc::new(RustackSqs::new(config))));
    let service = SqsHttpService::new(handler, SqsHttpConfig::default());
    loop {
        let Ok((connection, _)) = listener.accept().await else { continue };
        let service = service.clone();
        tokio::spawn(async move {
            let served =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
            if let Err(error) = served {
                tracing::debug!(%error, "an SQS connection ended");
            }
        });
    }
}

/// A client of the embedded SQS.
pub fn client(endpoint: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

/// Creates the queues, and returns their addresses by name.
pub async fn create(client: &Client, queues: &[DeclaredQueue]) -> Result<HashMap<String, String>, LocalError> {
    let failed = |name: &str| LocalError::Emulator(format!("SQS: queue {name} cannot be created"));
    let mut urls = HashMap::new();
    for queue in queues {
        let attributes =
            queue.attributes.iter().map(|(name, value)| (QueueAttributeName::from(name.as_str()), value.clone()));
        let created =
            client.create_queue().queue_name(&queue.name).set_attributes(Some(attributes.collect())).send().await;
        let url = created.ok().and_then(|created| created.queue_url).ok_or_else(|| failed(&queue.name))?;
        urls.insert(queue.name.clone(), url);
    }
    for queue in queues {
        let Some((dead_letters, count)) = &queue.redrive else { continue };
        let policy = json!({"deadLetterTargetArn": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{dead_letters}"), "maxReceiveCount": count});
        let set = client
            .set_queue_attributes()
            .set_queue_url(urls.get(&queue.name).cloned())
            .attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
        set.send().await.map_err(|_| failed(&queue.name))?;
    }
    Ok(urls)
}
