//! Calls of the leads API as the example user.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{Answer, Api, send};

/// The example user.
pub const USER: &str = "789895c8-4bd6-43e9-bfea-a4171ec47197";
/// The example lead's `customer_phone`.
pub const LEAD: &str = "918979556941";

/// The body of a WhatsApp message of a lead.
pub fn message(id: &str, lead: &str, at: DateTime<Utc>) -> Value {
    json!({
        "message_id": id, "customer_phone": lead, "platform": "whatsapp", "sender": "user", "text": format!("text of {id}"),
        "timestamp": at.to_rfc3339(), "conversation_id": format!("conversation of {lead}"), "agent_id": "test-agent-001",
        "agent_name": "Test AI Agent", "phone_number_id": "test-phone-001",
    })
}

/// Posts to a route of the user.
pub async fn post(api: &Api, path: &str, body: &Value) -> Answer {
    send(api.authorized("POST", &format!("/users/{USER}/{path}")).json(body)).await
}

/// Records one message or a batch.
pub async fn ingest(api: &Api, body: &Value) {
    let answer = post(api, "messages", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Records the scores and the identity of a lead.
pub async fn extract(api: &Api, lead: &str, scores: [u8; 5], identity: Value) -> Answer {
    let mut body = identity;
    for (name, score) in
        ["intent_score", "urgency_score", "budget_score", "fit_score", "engagement_score"].iter().zip(scores)
    {
        body[*name] = json!(score);
    }
    send(api.authorized("PUT", &format!("/users/{USER}/leads/{lead}/extraction")).json(&body)).await
}

/// The answer to a query.
pub async fn list(api: &Api, query: &str) -> Value {
    let answer = api.get(&format!("/users/{USER}/leads?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

/// The identifiers of the leads that a query finds, in order.
pub async fn listed(api: &Api, query: &str) -> Vec<String> {
    let body = list(api, query).await;
    let identifier = |lead: &Value| lead["customer_phone"].as_str().expect("an identifier").to_owned();
    body["data"].as_array().expect("leads").iter().map(identifier).collect()
}
