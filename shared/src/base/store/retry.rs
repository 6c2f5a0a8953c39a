//! Optimistic read-modify-write: read an item, decide, and write it back if it has not changed.

use super::{StoreError, Transacted};

/// The result of one attempt at a change.
#[derive(Debug)]
pub enum Try<T, S = ()> {
    /// The change is done, with this result.
    Done(T),
    /// Another change came first, and nothing was written. The next attempt starts with this state.
    Again(S),
}

/// The maximum number of attempts. Each conflict means that another change of the same item succeeded, so this many
/// others may succeed before the change fails.
const TRIES: u32 = 64;

/// Repeats a read-modify-write until it does not conflict. The first attempt starts with `state`.
///
/// # Errors
/// [`StoreError::Unavailable`] with `subject`, if every attempt conflicted.
pub async fn retrying<T, S, E: From<StoreError>, F: Future<Output = Result<Try<T, S>, E>>>(
    subject: &str,
    mut state: S,
    change: impl Fn(S) -> F,
) -> Result<T, E> {
    for _ in 0..TRIES {
        // On the heap, because a change's future is large and would be part of its caller's.
        match Box::pin(change(state)).await? {
            Try::Done(result) => return Ok(result),
            Try::Again(next) => state = next,
        }
    }
    Err(StoreError::Unavailable(format!("{subject} kept changing")).into())
}

impl Transacted {
    /// Ends the attempt with `result` if every write was applied; otherwise asks for another attempt.
    pub fn done<T>(self, result: T) -> Try<T> {
        match self {
            Self::Applied => Try::Done(result),
            Self::Refused(_) => Try::Again(()),
        }
    }
}
