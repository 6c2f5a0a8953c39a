//! The request body (seeds/lexi-chat.md, "Body Parameters"), checked.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::api::http::{Fields, uuid};
use shared::base::problem::Problem;
use uuid::Uuid;

/// The longest message, in characters.
pub(crate) const LONGEST: usize = 12_000;

/// The request, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What the person says.
    pub message: String,
    /// The list that it is about.
    pub list_id: Option<Uuid>,
    /// The campaign that it is about.
    pub campaign_id: Option<Uuid>,
    /// The conversation that it continues.
    pub conversation_id: Option<Uuid>,
}

impl Request {
    /// Reads and checks a body.
    pub fn parse(body: &Value) -> Result<Self, Problem> {
        let mut fields = Fields::of(body)?;
        let message = fields.required_text("message", LONGEST);
        let context = fields.any("context");
        let mut complaints = complaints(fields.finish())?;
        let mut ids = [None; 3];
        match context {
            None => {}
            Some(context) if context.is_object() => {
                let mut fields = Fields::of(context)?;
                for (id, name) in ids.iter_mut().zip(["list_id", "campaign_id", "conversation_id"]) {
                    *id = fields.parsed(name, "must be a UUID", uuid);
                }
                let within = self::complaints(fields.finish())?;
                complaints.extend(within.into_iter().map(|(name, complaint)| (format!("context.{name}"), complaint)));
            }
            Some(_) => drop(complaints.insert("context".to_owned(), "must be an object".to_owned())),
        }
        if !complaints.is_empty() {
            return Err(Problem::fields(complaints));
        }
        let [list_id, campaign_id, conversation_id] = ids;
        Ok(Self { message, list_id, campaign_id, conversation_id })
    }
}

/// What a body's fields are complained about, by their names.
fn complaints(finished: Result<(), Problem>) -> Result<BTreeMap<String, String>, Problem> {
    match finished {
        Ok(()) => Ok(BTreeMap::new()),
        Err(problem) if problem.fields.is_empty() => Err(problem),
        Err(problem) => Ok(problem.fields),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "123e4567-e89b-12d3-a456-426614174000";

    #[test]
    fn a_message_with_its_context_is_read() {
        let request = Request::parse(&json!({
            "message": "Find me 20 CEOs",
            "context": {"list_id": ID, "campaign_id": null, "conversation_id": ID.to_uppercase()},
        }));
        let request = request.unwrap();
        assert_eq!((request.list_id, request.campaign_id), (ID.parse().ok(), None));
        assert_eq!(request.conversation_id, ID.parse().ok());
        assert_eq!(Request::parse(&json!({"message": "Hello", "context": {}})).unwrap().list_id, None);
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        for (body, field) in [
            (json!({}), "message"),
            (json!({"message": "  "}), "message"),
            (json!({"message": 5}), "message"),
            (json!({"message": "x".repeat(LONGEST + 1)}), "message"),
            (json!({"message": "x", "context": []}), "context"),
            (json!({"message": "x", "context": {"list_id": "list-uuid"}}), "context.list_id"),
            (json!({"message": "x", "context": {"campaign_id": 5}}), "context.campaign_id"),
            (json!({"message": "x", "context": {"conversation_id": ""}}), "context.conversation_id"),
            (json!({"message": "x", "context": {"list": ID}}), "context.list"),
            (json!({"message": "x", "stream": true}), "stream"),
        ] {
            let problem = Request::parse(&body).unwrap_err();
            assert!(problem.fields.contains_key(field), "{body}: {:?}", problem.fields);
        }
        assert!(Request::parse(&json!([])).is_err());
    }
}
