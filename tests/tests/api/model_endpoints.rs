//! Endpoints that are compatible with OpenAI in their own ways: what they refuse, and what their models write. Each way is
//! from an endpoint's documents or public reports about it.

use std::sync::Arc;

use serde_json::{Value, json};
use tests::{Api, CONTACT, ModelReply, ScriptedModel, Setup, send, suggestion};

fn suggestions() -> String {
    json!({"suggestions": [suggestion("email")]}).to_string()
}

fn refused(status: u16, error: &Value) -> ModelReply {
    ModelReply::Status(status, json!({ "error": error }).to_string())
}

fn completion(message: &Value, finish_reason: &str) -> ModelReply {
    let choice = json!({"index": 0, "message": message, "finish_reason": finish_reason});
    ModelReply::Status(200, json!({"model": "m", "choices": [choice], "usage": null}).to_string())
}

fn calls(calls: &Value, more: &Value) -> ModelReply {
    let mut message = json!({"role": "assistant", "content": null, "tool_calls": calls});
    for (name, value) in more.as_object().into_iter().flatten() {
        message[name] = value.clone();
    }
    completion(&message, "tool_calls")
}

/// Asks for suggestions; gives the status, the number of questions, and the last question.
async fn suggest(model: &ScriptedModel) -> (u16, usize, Value) {
    let api = Api::with_model(model).await;
    let answer = api.suggest(&json!({"contact_id": CONTACT, "count": 1})).await;
    let balance = api.verified_balance().await;
    assert_eq!(balance.spent, if answer.status == 200 { 2 } else { 0 }, "{}", answer.text);
    let requests = model.requests();
    (answer.status, requests.len(), requests.last().cloned().unwrap_or_default())
}

/// Asks the assistant; gives the answer or the error's code, and every question.
async fn chat(script: Vec<ModelReply>) -> (Result<String, u16>, Vec<Value>) {
    let model = ScriptedModel::start(script).await;
    let api = Api::with_model(&model).await;
    let answer =
        send(api.authorized("POST", "/v1/lexi/chat").json(&json!({"message": "Which lists are there?"}))).await;
    let spent = api.verified_balance().await.spent;
    assert_eq!(spent, u64::from(answer.status == 200), "{}", answer.text);
    let said = match answer.status {
        200 => Ok(answer.json()["data"]["response"].as_str().unwrap().to_owned()),
        status => Err(status),
    };
    (said, model.requests())
}

#[tokio::test]
async fn json_is_found_in_what_a_model_writes_around_it() {
    let json = suggestions();
    for text in [
        format!("```json\n{json}\n```"),
        format!("<think>\nAn e-mail, {{\"type\": \"email\"}}.\n</think>\n{json}"),
        format!("Here is the JSON:\n\n{json}\n\nAnything else?"),
        format!("\u{feff}{json}"),
        json.replace("]}", "],}"),
    ] {
        let model = ScriptedModel::start(vec![ModelReply::Text(text.clone())]).await;
        let (status, asked, _) = suggest(&model).await;
        assert_eq!((status, asked), (200, 1), "{text}");
    }
}

#[tokio::test]
async fn the_form_of_a_reply_is_asked_for_as_the_endpoint_takes_it() {
    for taken in ["json_object", "none"] {
        let model = ScriptedModel::start(vec![ModelReply::By(Arc::new(move |request: &Value| {
            let form = request["response_format"]["type"].as_str().unwrap_or("none");
            match form == taken {
                true => ModelReply::Text(suggestions()),
                false => refused(400, &json!({"message": "This response_format type is unavailable now"})),
            }
        }))]);
        let model = model.await;
        let (status, _, last) = suggest(&model).await;
        assert_eq!(status, 200, "{taken}");
        // Without a schema in the request, the prompt has it.
        assert!(last["messages"][0]["content"].as_str().unwrap().contains("\"suggested_when\""), "{last}");
    }
}

