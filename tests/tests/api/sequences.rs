//! The follow-up sequence: dated steps, each proposed when it is due and never sent without approval, until the lead
//! replies or opts out; and what changes the texts of the built-in composer.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use functions::copywriter::Copywriter;
use functions::sweeper::Sweeper;
use serde_json::{Value, json};
use shared::base::context::FromContext;
use shared::base::queue::Consumer;
use shared::crm::leads::SuppressedBy;
use shared::workflow::commands::CommandId;
use shared::workspace::accounts::Role;
use tests::sites::Staff;
use tests::{Api, CONTACT, FOLLOW_UP, send};

const RECOMMENDATIONS: &str = "/api/v1/ai/followup/recommendations";

async fn follow_up(api: &Api, staff: &Staff, more: &Value) -> Value {
    let mut body = json!({"siteId": staff.site, "leadId": CONTACT});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = send(api.authorized("POST", FOLLOW_UP).json(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

async fn command(api: &Api, id: &Value) -> Value {
    let answer = api.get(&format!("/api/agents/commands/{}", id.as_str().unwrap())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

/// The sweeper sends what is due, and the copywriter takes it from the queue.
async fn written(api: &Api, id: &Value) -> Value {
    Sweeper::new(&api.stack.context).unwrap().sweep().await.unwrap();
    for _ in 0..200 {
        let shown = command(api, id).await;
        if shown["finished_at"].is_string() {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the step is not written");
}

async fn proposed(api: &Api) -> Vec<Value> {
    let answer = api.get(&format!("{RECOMMENDATIONS}?per_page=100")).await;
    answer.json()["recommendations"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_is_proposed_when_it_is_due_and_sent_only_when_it_is_approved() {
    let api = Api::without_scoring().await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    let data = follow_up(&api, &staff, &json!({"followUpInterval": "3 days", "leadStage": "qualified"})).await;
    let steps = data["steps"].as_array().unwrap().clone();
    let at = |step: &Value| step["due_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    let days: Vec<_> = steps.iter().map(|step| (at(step) - at(&steps[0])).num_days()).collect();
    assert_eq!(days, [0, 3, 6, 9, 12]);
    assert_eq!(
        (&steps[0]["message"], &steps[0]["status"]),
        (&data["messages"]["email"]["message"], &json!("completed"))
    );
    for step in &steps[1..] {
        assert_eq!((&step["message"], &step["status"]), (&Value::Null, &json!("queued")));
        assert!(step["channel"] == "email" && !step["purpose"].as_str().unwrap().is_empty());
    }
    // They are stored with the command, and nothing is written before its time.
    assert_eq!(command(&api, &data["command_ids"]["sales"]).await["steps"], json!(steps));
    let before = proposed(&api).await.len();
    api.clock.advance(TimeDelta::days(3) - TimeDelta::minutes(1));
    Sweeper::new(&api.stack.context).unwrap().sweep().await.unwrap();
    assert_eq!(command(&api, &steps[1]["command_id"]).await["status"], "queued");

    api.clock.advance(TimeDelta::minutes(2));
    let second = written(&api, &steps[1]["command_id"]).await;
    assert_eq!(second["status"], "completed", "{second}");
    let text = &second["messages"]["email"]["message"];
    assert!(text.as_str().unwrap().contains("coming back to") && *text != steps[0]["message"], "{text}");
    let shown = command(&api, &data["command_ids"]["sales"]).await["steps"].clone();
    assert_eq!((&shown[1]["message"], &shown[1]["status"]), (text, &json!("completed")));
    assert_eq!(shown[2], steps[2]);
    // It is one proposal, however often its message comes.
    let command_id = steps[1]["command_id"].as_str().unwrap().parse().unwrap();
    let copywriter = Copywriter::new(&api.stack.context).unwrap();
    copywriter.try_one(CommandId { workspace_id: api.workspace, command_id }).await.unwrap();
    assert_eq!(proposed(&api).await.len(), before + 1);
    let id = second["recommendation_ids"]["email"].as_str().unwrap();
    let proposal = api.get(&format!("{RECOMMENDATIONS}/{id}")).await.json();
    assert_eq!((&proposal["status"], &proposal["draft_message"]), (&json!("pending_review"), text));
    assert_eq!(api.outbox().await, Vec::<Value>::new());
    let approve = api.authorized("POST", &format!("{RECOMMENDATIONS}/{id}/approve"));
    assert_eq!(send(approve.json(&json!({}))).await.status, 200);
    for _ in 0..200 {
        if !api.outbox().await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(&api.outbox().await[0]["text"], text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequence_ends_when_the_lead_replies_or_opts_out() {
    let api = Api::without_scoring().await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    let interval = json!({"followUpInterval": "1 week"});
    let data = follow_up(&api, &staff, &interval).await;
    let before = proposed(&api).await.len();
    api.clock.advance(TimeDelta::days(2));
    let reply = json!({
        "contact_id": CONTACT, "type": "email", "direction": "inbound", "title": "Re: Acme",
        "occurred_at": api.clock.now(),
    });
    assert_eq!(send(api.authorized("POST", "/v1/activities").json(&reply)).await.status, 200);
    for (index, wait) in [(1, 5), (2, 7)] {
        api.clock.advance(TimeDelta::days(wait) + TimeDelta::minutes(1));
        let stopped = written(&api, &data["steps"][index]["command_id"]).await;
        let reason = (&stopped["status"], &stopped["stopped_by"], &stopped["messages"]);
        assert_eq!(reason, (&json!("stopped"), &json!("replied"), &Value::Null));
    }
    assert_eq!(proposed(&api).await.len(), before);
    let shown = command(&api, &data["command_ids"]["sales"]).await["steps"][1].clone();
    assert_eq!((&shown["status"], &shown["stopped_by"]), (&json!("stopped"), &json!("replied")));

    // A new sequence begins after the reply; then the lead opts out.
    let data = follow_up(&api, &staff, &interval).await;
    assert!(api.leads().suppress(api.workspace, CONTACT, SuppressedBy::Stop).await.unwrap());
    api.clock.advance(TimeDelta::days(7) + TimeDelta::minutes(1));
    let stopped = written(&api, &data["steps"][1]["command_id"]).await;
    assert_eq!(stopped["stopped_by"], "opted_out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proposed_step_is_not_sent_as_it_is_once_the_lead_has_replied() {
    let api = Api::without_scoring().await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    let data = follow_up(&api, &staff, &json!({"followUpInterval": "1 day"})).await;
    api.clock.advance(TimeDelta::days(1) + TimeDelta::minutes(1));
    let second = written(&api, &data["steps"][1]["command_id"]).await;
    let id = second["recommendation_ids"]["email"].as_str().unwrap();
    let reply = json!({
        "contact_id": CONTACT, "type": "email", "direction": "inbound", "title": "Re: Acme",
        "occurred_at": api.clock.now(),
    });
    assert_eq!(send(api.authorized("POST", "/v1/activities").json(&reply)).await.status, 200);
    // Days later, too.
    api.clock.advance(TimeDelta::days(4));
    let approve =
        async |body: Value| send(api.authorized("POST", &format!("{RECOMMENDATIONS}/{id}/approve")).json(&body)).await;
    assert_eq!(approve(json!({})).await.code(), (422, "CHANNEL_NOT_ELIGIBLE".to_owned()));
    let own = approve(json!({"draft_message": "Hi Jane,\n\nthank you for your answer."})).await;
    assert_eq!(own.status, 200, "{}", own.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interval_that_cannot_be_read_gives_no_steps() {
    let api = Api::without_scoring().await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    for more in [json!({}), json!({"followUpInterval": "when it suits"})] {
        assert_eq!(follow_up(&api, &staff, &more).await["steps"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn type_stage_and_preferences_change_what_the_composer_writes() {
    let api = Api::without_scoring().await;
    let staff = api.staff((true, true), &[Role::Sales]).await;
    let written = async |more: Value| follow_up(&api, &staff, &more).await["messages"]["email"]["message"].clone();
    let plain = written(json!({})).await;
    let mut texts = vec![plain.clone()];
    for (more, said) in [
        (json!({"followUpType": "meeting"}), "Would a meeting this week suit you?"),
        (json!({"followUpType": "email"}), "a short answer"),
        (json!({"leadStage": "qualified"}), "with your own example"),
        (json!({"leadStage": "proposal sent"}), "still open"),
        (json!({"leadStage": "customer"}), "how it is going"),
        (json!({"leadData": {"preferences": ["calls in the morning"]}}), "what you prefer: calls in the morning"),
        (json!({"leadData": {"preferences": "short e-mails."}}), "what you prefer: short e-mails."),
    ] {
        let text = written(more.clone()).await;
        assert!(text.as_str().unwrap().contains(said), "{more}: {text}");
        assert!(!texts.contains(&text), "{more}");
        texts.push(text);
    }
    assert_eq!(written(json!({})).await, plain);
}
