//! The built-in composer: an OpenAI-compatible endpoint that writes from the facts in the prompt,
//! by rules, the same for the same facts. It stands in for a model where none is configured, and
//! says so in its name.

mod campaign;
mod follow_up;
mod followups;
mod recommendation;
mod scoring;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The model's name.
pub const NAME: &str = "built-in-composer";

/// Serves the endpoint until the task is dropped.
pub async fn serve(listener: TcpListener) {
    let app = axum::Router::new().route("/v1/chat/completions", axum::routing::post(complete));
    if let Err(error) = axum::serve(listener, app).await {
        tracing::error!(%error, "the composer stopped");
    }
}

async fn complete(Json(request): Json<Value>) -> Response {
    let task = request["response_format"]["json_schema"]["name"].as_str().unwrap_or_default();
    // What follows the facts is a complaint about an earlier reply; the composer has only one.
    let facts = request["messages"][1]["content"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let content = match (task, facts) {
        ("suggest_followups", Some(facts)) => followups::suggest(&facts),
        ("sales_follow_up", Some(facts)) => follow_up::write(&facts),
        ("refine_follow_up", Some(facts)) => follow_up::refine(&facts),
        ("recommend_follow_up", Some(facts)) => recommendation::recommend(&facts),
        ("campaign_draft", Some(facts)) => campaign::write(&facts),
        ("score_lead", Some(facts)) => scoring::score(&facts),
        _ => {
            let error = json!({"error": {"message": "the built-in composer does not know this task"}});
            return (http::StatusCode::BAD_REQUEST, Json(error)).into_response();
        }
    };
    let content = content.to_string();
    Json(json!({
        "id": "composed",
        "object": "chat.completion",
        "model": NAME,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": request["messages"].to_string().len() / 4, "completion_tokens": content.len() / 4},
    }))
    .into_response()
}
