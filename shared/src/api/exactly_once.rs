//! One request, one charge, one effect: the claim of an idempotency key and the hold of its
//! credits are one transaction, and so are the post and the stored response.
//!
//! ```text
//! begin ──► claim + hold ──► the work ──► settle:  post + store the response
//!                                    └──► abandon: void + release the claim
//! ```
//!
//! Whatever a process leaves unfinished is taken over by a retry with the same key once the lease
//! has ended (it keeps the hold, so nothing is charged twice), or voided by the sweeper once the
//! hold has expired.

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

/// How much longer than its request a claim lasts: the time that an answer may take on its way.
const LEASE_MARGIN: TimeDelta = TimeDelta::seconds(5);

/// How much longer than its claim a hold lasts, so that a successor finds it still held.
const HOLD_MARGIN: TimeDelta = TimeDelta::seconds(60);

/// Runs requests exactly once.
#[derive(Clone, Debug, FromContext)]
pub struct ExactlyOnce {
    clock: Clock,
    random: Random,
    claims: Claims,
    ledger: Ledger,
}

/// How a request begins.
#[derive(Debug)]
enum Begun {
    /// It is this request's to do.
    Proceed(Box<Work>),
    /// It was done; this is the answer.
    Replay(Reply),
}

/// A request under way: what it holds and what it claims.
#[derive(Debug)]
pub struct Work {
    once: ExactlyOnce,
    id: Uuid,
    is_taken_over: bool,
    claim: Option<Claim>,
    operation: Option<Operation>,
    ending: Mutex<Ending>,
}

/// What is to become of the claim and the hold when the work ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// An answer posts and stores, a problem voids and releases.
    Open,
    /// An answer posts and stores; otherwise both stand until the lease ends, because a retry has to find what was
    /// made.
    Kept,
    /// Both are settled.
    Settled,
}

/// How a request ends that writes more than its answer.
#[derive(Debug)]
pub enum Completed {
    /// With this answer.
    Done(Reply),
    /// Not yet: what else was to be written was refused. Nothing was written.
    Outdated,
}

impl ExactlyOnce {
    /// Claims the request's idempotency key, if it has one, and holds what the call costs, in one
    /// transaction; no call at all where there is nothing to claim or hold.
    ///
    /// # Errors
    /// 409 and 422 by the key, then 402 by the balance (contract, section 2).
    async fn begin(&self, call: &Call, charge: Option<(Action, u32)>) -> Result<Begun, Problem> {
        let charge = charge.filter(|(_, price)| *price > 0);
        retrying("an idempotency key", None, |predecessor: Option<Claim>| async move {
            let now = self.clock.now();
            // What the predecessor holds, as long as the sweeper has not voided it.
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
                // It may have been applied after all. What was taken over may stand for work that is stored:
                // that claim stands until its lease ends. Else give back whatever there is to give back.
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
            // The sweeper has voided what the predecessor held.
            Ok(Try::Again(predecessor.map(|claim| Claim { operation: None, ..claim })))
        })
        .await
    }

    /// What a request is going to claim and hold; what it inherits, it holds for longer.
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
        }
    }

    /// The claim first, then the hold.
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

    /// Does work that costs credits, once for each idempotency key: holds the price, works, then posts the charge and
    /// stores the answer in one transaction. Where the work fails, the hold is voided and the key released, unless the
    /// work said [`Work::keep`]. `meanwhile` is done while the price is held.
    ///
    /// # Errors
    /// 409 and 422 by the key, 402 by the balance, then those of the work.
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
            (Ok(answered), _) => held.settle(answered.into(), State::Posted).await.map(Answered::from),
            (Err(problem), Ending::Open) => Err(held.abandon(problem).await),
        }
    }

    /// Does work that costs nothing, once for each idempotency key.
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

    /// Refuses a request that is not going to be charged, and keeps the refusal under its
    /// idempotency key if it is of the kind that a retry would meet again. What the key already
    /// stands for comes first (contract, section 2).
    pub async fn refuse<A>(&self, call: &Call, problem: Problem) -> Result<Answered<A>, Problem> {
        self.for_free(call, async { Err(problem) }).await
    }
}

/// What the claim that refused ours means for us.
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
    /// The identifier of this work: the same for whoever takes it over.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Whether a predecessor began it, and may have made something already.
    pub fn is_taken_over(&self) -> bool {
        self.is_taken_over
    }

    /// The workspace's balance after this call: what is left once its price is held.
    pub async fn balance(&self, call: &Call) -> Result<Balance, StoreError> {
        self.once.ledger.balance(call.workspace_id).await
    }

    /// From here on there is something that a retry has to find, not to make again: where the request fails, the claim
    /// stands until its lease ends.
    pub fn keep(&self) {
        self.end_with(Ending::Kept);
    }

    fn ending(&self) -> Ending {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_with(&self, ending: Ending) {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = ending;
    }

    /// Posts the charge and stores the answer together with what else belongs to it. Where that is refused by its own
    /// conditions, nothing is done, and the work goes on. Where it fails, nothing is charged, or the answer that was
    /// charged for is given.
    pub async fn complete_with<A>(&self, answered: &Answered<A>, also: Vec<Write>) -> Result<Completed, Problem> {
        self.end_with(Ending::Settled);
        let completed = self.close(answered.reply().clone(), State::Posted, also).await;
        if let Ok(Completed::Outdated) = completed {
            self.end_with(Ending::Open);
        }
        completed
    }

    /// Stores the answer, and posts or voids what is held. A refusal that is kept holds something
    /// only where it took over from a predecessor that did.
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
            // What was made cannot be undone: the claim stands until its lease ends, and a retry takes it over.
            Err(error) if self.ending() == Ending::Kept => Err(error.into()),
            Err(error) => match self.undo().await {
                // The transaction that seemed to fail was applied.
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

    /// Voids the hold and releases the claim, and gives back the problem that made it necessary.
    /// If even that fails, the lease ends and the sweeper voids the hold.
    async fn abandon(&self, problem: Problem) -> Problem {
        if let Err(error) = self.undo().await {
            tracing::warn!(cause = %error, "a hold was left to the sweeper");
        }
        problem
    }

    /// Another request took over while this one worked, or the sweeper voided its hold.
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

    /// Counts what became of the hold.
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

/// What undoing found.
enum Undone {
    /// There was nothing of ours to undo.
    Nothing,
    /// The operation stands so now.
    Resolved(State),
}
