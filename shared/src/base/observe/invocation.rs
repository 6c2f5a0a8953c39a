//! The invocation that a task works on, for [`crate::base::observe::metrics`] and [`crate::base::observe::traces`]. It
//! travels with the task, so that no function in between passes it on. Outside of an invocation nothing is measured.

use std::sync::Arc;

use crate::base::clock::{Clock, Random};
use crate::base::observe::metrics::Metrics;
use crate::base::observe::traces::{Daemon, Trace};

tokio::task_local! {
    static CURRENT: Invocation;
}

/// A function, and the targets of its metrics and traces.
#[derive(Debug)]
pub struct Observer {
    /// The name of the function's binary.
    pub(crate) function: String,
    /// The stack's name, the dimension `Stack` of every metric.
    pub(crate) stack: String,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) metrics: Metrics,
    /// The receiver of traces; `None` if tracing is off.
    pub(crate) daemon: Option<Daemon>,
}

/// One invocation of a function.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub observer: Arc<Observer>,
    /// The trace of the invocation; `None` if it is not recorded.
    pub trace: Option<Trace>,
}

impl Observer {
    /// Runs the work of one invocation. `trace_header` is Lambda's tracing header ("Tracing header", AWS X-Ray
    /// Developer Guide).
    pub async fn invoked<T>(self: Arc<Self>, trace_header: Option<&str>, work: impl Future<Output = T>) -> T {
        let trace = self.daemon.as_ref().and(trace_header).and_then(Trace::read);
        within(Invocation { observer: self, trace }, work).await
    }
}

/// The invocation that this task works on; `None` outside of one.
pub(crate) fn current() -> Option<Invocation> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Runs work as part of an invocation.
pub(crate) async fn within<T>(invocation: Invocation, work: impl Future<Output = T>) -> T {
    CURRENT.scope(invocation, work).await
}

/// Attaches the current invocation to work that runs in another task.
pub(crate) fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let invocation = current();
    async move {
        match invocation {
            Some(invocation) => within(invocation, work).await,
            None => work.await,
        }
    }
}
