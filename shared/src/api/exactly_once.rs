//! Runs each request exactly once: one transaction claims the idempotency key and holds the credits, and another posts
//! the charge and stores the response.
//!
//! ```text
//! begin ──► claim + hold ──► the work ──► settle:  post + store the response
//!                                    └──► abandon: void + release the claim
//! ```
//!
//! If a process dies, a retry with the same key takes over once the lease has expired. It keeps the hold, so nothing is
//! charged twice. Without a retry, the sweeper voids the hold once it has expired.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::api::http::{Answered, Call, Reply};
use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::problem::{Code, Problem};
use crate::base::store::{Item, StoreError, Transacted, Try, Write, from_item, retrying};
use crate::workspace::credits::{Action, Balance, Ledger, Operation, State, count_resolved};
use crate::workspace::idempotency::{Claim, Claimed, Claims, KEPT, Stored};

/// How much longer a claim lasts than its request: time for the answer to arrive.
const LEASE_MARGIN: TimeDelta = TimeDelta::seconds(5);

/// How much longer a hold lasts than its claim, so that a successor still finds it held.
const HOLD_MARGIN: TimeDelta = TimeDelta::seconds(60);

/// Runs requests exactly once.
#[derive(Clone, Debug, FromContext)]
pub struct ExactlyOnce {
    clock: Clock,
    random: Random,
    claims: Claims,
    ledger: Ledger,
}

/// The start of a request.
#[derive(Debug)]
enum Begun {
    /// This request does the work.
    Proceed(Box<Work>),
    /// The work was done before; this is its answer.
    Replay(Reply),
}

/// A running request with its claim and its hold.
#[derive(Debug)]
pub struct Work {
    once: ExactlyOnce,
    id: Uuid,
    is_taken_over: bool,
    claim: Option<Claim>,
    operation: Option<Operation>,
    ending: Mutex<Ending>,
    /// Whether an answer voids the hold.
    is_waived: AtomicBool,
}

/// How the claim and the hold end if the work fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// An answer posts the charge and is stored; a problem voids the hold and releases the claim.
    Open,
    /// An answer posts and stores. After a problem both stay until the lease expires, because a retry has to find what
    /// was made.
    Kept,
    /// Both have ended already.
    Settled,
}

/// The result of a request that writes more than its answer.
#[derive(Debug)]
pub enum Completed {
    /// All writes were applied; this is the answer.
    Done(Reply),
    /// A condition of the other writes failed, and nothing was written.
    Outdated,
}

impl ExactlyOnce {
    /// Claims the request's idempotency key, if it has one, and holds the price, in one transaction. Makes no call if
    /// there is nothing to claim or hold.
    ///
    /// # Errors
    /// 409 and 422 for the key, then 402 for the balance (docs/behaviour.md, "Order of checks").
    async fn begin(&self, call: &Call, charge: Option<(Action, u32)>) -> Result<Begun, Problem> {
        let charge = charge.filter(|(_, price)| *price > 0);
        retrying("an idempotency key", None, |predecessor: Option<Claim>| async move {
            let now = self.clock.now();
            // The predecessor's operation, unless the sweeper has voided it.
            let inherited = predecessor.as_ref().and_then(|claim| claim.operation.clone());
            let inherits = inherited.is_some();
            let begun = predecessor.as_ref().map(|predecessor| predecessor.work_id);
            let work = self.prepare(call, charge, (inherited, begun), now);
            let writes = self.opening_writes(&work, predecessor.as_ref(), inherits, now)?;
            if writes.is_empty() {
                return Ok(Try::Done(Begun::Proceed(Box::new(work))));
            }
            let mut refused = match self.claims.table.transact(writes).await {
                Ok(Transacted::Applied) => return Ok(Try::Done(Begun::Proceed(Box::new(work)))),
                Ok(Transacted::Refused(refused)) => refused.into_iter(),
                // The transaction may have been applied. A claim that was taken over may belong to stored work, so it
                // stays until its lease expires. A new claim and its hold are undone.
                Err(error) if work.is_taken_over => return Err(error.into()),
                Err(error) => return Err(work.abandon(error.into()).await),
            };
            let by_claim = work.claim.as_ref().and_then(|_| refused.next().flatten());
            if let (Some(claimed), Some(item)) = (&call.claimed, by_claim) {
                return Ok(match standing(claimed, item, now)? {
                    Standing::Done(reply) => Try::Done(Begun::Replay(reply)),
                    Standing::Abandoned(claim) => Try::Again(Some(*claim)),
                    Standing::Gone => Try::Again(None),
                });
            }
            if !inherits {
                let price = work.operation.map_or(0, |operation| operation.amount);
                return Err(short_of_credits(price, refused.last().flatten())?);
            }
            // The sweeper has voided the predecessor's hold.
            Ok(Try::Again(predecessor.map(|claim| Claim { operation: None, ..claim })))
        })
        .await
    }

