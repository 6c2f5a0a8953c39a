//! Runs of a flow in which its calls fail in every way, and the log of these runs.

use std::cell::RefCell;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, OnceLock};

use futures_util::future::join_all;
use shared::base::environment::Environment;

use crate::{Api, Fault, FaultProxy, Setup};

/// A way in which calls fail.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub fault: Fault,
    /// The number of failures after the first. A call has four attempts: one failure does not show, and eight make two
    /// calls fail for good.
    pub more: usize,
    /// The first call to fail, and how many more than it the next round's is.
    first: usize,
    step: usize,
}

impl Way {
    /// Every way. Slow calls take time, so they are divided among runs that go side by side.
    fn all() -> impl Iterator<Item = Self> {
        let faults = Fault::ALL.into_iter().flat_map(|fault| [(fault, 0), (fault, 7)]);
        faults.filter(|way| *way != (Fault::Slow, 7)).flat_map(|(fault, more)| {
            let step = if fault == Fault::Slow { 4 } else { 1 };
            (0..step).map(move |first| Self { fault, more, first, step })
        })
    }

    /// The call that fails in a round.
    pub fn call(&self, round: usize) -> usize {
        self.first + round * self.step
    }

    /// Makes the round's call, counted from now, and those after it fail.
    pub fn fail(&self, proxy: &FaultProxy, round: usize) {
        proxy.heal();
        proxy.fail(self.call(round), self.more, self.fault);
    }
}

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

/// Runs a flow in every way, side by side because most of it is waiting, and returns the functions' log at the finest
/// level. Only for tests on one thread.
pub async fn in_every_way(run: impl AsyncFn(Way)) -> String {
    logged(async { drop(join_all(Way::all().map(|way| run(way))).await) }).await
}

/// The log of a run at the finest level, for tests on one thread.
pub async fn logged(run: impl Future<Output = ()>) -> String {
    LOGGING.call_once(log_to_threads);
    LINES.set(Some(Vec::new()));
    run.await;
    let lines = LINES.take().expect("the thread's lines");
    String::from_utf8_lossy(&lines).into_owned()
}

static LOGGING: Once = Once::new();

static WATCH: OnceLock<Watch> = OnceLock::new();

/// A search for forbidden words in all lines of the log.
struct Watch {
    words: Vec<String>,
    /// The first lines with one.
    found: Mutex<Vec<String>>,
    lines: AtomicUsize,
}

/// Starts to search every line of every thread, at the finest level, for words in lower case.
pub fn watch_log(words: &[String]) {
    LOGGING.call_once(log_to_threads);
    WATCH.get_or_init(|| Watch { words: words.to_vec(), found: Mutex::default(), lines: AtomicUsize::new(0) });
}

/// The number of lines so far, and the first lines with a word.
pub fn watched_log() -> (usize, Vec<String>) {
    WATCH.get().map_or_else(Default::default, |watch| {
        (watch.lines.load(Ordering::Relaxed), watch.found.lock().expect("lines").clone())
    })
}

impl Watch {
    fn search(&self, line: &[u8]) {
        self.lines.fetch_add(1, Ordering::Relaxed);
        let line = String::from_utf8_lossy(line).to_lowercase();
        if self.words.iter().any(|word| line.contains(word)) {
            let mut found = self.found.lock().expect("lines");
            if found.len() < 10 {
                found.push(line);
            }
        }
    }
}

thread_local! {
    /// The log of this thread, if a test asks for it.
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Sets one subscriber for all threads. With one for each, an event that a thread without one reaches first would stay
/// disabled for the others.
fn log_to_threads() {
    let ours: Vec<_> = ["shared".to_owned()].into_iter().chain(functions::log_targets()).collect();
    let environment = Environment::from_iter([("LOG_LEVEL".to_owned(), "trace".to_owned())]);
    let filter = shared::base::log::filter(&environment, &ours).expect("a filter");
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(|| ThreadLog).init();
}

struct ThreadLog;

impl Write for ThreadLog {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if let Some(watch) = WATCH.get() {
            watch.search(line);
        }
        LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.extend_from_slice(line)));
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
