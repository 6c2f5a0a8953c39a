//! The invocation that a task works on, as [`crate::base::observe::metrics`] and [`crate::base::observe::traces`] need to know it. It goes along
//! with the task, so that nothing in between has to hand it on. Outside of an invocation nothing is measured.

use std::sync::Arc;

use crate::base::clock::{Clock, Random};
use crate::base::observe::metrics::Metrics;
use crate::base::observe::traces::{Daemon, Trace};

tokio::task_local! {
    static CURRENT: Invocation;
}

/// A function, and where its metrics and traces go.
#[derive(Debug)]
pub struct Observer {
    /// The function's name: that of its binary.
    pub(crate) function: String,
    /// The stack that it belongs to.
    pub(crate) stack: String,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) metrics: Metrics,
    /// Who takes traces, if anybody does.
    pub(crate) daemon: Option<Daemon>,
}

/// One invocation of a function.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub observer: Arc<Observer>,
    /// The trace that it is part of, if that is recorded.
    pub trace: Option<Trace>,
}

impl Observer {
    /// Does the work of one invocation. `trace_header` is what Lambda says of its trace ("Tracing header", AWS X-Ray
    /// Developer Guide).
    pub async fn invoked<T>(self: Arc<Self>, trace_header: Option<&str>, work: impl Future<Output = T>) -> T {
        let trace = self.daemon.as_ref().and(trace_header).and_then(Trace::read);
        within(Invocation { observer: self, trace }, work).await
    }
}

/// The invocation that this task works on.
pub(crate) fn current() -> Option<Invocation> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Works as part of an invocation.
pub(crate) async fn within<T>(invocation: Invocation, work: impl Future<Output = T>) -> T {
    CURRENT.scope(invocation, work).await
}

/// Work for a task of its own that belongs to the same invocation.
pub(crate) fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let invocation = current();
    async move {
        match invocation {
            Some(invocation) => within(invocation, work).await,
            None => work.await,
        }
    }
}
