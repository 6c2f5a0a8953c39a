//! Every DynamoDB call of the flow fails in every way, once and lastingly: nothing is lost, nothing
//! is charged twice, and a retry with the same key ends well.

use chrono::TimeDelta;
use functions::sweeper::Sweeper;
use shared::base::context::FromContext;
use shared::base::store::StoreError;
use tests::{Api, Fault, FaultProxy, Setup};

/// How many calls one request makes, and so which can fail.
async fn calls_of_one_request(api: &Api, proxy: &FaultProxy) -> usize {
    proxy.heal();
    assert_eq!(api.suggest_once("count-the-calls").await.status, 200);
    proxy.heal().len()
}

/// One request whose calls fail as planned; then its retry, until it ends well.
async fn fails_and_ends_well(fault: Fault, more: usize) {
    let (api, proxy) = Api::behind_a_proxy(Setup::default()).await;
    // The first request of a key's window makes one call more.
    assert_eq!(api.suggest_once("warm").await.status, 200);
    let calls = calls_of_one_request(&api, &proxy).await;
    assert!(calls >= 4, "{calls}");
    for index in 0..calls {
        let spent = api.balance().await.spent;
        let key = format!("{fault:?} {more} {index}").replace(' ', "-");
        proxy.fail(index, more, fault);
        let first = api.suggest_once(&key).await;
        proxy.heal();
        let expected: &[u16] = if more == 0 { &[200] } else { &[200, 503] };
        assert!(expected.contains(&first.status), "{key}: {}", first.text);
        let after = api.verified_balance().await;
        assert!(after.spent - spent <= 2, "{key}: charged twice");
        if first.status == 200 {
            assert_eq!(after.spent - spent, 2, "{key}: given and not charged");
        } else {
            assert_eq!(first.header("retry-after"), "5", "{key}");
        }
        // What is left behind is settled by time; the model's breaker is not part of this.
        let mut last = api.suggest_once(&key).await;
        if last.status == 409 {
            api.clock.advance(TimeDelta::seconds(40));
            last = api.suggest_once(&key).await;
        }
        assert_eq!(last.status, 200, "{key}: {}", last.text);
        if first.status == 200 {
            assert_eq!(last.text, first.text, "{key}: another answer");
        }
        assert_eq!(api.suggest_once(&key).await.text, last.text, "{key}: not replayed");
        api.clock.advance(TimeDelta::seconds(200));
        let sweeper = Sweeper::new(&api.stack.context).unwrap();
        sweeper.sweep().await.unwrap();
        let balance = api.verified_balance().await;
        assert_eq!((balance.held, balance.spent - spent), (0, 2), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_that_fails_before_it_is_applied_does_not_show() {
    fails_and_ends_well(Fault::Before, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_that_fails_after_it_was_applied_does_not_show() {
    fails_and_ends_well(Fault::After, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_throttled_call_does_not_show() {
    fails_and_ends_well(Fault::Throttle, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_conflict_does_not_show() {
    fails_and_ends_well(Fault::Conflict, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_slow_call_does_not_show() {
    fails_and_ends_well(Fault::Slow, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_fails_before_applying_for_a_while_loses_nothing() {
    fails_and_ends_well(Fault::Before, 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_fails_after_applying_for_a_while_loses_nothing() {
    fails_and_ends_well(Fault::After, 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_throttles_for_a_while_loses_nothing() {
    fails_and_ends_well(Fault::Throttle, 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_conflicts_for_a_while_loses_nothing() {
    fails_and_ends_well(Fault::Conflict, 7).await;
}

#[tokio::test]
async fn a_table_that_is_gone_is_503_and_says_nothing_of_itself() {
    let (api, proxy) = Api::behind_a_proxy(Setup::default()).await;
    proxy.fail(0, 1_000, Fault::Before);
    let answer = api.suggest_once("a").await;
    assert_eq!(answer.code(), (503, "service_unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), "5");
    assert!(!answer.text.contains("dynamodb") && !answer.text.contains("lead-followup"), "{}", answer.text);
}

#[tokio::test]
async fn a_sweeper_that_fails_midway_is_done_by_the_next() {
    let (api, proxy) = Api::behind_a_proxy(Setup::default()).await;
    let context = shared::base::context::Context::new(
        api.stack.ready.environment.clone().into_iter().collect(),
        api.clock.clone(),
        api.stack.context.random.clone(),
    );
    let sweeper = Sweeper::new(&context.unwrap()).unwrap();
    for _ in 0..3 {
        let operation = shared::workspace::credits::Operation::new(
            api.stack.context.random.uuid(),
            api.workspace,
            shared::workspace::credits::Action::SuggestFollowups,
            2,
            api.clock.now().timestamp_millis(),
            api.clock.now(),
        );
        let table = shared::base::store::Table::named(&api.stack.context, "CREDITS_TABLE").unwrap();
        table.transact(api.ledger().hold(&operation).unwrap()).await.unwrap();
    }
    api.clock.advance(TimeDelta::seconds(1));
    proxy.fail(1, 50, Fault::Before);
    assert!(matches!(sweeper.sweep().await, Err(StoreError::Unavailable(_))));
    proxy.heal();
    sweeper.sweep().await.unwrap();
    let balance = api.verified_balance().await;
    assert_eq!((balance.available, balance.held), (1_000, 0));
}
