//! Keys, permissions and rate limits (docs/behaviour.md, "Keys and limits").

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;
use shared::workspace::auth::Permission;
use tests::{Answer, Api, CONTACT, SUGGEST, send};

async fn suggest_with(api: &Api, authorization: &str) -> Answer {
    send(api.request("POST", SUGGEST).header("Authorization", authorization).json(&json!({"contact_id": CONTACT})))
        .await
}

#[tokio::test]
async fn a_missing_malformed_or_unknown_key_is_401() {
    let api = Api::start().await;
    let without = send(api.request("POST", SUGGEST).json(&json!({"contact_id": CONTACT}))).await;
    assert_eq!(without.code(), (401, "invalid_key".to_owned()));
    let unknown = format!("Bearer wbk_{}", "b".repeat(52));
    let upper = format!("Bearer {}", api.key.to_uppercase());
    let padded = format!("Bearer {}a", api.key);
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        api.key.as_str(),
        "Bearer wbk_your_api_key_here",
        &unknown,
        &upper,
        &padded,
    ] {
        assert_eq!(suggest_with(&api, authorization).await.code(), (401, "invalid_key".to_owned()), "{authorization}");
    }
}

#[tokio::test]
async fn the_scheme_may_be_written_in_any_case() {
    let api = Api::start().await;
    assert_eq!(suggest_with(&api, &format!("bearer {}", api.key)).await.status, 200);
}

#[tokio::test]
async fn a_key_is_refused_from_the_moment_it_expires() {
    let api = Api::start().await;
    let expires = api.clock.now() + TimeDelta::minutes(10);
    let key =
        api.new_key(api.workspace, &Permission::ALL, |record| record.expires_at = Some(expires.timestamp())).await;
    assert_eq!(suggest_with(&api, &format!("Bearer {key}")).await.status, 200);
    api.clock.advance(TimeDelta::minutes(10));
    assert_eq!(suggest_with(&api, &format!("Bearer {key}")).await.code(), (401, "invalid_key".to_owned()));
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let api = Api::start().await;
    let key = api.accounts().keys(api.workspace).await.unwrap().remove(0);
    assert_eq!(api.suggest(&json!({"contact_id": CONTACT})).await.status, 200);
    api.accounts().revoke(&key, api.clock.now()).await.unwrap();
    assert_eq!(api.suggest(&json!({"contact_id": CONTACT})).await.code(), (401, "invalid_key".to_owned()));
}

#[tokio::test]
async fn each_route_asks_for_its_permission_and_names_it() {
    let api = Api::start().await;
    for permission in Permission::ALL {
        let key = api.new_key(api.workspace, &[permission], |_| {}).await;
        let suggested = suggest_with(&api, &format!("Bearer {key}")).await;
        let credits = send(api.request("GET", "/v1/credits").bearer_auth(&key)).await;
        if permission == Permission::WriteAi {
            assert_eq!(suggested.status, 200);
        } else {
            assert_eq!(suggested.code(), (403, "insufficient_permissions".to_owned()));
            assert_eq!(suggested.json()["error"]["message"], "this API key lacks the permission write:ai");
        }
        assert_eq!(credits.status, if permission == Permission::ReadAi { 200 } else { 403 });
    }
}

#[tokio::test]
async fn only_a_digest_and_a_prefix_of_a_key_are_stored() {
    let api = Api::start().await;
    let scanned = api.stack.context.dynamodb.scan().table_name("lead-followup-accounts").send().await.unwrap();
    let stored = format!("{:?}", scanned.items());
    assert!(stored.contains(&api.key[..8]));
    assert!(!stored.contains(&api.key[8..]), "a key is stored in the clear");
}

#[tokio::test]
async fn a_key_gets_100_requests_a_minute_and_10000_a_day_unless_it_is_given_others() {
    let api = Api::start().await;
    let key = api.new_key(api.workspace, &Permission::ALL, |record| record.quota = Default::default()).await;
    let answer = suggest_with(&api, &format!("Bearer {key}")).await;
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("100", "99"));
    assert_eq!(answer.header("ratelimit-policy"), "\"minute\";q=100;w=60, \"day\";q=10000;w=86400");
}

