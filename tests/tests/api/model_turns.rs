//! Conversations with a model that calls tools, whole and streamed: what it is told, what is made of its
//! replies, and what becomes of the ways in which it fails.

use shared::base::context::FromContext;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use shared::api::http::Dialect;
use shared::base::problem::{Code, Problem};
use shared::clients::llm::{Conversation, Model, Said, Tool, ToolCall, Turn};
use tests::{Api, ModelReply, ScriptedModel, Setup};

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Search {
    /// Whom to find.
    title: String,
    count: Option<u32>,
}

#[derive(JsonSchema)]
struct Nothing {}

fn tools() -> [Tool; 2] {
    [Tool::new::<Search>("search", "Finds prospects."), Tool::new::<Nothing>("credits", "Reads the balance.")]
}

/// A model, and what it stands on.
struct Asked {
    api: Api,
    model: Model,
    ready: shared::clients::llm::Ready,
}

impl Asked {
    async fn of(scripted: &ScriptedModel) -> Self {
        let environment = HashMap::from([("LLM_ATTEMPT_SECONDS".to_owned(), "1".to_owned())]);
        Self::with(Setup { model: Some(scripted.as_model()), environment, ..Setup::default() }).await
    }

    async fn with(setup: Setup) -> Self {
        let api = Api::with(setup).await;
        let model = Model::new(&api.stack.context).unwrap();
        let ready = model.ready().await.unwrap();
        Self { api, model, ready }
    }

    /// One turn, and what was handed over of it meanwhile.
    async fn turn(&mut self, said: &[Said], streamed: bool) -> (Result<Turn, Problem>, String) {
        let tools = tools();
        let conversation =
            Conversation { name: "a_test", instructions: "You are Lexi.", said, tools: &tools, may_call: true };
        let deadline = self.api.clock.now() + TimeDelta::seconds(20);
        let mut seen = String::new();
        let mut see = |text: &str| seen.push_str(text);
        let on_text: Option<&mut (dyn FnMut(&str) + Send)> = if streamed { Some(&mut see) } else { None };
        let turn = self.model.converse(&mut self.ready, &conversation, deadline, on_text).await;
        (turn, seen)
    }
}

/// Asks once with this script; gives the turn or the cause of the failure, what was handed over, and how often
/// the model was asked.
async fn ask(script: Vec<ModelReply>, streamed: bool) -> (Result<Turn, String>, String, usize) {
    let scripted = ScriptedModel::start(script).await;
    let mut asked = Asked::of(&scripted).await;
    let (turn, seen) = asked.turn(&[hello()], streamed).await;
    let turn = turn.map_err(|problem| {
        assert_eq!(problem.code.rendered(Dialect::Leadlex), (502, "ai_unavailable"));
        problem.cause.unwrap_or_default()
    });
    (turn, seen, scripted.requests().len())
}

fn hello() -> Said {
    Said::User("Find 20 CEOs in Zürich 👍".to_owned())
}

fn text(text: &str) -> Turn {
    Turn { text: text.to_owned(), calls: Vec::new(), extra: Map::new() }
}

fn calls() -> Vec<(String, String)> {
    [("search", "{\"title\": \"Geschäftsführer 👍\", \"count\": 20}"), ("credits", "{}")]
        .map(|(name, arguments)| (name.to_owned(), arguments.to_owned()))
        .to_vec()
}

#[tokio::test]
async fn text_and_calls_are_the_same_whole_and_streamed() {
    let expected = |text: &str| {
        let call = |(index, (name, arguments)): (usize, (String, String))| ToolCall {
            id: format!("call_2_{index}"),
            name,
            arguments,
            extra: Map::new(),
        };
        Turn { text: text.to_owned(), calls: calls().into_iter().enumerate().map(call).collect(), extra: Map::new() }
    };
    for streamed in [false, true] {
        let both = ModelReply::TextAndCalls("Ich suche schon. 👍".to_owned(), calls());
        let (turn, seen, count) = ask(vec![both], streamed).await;
        let turn = turn.unwrap();
        assert_eq!((&turn, count), (&expected("Ich suche schon. 👍"), 1));
        assert_eq!(seen, if streamed { "Ich suche schon. 👍" } else { "" });
        let search = Search { title: "Geschäftsführer 👍".to_owned(), count: Some(20) };
        assert_eq!(turn.calls[0].arguments::<Search>(), Ok(search));
        assert_eq!(ask(vec![ModelReply::Calls(calls())], streamed).await.0, Ok(expected("")));
        assert_eq!(ask(vec![ModelReply::Text("Hello.".to_owned())], streamed).await.0, Ok(text("Hello.")));
    }
}

