//! Whatever call of an approval or of the worker fails, and in whatever way: the task is approved once, held for
//! once, done once and charged once.

use chrono::TimeDelta;
use functions::lexi_worker::LexiWorker;
use serde_json::{Value, json};
use shared::base::context::FromContext;
use shared::base::queue::Consumer;
use shared::base::store::{Table, Transacted};
use shared::crm::lists::{Lists, Target};
use shared::crm::prospects::{OwnProspects, Prospect, Query};
use shared::workflow::tasks::{Plan, Task, TaskId, Tasks};
use tests::faults::{Way, in_every_way};
use tests::{Answer, Api, Setup, send};
use uuid::Uuid;

/// Two prospects, one of whom has an address.
async fn prospects(api: &Api) {
    let prospect = |number: u32, email: Option<&str>| Prospect {
        prospect_id: format!("p{number}"),
        full_name: "Ottoline Wren".to_owned(),
        job_title: "CEO".to_owned(),
        company_name: "Kingsley and Wren".to_owned(),
        industry: "law firms".to_owned(),
        email: email.map(str::to_owned),
        ..Prospect::default()
    };
    let both = [prospect(1, Some("ottoline@wren.example")), prospect(2, None)];
    OwnProspects::new(&api.stack.context).unwrap().load(api.workspace, &both).await.unwrap();
}

async fn propose(api: &Api, list: &Target) -> TaskId {
    let context = &api.stack.context;
    let id = TaskId { workspace_id: api.workspace, task_id: context.random.uuid() };
    let query = Query { titles: vec!["CEO".to_owned()], count: 2, ..Query::default() };
    let plan = Plan::ProspectSearch { query, list: list.clone() };
    let task = Task::new(id, plan, Uuid::nil(), api.clock.now());
    let writes = Tasks::new(context).unwrap().propose(&task, None).unwrap();
    let proposed = Table::named(context, "WORK_TABLE").unwrap().transact(writes).await.unwrap();
    assert!(matches!(proposed, Transacted::Applied));
    id
}

async fn approve(api: &Api, id: TaskId) -> Answer {
    let request = api.authorized("POST", &format!("/v1/lexi/tasks/{}/approve", id.task_id));
    send(request.header("Idempotency-Key", id.task_id.to_string())).await
}

async fn tasks_are_done_once(way: Way) {
    // What is approved stays where nobody takes it.
    let template =
        tests::template().replace("TASKS_QUEUE_URL: !Ref TasksQueue", "TASKS_QUEUE_URL: !Ref TasksDeadLetters");
    let (api, proxy) = Api::behind_a_proxy(Setup { template: Some(template), ..Setup::default() }).await;
    prospects(&api).await;
    let context = api.context(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]);
    let worker = LexiWorker::new(&context).unwrap();
    let (mut round, mut any_failed) = (0, true);
    while any_failed {
        let list = Target { list_id: api.stack.context.random.uuid(), name: "Q1 Leads".to_owned() };
        let id = propose(&api, &list).await;
        way.fail(&proxy, round);
        let mut answer = approve(&api, id).await;
        for _ in 0..5 {
            if answer.status == 200 {
                break;
            }
            assert!([409, 500, 503].contains(&answer.status), "{way:?} {round}: {}", answer.text);
            proxy.heal();
            api.clock.advance(TimeDelta::seconds(40));
            answer = approve(&api, id).await;
        }
        let data = json!({"task_id": id.task_id, "status": "approved", "execution_started": true});
        assert_eq!((answer.status, answer.json()), (200, json!({ "data": data })), "{way:?} {round}");
        let asked = proxy.heal().len();
        assert_eq!(api.verified_balance().await.held, 5, "{way:?} {round}");
        way.fail(&proxy, round);
        let mut shown = Value::Null;
        for _ in 0..6 {
            // What fails comes again with its message.
            let _ = worker.try_one(id).await;
            let read = api.get(&format!("/v1/lexi/tasks/{}", id.task_id)).await;
            shown = if read.status == 200 { read.json()["data"].clone() } else { Value::Null };
            if shown["status"] == "completed" {
                break;
            }
            api.clock.advance(TimeDelta::seconds(71));
        }
        any_failed = proxy.heal().len().max(asked) > way.call(round);
        round += 1;
        assert_eq!((&shown["status"], &shown["result"]["added"]), (&json!("completed"), &json!(2)), "{way:?} {round}");
        let stored = Lists::new(&api.stack.context).unwrap().get(api.workspace, list.list_id).await.unwrap();
        assert_eq!(stored.map(|list| list.contacts), Some(2), "{way:?} {round}");
        let balance = api.verified_balance().await;
        assert_eq!((balance.held, balance.spent), (0, 5 * round as u64), "{way:?} {round}");
    }
    let leads = tests::scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await;
    assert_eq!(leads.iter().filter(|item| item["sk"]["S"] == "lead").count(), 3, "{way:?}");
}

#[tokio::test]
async fn whatever_call_fails_a_task_is_approved_done_and_charged_once() {
    let log = in_every_way(tasks_are_done_once).await;
    assert!(log.contains("\"approved\"") && log.contains("\"done\""));
    for personal in ["Ottoline", "Wren", "wren.example", "Kingsley", "Q1 Leads"] {
        assert!(!log.contains(personal), "the log holds {personal}");
    }
}
