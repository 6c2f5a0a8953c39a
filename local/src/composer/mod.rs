//! The built-in composer: an OpenAI-compatible endpoint that stands in for a model where none is configured. It
//! applies rules to the facts in the prompt, so the same facts give the same text.

mod campaign;
mod follow_up;
mod followups;
mod lexi;
mod recommendation;
mod reply;
mod scoring;
mod text;

use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use reply::Reply;

/// The model name that the endpoint answers with.
pub const NAME: &str = "built-in-composer";

/// Serves the endpoint until the task is dropped.
pub async fn serve(listener: TcpListener) {
    let app = axum::Router::new().route("/v1/chat/completions", axum::routing::post(complete));
    // Sends each event at once, as the gateway does.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    if let Err(error) = axum::serve(listener, app).await {
        tracing::error!(%error, "the composer stopped");
    }
}

async fn complete(Json(request): Json<Value>) -> Response {
    match reply(&request) {
        Some(reply) => reply.respond(&request),
        None => {
            let error = json!({"error": {"message": "the built-in composer does not know this task"}});
            (http::StatusCode::BAD_REQUEST, Json(error)).into_response()
        }
    }
}

fn reply(request: &Value) -> Option<Reply> {
    // Every task but the conversation names the schema of its reply.
    let Some(task) = request["response_format"]["json_schema"]["name"].as_str() else {
        return Some(lexi::reply(request));
    };
    // Later messages complain about an earlier reply; the composer has no other.
    let facts = request["messages"][1]["content"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok())?;
    let content = match task {
        "suggest_followups" => followups::suggest(&facts),
        "sales_follow_up" => follow_up::write(&facts),
        "refine_follow_up" => follow_up::refine(&facts),
        "recommend_follow_up" => recommendation::recommend(&facts),
        "campaign_draft" => campaign::write(&facts),
        "summarise_conversation" => lexi::summarise(&facts),
        "score_lead" => scoring::score(&facts),
        _ => return None,
    };
    Some(Reply::text(content.to_string()))
}