    /// The claim and the hold of a request. An inherited hold is extended.
    fn prepare(
        &self,
        call: &Call,
        charge: Option<(Action, u32)>,
        (inherited, begun): (Option<Operation>, Option<Uuid>),
        now: DateTime<Utc>,
    ) -> Work {
        let id = begun.unwrap_or_else(|| self.random.uuid());
        let lease_until = call.deadline + LEASE_MARGIN;
        let hold_expires = (lease_until + HOLD_MARGIN).timestamp_millis();
        let operation = inherited.map(|operation| Operation { hold_expires, ..operation }).or_else(|| {
            let (action, price) = charge?;
            Some(Operation::new(self.random.uuid(), call.workspace_id, action, price, hold_expires, now))
        });
        let claim = call.claimed.as_ref().map(|claimed| Claim {
            pk: claimed.pk.clone(),
            fingerprint: claimed.fingerprint.clone(),
            owner: self.random.uuid(),
            work_id: id,
            lease_until: lease_until.timestamp_millis(),
            operation: operation.clone(),
            response: None,
            expires: (now + KEPT).timestamp(),
        });
        Work {
            once: self.clone(),
            id,
            is_taken_over: begun.is_some(),
            claim,
            operation,
            ending: Mutex::new(Ending::Open),
            is_waived: AtomicBool::new(false),
        }
    }

    /// The writes for the claim, then those for the hold.
    fn opening_writes(
        &self,
        work: &Work,
        predecessor: Option<&Claim>,
        inherits: bool,
        now: DateTime<Utc>,
    ) -> Result<Vec<Write>, StoreError> {
        let mut writes = Vec::new();
        if let Some(claim) = &work.claim {
            writes.push(match predecessor {
                None => self.claims.put(claim, now)?,
                Some(predecessor) => self.claims.take_over(predecessor, claim)?,
            });
        }
        match &work.operation {
            None => {}
            Some(operation) if inherits => writes.push(self.ledger.extend(operation)),
            Some(operation) => writes.extend(self.ledger.hold(operation)?),
        }
        Ok(writes)
    }

    /// Runs paid work once for each idempotency key: holds the price, works, then posts the charge and stores the
    /// answer in one transaction. If the work fails, it voids the hold and releases the key, unless the work called
    /// [`Work::keep`]. `meanwhile` runs while the price is held.
    ///
    /// # Errors
    /// 409 and 422 for the key, 402 for the balance, then those of the work.
    pub async fn charged<A, T, F>(
        &self,
        call: &Call,
        charge: (Action, u32),
        meanwhile: impl Future<Output = T>,
        work: impl FnOnce(Arc<Work>, T) -> F,
    ) -> Result<Answered<A>, Problem>
    where
        F: Future<Output = Result<Answered<A>, Problem>>,
    {
        let (begun, beside) = tokio::join!(self.begin(call, Some(charge)), meanwhile);
        let held = match begun? {
            Begun::Replay(reply) => return Ok(reply.into()),
            Begun::Proceed(held) => Arc::new(*held),
        };
        let result = work(Arc::clone(&held), beside).await;
        match (result, held.ending()) {
            (result, Ending::Settled) | (result @ Err(_), Ending::Kept) => result,
            (Ok(answered), _) => {
                let as_state = if held.is_waived.load(Ordering::Relaxed) { State::Voided } else { State::Posted };
                held.settle(answered.into(), as_state).await.map(Answered::from)
            }
            (Err(problem), Ending::Open) => Err(held.abandon(problem).await),
        }
    }

