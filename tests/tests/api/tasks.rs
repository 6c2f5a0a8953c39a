//! Tasks: a proposal waits, a person decides once, a worker does exactly what was approved, and its credits are held,
//! posted or voided.

use shared::base::context::FromContext;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use functions::lexi_worker::LexiWorker;
use functions::sweeper::Sweeper;
use serde_json::{Value, json};
use shared::base::queue::Consumer;
use shared::base::store::{Table, Transacted};
use shared::crm::leads::{Lead, SuppressedBy};
use shared::crm::lists::{Lists, Target};
use shared::crm::prospects::{OwnProspects, Prospect, Query, SearchResult};
use shared::workflow::lease::{Leased, Take};
use shared::workflow::tasks::Brief;
use shared::workflow::tasks::{
    ContactChanges, Failure, ListOperation, Plan, Progress, SUPERSEDED, Status, Task, TaskId, Tasks,
};
use shared::workspace::auth::Permission;
use tests::{Answer, Api, CONTACT, Fault, FaultProxy, Setup, send};
use uuid::Uuid;

const TASKS: &str = "/v1/lexi/tasks";

fn tasks(api: &Api) -> Tasks {
    Tasks::new(&api.stack.context).unwrap()
}

fn lists(api: &Api) -> Lists {
    Lists::new(&api.stack.context).unwrap()
}

/// Sixty CEOs at law firms in New York, of whom every third has no address, and some a number.
async fn prospects(api: &Api) {
    let prospects: Vec<_> = (0..60)
        .map(|number| Prospect {
            prospect_id: format!("p{number:02}"),
            full_name: format!("Ottoline Wren-{number}"),
            job_title: "CEO".to_owned(),
            company_name: format!("Firm {number}"),
            industry: "law firms".to_owned(),
            city: Some("New York".to_owned()),
            email: (number % 3 != 0).then(|| format!("ottoline{number}@wren.example")),
            phone: (number % 6 == 1).then(|| format!("+1212555{number:04}")),
            ..Prospect::default()
        })
        .collect();
    OwnProspects::new(&api.stack.context).unwrap().load(api.workspace, &prospects).await.unwrap();
}

/// A stack with them.
async fn start() -> Api {
    let api = Api::start().await;
    prospects(&api).await;
    api
}

fn target(number: u128) -> Target {
    Target { list_id: Uuid::from_u128(number), name: "Q1 Leads".to_owned() }
}

/// A search for this many, into a list of this number.
fn search(count: u32, list: u128) -> Plan {
    let query = Query {
        titles: vec!["CEO".to_owned()],
        industries: vec!["law firms".to_owned()],
        places: vec!["New York".to_owned()],
        count,
        ..Query::default()
    };
    Plan::ProspectSearch { query, list: target(list) }
}

fn change(changes: ContactChanges) -> Plan {
    Plan::ContactUpdate { lead_id: CONTACT, name: "Jane Smith".to_owned(), changes }
}

fn operation(operation: ListOperation) -> Plan {
    Plan::ListOperation { list: target(1), operation, contacts: Vec::new() }
}

/// Proposes in a workspace, as the chat does. `false` if it is refused.
async fn proposed(api: &Api, task: &Task, supersedes: Option<TaskId>) -> bool {
    let writes = tasks(api).propose(task, supersedes).unwrap();
    let context = &api.stack.context;
    matches!(Table::named(context, "WORK_TABLE").unwrap().transact(writes).await.unwrap(), Transacted::Applied)
}

fn new_task(api: &Api, plan: Plan) -> Task {
    let id = TaskId { workspace_id: api.workspace, task_id: api.stack.context.random.uuid() };
    Task::new(id, plan, Uuid::from_u128(7), api.clock.now())
}

async fn propose(api: &Api, plan: Plan) -> TaskId {
    let task = new_task(api, plan);
    assert!(proposed(api, &task, None).await);
    task.id
}

async fn decide(api: &Api, id: TaskId, decision: &str, body: &Value) -> Answer {
    send(api.authorized("POST", &format!("{TASKS}/{}/{decision}", id.task_id)).json(body)).await
}

async fn approve(api: &Api, id: TaskId) -> Answer {
    decide(api, id, "approve", &json!({})).await
}

async fn once(api: &Api, id: TaskId, decision: &str, key: &str) -> Answer {
    send(api.authorized("POST", &format!("{TASKS}/{}/{decision}", id.task_id)).header("Idempotency-Key", key)).await
}