#[tokio::test]
async fn a_schema_that_an_endpoint_ignores_goes_into_the_prompt() {
    let model = ScriptedModel::start(vec![ModelReply::By(Arc::new(|request: &Value| {
        let told = request["messages"][0]["content"].as_str().unwrap().contains("\"suggested_when\"");
        ModelReply::Text(if told { suggestions() } else { json!([suggestion("email")]).to_string() })
    }))])
    .await;
    let (status, asked, _) = suggest(&model).await;
    assert_eq!((status, asked), (200, 2));
}

#[tokio::test]
async fn an_optional_field_that_an_endpoint_refuses_is_left_out_for_good() {
    let model =
        ScriptedModel::start(vec![ModelReply::By(Arc::new(|request: &Value| match request.get("stream_options") {
            None => ModelReply::Text("All noted.".to_owned()),
            Some(_) => ModelReply::Status(
                422,
                json!({"message": {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs"}]}})
                    .to_string(),
            ),
        }))])
        .await;
    let api = Api::with_model(&model).await;
    for asked in [2, 3] {
        let request = api.authorized("POST", "/v1/lexi/chat").header("Accept", "text/event-stream");
        let answer = send(request.json(&json!({"message": "Hello"}))).await;
        assert!(answer.text.contains("All noted."), "{}", answer.text);
        assert_eq!(model.requests().len(), asked);
    }
}

#[tokio::test]
async fn what_came_with_a_tool_call_goes_back_with_it() {
    let call = |more: Value| {
        let mut call = json!({"id": "c1", "type": "function", "function": {"name": "list_lists", "arguments": "{}"}});
        for (name, value) in more.as_object().into_iter().flatten() {
            call[name] = value.clone();
        }
        json!([call])
    };
    let signature = json!({"extra_content": {"google": {"thought_signature": "c2ln"}}});
    let thought = json!({"reasoning_content": "They want the lists."});
    let script = vec![calls(&call(signature), &thought), ModelReply::Text("There are none.".to_owned())];
    let (said, asked) = chat(script).await;
    assert_eq!(said.as_deref(), Ok("There are none."));
    let back = asked[1]["messages"].as_array().unwrap().iter().find(|one| one["tool_calls"].is_array()).unwrap();
    assert_eq!(back["reasoning_content"], "They want the lists.");
    assert_eq!(back["tool_calls"][0]["extra_content"]["google"]["thought_signature"], "c2ln");
}

#[tokio::test]
async fn tool_calls_are_used_in_the_forms_that_servers_give_them() {
    let function = |arguments: Value| json!({"name": "search_contacts", "arguments": arguments});
    for wanted in [
        json!([{"id": "c1", "type": "function", "function": function(json!({"text": "Jane"}))}]),
        json!([{"id": "", "function": function(json!("{\"text\": \"Jane\"}"))}]),
        json!([{"id": "c1", "function": function(json!("{\"text\": \"Jane\"}"))},
               {"id": "c1", "function": {"name": "list_lists", "arguments": ""}}]),
    ] {
        let script = vec![calls(&wanted, &Value::Null), ModelReply::Text("Found.".to_owned())];
        let (said, asked) = chat(script).await;
        assert_eq!((said.as_deref(), asked.len()), (Ok("Found."), 2), "{wanted}");
        let messages = asked[1]["messages"].as_array().unwrap();
        let called =
            messages.iter().find(|one| one["tool_calls"].is_array()).unwrap()["tool_calls"].as_array().unwrap();
        let ids: Vec<_> = called.iter().map(|call| call["id"].as_str().unwrap()).collect();
        let answered: Vec<_> = messages.iter().filter_map(|one| one["tool_call_id"].as_str()).collect();
        assert!(ids == answered && ids.iter().all(|id| !id.is_empty()), "{messages:?}");
        assert!(called.iter().all(|call| call["function"]["arguments"].is_string()), "{called:?}");
    }
    // As text, where the server does not parse it.
    let text = "<tool_call>\n{\"name\": \"list_lists\", \"arguments\": {}}\n</tool_call>";
    let (said, asked) = chat(vec![ModelReply::Text(text.to_owned()), ModelReply::Text("None.".to_owned())]).await;
    assert_eq!((said.as_deref(), asked.len()), (Ok("None."), 2));
}

#[tokio::test]
async fn the_model_is_told_what_strict_templates_take() {
    let (said, asked) = chat(vec![ModelReply::Text("None.".to_owned())]).await;
    assert!(said.is_ok());
    let roles: Vec<_> = asked[0]["messages"].as_array().unwrap().iter().map(|one| one["role"].clone()).collect();
    assert_eq!(roles, ["system", "user"]);
    // A model that calls tools in every round still has them in the last one, and may not call them.
    let script = vec![ModelReply::By(Arc::new(|request: &Value| match request["tool_choice"] == "none" {
        true => ModelReply::Text("That is all.".to_owned()),
        false => ModelReply::Calls(vec![("list_lists".to_owned(), "{}".to_owned())]),
    }))];
    let (said, asked) = chat(script).await;
    assert_eq!(said.as_deref(), Ok("That is all."));
    assert!(asked.iter().all(|request| request["tools"].is_array()));
}

#[tokio::test]
async fn thoughts_are_not_shown() {
    let parts = json!([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "All "}, {"type": "text", "text": "noted."}]);
    for reply in [
        ModelReply::Text("<think>She is fishing.</think>\n\nAll noted.".to_owned()),
        completion(&json!({"content": parts}), "stop"),
        completion(&json!({"content": "All noted.", "reasoning": "She is fishing."}), "STOP"),
    ] {
        assert_eq!(chat(vec![reply]).await.0.as_deref(), Ok("All noted."));
    }
}

#[tokio::test]
async fn a_reply_that_is_not_whole_is_asked_for_again() {
    let half = |reason: &str| completion(&json!({"content": "We should"}), reason);
    for first in [
        half("length"),
        half("model_length"),
        half("content_filter"),
        half("insufficient_system_resource"),
        half("error"),
        half("something_new"),
        refused(400, &json!({"code": "tool_use_failed", "message": "Failed to call a function."})),
        refused(424, &json!({})),
        refused(498, &json!({})),
        refused(529, &json!({"type": "overloaded_error"})),
        ModelReply::Status(200, json!({"error": {"message": "Provider returned error", "code": 502}}).to_string()),
        ModelReply::Status(200, String::new()),
        ModelReply::Status(200, "<!doctype html>".to_owned()),
    ] {
        let name = format!("{first:?}");
        let (said, asked) = chat(vec![first, ModelReply::Text("We should ring her.".to_owned())]).await;
        assert_eq!((said.as_deref(), asked.len()), (Ok("We should ring her."), 2), "{name}");
    }
}

#[tokio::test]
async fn a_wrong_configuration_opens_the_breaker_and_is_not_repeated() {
    for error in [
        refused(401, &json!({"code": "invalid_api_key"})),
        refused(402, &json!({})),
        refused(404, &json!({"code": "model_not_found"})),
        refused(400, &json!({"code": "unsupported_value", "param": "model"})),
        refused(429, &json!({"code": "insufficient_quota"})),
        ModelReply::Status(200, json!({"error": {"message": "No auth", "code": 401}}).to_string()),
    ] {
        let name = format!("{error:?}");
        let model = ScriptedModel::start(vec![error]).await;
        let api = Api::with_model(&model).await;
        for _ in 0..5 {
            assert_eq!(api.suggest(&json!({"contact_id": CONTACT})).await.status, 502, "{name}");
        }
        assert_eq!(model.requests().len(), 5, "{name}");
        assert_eq!(api.suggest(&json!({"contact_id": CONTACT})).await.status, 503, "{name}");
        assert_eq!(api.verified_balance().await.available, 1_000);
    }
}

#[tokio::test]
async fn an_address_with_a_query_and_a_key_with_a_line_feed_work() {
    let model = ScriptedModel::start(vec![ModelReply::Text(suggestions())]).await;
    let mut named = model.as_model();
    named.base_url += "?api-version=2024-10-21";
    named.key += "\n";
    let api = Api::with(Setup { model: Some(named), ..Setup::default() }).await;
    assert_eq!(api.suggest(&json!({"contact_id": CONTACT, "count": 1})).await.status, 200);
}
