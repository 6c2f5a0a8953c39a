//! Whatever call of `lead-follow-up` and `copywriter` fails, and in whatever way: once they have run again,
//! there is one pair of commands, one recommendation for each message, and no draft in the lead's conversation.

use shared::base::context::FromContext;
use std::time::Duration;

use chrono::TimeDelta;
use functions::copywriter::Copywriter;
use functions::sweeper::Sweeper;
use serde_json::{Value, json};
use shared::base::queue::Consumer;
use shared::workflow::commands::CommandId;
use shared::workspace::accounts::Role;
use tests::faults::{Way, in_every_way};
use tests::sites::Staff;
use tests::{Answer, Api, CONTACT, FOLLOW_UP, Fault, FaultProxy, Setup, send};

const BOTH: &[Role] = &[Role::Sales, Role::Copywriter];

async fn once(api: &Api, staff: &Staff, key: &str) -> Answer {
    let request = api.authorized("POST", FOLLOW_UP).header("Idempotency-Key", key).header("Prefer", "respond-async");
    send(request.json(&json!({"siteId": staff.site, "leadId": CONTACT}))).await
}

/// Asks until it is answered, as a client does, each time after the claim's lease has ended.
async fn until_answered(api: &Api, staff: &Staff, key: &str, heal: impl Fn()) -> Answer {
    let mut answer = once(api, staff, key).await;
    for _ in 0..5 {
        if answer.status == 200 {
            break;
        }
        assert!([409, 500, 503].contains(&answer.status), "{}", answer.text);
        heal();
        api.clock.advance(TimeDelta::seconds(40));
        answer = once(api, staff, key).await;
    }
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

struct Stored {
    commands: Vec<Value>,
    recommendations: Vec<Value>,
    waiting: Vec<Value>,
}

async fn stored(api: &Api) -> Stored {
    let environment = &api.stack.ready.environment;
    let work = tests::scan(&api.stack.ready.dynamodb, &environment["WORK_TABLE"]).await;
    let leads = tests::scan(&api.stack.ready.dynamodb, &environment["LEADS_TABLE"]).await;
    let of_kind = |kind: &str| work.iter().filter(|item| item["sk"]["S"] == kind).cloned().collect::<Vec<_>>();
    Stored {
        commands: of_kind("command"),
        recommendations: of_kind("recommendation"),
        waiting: leads.into_iter().filter(|item| item["status"]["S"] == "pending").collect(),
    }
}

async fn follow_ups_are_made_once(way: Way) {
    // What is sent to the copywriter stays where nobody takes it.
    let template = tests::template()
        .replace("COPYWRITER_QUEUE_URL: !Ref CopywriterQueue", "COPYWRITER_QUEUE_URL: !Ref CopywriterDeadLetters");
    let setup = Setup { template: Some(template), ..Setup::without_scoring() };
    let (api, proxy) = Api::behind_a_proxy(setup).await;
    let staff = api.staff((true, true), BOTH).await;
    let context = api.context(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]);
    let copywriter = Copywriter::new(&context).unwrap();
    let (mut round, mut any_failed) = (0, true);
    while any_failed {
        way.fail(&proxy, round);
        let answer = until_answered(&api, &staff, &format!("k{round}"), || {
            proxy.heal();
        })
        .await;
        let asked = proxy.heal().len();
        let data = answer.json()["data"].clone();
        let command_id = data["command_ids"]["copywriter"].as_str().unwrap().parse().unwrap();
        let id = CommandId { workspace_id: api.workspace, command_id };
        // The copywriter's calls.
        way.fail(&proxy, round);
        for _ in 0..6 {
            if copywriter.try_one(id).await.is_ok() && {
                let shown = api.get(&format!("/api/agents/commands/{command_id}")).await;
                shown.status == 200 && shown.json()["data"]["status"] == "completed"
            } {
                break;
            }
            api.clock.advance(TimeDelta::seconds(71));
        }
        any_failed = proxy.heal().len().max(asked) > way.call(round);
        round += 1;
        let stored = stored(&api).await;
        assert_eq!(stored.commands.len(), 2 * round, "{way:?}");
        assert!(stored.commands.iter().all(|command| command["status"]["S"] == "completed"), "{way:?} {round}");
        assert_eq!((stored.recommendations.len(), stored.waiting.len()), (4 * round, 0), "{way:?}");
        let refined = api.get(&format!("/api/agents/commands/{command_id}")).await.json()["data"]["messages"].clone();
        let text = &refined["whatsapp"]["message"];
        let drafts = stored.recommendations.iter().map(|one| &one["draft"]["M"]["message"]["S"]);
        assert_eq!(drafts.filter(|draft| *draft == text).count(), round, "{way:?} {round}");
    }
}

