//! TODO which rule of docs/behaviour.md it tests.

use serde_json::json;
use tests::{Api, send};

#[tokio::test]
async fn todo_say_what_it_proves_in_a_sentence() {
    let api = Api::start().await;
    let answer = send(api.authorized("POST", "/v1/skeleton").json(&json!({"todo": 3}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.text.contains("\"todo\":3"), "{}", answer.text);
}