async fn read(api: &Api, id: TaskId) -> Value {
    let answer = api.get(&format!("{TASKS}/{}", id.task_id)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

async fn listed(api: &Api, status: &str) -> Vec<Value> {
    let answer = api.get(&format!("{TASKS}?status={status}&per_page=100")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let shown = answer.json()["data"]["tasks"].as_array().unwrap().clone();
    assert_eq!(answer.json()["meta"]["total"], shown.len());
    shown
}

/// Waits until a task has a status, and is listed under it and no other.
async fn until(api: &Api, id: TaskId, status: &str) -> Value {
    for _ in 0..200 {
        let shown = read(api, id).await;
        if shown["status"] == status {
            for &other in <Status as strum::VariantNames>::VARIANTS {
                let is_there = listed(api, other).await.iter().any(|task| task["id"] == shown["id"]);
                assert_eq!(is_there, other == status, "{other} {status}");
            }
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not become {status}: {}", read(api, id).await);
}

async fn done(api: &Api, plan: Plan) -> Value {
    let id = propose(api, plan).await;
    assert_eq!(approve(api, id).await.status, 200);
    until(api, id, "completed").await["result"].clone()
}

async fn failed(api: &Api, plan: Plan) -> Value {
    let id = propose(api, plan).await;
    assert_eq!(approve(api, id).await.status, 200);
    until(api, id, "failed").await["failure"]["code"].clone()
}

/// Whom a list has, by what they are called at the source of prospects.
async fn on_list(api: &Api, list: u128) -> Vec<Lead> {
    let (contacts, total) = lists(api).contacts(api.workspace, Uuid::from_u128(list), (0, usize::MAX)).await.unwrap();
    let stored = lists(api).get(api.workspace, Uuid::from_u128(list)).await.unwrap();
    assert_eq!(stored.map_or(0, |list| list.contacts) as usize, total);
    let mut leads = Vec::new();
    for contact in contacts {
        leads.push(api.leads().lead(api.workspace, contact.member.lead_id).await.unwrap().expect("a contact"));
    }
    leads
}

/// A stack whose approvals reach no worker: the test is the worker.
async fn without_a_worker() -> Api {
    let template =
        tests::template().replace("TASKS_QUEUE_URL: !Ref TasksQueue", "TASKS_QUEUE_URL: !Ref TasksDeadLetters");
    let api = Api::with(Setup { template: Some(template), ..Setup::default() }).await;
    prospects(&api).await;
    api
}

fn worker(api: &Api) -> LexiWorker {
    LexiWorker::new(&api.stack.context).unwrap()
}

async fn taken(api: &Api, id: TaskId) -> Leased<Task> {
    match tasks(api).take(id).await.unwrap() {
        Take::Leased(task) => task,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proposed_task_is_shown_as_documented_and_waits() {
    let api = start().await;
    let id = propose(&api, search(20, 1)).await;
    let answer = api.get(&format!("/functions/v1/api-gateway{TASKS}")).await;
    assert_eq!(answer.json()["meta"], json!({"page": 1, "per_page": 20, "total": 1}));
    let shown = read(&api, id).await;
    assert_eq!(answer.json()["data"], json!({ "tasks": [shown] }));
    assert_eq!(
        shown,
        json!({
            "id": id.task_id,
            "type": "prospect_search",
            "status": "pending",
            "description": "Search for 20 CEOs at law firms in New York and add them to the list Q1 Leads",
            "created_at": shown["created_at"],
            "metadata": {
                "query": {
                    "titles": ["CEO"],
                    "industries": ["law firms"],
                    "places": ["New York"],
                    "min_employees": null,
                    "max_employees": null,
                    "count": 20,
                },
                "list": {"list_id": Uuid::from_u128(1), "name": "Q1 Leads"},
            },
            "conversation_id": Uuid::from_u128(7),
            "credits": 5,
            "decided_at": null,
            "reason": null,
            "superseded_by": null,
            "started_at": null,
            "finished_at": null,
            "progress": {"done": 0, "total": null},
            "result": null,
            "failure": null,
        })
    );
    let free = propose(&api, operation(ListOperation::Create)).await;
    assert_eq!(read(&api, free).await["credits"], 0);
    // Nothing happens by itself.
    assert_eq!(api.verified_balance().await.available, 1_000);
    assert_eq!(on_list(&api, 1).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_come_first_page_by_page() {
    let api = start().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, propose(&api, operation(ListOperation::Create)).await.task_id);
        api.clock.advance(TimeDelta::seconds(1));
    }
    for (page, expected) in [(1, &ids[..2]), (2, &ids[2..4]), (3, &ids[4..]), (4, &[][..])] {
        let answer = api.get(&format!("{TASKS}?status=pending&page={page}&per_page=2")).await.json();
        let shown: Vec<_> = answer["data"]["tasks"].as_array().unwrap().iter().map(|task| task["id"].clone()).collect();
        assert_eq!(json!(shown), json!(expected));
        assert_eq!(answer["meta"], json!({"page": page, "per_page": 2, "total": 5}));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_names_what_is_wrong() {
    let api = start().await;
    let id = propose(&api, search(20, 1)).await;
    let refused = api.get(&format!("{TASKS}?status=done&page=0&per_page=101")).await;
    assert_eq!(refused.code(), (400, "validation_error".to_owned()));
    assert_eq!(
        refused.json()["error"]["details"]["fields"],
        json!({
            "status": "must be one of pending, approved, running, completed, failed, dismissed",
            "page": "must be a whole number from 1 to 1000",
            "per_page": "must be a whole number from 1 to 100",
        })
    );
    assert_eq!(api.get(&format!("{TASKS}/1")).await.code(), (400, "validation_error".to_owned()));
    for (decision, body, field) in [
        ("approve", json!({"status": "approved"}), "status"),
        ("dismiss", json!({"reason": "x".repeat(501)}), "reason"),
        ("dismiss", json!({"reason": 5}), "reason"),
        ("dismiss", json!({"why": "x"}), "why"),
    ] {
        let refused = decide(&api, id, decision, &body).await;
        assert_eq!(refused.code(), (400, "validation_error".to_owned()));
        assert!(refused.json()["error"]["details"]["fields"][field].is_string(), "{}", refused.text);
    }
    let reader = api.new_key(api.workspace, &[Permission::ReadAi], |_| {}).await;
    let decider = api.new_key(api.workspace, &[Permission::Lexi], |_| {}).await;
    let path = format!("{TASKS}/{}", id.task_id);
    for (method, path, key, status) in [
        ("GET", path.clone(), &decider, 403),
        ("GET", TASKS.to_owned(), &decider, 403),
        ("POST", format!("{path}/approve"), &reader, 403),
        ("POST", format!("{path}/dismiss"), &reader, 403),
        ("GET", TASKS.to_owned(), &reader, 200),
        ("GET", path.clone(), &reader, 200),
        ("POST", format!("{path}/dismiss"), &decider, 200),
    ] {
        assert_eq!(send(api.request(method, &path).bearer_auth(key)).await.status, status, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_workspaces_task_is_not_there_whatever_is_asked() {
    let api = start().await;
    let id = propose(&api, search(20, 1)).await;
    let rival = api.new_workspace(0).await;
    let key = api.new_key(rival, &Permission::ALL, |_| {}).await;
    let none = TaskId { task_id: Uuid::from_u128(404), ..id };
    for task in [id, none] {
        let path = format!("{TASKS}/{}", task.task_id);
        // Not there comes before what it costs, and before what it has become.
        for (method, path) in
            [("GET", path.clone()), ("POST", format!("{path}/approve")), ("POST", format!("{path}/dismiss"))]
        {
            let refused = send(api.request(method, &path).bearer_auth(&key)).await;
            assert_eq!(refused.code(), (404, "not_found".to_owned()), "{method}");
        }
    }
    let listed = send(api.request("GET", TASKS).bearer_auth(&key)).await;
    assert_eq!(listed.json(), json!({"data": {"tasks": []}, "meta": {"page": 1, "per_page": 20, "total": 0}}));
    assert_eq!(read(&api, id).await["status"], "pending");
    // Nor does a task of one workspace take the place of another's.
    let theirs = Task::new(
        TaskId { workspace_id: rival, task_id: Uuid::from_u128(8) },
        search(1, 1),
        Uuid::from_u128(7),
        api.clock.now(),
    );
    assert!(!proposed(&api, &theirs, Some(TaskId { workspace_id: rival, ..id })).await);
    assert_eq!(read(&api, id).await["status"], "pending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approved_search_fills_its_list_and_is_charged_once() {
    let api = start().await;
    let id = propose(&api, search(20, 1)).await;
    // The body may be left out.
    let answer = send(api.authorized("POST", &format!("{TASKS}/{}/approve", id.task_id))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.json(),
        json!({"data": {"task_id": id.task_id, "status": "approved", "execution_started": true}})
    );
    let shown = until(&api, id, "completed").await;
    assert_eq!(
        shown["result"],
        json!({
            "requested": 20,
            "found": 20,
            "added": 20,
            "already_on_list": 0,
            "list_id": Uuid::from_u128(1),
            "list_name": "Q1 Leads",
        })
    );
    assert_eq!((&shown["progress"], &shown["credits"]), (&json!({"done": 20, "total": 20}), &json!(5)));
    assert!(shown["decided_at"].is_string() && shown["started_at"].is_string() && shown["finished_at"].is_string());
    let contacts = on_list(&api, 1).await;
    assert_eq!(contacts.len(), 20);
    assert!(contacts.iter().all(|lead| lead.full_name.is_some() && lead.identities().next().is_some()));
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held, balance.spent), (995, 0, 5));
    // Searched again, others are found; and what is done is done.
    let more = done(&api, search(20, 1)).await;
    assert_eq!((&more["found"], &more["added"]), (&json!(20), &json!(20)));
    assert_eq!(on_list(&api, 1).await.len(), 40);
    let refused = approve(&api, id).await;
    assert_eq!(refused.code(), (400, "validation_error".to_owned()));
    assert_eq!(refused.json()["error"]["details"], json!({"status": "completed"}));
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("completed"), "{}", refused.text);
    assert_eq!(api.verified_balance().await.spent, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_approved_many_times_at_once_starts_once() {
    let api = start().await;
    let id = propose(&api, search(5, 1)).await;
    let answers = futures_util::future::join_all((0..6).map(|_| approve(&api, id))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400]);
    until(&api, id, "completed").await;
    assert_eq!(api.verified_balance().await.spent, 5);
    assert_eq!(on_list(&api, 1).await.len(), 5);
    // Approved and dismissed at once, one of the two stands.
    let id = propose(&api, search(5, 2)).await;
    let nothing = json!({});
    let (approved, dismissed) = tokio::join!(approve(&api, id), decide(&api, id, "dismiss", &nothing));
    let statuses = (approved.status, dismissed.status);
    assert!([(200, 400), (400, 200)].contains(&statuses), "{statuses:?}");
    let ended = until(&api, id, if approved.status == 200 { "completed" } else { "dismissed" }).await;
    let balance = api.verified_balance().await;
    assert_eq!((balance.held, balance.spent), (0, if ended["status"] == "completed" { 10 } else { 5 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_with_the_same_key_gets_the_first_answer() {
    let api = start().await;
    let id = propose(&api, search(5, 1)).await;
    let first = once(&api, id, "approve", "k").await;
    assert_eq!(first.status, 200, "{}", first.text);
    until(&api, id, "completed").await;
    let again = once(&api, id, "approve", "k").await;
    assert_eq!((again.status, &again.text, again.header("idempotent-replayed")), (200, &first.text, "true"));
    assert_eq!(once(&api, id, "approve", "l").await.status, 400);
    let other = propose(&api, search(5, 1)).await;
    assert_eq!(once(&api, other, "approve", "k").await.code(), (422, "idempotency_key_reused".to_owned()));
    let first = once(&api, other, "dismiss", "k").await;
    let again = once(&api, other, "dismiss", "k").await;
    assert_eq!((first.status, &again.text, again.header("idempotent-replayed")), (200, &first.text, "true"));
    assert_eq!(api.verified_balance().await.spent, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_a_dead_request_over_finds_its_approval() {
    let template =
        tests::template().replace("TASKS_QUEUE_URL: !Ref TasksQueue", "TASKS_QUEUE_URL: !Ref TasksDeadLetters");
    let (api, proxy) = Api::behind_a_proxy(Setup { template: Some(template), ..Setup::default() }).await;
    prospects(&api).await;
    let mut takeovers = 0;
    // From one of its last calls on, nothing of the request is heard of any more.
    for (held, from) in (4..9).enumerate() {
        let id = propose(&api, search(5, 1)).await;
        proxy.fail(from, 1_000, Fault::Before);
        let first = once(&api, id, "approve", &format!("k{from}")).await;
        proxy.heal();
        if first.status == 200 {
            assert!(takeovers > 0, "no request died after its approval");
            return;
        }
        assert_eq!(first.status, 503, "{}", first.text);
        let stands = read(&api, id).await["status"].clone();
        takeovers += usize::from(stands == "approved");
        api.clock.advance(TimeDelta::seconds(40));
        let again = once(&api, id, "approve", &format!("k{from}")).await;
        assert_eq!((again.status, &again.json()["data"]["status"]), (200, &json!("approved")), "{from} {stands}");
        assert_eq!(read(&api, id).await["status"], "approved");
        assert_eq!(api.verified_balance().await.held, 5 * (held as u64 + 1));
    }
    panic!("a request has more calls than expected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_that_the_balance_does_not_cover_changes_nothing() {
    let api = start().await;
    let poor = api.new_workspace(4).await;
    let key = api.new_key(poor, &Permission::ALL, |_| {}).await;
    let task = Task::new(
        TaskId { workspace_id: poor, task_id: Uuid::from_u128(5) },
        search(5, 1),
        Uuid::from_u128(7),
        api.clock.now(),
    );
    assert!(proposed(&api, &task, None).await);
    let path = format!("{TASKS}/{}", task.id.task_id);
    let approve =
        || send(api.request("POST", &format!("{path}/approve")).bearer_auth(&key).header("Idempotency-Key", "k"));
    let refused = approve().await;
    assert_eq!(refused.code(), (402, "insufficient_credits".to_owned()));
    let shown = send(api.request("GET", &path).bearer_auth(&key)).await.json()["data"].clone();
    assert_eq!((&shown["status"], &shown["decided_at"]), (&json!("pending"), &Value::Null));
    let balance = api.ledger().balance(poor).await.unwrap();
    assert_eq!((balance.available, balance.held), (4, 0));
    // Topped up, the same key goes on.
    api.ledger().grant(poor, Uuid::from_u128(9), 1, "test", api.clock.now()).await.unwrap();
    assert_eq!(approve().await.status, 200);
    assert_eq!(api.ledger().verify(poor).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workspaces_own_price_is_held() {
    let api = start().await;
    let mut workspace = api.accounts().workspace(api.workspace).await.unwrap().unwrap();
    for (price, spent) in [(7, 7), (0, 7)] {
        workspace.prices = BTreeMap::from([("prospect_search".to_owned(), price)]);
        api.accounts().put_workspace(&workspace).await.unwrap();
        let id = propose(&api, search(1, 1)).await;
        assert_eq!(read(&api, id).await["credits"], price);
        assert_eq!(approve(&api, id).await.status, 200);
        assert_eq!(until(&api, id, "completed").await["credits"], price);
        assert_eq!(api.verified_balance().await.spent, spent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dismissed_task_stays_dismissed() {
    let api = without_a_worker().await;
    for (reason, kept) in [
        (json!({"reason": "not_relevant"}), json!("not_relevant")),
        (json!({"reason": " We know them already. "}), json!("We know them already.")),
        (json!({}), Value::Null),
    ] {
        let id = propose(&api, search(5, 1)).await;
        let answer = decide(&api, id, "dismiss", &reason).await;
        let data = json!({"task_id": id.task_id, "status": "dismissed", "reason": kept});
        assert_eq!((answer.status, answer.json()), (200, json!({ "data": data })));
        let shown = until(&api, id, "dismissed").await;
        assert_eq!((&shown["reason"], &shown["credits"]), (&kept, &json!(0)));
        assert!(shown["decided_at"].is_string());
        for decision in ["approve", "dismiss"] {
            let refused = decide(&api, id, decision, &json!({})).await;
            assert_eq!(refused.code(), (400, "validation_error".to_owned()));
            assert!(refused.json()["error"]["message"].as_str().unwrap().contains("is dismissed"), "{}", refused.text);
        }
        // Not even a message of the queue starts it.
        worker(&api).try_one(id).await.unwrap();
        assert_eq!(read(&api, id).await, shown);
    }
    // Nor one that waits.
    let id = propose(&api, search(5, 1)).await;
    worker(&api).try_one(id).await.unwrap();
    assert_eq!(read(&api, id).await["status"], "pending");
    assert_eq!((on_list(&api, 1).await.len(), api.verified_balance().await.available), (0, 1_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_takes_the_place_of_one_that_nobody_has_decided_on() {
    let api = without_a_worker().await;
    let earlier = propose(&api, search(20, 1)).await;
    let narrower = new_task(&api, search(10, 1));
    assert!(proposed(&api, &narrower, Some(earlier)).await);
    let shown = until(&api, earlier, "dismissed").await;
    assert_eq!((&shown["reason"], &shown["superseded_by"]), (&json!(SUPERSEDED), &json!(narrower.id.task_id)));
    assert_eq!(approve(&api, earlier).await.status, 400);
    // Approved meanwhile, the earlier one stands, and the later is proposed beside it.
    assert_eq!(approve(&api, narrower.id).await.status, 200);
    let late = new_task(&api, search(5, 1));
    assert!(!proposed(&api, &late, Some(narrower.id)).await);
    assert!(proposed(&api, &late, None).await);
    assert_eq!((listed(&api, "approved").await.len(), listed(&api, "pending").await.len()), (1, 1));
    // The task of another conversation is not replaced.
    let elsewhere =
        Task::new(TaskId { task_id: Uuid::from_u128(8), ..late.id }, search(1, 1), Uuid::from_u128(9), api.clock.now());
    assert!(!proposed(&api, &elsewhere, Some(late.id)).await);
    assert_eq!(read(&api, late.id).await["status"], "pending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_prospect_says_never_replaces_what_is_known_of_a_contact() {
    let api = start().await;
    // Whom the search is going to find.
    let found = done(&api, search(10, 2)).await;
    assert_eq!(found["added"], 10);
    let prospects = on_list(&api, 2).await;
    let with_email = prospects.iter().find(|lead| lead.email.is_some()).unwrap();
    // One of them has another name here, and wants to be left alone.
    let known = Lead { full_name: Some("Somebody Else".to_owned()), ..with_email.clone() };
    assert!(api.leads().put(api.workspace, &known).await.unwrap());
    api.leads().suppress(api.workspace, known.lead_id, SuppressedBy::Stop).await.unwrap();
    let again = done(&api, search(10, 3)).await;
    assert_eq!((&again["found"], &again["added"]), (&json!(10), &json!(10)));
    let there = on_list(&api, 3).await;
    assert!(there.contains(&known), "{there:?}");
    assert!(api.leads().is_suppressed(api.workspace, known.lead_id).await.unwrap());
    // The same people are the same contacts, also those without an address.
    let ids = |leads: &[Lead]| leads.iter().map(|lead| lead.lead_id).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ids(&there), ids(&prospects));
    // A contact that is on the list already is not put there twice.
    let operation = ListOperation::Add { lead_ids: vec![known.lead_id] };
    done(&api, Plan::ListOperation { list: target(4), operation, contacts: Vec::new() }).await;
    let last = done(&api, search(10, 4)).await;
    assert_eq!(
        (&last["found"], &last["added"], &last["already_on_list"]),
        (&json!(10), &json!(9), &json!(1)),
        "{last}"
    );
    assert_eq!(on_list(&api, 4).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_search_finds_others_and_says_how_many_were_on_the_list() {
    let api = start().await;
    done(&api, search(7, 1)).await;
    let again = done(&api, search(7, 1)).await;
    assert_eq!(
        (&again["found"], &again["added"], &again["already_on_list"]),
        (&json!(7), &json!(7), &json!(7)),
        "{again}"
    );
    assert_eq!(on_list(&api, 1).await.len(), 14);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_with_one_switchboard_number_are_two_contacts() {
    let api = start().await;
    let person = |email: Option<&str>| Lead {
        email: email.map(str::to_owned),
        phone: Some("+12125550100".to_owned()),
        ..Lead::default()
    };
    let mut found = Vec::new();
    for email in [Some("a@firm.example"), Some("b@firm.example"), None, Some("b@firm.example")] {
        found.push(api.leads().find_or_make(api.workspace, &person(email)).await.unwrap());
    }
    assert_eq!((found[0] != found[1], found[2], found[3]), (true, found[0], found[1]));
    let second = api.leads().lead(api.workspace, found[1]).await.unwrap().unwrap();
    assert_eq!((second.email.as_deref(), second.phone), (Some("b@firm.example"), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_is_changed_as_approved_or_not_at_all() {
    let api = start().await;
    let changes = ContactChanges {
        job_title: Some("CMO".to_owned()),
        stage: Some("qualified".to_owned()),
        ..ContactChanges::default()
    };
    let result = done(&api, change(changes.clone())).await;
    assert_eq!(result, json!({"contact_id": CONTACT, "changed": ["job_title", "stage"]}));
    let jane = api.leads().lead(api.workspace, CONTACT).await.unwrap().unwrap();
    assert_eq!((jane.job_title.as_deref(), jane.stage.as_deref()), (Some("CMO"), Some("qualified")));
    assert_eq!((jane.full_name.as_deref(), jane.email.as_deref()), (Some("Jane Smith"), Some("jane@acme.example")));
    // An address that is somebody else's.
    let other = Lead { lead_id: Uuid::from_u128(3), email: Some("tom@acme.example".to_owned()), ..Lead::default() };
    assert!(api.leads().put(api.workspace, &other).await.unwrap());
    let taken = ContactChanges {
        full_name: Some("Tom".to_owned()),
        email: Some("tom@acme.example".to_owned()),
        ..ContactChanges::default()
    };
    let id = propose(&api, change(taken)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    let shown = until(&api, id, "failed").await;
    assert_eq!(shown["failure"]["code"], "identity_taken");
    assert!(!shown["failure"].to_string().contains("tom"), "{shown}");
    assert_eq!(api.leads().lead(api.workspace, CONTACT).await.unwrap().unwrap(), jane);
    let gone = Plan::ContactUpdate { lead_id: Uuid::from_u128(404), name: "Nobody".to_owned(), changes };
    assert_eq!(failed(&api, gone).await, "contact_not_found");
    assert_eq!(api.leads().lead(api.workspace, Uuid::from_u128(404)).await.unwrap(), None);
    assert_eq!(api.verified_balance().await.available, 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_changed_as_approved() {
    let api = start().await;
    let rename = || operation(ListOperation::Rename { to: "Q2 Leads".to_owned() });
    let (nobody, somebody) = (Uuid::from_u128(404), Uuid::from_u128(3));
    assert!(api.leads().put(api.workspace, &Lead { lead_id: somebody, ..Lead::default() }).await.unwrap());
    let remove = || operation(ListOperation::Remove { lead_ids: vec![CONTACT, nobody] });
    assert_eq!(failed(&api, rename()).await, "list_not_found");
    assert_eq!(failed(&api, remove()).await, "list_not_found");
    let list_id = Uuid::from_u128(1);
    assert_eq!(
        done(&api, operation(ListOperation::Create)).await,
        json!({"list_id": list_id, "list_name": "Q1 Leads"})
    );
    assert_eq!(done(&api, rename()).await, json!({"list_id": list_id, "list_name": "Q2 Leads"}));
    // Who is not of this workspace is not put on a list of it.
    let rival = api.new_workspace(0).await;
    let theirs = Lead { lead_id: Uuid::from_u128(5), ..Lead::default() };
    assert!(api.leads().put(rival, &theirs).await.unwrap());
    for (added, already) in [(2, 0), (0, 2)] {
        let lead_ids = vec![CONTACT, somebody, CONTACT, nobody, theirs.lead_id];
        assert_eq!(
            done(&api, operation(ListOperation::Add { lead_ids })).await,
            json!({
                "list_id": list_id,
                "list_name": "Q2 Leads",
                "added": added,
                "already_on_list": already,
                "not_found": 2,
            })
        );
        assert_eq!(on_list(&api, 1).await.len(), 2);
    }
    assert_eq!(
        done(&api, remove()).await,
        json!({"list_id": list_id, "list_name": "Q2 Leads", "removed": 1, "not_on_list": 1})
    );
    assert_eq!(on_list(&api, 1).await.len(), 1);
    // Contacts may go to a list that is made for them.
    let operation = ListOperation::Add { lead_ids: vec![CONTACT] };
    assert_eq!(done(&api, Plan::ListOperation { list: target(2), operation, contacts: Vec::new() }).await["added"], 1);
    assert_eq!(on_list(&api, 2).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_message_twice_or_at_once_does_the_work_once() {
    let api = without_a_worker().await;
    let id = propose(&api, search(20, 1)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    let worker = worker(&api);
    let (one, other) = tokio::join!(worker.try_one(id), worker.try_one(id));
    one.unwrap();
    other.unwrap();
    let shown = until(&api, id, "completed").await;
    worker.try_one(id).await.unwrap();
    assert_eq!(read(&api, id).await, shown);
    let none = TaskId { task_id: Uuid::from_u128(404), ..id };
    worker.try_one(none).await.unwrap();
    assert_eq!((on_list(&api, 1).await.len(), api.verified_balance().await.spent), (20, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_in_the_middle_is_followed_by_one_that_goes_on() {
    let template =
        tests::template().replace("TASKS_QUEUE_URL: !Ref TasksQueue", "TASKS_QUEUE_URL: !Ref TasksDeadLetters");
    let (api, proxy) = Api::behind_a_proxy(Setup { template: Some(template), ..Setup::default() }).await;
    prospects(&api).await;
    let context = api.context(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]);
    let (mut round, mut any_later) = (0, true);
    while any_later {
        let list = round + 1;
        let id = propose(&api, search(40, u128::from(list))).await;
        assert_eq!(approve(&api, id).await.status, 200);
        proxy.slow_down(Duration::from_millis(5));
        let doomed = LexiWorker::new(&context).unwrap();
        let dying = tokio::spawn(async move { doomed.try_one(id).await });
        tokio::time::sleep(Duration::from_millis(20 << round)).await;
        any_later = !dying.is_finished();
        dying.abort();
        let _ = dying.await;
        let stands = read(&api, id).await;
        if stands["status"] == "running" {
            // Nobody takes over before the lease has ended.
            worker(&api).try_one(id).await.unwrap();
            assert_eq!(read(&api, id).await["status"], "running");
        }
        api.clock.advance(TimeDelta::seconds(71));
        worker(&api).try_one(id).await.unwrap();
        let shown = until(&api, id, "completed").await;
        assert_eq!((&shown["result"]["found"], &shown["result"]["added"]), (&json!(40), &json!(40)), "{stands}");
        assert_eq!(on_list(&api, u128::from(list)).await.len(), 40);
        round += 1;
        assert_eq!(api.verified_balance().await.spent, 5 * round);
    }
    assert!(round > 2, "no worker died in the middle");
    proxy.heal();
    // Each person is one contact, however often a worker came by.
    let stored = tests::scan(&api.stack.ready.dynamodb, &api.stack.ready.environment["LEADS_TABLE"]).await;
    assert_eq!(stored.iter().filter(|item| item["sk"]["S"] == "lead").count(), 41);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_lease_has_ended_changes_nothing_any_more() {
    let api = without_a_worker().await;
    let id = propose(&api, search(20, 1)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    let tasks = tasks(&api);
    let late = taken(&api, id).await;
    assert!(matches!(tasks.take(id).await.unwrap(), Take::Busy));
    api.clock.advance(TimeDelta::seconds(71));
    let refused = async |late: &Leased<Task>| {
        assert!(tasks.progress(late, Progress { done: 1, total: Some(2) }).await.unwrap().is_none());
        assert!(tasks.select(late, &SearchResult::default()).await.unwrap().is_none());
        assert!(!tasks.complete(late, json!({}), true).await.unwrap());
        assert!(!tasks.fail(late, Failure::new("x", "x")).await.unwrap());
        assert!(!tasks.pause(late, Progress::default()).await.unwrap());
        tasks.give_back(late, Failure::new("x", "x")).await.unwrap();
        let shown = read(&api, id).await;
        assert_eq!((&shown["status"], &shown["progress"]["total"]), (&json!("running"), &Value::Null));
        assert_eq!(api.verified_balance().await.held, 5);
    };
    // While nobody else has it, and once somebody has.
    refused(&late).await;
    let next = taken(&api, id).await;
    refused(&late).await;
    assert!(tasks.complete(&next, json!({"found": 1}), true).await.unwrap());
    assert!(!tasks.complete(&late, json!({}), true).await.unwrap());
    assert_eq!(read(&api, id).await["result"], json!({"found": 1}));
    let balance = api.verified_balance().await;
    assert_eq!((balance.held, balance.spent), (0, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_comes_on_slowly_is_not_given_up() {
    let api = without_a_worker().await;
    let id = propose(&api, search(20, 1)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    let tasks = tasks(&api);
    for done in 1..=8 {
        let taken = taken(&api, id).await;
        assert!(tasks.pause(&taken, Progress { done, total: Some(9) }).await.unwrap());
        assert_eq!(read(&api, id).await["progress"], json!({"done": done, "total": 9}));
    }
    // One that does not come on is.
    for attempt in 1..=5 {
        let taken = taken(&api, id).await;
        assert_eq!(tasks.pause(&taken, taken.progress).await.unwrap(), attempt < 5);
    }
    assert_eq!(until(&api, id, "failed").await["failure"]["code"], "interrupted");
    assert_eq!(api.verified_balance().await.available, 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_whose_workers_die_has_failed_after_five_of_them() {
    let api = without_a_worker().await;
    let id = propose(&api, search(20, 1)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    for _ in 0..5 {
        taken(&api, id).await;
        api.clock.advance(TimeDelta::seconds(71));
    }
    worker(&api).try_one(id).await.unwrap();
    assert_eq!(until(&api, id, "failed").await["failure"]["code"], "interrupted");
    assert_eq!(api.verified_balance().await.available, 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_whose_hold_was_voided_is_not_done_for_free() {
    let api = without_a_worker().await;
    let id = propose(&api, search(20, 1)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    api.clock.advance(TimeDelta::hours(25));
    Sweeper::new(&api.stack.context).unwrap().sweep().await.unwrap();
    worker(&api).try_one(id).await.unwrap();
    let shown = until(&api, id, "failed").await;
    assert_eq!((&shown["failure"]["code"], &shown["credits"]), (&json!("hold_expired"), &json!(0)));
    assert_eq!((on_list(&api, 1).await.len(), api.verified_balance().await.available), (0, 1_000));
    // One that is taken late is held for as long as it takes.
    let id = propose(&api, search(20, 1)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    api.clock.advance(TimeDelta::hours(23));
    let late = taken(&api, id).await;
    api.clock.advance(TimeDelta::hours(2));
    Sweeper::new(&api.stack.context).unwrap().sweep().await.unwrap();
    assert_eq!(api.verified_balance().await.held, 5);
    drop(late);
    worker(&api).try_one(id).await.unwrap();
    until(&api, id, "completed").await;
    assert_eq!(api.verified_balance().await.spent, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_started_campaign_writes_to_each_contact_of_its_list() {
    let api = start().await;
    api.staff((true, true), &[]).await;
    done(&api, search(5, 1)).await;
    let brief = Brief {
        campaign_id: Uuid::from_u128(6),
        name: "Spring".to_owned(),
        list: target(1),
        about: "legal automation".to_owned(),
        example: None,
    };
    let id = propose(&api, Plan::CampaignStart(brief)).await;
    let shown = read(&api, id).await;
    assert_eq!((&shown["type"], &shown["credits"]), (&json!("campaign_start"), &json!(0)));
    assert_eq!(shown["metadata"]["about"], "legal automation");
    assert_eq!(approve(&api, id).await.status, 200);
    let shown = until(&api, id, "completed").await;
    assert_eq!(shown["progress"], json!({"done": 5, "total": 5}), "{shown}");
    let drafts = api.get(&format!("/v1/campaigns/{}/drafts", Uuid::from_u128(6))).await;
    assert_eq!(drafts.json()["meta"]["total"], 5, "{}", drafts.text);
    assert_eq!(api.verified_balance().await.spent, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_the_call_to_the_queue_the_task_is_done_once() {
    let proxy = FaultProxy::start().await;
    let environment = [("AWS_ENDPOINT_URL_SQS".to_owned(), proxy.url().to_owned())].into();
    let api = Api::with(Setup { environment, ..Setup::default() }).await;
    proxy.set_upstream(&api.stack.ready.sqs).await;
    prospects(&api).await;
    let sweeper = Sweeper::new(&api.stack.context).unwrap();
    for (round, (fault, more)) in
        [(Fault::Before, 7), (Fault::After, 7), (Fault::Throttle, 7), (Fault::Slow, 0), (Fault::After, 0)]
            .into_iter()
            .enumerate()
    {
        proxy.fail(0, more, fault);
        let id = propose(&api, search(5, round as u128 + 1)).await;
        let answer = approve(&api, id).await;
        assert_eq!(answer.status, 200, "{fault:?}: {}", answer.text);
        assert!(!proxy.heal().is_empty(), "{fault:?}");
        let mut shown = Value::Null;
        for _ in 0..100 {
            shown = read(&api, id).await;
            if shown["status"] == "completed" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            api.clock.advance(TimeDelta::minutes(1));
            sweeper.sweep().await.unwrap();
        }
        assert_eq!((&shown["status"], &shown["result"]["added"]), (&json!("completed"), &json!(5)), "{fault:?} {more}");
        assert_eq!(api.verified_balance().await.spent, 5 * (round as u64 + 1), "{fault:?} {more}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_fails_costs_nothing_and_says_why() {
    let status = Arc::new(AtomicU16::new(503));
    let answers = Arc::clone(&status);
    let provider = axum::Router::new().fallback(async move || {
        let status = answers.load(Ordering::Relaxed);
        (http::StatusCode::from_u16(status).unwrap(), if status == 200 { r#"{"prospects": []}"# } else { "{}" })
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/search", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, provider).await });
    let environment =
        [("PROSPECTS_URL".to_owned(), url), ("PROSPECTS_KEY_SECRET".to_owned(), "prospects-key".to_owned())].into();
    let template =
        tests::template().replace("TASKS_QUEUE_URL: !Ref TasksQueue", "TASKS_QUEUE_URL: !Ref TasksDeadLetters");
    let api = Api::with(Setup { template: Some(template), environment, ..Setup::default() }).await;
    api.stack.secrets.put("prospects-key", "k");
    // It is not available now: tried five times, and given up.
    let id = propose(&api, search(5, 1)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    for attempt in 1..=5 {
        assert_eq!((read(&api, id).await["failure"].clone(), api.verified_balance().await.held), (Value::Null, 5));
        let error = worker(&api).try_one(id).await.unwrap_err().to_string();
        assert_eq!(error.contains("for the last time"), attempt == 5, "{error}");
    }
    let shown = until(&api, id, "failed").await;
    assert_eq!((&shown["failure"]["code"], &shown["credits"]), (&json!("prospect_source_unavailable"), &json!(0)));
    assert!(shown["failure"]["message"].as_str().unwrap().contains("ask for the search again"), "{shown}");
    // Nothing comes of another message.
    worker(&api).try_one(id).await.unwrap();
    assert_eq!(read(&api, id).await, shown);
    // It refuses: tried once.
    status.store(401, Ordering::Relaxed);
    let id = propose(&api, search(5, 1)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    worker(&api).try_one(id).await.unwrap();
    assert_eq!(until(&api, id, "failed").await["failure"]["code"], "prospect_source_refused");
    assert!(lists(&api).get(api.workspace, Uuid::from_u128(1)).await.unwrap().is_none());
    // It finds nobody: that is an answer, and nobody pays for it.
    status.store(200, Ordering::Relaxed);
    let id = propose(&api, search(5, 1)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    worker(&api).try_one(id).await.unwrap();
    let shown = until(&api, id, "completed").await;
    assert_eq!((&shown["result"]["requested"], &shown["result"]["found"]), (&json!(5), &json!(0)));
    assert_eq!(shown["credits"], 0);
    assert_eq!(lists(&api).get(api.workspace, Uuid::from_u128(1)).await.unwrap().unwrap().contacts, 0);
    // It finds fewer than were asked for: that is a success, which says so.
    prospects(&api).await;
    let id = propose(&api, search(100, 1)).await;
    assert_eq!(approve(&api, id).await.status, 200);
    worker(&api).try_one(id).await.unwrap();
    let shown = until(&api, id, "completed").await;
    assert_eq!((&shown["result"]["requested"], &shown["result"]["found"]), (&json!(100), &json!(60)));
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held, balance.spent), (995, 0, 5));
}