#[tokio::test]
async fn whatever_call_fails_no_command_is_lost_stuck_or_made_twice() {
    let log = in_every_way(follow_ups_are_made_once).await;
    for personal in ["Jane", "Smith", "2025550142", "jane@acme", "Following up", "Next steps for"] {
        assert!(!log.contains(personal), "the log holds {personal}");
    }
}

async fn a_step_is_proposed_once(way: Way) {
    let (api, proxy) = Api::behind_a_proxy(Setup::without_scoring()).await;
    let staff = api.staff((true, false), &[Role::Sales]).await;
    let copywriter = Copywriter::new(&api.context(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())])).unwrap();
    let (mut round, mut any_failed) = (0, true);
    while any_failed {
        let body = json!({"siteId": staff.site, "leadId": CONTACT, "followUpInterval": "1 day"});
        let answer = send(api.authorized("POST", FOLLOW_UP).json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let step = answer.json()["data"]["steps"][1]["command_id"].as_str().unwrap().to_owned();
        let id = CommandId { workspace_id: api.workspace, command_id: step.parse().unwrap() };
        proxy.heal();
        way.fail(&proxy, round);
        let mut shown = Value::Null;
        for _ in 0..6 {
            let is_done = copywriter.try_one(id).await.is_ok();
            shown = api.get(&format!("/api/agents/commands/{step}")).await.json()["data"].clone();
            if is_done && shown["status"] == "completed" {
                break;
            }
            api.clock.advance(TimeDelta::seconds(71));
        }
        any_failed = proxy.heal().len() > way.call(round);
        round += 1;
        assert_eq!(shown["status"], "completed", "{way:?} {round}");
        let drafts = stored(&api).await.recommendations;
        // Those of the first step, and one for this.
        assert_eq!(drafts.len(), 4 * round, "{way:?} {round}");
        let named = drafts.iter().filter(|one| one["recommendation_id"]["S"] == shown["recommendation_ids"]["email"]);
        assert_eq!(named.count(), 1, "{way:?} {round}");
    }
}

#[tokio::test]
async fn whatever_call_fails_a_step_is_proposed_once() {
    in_every_way(a_step_is_proposed_once).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_the_call_to_the_queue_the_command_is_done_once() {
    let proxy = FaultProxy::start().await;
    let mut setup = Setup::without_scoring();
    setup.environment.insert("AWS_ENDPOINT_URL_SQS".to_owned(), proxy.url().to_owned());
    let api = Api::with(setup).await;
    proxy.set_upstream(&api.stack.ready.sqs).await;
    let staff = api.staff((true, true), BOTH).await;
    let sweeper = Sweeper::new(&api.stack.context).unwrap();
    for (round, (fault, more)) in
        [(Fault::Before, 7), (Fault::After, 7), (Fault::Throttle, 7), (Fault::Slow, 0), (Fault::After, 0)]
            .into_iter()
            .enumerate()
    {
        proxy.fail(0, more, fault);
        let answer = once(&api, &staff, &format!("k{round}")).await;
        assert_eq!(answer.status, 200, "{fault:?}: {}", answer.text);
        assert!(!proxy.heal().is_empty(), "{fault:?}");
        let id = answer.json()["data"]["command_ids"]["copywriter"].as_str().unwrap().to_owned();
        let mut command = Value::Null;
        for _ in 0..100 {
            command = api.get(&format!("/api/agents/commands/{id}")).await.json()["data"].clone();
            if command["status"] == "completed" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            api.clock.advance(TimeDelta::minutes(1));
            sweeper.sweep().await.unwrap();
        }
        assert_eq!((&command["status"], &command["attempts"]), (&json!("completed"), &json!(1)), "{fault:?} {more}");
    }
    assert_eq!(stored(&api).await.recommendations.len(), 20);
}
