//! The request body.

use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

/// A message to Lexi.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ChatRequest")]
pub struct Request {
    /// The user's message.
    #[schemars(length(max = 12_000), regex(pattern = r"\S"))]
    pub message: String,
    /// What it is about.
    #[serde(default)]
    #[schemars(with = "Option<ChatContext>")]
    pub context: ChatContext,
}

/// What a message is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatContext {
    /// A list.
    pub list_id: Option<Uuid>,
    /// A campaign.
    pub campaign_id: Option<Uuid>,
    /// The conversation that it continues.
    pub conversation_id: Option<Uuid>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::api::http::request::{Complaints, read};

    use super::*;

    const ID: &str = "123e4567-e89b-12d3-a456-426614174000";

    fn parsed(body: Value) -> Result<Request, Complaints> {
        let Value::Object(body) = body else { panic!("an object") };
        read(body)
    }

    #[test]
    fn a_message_with_its_context_is_read() {
        let request = parsed(json!({
            "message": "Find me 20 CEOs",
            "context": {"list_id": ID, "campaign_id": null, "conversation_id": ID.to_uppercase()},
        }));
        let request = request.unwrap().context;
        assert_eq!((request.list_id, request.campaign_id), (ID.parse().ok(), None));
        assert_eq!(request.conversation_id, ID.parse().ok());
        assert_eq!(parsed(json!({"message": "Hello", "context": {}})).unwrap().context.list_id, None);
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        for (body, field) in [
            (json!({}), "message"),
            (json!({"message": "  "}), "message"),
            (json!({"message": 5}), "message"),
            (json!({"message": "x".repeat(12_001)}), "message"),
            (json!({"message": "x", "context": []}), "context"),
            (json!({"message": "x", "context": {"list_id": "list-uuid"}}), "context.list_id"),
            (json!({"message": "x", "context": {"campaign_id": 5}}), "context.campaign_id"),
            (json!({"message": "x", "context": {"conversation_id": ""}}), "context.conversation_id"),
            (json!({"message": "x", "context": {"list": ID}}), "context.list"),
            (json!({"message": "x", "stream": true}), "stream"),
        ] {
            let complaints = parsed(body.clone()).unwrap_err();
            assert!(complaints.contains_key(field), "{body}: {complaints:?}");
        }
    }
}
