//! Keys and tokens come from Secrets Manager when they are needed, and change without a deployment.

use chrono::TimeDelta;
use serde_json::json;
use tests::{Api, CONTACT, SUGGEST, send};

async fn handshake(api: &Api, token: &str) -> u16 {
    let query = format!("/webhooks/meta?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=7");
    send(api.request("GET", &query)).await.status
}

#[tokio::test]
async fn a_secret_that_was_changed_is_used_within_five_minutes_and_without_a_restart() {
    let api = Api::start().await;
    assert_eq!(handshake(&api, local::META_VERIFY_TOKEN).await, 200);
    api.stack.secrets.put("meta-verify-token", "another");
    assert_eq!(handshake(&api, local::META_VERIFY_TOKEN).await, 200, "the one that was read is used for a while");
    api.clock.advance(TimeDelta::minutes(5));
    assert_eq!(handshake(&api, local::META_VERIFY_TOKEN).await, 403);
    assert_eq!(handshake(&api, "another").await, 200);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_again_is_used_on() {
    let api = Api::start().await;
    assert_eq!(handshake(&api, local::META_VERIFY_TOKEN).await, 200);
    api.stack.secrets.remove("meta-verify-token");
    api.clock.advance(TimeDelta::hours(1));
    assert_eq!(handshake(&api, local::META_VERIFY_TOKEN).await, 200);
    api.stack.secrets.put("meta-verify-token", "another");
    api.clock.advance(TimeDelta::seconds(30));
    assert_eq!(handshake(&api, "another").await, 200, "it is looked for again after half a minute");
}

#[tokio::test]
async fn without_the_models_key_nothing_is_charged_and_with_it_everything_goes_on() {
    let api = Api::start().await;
    api.stack.secrets.remove("llm-api-key");
    let ask = || api.authorized("POST", SUGGEST).json(&json!({"contact_id": CONTACT}));
    let answer = send(ask()).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(!answer.text.contains("llm-api-key") && !answer.text.contains("secretsmanager"), "{}", answer.text);
    assert_eq!((api.balance().await.available, api.balance().await.held), (1_000, 0));
    api.stack.secrets.put("llm-api-key", "k");
    assert_eq!(send(ask()).await.status, 200);
}