#[tokio::test]
async fn the_model_is_told_what_was_said_and_what_it_may_call() {
    let scripted = ScriptedModel::start(vec![ModelReply::Calls(calls()), ModelReply::Text("Done.".to_owned())]).await;
    let mut asked = Asked::of(&scripted).await;
    for streamed in [false, true] {
        let first = asked.turn(&[hello()], streamed).await.0.unwrap();
        let mut said = vec![hello(), first.clone().into()];
        said.extend(
            first
                .calls
                .iter()
                .map(|call| Said::Result { call_id: call.id.clone(), content: json!({"found": 20}).to_string() }),
        );
        said.push(Said::lexi("One moment.".to_owned()));
        asked.turn(&said, streamed).await.0.unwrap();
    }
    let requests = scripted.requests();
    let strict = json!({
        "type": "function",
        "function": {
            "name": "search",
            "description": "Finds prospects.",
            "parameters": {
                "type": "object",
                "properties": {
                    "title": {"description": "Whom to find.", "type": "string"},
                    "count": {"type": ["integer", "null"]},
                },
                "required": ["title", "count"],
                "additionalProperties": false,
            },
            "strict": true,
        },
    });
    let none = json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    for request in &requests {
        assert_eq!(request["tools"][0], strict);
        assert_eq!(request["tools"][1]["function"]["parameters"], none);
        // What has a good default is not sent, because some endpoints refuse it.
        assert!(request.get("tool_choice").is_none() && request.get("parallel_tool_calls").is_none());
        assert_eq!(request["messages"][0], json!({"role": "system", "content": "You are Lexi."}));
        assert_eq!(request["messages"][1], json!({"role": "user", "content": "Find 20 CEOs in Zürich 👍"}));
    }
    let told = requests[1]["messages"].as_array().unwrap();
    assert_eq!(told[2]["content"], Value::Null);
    assert_eq!(told[2]["tool_calls"][0]["function"], json!({"name": calls()[0].0, "arguments": calls()[0].1}));
    assert_eq!(
        told[3],
        json!({"role": "tool", "tool_call_id": told[2]["tool_calls"][0]["id"], "content": "{\"found\":20}"})
    );
    assert_eq!(told[5], json!({"role": "assistant", "content": "One moment."}));
    assert_eq!((&requests[0]["stream"], &requests[2]["stream"]), (&Value::Null, &json!(true)));
    assert_eq!(requests[2]["stream_options"], json!({"include_usage": true}));
    // Without tools, nothing is said of them: endpoints refuse it.
    let conversation =
        Conversation { name: "a_test", instructions: "Hi.", said: &[hello()], tools: &[], may_call: true };
    let deadline = asked.api.clock.now() + TimeDelta::seconds(20);
    asked.model.converse(&mut asked.ready, &conversation, deadline, None).await.unwrap();
    let last = scripted.requests().pop().unwrap();
    assert_eq!(last.as_object().unwrap().keys().collect::<Vec<_>>(), ["messages", "model"]);
}

#[tokio::test]
async fn a_passing_fault_is_retried_while_nobody_has_seen_anything() {
    let good = ModelReply::Text("Hello.".to_owned());
    let nameless = json!({"choices": [{"message": {"tool_calls": [{"id": "a", "function": {}}]}}]}).to_string();
    for first in [
        ModelReply::Silence,
        ModelReply::Status(429, "{}".to_owned()),
        ModelReply::Status(500, "no".to_owned()),
        ModelReply::Status(200, "<html>".to_owned()),
        ModelReply::Status(200, nameless),
        ModelReply::Text(String::new()),
        ModelReply::Text(" \n ".to_owned()),
        ModelReply::Hangs(String::new()),
        ModelReply::FailsWithin(String::new()),
        ModelReply::BreaksOff(String::new()),
    ] {
        for streamed in [false, true] {
            let name = format!("{first:?}, streamed: {streamed}");
            let (turn, seen, count) = ask(vec![first.clone(), good.clone()], streamed).await;
            assert_eq!((turn, count), (Ok(text("Hello.")), 2), "{name}");
            assert_eq!(seen, if streamed { "Hello." } else { "" }, "{name}");
        }
    }
}

#[tokio::test]
async fn once_a_reader_has_seen_text_a_failure_is_told_and_not_retried() {
    let long = "It was a dark and stormy night.".to_owned();
    for (first, cause) in [
        (ModelReply::BreaksOff(long.clone()), "model endpoint: broken off"),
        (ModelReply::Hangs(long.clone()), "model endpoint: timeout"),
        (ModelReply::FailsWithin(long.clone()), "model endpoint: an error in the answer, type server_error"),
        (ModelReply::CutOff(long.clone()), "model endpoint: the reply was cut off"),
    ] {
        let name = format!("{first:?}");
        let (turn, seen, count) = ask(vec![first, ModelReply::Text("Hello.".to_owned())], true).await;
        assert_eq!((turn, count), (Err(cause.to_owned()), 1), "{name}");
        assert!(!seen.is_empty() && long.starts_with(&seen), "{name}: {seen}");
    }
}

