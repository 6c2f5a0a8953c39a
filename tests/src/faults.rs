//! Runs of one flow in which its calls fail in every way, and what was logged meanwhile.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use futures_util::future::join_all;
use shared::environment::Environment;

use crate::{Api, Fault, FaultProxy, Setup};

/// Every way in which calls fail: how, and how many more after the first. A call is tried four times,
/// so that one failure does not show, and eight make two calls fail for good.
const WAYS: [(Fault, usize); 9] = [
    (Fault::Before, 0),
    (Fault::After, 0),
    (Fault::Throttle, 0),
    (Fault::Conflict, 0),
    (Fault::Slow, 0),
    (Fault::Before, 7),
    (Fault::After, 7),
    (Fault::Throttle, 7),
    (Fault::Conflict, 7),
];

impl Api {
    /// A stack whose functions reach DynamoDB through a proxy.
    pub async fn behind_a_proxy(mut setup: Setup) -> (Self, FaultProxy) {
        let proxy = FaultProxy::start().await;
        setup.environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), proxy.url().to_owned());
        let api = Self::with(setup).await;
        proxy.set_upstream(&api.stack.ready.dynamodb).await;
        (api, proxy)
    }
}

/// Runs a flow once in each way, side by side because most of it is waiting, and gives what the
/// functions logged at the finest level. For tests that run on one thread: only its lines are kept.
pub async fn in_every_way(run: impl AsyncFn(Fault, usize)) -> String {
    LOGGING.call_once(log_to_threads);
    LINES.set(Some(Vec::new()));
    join_all(WAYS.map(|(fault, more)| run(fault, more))).await;
    let lines = LINES.take().expect("the thread's lines");
    String::from_utf8_lossy(&lines).into_owned()
}

static LOGGING: Once = Once::new();

thread_local! {
    /// What was logged on this thread, if a test wants to know.
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// One subscriber for all threads: with one for each, what a thread without one meets first would stay
/// unlogged for the others too.
fn log_to_threads() {
    let functions = [
        "shared",
        "fallback",
        "get_lead",
        "ingest",
        "lead_messages",
        "lead_scorer",
        "list_leads",
        "message_worker",
        "meta_webhook",
        "score_due",
        "sweeper",
    ];
    let environment = Environment::from_iter([("LOG_LEVEL".to_owned(), "trace".to_owned())]);
    let filter = shared::log::filter(&environment, &functions).expect("a filter");
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(|| ThreadsLines).init();
}

struct ThreadsLines;

impl Write for ThreadsLines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.extend_from_slice(line)));
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