    /// Runs free work once for each idempotency key.
    pub async fn for_free<A>(
        &self,
        call: &Call,
        work: impl Future<Output = Result<Answered<A>, Problem>>,
    ) -> Result<Answered<A>, Problem> {
        let claimed = match self.begin(call, None).await? {
            Begun::Replay(reply) => return Ok(reply.into()),
            Begun::Proceed(claimed) => claimed,
        };
        match work.await {
            Ok(answered) => claimed.settle(answered.into(), State::Posted).await.map(Answered::from),
            Err(problem) if problem.code.is_kept() => {
                claimed.settle(call.refusal(&problem), State::Voided).await.map(Answered::from)
            }
            Err(problem) => Err(claimed.abandon(problem).await),
        }
    }

    /// Refuses a request without a charge. Stores a permanent error under the idempotency key. The key's own answer or
    /// conflict takes precedence (docs/behaviour.md, "Order of checks").
    pub async fn refuse<A>(&self, call: &Call, problem: Problem) -> Result<Answered<A>, Problem> {
        self.for_free(call, async { Err(problem) }).await
    }
}

/// The state of an existing claim, from the view of a new request.
enum Standing {
    Done(Reply),
    Abandoned(Box<Claim>),
    Gone,
}

fn standing(ours: &Claimed, item: Item, now: DateTime<Utc>) -> Result<Standing, Problem> {
    if item.is_empty() {
        return Ok(Standing::Gone);
    }
    let claim: Claim = from_item(item)?;
    if claim.expires <= now.timestamp() {
        return Ok(Standing::Gone);
    }
    if claim.fingerprint != ours.fingerprint {
        return Err(Problem::new(
            Code::IdempotencyKeyReused,
            "this Idempotency-Key was used for another request; use a new one",
        ));
    }
    match claim.response {
        Some(Stored { status, body, .. }) => Ok(Standing::Done(Reply::replayed(status, body))),
        None if claim.lease_until <= now.timestamp_millis() => Ok(Standing::Abandoned(Box::new(claim))),
        None => Err(still_running()),
    }
}

#[track_caller]
fn still_running() -> Problem {
    Problem::new(
        Code::IdempotencyConflict,
        "a request with this Idempotency-Key is still running; retry for its answer",
    )
    .retry_after(1)
}

#[track_caller]
fn short_of_credits(price: u32, balance: Option<Item>) -> Result<Problem, StoreError> {
    let available =
        balance.filter(|item| !item.is_empty()).map(from_item::<Balance>).transpose()?.unwrap_or_default().available;
    Ok(Problem::short_of_credits(price, available))
}

impl Work {
    /// The identifier of the work, which a successor keeps.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Whether a predecessor started the work, and may have created something.
    pub fn is_taken_over(&self) -> bool {
        self.is_taken_over
    }

    /// The workspace's balance after this call, since the price is already held.
    pub async fn balance(&self, call: &Call) -> Result<Balance, StoreError> {
        self.once.ledger.balance(call.workspace_id).await
    }

    /// Marks that the work has created something which a retry must find instead of creating it again. If the request
    /// then fails, the claim stays until its lease expires.
    pub fn keep(&self) {
        self.end_with(Ending::Kept);
    }

    /// Charges nothing for the answer, because it lacks what the price is for.
    pub fn waive(&self) {
        self.is_waived.store(true, Ordering::Relaxed);
    }