#[tokio::test]
async fn an_answer_that_keeps_coming_may_take_longer_than_an_attempt() {
    let slow = ModelReply::Slowly(Duration::from_millis(300), "It was a dark night.".to_owned());
    let started = Instant::now();
    let (turn, _, count) = ask(vec![slow.clone()], true).await;
    assert_eq!((turn, count), (Ok(text("It was a dark night.")), 1));
    assert!(started.elapsed() > Duration::from_millis(1_500));
    // But not longer than the request.
    let scripted = ScriptedModel::start(vec![slow]).await;
    let mut asked = Asked::of(&scripted).await;
    let conversation =
        Conversation { name: "a_test", instructions: "Hi.", said: &[hello()], tools: &[], may_call: true };
    // Three seconds of it are kept back.
    let deadline = asked.api.clock.now() + TimeDelta::milliseconds(4_000);
    let turn = asked.model.converse(&mut asked.ready, &conversation, deadline, Some(&mut |_| {})).await;
    assert_eq!(turn.unwrap_err().cause.as_deref(), Some("model endpoint: timeout"));
}

#[tokio::test]
async fn an_endpoint_that_does_not_stream_is_understood() {
    let whole = json!({"choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}]}).to_string();
    let (turn, seen, _) = ask(vec![ModelReply::Status(200, whole)], true).await;
    assert_eq!((turn, seen.as_str()), (Ok(text("Hello.")), "Hello."));
    let refusal = json!({"choices": [{"message": {"content": null, "refusal": "I cannot do that."}}]}).to_string();
    assert_eq!(ask(vec![ModelReply::Status(200, refusal)], false).await.0, Ok(text("I cannot do that.")));
}

#[tokio::test]
async fn a_call_of_no_known_tool_or_with_broken_arguments_is_the_callers_to_answer() {
    let odd = vec![("drop_table".to_owned(), "{\"title\": ".to_owned()), ("search".to_owned(), String::new())];
    for streamed in [false, true] {
        let turn = ask(vec![ModelReply::Calls(odd.clone())], streamed).await.0.unwrap();
        assert_eq!(turn.calls[0].name, "drop_table");
        assert!(turn.calls[0].arguments::<Search>().unwrap_err().starts_with("the arguments of drop_table"));
        assert_eq!(turn.calls[1].arguments, "{}");
    }
}

#[tokio::test]
async fn a_model_that_broke_off_within_its_text_counts_as_one_that_does_not_answer() {
    let scripted = ScriptedModel::start(vec![ModelReply::BreaksOff("It was a dark night.".to_owned())]).await;
    let mut asked = Asked::of(&scripted).await;
    for _ in 0..5 {
        asked.turn(&[hello()], true).await.0.unwrap_err();
    }
    assert_eq!(asked.model.ready().await.unwrap_err().code, Code::AiCircuitOpen);
}

#[tokio::test]
async fn the_turns_of_one_request_share_the_trial_of_an_open_breaker() {
    let mut script = vec![ModelReply::Status(500, String::new()); 15];
    script.push(ModelReply::Text("Hello.".to_owned()));
    let scripted = ScriptedModel::start(script).await;
    let mut asked = Asked::of(&scripted).await;
    for _ in 0..5 {
        asked.turn(&[hello()], false).await.0.unwrap_err();
    }
    asked.api.clock.advance(TimeDelta::seconds(31));
    let mut other = asked.model.ready().await.unwrap();
    asked.ready = asked.model.ready().await.unwrap();
    asked.turn(&[hello()], true).await.0.unwrap();
    asked.turn(&[hello()], true).await.0.unwrap();
    // Another request that was ready at the same time came second.
    let conversation =
        Conversation { name: "a_test", instructions: "Hi.", said: &[hello()], tools: &[], may_call: true };
    let deadline = asked.api.clock.now() + TimeDelta::seconds(20);
    let second = asked.model.converse(&mut other, &conversation, deadline, None).await;
    assert_eq!(second.unwrap_err().code, Code::AiCircuitOpen);
}

#[tokio::test]
async fn a_reply_may_depend_on_what_is_asked() {
    let echo = ModelReply::By(Arc::new(|request: &Value| {
        ModelReply::Text(request["messages"][1]["content"].as_str().unwrap().to_owned())
    }));
    assert_eq!(ask(vec![echo], true).await.0, Ok(text("Find 20 CEOs in Zürich 👍")));
}

/// The composer is a model like others: the same reply in both forms.
#[tokio::test]
async fn the_composer_streams_what_it_says_whole() {
    let mut asked = Asked::with(Setup::default()).await;
    let said = [Said::User("What can you do?".to_owned())];
    let whole = asked.turn(&said, false).await.0.unwrap();
    let (streamed, seen) = asked.turn(&said, true).await;
    assert_eq!((streamed.unwrap(), &seen), (whole.clone(), &whole.text));
    assert!(whole.text.split(' ').count() > 6 && whole.calls.is_empty(), "{whole:?}");
}