#[tokio::test]
async fn the_minute_window_refuses_tells_when_to_return_and_opens_again() {
    let api = Api::start().await;
    // A minute's start, so that the window does not end in the middle of the test.
    let into_minute = api.clock.now().timestamp_millis() % 60_000;
    api.clock.advance(TimeDelta::milliseconds(60_000 - into_minute));
    let key = api.new_key(api.workspace, &Permission::ALL, |record| record.quota.per_minute = 3).await;
    for remaining in ["2", "1", "0"] {
        let answer = suggest_with(&api, &format!("Bearer {key}")).await;
        assert_eq!(
            (answer.status, answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")),
            (200, "3", remaining)
        );
    }
    let refused = suggest_with(&api, &format!("Bearer {key}")).await;
    assert_eq!(refused.code(), (429, "rate_limited".to_owned()));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    let seconds: i64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert!(refused.header("ratelimit").starts_with("\"minute\";r=0;t="), "{}", refused.header("ratelimit"));
    assert_eq!(refused.header("ratelimit-policy"), "\"minute\";q=3;w=60, \"day\";q=1000000;w=86400");
    api.clock.advance(TimeDelta::seconds(seconds));
    let reopened = suggest_with(&api, &format!("Bearer {key}")).await;
    assert_eq!((reopened.status, reopened.header("x-ratelimit-remaining")), (200, "2"));
}

#[tokio::test]
async fn the_day_window_outlasts_the_minute_and_ends_with_the_utc_day() {
    let api = Api::start().await;
    let into_day = api.clock.now().timestamp_millis() % 86_400_000;
    api.clock.advance(TimeDelta::milliseconds(86_400_000 - into_day));
    let key = api.new_key(api.workspace, &Permission::ALL, |record| record.quota.per_day = 2).await;
    for _ in 0..2 {
        assert_eq!(suggest_with(&api, &format!("Bearer {key}")).await.status, 200);
        api.clock.advance(TimeDelta::minutes(1));
    }
    let refused = suggest_with(&api, &format!("Bearer {key}")).await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("ratelimit").starts_with("\"day\";r=0;t="));
    let seconds: i64 = refused.header("retry-after").parse().unwrap();
    assert!((86_000..86_400).contains(&seconds), "{seconds}");
    api.clock.advance(TimeDelta::seconds(seconds));
    assert_eq!(suggest_with(&api, &format!("Bearer {key}")).await.status, 200);
}

#[tokio::test]
async fn the_limit_is_exact_under_concurrency_and_refusals_use_nothing_up() {
    let api = Api::start().await;
    let into_minute = api.clock.now().timestamp_millis() % 60_000;
    api.clock.advance(TimeDelta::milliseconds(60_000 - into_minute));
    let key = api.new_key(api.workspace, &Permission::ALL, |record| {
        record.quota.per_minute = 20;
        record.quota.per_day = 25;
    });
    let key = key.await;
    let get = || send(api.request("GET", "/v1/credits").bearer_auth(&key));
    let answers = join_all((0..60).map(|_| get())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 20);
    assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 40);
    // The forty refusals took nothing from the day.
    api.clock.advance(TimeDelta::minutes(1));
    let answers = join_all((0..10).map(|_| get())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 5);
}

#[tokio::test]
async fn a_request_without_permission_uses_nothing_up() {
    let api = Api::start().await;
    let key = api.new_key(api.workspace, &[Permission::ReadAi], |record| record.quota.per_day = 1).await;
    for _ in 0..3 {
        assert_eq!(suggest_with(&api, &format!("Bearer {key}")).await.status, 403);
    }
    assert_eq!(send(api.request("GET", "/v1/credits").bearer_auth(&key)).await.status, 200);
}