    fn ending(&self) -> Ending {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_with(&self, ending: Ending) {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = ending;
    }

    /// Posts the charge and stores the answer together with further writes. If their conditions fail, nothing is
    /// written and the work continues. On an error nothing is charged, unless the transaction was applied after all:
    /// then this returns the answer.
    pub async fn complete_with<A>(&self, answered: &Answered<A>, also: Vec<Write>) -> Result<Completed, Problem> {
        self.end_with(Ending::Settled);
        let completed = self.close(answered.reply().clone(), State::Posted, also).await;
        if let Ok(Completed::Outdated) = completed {
            self.end_with(Ending::Open);
        }
        completed
    }

    /// Stores the answer, and posts or voids the hold. When an error is stored, there is a hold only if an earlier
    /// request with the same key made one.
    async fn settle(&self, reply: Reply, as_state: State) -> Result<Reply, Problem> {
        match self.close(reply, as_state, Vec::new()).await? {
            Completed::Done(reply) => Ok(reply),
            Completed::Outdated => Err(Problem::internal("nothing else was to be written")),
        }
    }

    async fn close(&self, reply: Reply, as_state: State, also: Vec<Write>) -> Result<Completed, Problem> {
        let mut writes = self.closing_writes(&reply, as_state)?;
        let own = writes.len();
        writes.extend(also);
        if writes.is_empty() {
            return Ok(Completed::Done(reply));
        }
        match self.once.claims.table.transact(writes).await {
            Ok(Transacted::Applied) => {
                self.count(as_state);
                Ok(Completed::Done(reply))
            }
            Ok(Transacted::Refused(mut refused)) => {
                refused.truncate(own);
                match refused.iter().any(Option::is_some) {
                    true => self.outrun(refused, reply, as_state).map(Completed::Done),
                    false => Ok(Completed::Outdated),
                }
            }
            // The work cannot be undone. The claim stays until its lease expires, and a retry takes it over.
            Err(error) if self.ending() == Ending::Kept => Err(error.into()),
            Err(error) => match self.undo().await {
                // The transaction was applied although it returned an error.
                Ok(Undone::Resolved(State::Posted)) => {
                    self.count(as_state);
                    Ok(Completed::Done(reply))
                }
                Ok(Undone::Nothing | Undone::Resolved(_)) | Err(_) => Err(error.into()),
            },
        }
    }

    fn closing_writes(&self, reply: &Reply, as_state: State) -> Result<Vec<Write>, StoreError> {
        let now = self.once.clock.now();
        let mut writes: Vec<Write> = Vec::new();
        if let Some(claim) = &self.claim {
            writes.push(self.once.claims.complete(claim, &reply.stored(), now)?);
        }
        if let Some(operation) = &self.operation {
            writes.extend(match as_state {
                State::Posted => self.once.ledger.post(operation, now)?,
                State::Held | State::Voided => self.once.ledger.void(operation, now)?,
            });
        }
        Ok(writes)
    }

    /// Voids the hold, releases the claim, and returns the problem. If this fails, the lease expires and the sweeper
    /// voids the hold.
    async fn abandon(&self, problem: Problem) -> Problem {
        if let Err(error) = self.undo().await {
            tracing::warn!(cause = %error, "a hold was left to the sweeper");
        }
        problem
    }

    /// The result if another request took over meanwhile, or the sweeper voided the hold.
    fn outrun(&self, refused: Vec<Option<Item>>, reply: Reply, as_state: State) -> Result<Reply, Problem> {
        if let (Some(ours), Some(Some(item))) = (&self.claim, refused.first()) {
            if item.is_empty() {
                return Err(still_running());
            }
            let theirs: Claim = from_item(item.clone())?;
            return match theirs.response {
                Some(_) if theirs.owner == ours.owner => {
                    self.count(as_state);
                    Ok(reply)
                }
                Some(Stored { status, body, .. }) => Ok(Reply::replayed(status, body)),
                None => Err(still_running()),
            };
        }
        Err(Problem::unavailable("the hold was voided before the work was done"))
    }

    /// Counts the end of the hold in the metrics.
    fn count(&self, state: State) {
        if let Some(operation) = &self.operation {
            count_resolved(&Operation { state, ..operation.clone() });
        }
    }

    async fn undo(&self) -> Result<Undone, StoreError> {
        let mut writes: Vec<Write> = Vec::new();
        if let Some(claim) = &self.claim {
            writes.push(self.once.claims.release(claim));
        }
        if let Some(operation) = &self.operation {
            writes.extend(self.once.ledger.void(operation, self.once.clock.now())?);
        }
        if writes.is_empty() {
            return Ok(Undone::Nothing);
        }
        match self.once.claims.table.transact(writes).await? {
            Transacted::Applied => {
                self.count(State::Voided);
                Ok(Undone::Resolved(State::Voided))
            }
            Transacted::Refused(refused) => {
                if let (Some(ours), Some(Some(item))) = (&self.claim, refused.first())
                    && !item.is_empty()
                {
                    let stored: Claim = from_item(item.clone())?;
                    let posted = stored.owner == ours.owner && stored.response.is_some();
                    return Ok(if posted { Undone::Resolved(State::Posted) } else { Undone::Nothing });
                }
                let operation =
                    refused.get(usize::from(self.claim.is_some())).cloned().flatten().filter(|item| !item.is_empty());
                operation.map_or(Ok(Undone::Nothing), |item| {
                    from_item::<Operation>(item).map(|operation| Undone::Resolved(operation.state))
                })
            }
        }
    }
}

/// The result of undoing a claim and a hold.
enum Undone {
    /// There was nothing to undo.
    Nothing,
    /// The operation's state.
    Resolved(State),
}
