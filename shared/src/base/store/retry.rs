//! Changes that read an item, decide, and write it back on the condition that it is as it was read.

use super::{StoreError, Transacted};

/// How one try of a change ends.
#[derive(Debug)]
pub enum Try<T, S = ()> {
    /// With this result.
    Done(T),
    /// In a conflict: another change came first, and nothing was written. The next try begins with this.
    Again(S),
}

/// How often a change is tried. Each conflict means that another change of the same item succeeded, so this is how
/// many may succeed before one gives up.
const TRIES: u32 = 64;

/// Runs a read-modify-write until it does not conflict with another; the first try begins with `state`.
///
/// # Errors
/// [`StoreError::Unavailable`], which says that `subject` kept changing, if every try conflicted.
pub async fn retrying<T, S, E: From<StoreError>, F: Future<Output = Result<Try<T, S>, E>>>(
    subject: &str,
    mut state: S,
    change: impl Fn(S) -> F,
) -> Result<T, E> {
    for _ in 0..TRIES {
        // On the heap: a change's future is large, and would be part of its caller's.
        match Box::pin(change(state)).await? {
            Try::Done(result) => return Ok(result),
            Try::Again(next) => state = next,
        }
    }
    Err(StoreError::Unavailable(format!("{subject} kept changing")).into())
}

impl Transacted {
    /// A try that ends with `result` if every write was applied.
    pub fn done<T>(self, result: T) -> Try<T> {
        match self {
            Self::Applied => Try::Done(result),
            Self::Refused(_) => Try::Again(()),
        }
    }
}
