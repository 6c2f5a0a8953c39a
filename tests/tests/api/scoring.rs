//! Scoring: a conversation that has been quiet is read once, by the model, and what the model makes
//! of it is recorded once, whatever comes twice, late, wrong or not at all.

use shared::base::context::FromContext;
use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use functions::lead_scorer::{LeadScorer, Outcome, ScoreError};
use functions::score_due::ScoreDue;
use lambda_http::LambdaEvent;
use serde_json::{Value, json};
use shared::api::lambda::Function;
use shared::crm::conversations::Conversations;
use shared::crm::conversations::scoring::{DueLead, buckets};
use shared::crm::identifiers::{CustomerPhone, User};
use tests::{Api, ModelReply, ScriptedModel, Setup, scan, send};
use uuid::Uuid;

const USER: &str = "u-1";
const LEAD: &str = "918979556941";

/// Records messages of the lead, written now.
async fn write(api: &Api, texts: &[&str]) {
    for text in texts {
        let body = json!({
            "message_id": api.stack.context.random.uuid(), "customer_phone": LEAD, "platform": "whatsapp",
            "sender": "user", "text": text, "timestamp": api.clock.now().to_rfc3339(),
        });
        let answer = send(api.authorized("POST", &format!("/users/{USER}/messages")).json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

fn quiet(api: &Api) {
    api.clock.advance(TimeDelta::seconds(301));
}

fn scorer(api: &Api) -> LeadScorer {
    LeadScorer::new(&api.stack.context).unwrap()
}

/// What the index says is due now.
async fn due(api: &Api) -> usize {
    let conversations = Conversations::new(&api.stack.context).unwrap();
    let mut due = 0;
    for bucket in buckets() {
        due += conversations.due(bucket, api.clock.now()).await.unwrap().len();
    }
    due
}

async fn lead(api: &Api) -> Value {
    api.get(&format!("/users/{USER}/leads/{LEAD}")).await.json()["data"].clone()
}

/// The lead as the queue names it.
async fn due_lead(api: &Api) -> DueLead {
    let user = User::new(api.workspace, USER).unwrap();
    let conversations = Conversations::new(&api.stack.context).unwrap();
    let row = conversations.row(&user, &CustomerPhone::parse(LEAD).unwrap()).await.unwrap().unwrap();
    DueLead { workspace_id: api.workspace, lead_id: row.lead_id }
}

/// The queue's message about the lead.
async fn message(api: &Api) -> String {
    serde_json::to_string(&due_lead(api).await).unwrap()
}

/// Every extraction that is stored.
async fn extractions(api: &Api) -> Vec<Value> {
    let mut items = scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await;
    items.retain(|item| item["sk"]["S"].as_str().unwrap().starts_with("extraction#"));
    items
}

fn reply(scores: [u8; 5], identity: Value) -> ModelReply {
    let mut reply = json!({"name": null, "email": null, "company": null});
    for (name, value) in identity.as_object().unwrap() {
        reply[name] = value.clone();
    }
    for (name, score) in ["intent", "urgency", "budget", "fit", "engagement"].iter().zip(scores) {
        reply[*name] = json!({"score": score, "reason": format!("because of {name}")});
    }
    ModelReply::Text(reply.to_string())
}

async fn with_script(script: Vec<ModelReply>) -> (Api, ScriptedModel) {
    let model = ScriptedModel::start(script).await;
    (Api::with_model(&model).await, model)
}

#[tokio::test]
async fn a_conversation_is_scored_once_it_is_quiet_and_not_before() {
    let api = Api::start().await;
    write(&api, &["hi my name is siddhant", "I need a demo today, my mail is Sid@Acme.example", "our budget is 5k"])
        .await;
    let due_lead = due_lead(&api).await;
    assert_eq!((due(&api).await, scorer(&api).score(&due_lead).await.unwrap()), (0, Outcome::NotDue));
    assert_eq!(lead(&api).await["has_extraction"], false);

    quiet(&api);
    assert_eq!((due(&api).await, scorer(&api).score(&due_lead).await.unwrap()), (1, Outcome::Scored));
    assert_eq!(due(&api).await, 0);
    let listed = api.get(&format!("/users/{USER}/leads?lead_status=Hot")).await.json()["data"][0].clone();
    for (name, value) in [
        ("lead_status", json!("Hot")),
        ("total_score", json!(14)),
        ("name", json!("siddhant")),
        ("email", json!("sid@acme.example")),
        ("company", json!(null)),
    ] {
        assert_eq!(listed[name], value, "{name}: {listed}");
    }
    let stored = extractions(&api).await;
    assert!(stored[0]["reasons"]["M"]["urgency"]["S"].as_str().unwrap().contains("today"), "{stored:?}");
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held, balance.spent, balance.entries), (1_000, 0, 0, 1));
}

#[tokio::test]
async fn new_messages_make_it_due_again_and_the_history_keeps_both() {
    let identity = json!({"name": "Jane", "email": "Jane@Acme.example", "company": "Acme"});
    let (api, model) = with_script(vec![reply([1; 5], identity), reply([3; 5], json!({}))]).await;
    write(&api, &["I am Jane of Acme, jane@acme.example"]).await;
    quiet(&api);
    let due_lead = due_lead(&api).await;
    assert_eq!(scorer(&api).score(&due_lead).await.unwrap(), Outcome::Scored);
    assert_eq!(lead(&api).await["lead_status"], "Cold");

    write(&api, &["I take it"]).await;
    assert_eq!((due(&api).await, scorer(&api).score(&due_lead).await.unwrap()), (0, Outcome::NotDue));
    quiet(&api);
    assert_eq!((due(&api).await, scorer(&api).score(&due_lead).await.unwrap()), (1, Outcome::Scored));
    let lead = lead(&api).await;
    assert_eq!((&lead["lead_status"], &lead["total_score"]), (&json!("Hot"), &json!(15)));
    // What was said once is still known.
    assert_eq!(
        (&lead["name"], &lead["email"], &lead["company"]),
        (&json!("Jane"), &json!("jane@acme.example"), &json!("Acme"))
    );
    assert_eq!(extractions(&api).await.len(), 2);
    let facts: Value = serde_json::from_str(model.requests()[1]["messages"][1]["content"].as_str().unwrap()).unwrap();
    let texts: Vec<_> = facts["messages"].as_array().unwrap().iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["I am Jane of Acme, jane@acme.example", "I take it"]);
    assert!(!model.requests().iter().any(|request| request.to_string().contains(LEAD)));
}

