//! Runs of one flow in which its calls fail in every way, and what was logged meanwhile.

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
    /// How.
    pub fault: Fault,
    /// How many more after the first. A call is tried four times, so that one failure does not show, and
    /// eight make two calls fail for good.
    pub more: usize,
    part: usize,
    parts: usize,
}

impl Way {
    /// Every way, and every fault in it. What is slow is waited for, so the steps of a run are dealt out
    /// to several that go side by side.
    fn all() -> impl Iterator<Item = Self> {
        let faults = Fault::ALL.into_iter().flat_map(|fault| [(fault, 0), (fault, 7)]);
        faults.filter(|way| *way != (Fault::Slow, 7)).flat_map(|(fault, more)| {
            let parts = if fault == Fault::Slow { 4 } else { 1 };
            (0..parts).map(move |part| Self { fault, more, part, parts })
        })
    }

    /// Makes the call of this number, counted from now, and those after it fail, if the step of a run
    /// is to have any fail.
    pub fn fail(&self, proxy: &FaultProxy, step: usize, first: usize) {
        proxy.heal();
        if step % self.parts == self.part {
            proxy.fail(first, self.more, self.fault);
        }
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

/// Runs a flow once in each way, side by side because most of it is waiting, and gives what the
/// functions logged at the finest level. For tests that run on one thread: only its lines are kept.
pub async fn in_every_way(run: impl AsyncFn(Way)) -> String {
    logged(async { drop(join_all(Way::all().map(|way| run(way))).await) }).await
}

/// What was logged at the finest level meanwhile, on a test's one thread.
pub async fn logged(run: impl Future<Output = ()>) -> String {
    LOGGING.call_once(log_to_threads);
    LINES.set(Some(Vec::new()));
    run.await;
    let lines = LINES.take().expect("the thread's lines");
    String::from_utf8_lossy(&lines).into_owned()
}

static LOGGING: Once = Once::new();

static WATCHED: OnceLock<Watched> = OnceLock::new();

/// Words that no line may hold, and the lines that do.
struct Watched {
    words: Vec<String>,
    found: Mutex<Vec<String>>,
    lines: AtomicUsize,
}

/// From now on, looks at every line that any thread logs at the finest level for words, in lower case.
pub fn watch_log(words: &[String]) {
    LOGGING.call_once(log_to_threads);
    WATCHED.get_or_init(|| Watched { words: words.to_vec(), found: Mutex::default(), lines: AtomicUsize::new(0) });
}

/// How many lines were looked at so far, and the first of those that hold a word.
pub fn watched_log() -> (usize, Vec<String>) {
    WATCHED.get().map_or_else(Default::default, |watched| {
        (watched.lines.load(Ordering::Relaxed), watched.found.lock().expect("lines").clone())
    })
}

impl Watched {
    fn look_at(&self, line: &[u8]) {
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
    /// What was logged on this thread, if a test wants to know.
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// One subscriber for all threads: with one for each, what a thread without one meets first would stay
/// unlogged for the others too.
fn log_to_threads() {
    let ours: Vec<_> = ["shared".to_owned()].into_iter().chain(functions::log_targets()).collect();
    let environment = Environment::from_iter([("LOG_LEVEL".to_owned(), "trace".to_owned())]);
    let filter = shared::base::log::filter(&environment, &ours).expect("a filter");
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(|| ThreadsLines).init();
}

struct ThreadsLines;

impl Write for ThreadsLines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if let Some(watched) = WATCHED.get() {
            watched.look_at(line);
        }
        LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.extend_from_slice(line)));
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