#[tokio::test]
async fn the_same_message_twice_or_twice_at_once_gives_one_extraction() {
    let (api, model) =
        with_script(vec![ModelReply::After(Duration::from_millis(300), Box::new(reply([2; 5], json!({}))))]).await;
    write(&api, &["hello"]).await;
    quiet(&api);
    let (due_lead, scorer) = (due_lead(&api).await, scorer(&api));
    let (one, other) = tokio::join!(scorer.score(&due_lead), scorer.score(&due_lead));
    let mut outcomes = [one.unwrap(), other.unwrap()];
    outcomes.sort_by_key(|outcome| *outcome != Outcome::Scored);
    assert_eq!(outcomes, [Outcome::Scored, Outcome::Overtaken]);
    assert_eq!(scorer.score(&due_lead).await.unwrap(), Outcome::NotDue);
    assert_eq!((extractions(&api).await.len(), model.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_message_that_comes_while_the_model_is_asked_is_not_taken_for_scored() {
    let late = ModelReply::After(Duration::from_millis(600), Box::new(reply([1; 5], json!({}))));
    let (api, _model) = with_script(vec![late, reply([3; 5], json!({}))]).await;
    write(&api, &["hello"]).await;
    quiet(&api);
    let (due_lead, scorer) = (due_lead(&api).await, scorer(&api));
    let (outcome, ()) = tokio::join!(scorer.score(&due_lead), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        write(&api, &["wait"]).await;
    });
    assert_eq!((outcome.unwrap(), extractions(&api).await.len()), (Outcome::Overtaken, 0));
    quiet(&api);
    assert_eq!((due(&api).await, scorer.score(&due_lead).await.unwrap()), (1, Outcome::Scored));
}

#[tokio::test]
async fn who_the_lead_is_has_to_stand_in_the_messages() {
    let long = "x".repeat(101);
    for identity in [
        json!({"name": "Bob", "email": "bob@other.example", "company": "Initech"}),
        json!({"name": "Sid", "email": "acme.example", "company": " "}),
        json!({"name": long, "email": "jane@acme", "company": ""}),
    ] {
        let (api, _model) = with_script(vec![reply([2; 5], identity.clone())]).await;
        write(&api, &["I am Siddhant of jane@acme.example", &long]).await;
        quiet(&api);
        assert_eq!(scorer(&api).score(&due_lead(&api).await).await.unwrap(), Outcome::Scored);
        let lead = lead(&api).await;
        assert!(lead["name"].is_null() && lead["email"].is_null() && lead["company"].is_null(), "{identity}: {lead}");
    }
}

#[tokio::test]
async fn the_model_is_shown_a_bounded_part_of_long_messages_and_of_many_the_newest() {
    let (api, model) = with_script(vec![reply([2; 5], json!({"name": "Siddhant"}))]).await;
    let long = |first: &str| format!("{first}{}", "é".repeat(4_999));
    write(&api, &["I am Siddhant"]).await;
    let texts: Vec<String> = ('a'..='t').map(|first| long(&first.to_string())).collect();
    write(&api, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    quiet(&api);
    assert_eq!(scorer(&api).score(&due_lead(&api).await).await.unwrap(), Outcome::Scored);
    let facts: Value = serde_json::from_str(model.requests()[0]["messages"][1]["content"].as_str().unwrap()).unwrap();
    let shown: Vec<_> = facts["messages"].as_array().unwrap().iter().map(|message| &message["text"]).collect();
    let expected: Vec<Value> =
        texts[5..].iter().map(|text| text.chars().take(4_000).collect::<String>().into()).collect();
    assert_eq!(shown, expected.iter().collect::<Vec<_>>());
    // What the model was not shown it has guessed.
    assert!(lead(&api).await["name"].is_null());
}

#[tokio::test]
async fn a_score_out_of_range_is_sent_back_and_asked_for_again() {
    for wrong in
        [reply([2, 2, 0, 2, 2], json!({})), reply([2, 2, 4, 2, 2], json!({})), ModelReply::Text("{}".to_owned())]
    {
        let (api, model) = with_script(vec![wrong, reply([2; 5], json!({}))]).await;
        write(&api, &["hello"]).await;
        quiet(&api);
        assert_eq!(scorer(&api).score(&due_lead(&api).await).await.unwrap(), Outcome::Scored);
        assert_eq!((&lead(&api).await["total_score"], model.requests().len()), (&json!(10), 2));
        let complaint = model.requests()[1]["messages"][3]["content"].as_str().unwrap().to_owned();
        assert!(complaint.contains("budget.score is not 1, 2 or 3") || complaint.contains("schema"), "{complaint}");
    }
}

#[tokio::test]
async fn a_model_that_is_down_leaves_everything_as_it_is_and_the_lead_is_scored_later() {
    let down = || ModelReply::Status(500, String::new());
    let (api, model) = with_script(vec![down(), down(), down(), reply([2; 5], json!({}))]).await;
    write(&api, &["hello"]).await;
    quiet(&api);
    let (due_lead, scorer) = (due_lead(&api).await, scorer(&api));
    assert!(matches!(scorer.score(&due_lead).await, Err(ScoreError::Model(_))));
    assert_eq!((model.requests().len(), due(&api).await, extractions(&api).await.len()), (3, 1, 0));
    assert_eq!(scorer.score(&due_lead).await.unwrap(), Outcome::Scored);
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held, balance.spent), (1_000, 0, 0));
}

#[tokio::test]
async fn a_model_that_stays_down_is_left_alone() {
    let (api, model) = with_script(vec![ModelReply::Status(500, String::new())]).await;
    write(&api, &["hello"]).await;
    quiet(&api);
    let (due_lead, scorer) = (due_lead(&api).await, scorer(&api));
    for _ in 0..7 {
        assert!(matches!(scorer.score(&due_lead).await, Err(ScoreError::Model(_))));
    }
    // The breaker opens after five messages, of three attempts each.
    assert_eq!(model.requests().len(), 15);
}

#[tokio::test]
async fn an_extraction_from_elsewhere_covers_the_messages_too() {
    let api = Api::start().await;
    write(&api, &["hello"]).await;
    let path = format!("/users/{USER}/leads/{LEAD}/extraction");
    let scores =
        json!({"intent_score": 1, "urgency_score": 1, "budget_score": 1, "fit_score": 1, "engagement_score": 1});
    assert_eq!(send(api.authorized("PUT", &path).json(&scores)).await.status, 200);
    quiet(&api);
    assert_eq!((due(&api).await, scorer(&api).score(&due_lead(&api).await).await.unwrap()), (0, Outcome::NotDue));
}

/// A queue that nobody takes from, and what sends to it.
async fn sender(api: &Api) -> (ScoreDue, aws_sdk_sqs::Client, String) {
    let client = local::sqs::client(&api.stack.ready.sqs);
    let url = client.create_queue().queue_name("kept").send().await.unwrap().queue_url.unwrap();
    let context = api.context(&[("SCORING_QUEUE_URL", &url)]);
    (ScoreDue::new(&context).unwrap(), client, url)
}

#[tokio::test]
async fn the_queue_gets_ids_alone_once_until_it_is_time_to_ask_again() {
    let api = Api::start().await;
    write(&api, &["hello"]).await;
    let (due, client, url) = sender(&api).await;
    assert_eq!(due.send().await.unwrap(), 0);
    quiet(&api);
    assert_eq!((due.send().await.unwrap(), due.send().await.unwrap()), (1, 0));
    let received = client.receive_message().queue_url(&url).send().await.unwrap();
    assert_eq!(received.messages().len(), 1);
    assert_eq!(received.messages()[0].body(), Some(message(&api).await.as_str()));

    // A message that was lost, and one that comes while the lead is waiting.
    api.clock.advance(TimeDelta::minutes(61));
    assert_eq!((due.send().await.unwrap(), due.send().await.unwrap()), (1, 0));
    write(&api, &["hello again"]).await;
    quiet(&api);
    assert_eq!(due.send().await.unwrap(), 1);
}

#[tokio::test]
async fn more_leads_than_a_batch_holds_are_all_sent_also_of_other_workspaces() {
    let api = Api::start().await;
    let conversations = Conversations::new(&api.stack.context).unwrap();
    for index in 0..50 {
        let user = User::new(if index % 2 == 0 { api.workspace } else { Uuid::max() }, USER).unwrap();
        let body = json!({
            "message_id": "m", "conversation_id": "c", "agent_id": null, "agent_name": null, "platform": "webchat",
            "phone_number_id": null, "sender": "user", "text": "hello", "timestamp": api.clock.now(), "status": "sent",
            "sequence_no": 0,
        });
        let lead = CustomerPhone::parse(&format!("web-{index}")).unwrap();
        conversations.record_message(&user, &lead, &serde_json::from_value(body).unwrap()).await.unwrap();
    }
    let (due, ..) = sender(&api).await;
    quiet(&api);
    assert_eq!((due.send().await.unwrap(), due.send().await.unwrap()), (50, 0));
}

#[tokio::test]
async fn what_cannot_be_read_fails_alone() {
    let api = Api::start().await;
    write(&api, &["hello"]).await;
    quiet(&api);
    let Some(Function::Queue(work)) = functions::build("lead-scorer", &api.stack.context).unwrap() else {
        panic!("lead-scorer takes messages")
    };
    let unknown = json!({"workspace_id": api.workspace, "lead_id": Uuid::max()}).to_string();
    let event = json!({"Records": [
        {"messageId": "broken", "body": "{"},
        {"messageId": "good", "body": message(&api).await},
        {"messageId": "unknown", "body": unknown},
        {"messageId": "empty"},
    ]});
    let response = work(LambdaEvent::new(event, Default::default())).await.unwrap();
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "broken"}, {"itemIdentifier": "empty"}]}));
    assert_eq!(lead(&api).await["has_extraction"], true);
}

#[tokio::test]
async fn from_a_message_to_the_list_without_a_hand_in_it() {
    let environment = HashMap::from([("QUIET_SECONDS".to_owned(), "0".to_owned())]);
    let api = Api::with(Setup { environment, ..Setup::default() }).await;
    write(&api, &["I would like to buy two of them"]).await;
    let function = functions::build("score-due", &api.stack.context).unwrap();
    let Some(Function::Schedule(work)) = function else { panic!("score-due has a schedule") };
    work(LambdaEvent::new(json!(null), Default::default())).await.unwrap();
    for _ in 0..100 {
        if lead(&api).await["intent_score"] == 3 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it was not scored");
}
