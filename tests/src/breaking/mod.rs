//! Everything at once: clients of three workspaces use every endpoint while stores, queues, model and providers
//! fail, workers and functions are killed in the middle, messages come late, twice and in any order, and time
//! passes. In the end everything heals, and what is stored is held against what the clients were told.
//!
//! A run is a number of episodes, each with a stack of its own, so that no run is too long for the memory. An episode
//! is decided by its seed: which operations there are, on what, and how many calls fail. With several clients, which
//! of two operations comes first is up to the machine.

mod asked;
mod flaky_model;
mod invariants;
mod mailbox;
mod operations;
mod told;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use serde_json::Value;

use crate::dice::Dice;
use crate::{Answer, faults};
use asked::Asked;
use operations::Operation;
use told::{Repeatable, State};
use world::{Ended, Fate, Then, World};

/// How many operations an episode has.
pub const EPISODE: usize = 1_000;

/// How many operations there are between two changes of the weather.
const PHASE: usize = 25;

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What decides everything.
    pub seed: u64,
    /// How many operations.
    pub operations: usize,
    /// How many clients an episode has at a time.
    pub clients: usize,
    /// How many episodes there are at a time: most of their time is waiting.
    pub at_once: usize,
    /// Whether to say how far it has come.
    pub is_talkative: bool,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Report {
    /// Operations by kind and outcome.
    pub operations: BTreeMap<(String, String), usize>,
    /// What was made to go wrong, and how often.
    pub injected: BTreeMap<String, usize>,
    /// What was looked at in the end, by invariant.
    pub checked: BTreeMap<&'static str, usize>,
    /// What is wrong; nothing, if all is well.
    pub violations: Vec<String>,
    /// Log lines that were searched.
    pub lines: usize,
    /// The seed and number of operations of the episode that failed.
    pub failed: Option<(u64, usize)>,
    /// How long it took.
    pub took: Duration,
}

/// Runs as many episodes as there are operations for, and stops at the first that breaks an invariant.
pub async fn run(options: Options) -> Report {
    let (started, mut report) = (Instant::now(), Report::default());
    faults::watch_log(&world::personal());
    let episodes = (0..options.operations.div_ceil(EPISODE)).map(|number| {
        // The seed of a later episode is one that can be given.
        let seed = options.seed.wrapping_add(number as u64);
        let count = (options.operations - number * EPISODE).min(EPISODE);
        async move {
            let episode = Episode::start(seed, count, options.clients).await;
            episode.run().await;
            episode
        }
    });
    let mut episodes = std::pin::pin!(stream::iter(episodes).buffered(options.at_once.max(1)));
    let mut done = 0;
    while let Some(episode) = episodes.next().await {
        let (seed, count) = (episode.seed, episode.operations);
        report.add(episode).await;
        done += count;
        report.took = started.elapsed();
        if options.is_talkative {
            println!("{done} of {} operations, {:.0?}", options.operations, report.took);
        }
        if !report.violations.is_empty() {
            report.failed = Some((seed, count));
            break;
        }
    }
    report
}

impl Report {
    async fn add(&mut self, episode: Episode) {
        let merge = |all: &mut BTreeMap<String, usize>, more: BTreeMap<String, usize>| {
            more.into_iter().for_each(|(what, count)| *all.entry(what).or_default() += count);
        };
        merge(&mut self.injected, episode.world.injected());
        let notes = episode.notes.into_inner().expect("notes");
        for (what, count) in notes.operations {
            *self.operations.entry(what).or_default() += count;
        }
        merge(&mut self.injected, notes.injected);
        for (what, count) in notes.checked {
            *self.checked.entry(what).or_default() += count;
        }
        self.violations.extend(notes.violations);
        let (lines, found) = faults::watched_log();
        self.lines = lines;
        *self.checked.entry("no personal data in a log line, a queue message or an error").or_default() = lines;
        self.violations.extend(found.into_iter().map(|line| format!("a log line holds personal data: {line}")));
        episode.world.api.stack.stop().await;
    }
}

/// Who is not to be written to any more, by workspace and address, and the messages that were sent before.
#[derive(Debug, Default)]
struct LeftAlone {
    addresses: BTreeSet<(usize, String)>,
    sent: BTreeSet<String>,
}

#[derive(Default)]
struct Notes {
    operations: BTreeMap<(String, String), usize>,
    injected: BTreeMap<String, usize>,
    checked: BTreeMap<&'static str, usize>,
    violations: Vec<String>,
}

/// A stack, and what is done with it.
struct Episode {
    world: World,
    seed: u64,
    operations: usize,
    clients: usize,
    state: Mutex<State>,
    notes: Mutex<Notes>,
    drawn: AtomicUsize,
    /// The queue whose messages nobody takes now.
    still: Mutex<Option<String>>,
    /// What was sent so far, and who had said before that they want to be left alone.
    left_alone: Mutex<LeftAlone>,
    /// Whether the machine was too slow since the weather was last good: then calls have timed out.
    is_slow: AtomicBool,
}

/// The first of all timeouts, that of an attempt of the model.
const TOO_LONG: Duration = Duration::from_secs(1);

impl Episode {
    async fn start(seed: u64, operations: usize, clients: usize) -> Self {
        let (state, notes, drawn, still, left_alone, is_slow) = Default::default();
        Self {
            world: World::start(seed).await,
            seed,
            operations,
            clients: clients.max(1),
            state,
            notes,
            drawn,
            still,
            left_alone,
            is_slow,
        }
    }

    async fn run(&self) {
        for phase in 0..self.operations.div_ceil(PHASE) {
            // Good weather, bad weather, very bad weather.
            match phase % 3 {
                0 => self.recover().await,
                bad => self.world.storm(self.seed.wrapping_add(phase as u64), if bad == 1 { 20 } else { 100 }),
            }
            self.stand_still(&Dice::of(self.seed, 2_000_000 + phase as u64));
            let until = self.operations.min((phase + 1) * PHASE);
            join_all((0..self.clients).map(|_| self.client(until))).await;
            self.look_between().await;
            if self.has_failed() {
                return;
            }
        }
        *self.still.lock().expect("still") = None;
        self.recover().await;
        self.world.mailbox.redrive();
        self.finish().await;
        self.drain(TimeDelta::hours(2)).await;
        self.repeat_all().await;
        // Whoever took something and said nothing more has been silent for too long.
        self.world.api.clock.advance(TimeDelta::hours(25));
        self.drain(TimeDelta::days(10_000)).await;
        // The providers' last reports are on their way.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.drain(TimeDelta::days(10_000)).await;
        if !self.has_failed() {
            self.look_at_everything().await;
        }
    }

    /// One of the queues moves no more for a while, rather that of deliveries or tasks; or none.
    fn stand_still(&self, dice: &Dice) {
        let queues = self.world.queues();
        let still = match dice.below(4) {
            0 => None,
            1 => queues.iter().find(|queue| queue.contains("Delivery")),
            // Whose tasks have credits held for them.
            2 => queues.iter().find(|queue| queue.contains("Tasks")),
            _ => dice.one_of(&queues),
        };
        *self.still.lock().expect("still") = still.map(|queue| (*queue).to_owned());
    }

    /// One client, until so many operations were drawn.
    async fn client(&self, until: usize) {
        loop {
            let (index, operation) = {
                let mut state = self.state.lock().expect("state");
                let index = self.drawn.load(Ordering::SeqCst);
                if index >= until || self.has_failed() {
                    return;
                }
                self.drawn.store(index + 1, Ordering::SeqCst);
                // Each operation has dice of its own: what one takes changes nothing of the next.
                (index, operations::draw(&self.world, &mut state, &Dice::of(self.seed, index as u64)))
            };
            self.perform(index, operation).await;
        }
    }

    async fn perform(&self, index: usize, operation: Operation) {
        match operation {
            Operation::Ask(asked, times) => {
                let kept = self.keep(&asked);
                join_all((0..times).map(|_| self.ask(index, &asked, kept))).await;
            }
            Operation::AskDoomed(fate, asked) => {
                let kept = self.keep(&asked);
                self.ask_doomed(index, &asked, kept, fate).await;
            }
            Operation::Again(kept, fate) => {
                let Repeatable { asked, answer } = self.state.lock().expect("state").repeatable[kept].clone();
                match fate {
                    Some(fate) if answer.is_none() => self.ask_doomed(index, &asked, Some(kept), fate).await,
                    _ => _ = self.ask(index, &asked, Some(kept)).await,
                }
            }
            Operation::Reuse(kept) => self.reuse(index, kept).await,
            Operation::Work(letters) => {
                let dice = Dice::of(self.seed, 1_000_000 + index as u64);
                for _ in 0..letters {
                    let still = self.still.lock().expect("still").clone();
                    let Some(letter) = self.world.mailbox.draw(&dice, still.as_deref()) else { break };
                    let is_stormy = self.world.is_stormy.load(Ordering::SeqCst);
                    // Some messages are their workers' end again and again.
                    let is_hard = dice.percent(if letter.received > 1 { 75 } else { 25 });
                    let fate = is_hard.then(|| operations::workers_fate(&dice, is_stormy));
                    self.work(index, letter, fate, dice.percent(10)).await;
                }
            }
            Operation::Sweep => self.sweep(index).await,
            Operation::Score => self.schedule(index, "score-due").await,
            Operation::Wait(time) => {
                self.world.api.clock.advance(time);
                self.note("time passes", "");
            }
            Operation::Providers(behaviour) => {
                self.world.api.providers_do(&behaviour).await;
                *self
                    .notes
                    .lock()
                    .expect("notes")
                    .injected
                    .entry(format!("provider: {}", name(&behaviour["answer"])))
                    .or_default() += 1;
                self.note("provider told", "");
            }
        }
    }

    /// The sweeper runs; what is held for whoever may be at work has to be so before and after.
    async fn sweep(&self, index: usize) {
        self.look_at_holds(index).await;
        self.schedule(index, "sweeper").await;
    }

    async fn schedule(&self, index: usize, name: &'static str) {
        let started = Instant::now();
        let went_well = self.world.run(name).await;
        self.took(started.elapsed());
        self.note(name, if went_well { "ran" } else { "failed" });
        if !went_well && !self.is_stormy() {
            self.violation(index, &format!("{name} failed while nothing fails"));
        }
    }

    async fn work(&self, index: usize, letter: mailbox::Letter, fate: Option<Fate>, is_twice: bool) {
        let (queue, started) = (letter.queue.clone(), Instant::now());
        let outcome = match self.world.work(&letter, fate, self.sweep(index)).await {
            Ended::Done(()) => {
                self.world.mailbox.worked_off(letter, is_twice);
                if is_twice { "done, and comes again" } else { "done" }
            }
            Ended::Failed => {
                self.took(started.elapsed());
                if !self.is_stormy() {
                    self.violation(index, &format!("a message fails while nothing fails: {letter:?}"));
                }
                self.world.mailbox.put_back(letter);
                // A queue brings it again only after a while.
                self.world.api.clock.advance(TimeDelta::seconds(20));
                "failed"
            }
            Ended::Killed => {
                self.world.mailbox.put_back(letter);
                "killed"
            }
        };
        self.note(&format!("work on {}", queue.trim_start_matches("lead-followup-")), outcome);
    }

    /// Notes a request that may be sent again; gives its place.
    fn keep(&self, asked: &Asked) -> Option<usize> {
        let by_nature =
            ["messages", "template send", "extraction", "webhook", "STOP", "add to list"].contains(&asked.kind);
        if asked.key.is_none() && !by_nature || asked.kind.starts_with("wrong") || asked.kind.contains("another") {
            return None;
        }
        let mut state = self.state.lock().expect("state");
        state.repeatable.push(Repeatable { asked: asked.clone(), answer: None });
        Some(state.repeatable.len() - 1)
    }

    async fn ask(&self, index: usize, asked: &Asked, kept: Option<usize>) -> u16 {
        let before = {
            let mut state = self.state.lock().expect("state");
            let before = kept.and_then(|kept| state.repeatable[kept].answer.clone());
            if before.is_some() && asked.kind == "add to list" {
                // Somebody may have taken them off since.
                return 200;
            }
            if before.is_none() || asked.key.is_none() {
                state.sends(asked);
            }
            before
        };
        let started = Instant::now();
        match self.world.send(asked).await {
            Ok(answer) => {
                // Who prefers to wait does so.
                self.took(if asked.prefer == Some("wait=1") { Duration::ZERO } else { started.elapsed() });
                self.take_in(index, asked, kept, before, &answer);
                answer.status
            }
            Err(error) => {
                self.violation(index, &format!("{}: no answer: {}", asked.kind, error.without_url()));
                0
            }
        }
    }

    /// As [`Episode::ask`], of a function that comes to this end.
    async fn ask_doomed(&self, index: usize, asked: &Asked, kept: Option<usize>, fate: Fate) {
        self.state.lock().expect("state").sends(asked);
        let Ended::Done(answer) = self.world.send_to_doomed(asked, fate, self.sweep(index)).await else {
            self.note(asked.kind, "killed");
            let Then::AskedAgain(time, held_up) = fate.then else { return };
            self.world.api.clock.advance(time);
            self.note(asked.kind, "asked again after a kill");
            return match held_up {
                None => _ = self.ask(index, asked, kept).await,
                Some(time) => {
                    let fate = Fate { then: Then::StandsStill(time), ..fate };
                    Box::pin(self.ask_doomed(index, asked, kept, fate)).await;
                }
            };
        };
        self.take_in(index, asked, kept, None, &answer);
    }

    /// Holds an answer against what has to be true of any, and against those before; and learns from it.
    fn take_in(
        &self,
        index: usize,
        asked: &Asked,
        kept: Option<usize>,
        before: Option<(u16, String)>,
        answer: &Answer,
    ) {
        self.note(asked.kind, &answer.status.to_string());
        let wrong = |what: &str| {
            let Answer { status, text, .. } = answer;
            self.violation(
                index,
                &format!("{} {} {}: {what}: {status} {text}", asked.kind, asked.method, asked.path()),
            );
        };
        if let Some(what) = asked.wrong_with(answer, self.is_stormy()) {
            wrong(&what);
        }
        let code = serde_json::from_str::<Value>(&answer.text).unwrap_or_default()["error"]["code"].clone();
        let is_reused = code.as_str().is_some_and(|code| code.eq_ignore_ascii_case("idempotency_key_reused"));
        let is_final = answer.status < 300 || answer.status == 404 || answer.status == 422 && !is_reused;
        let expected: &[u16] = match asked.kind {
            "wrong body" => &[400, 503],
            "another's" => &[404, 400, 402, 503],
            "without permission" => &[403, 503],
            "approve task" | "dismiss task" | "approve" | "chat" => &[],
            _ if answer.status == 400 => &[200],
            _ => &[],
        };
        if !expected.is_empty() && !expected.contains(&answer.status) {
            wrong("another status than is due");
        }
        let mut state = self.state.lock().expect("state");
        state.waits_for_a_person(asked, answer);
        let now = kept.and_then(|kept| state.repeatable[kept].answer.clone());
        let same = |one: &(u16, String)| (one.0, one.1.as_str()) == (answer.status, answer.text.as_str());
        let is_keyed = asked.key.is_some();
        if let (true, Some(before)) = (is_keyed, &before) {
            let is_down = answer.status == 503 && self.is_stormy();
            if !is_down && (!same(before) || answer.header("idempotent-replayed") != "true") {
                wrong(&format!("no replay of {} {}", before.0, before.1));
            }
            return;
        }
        if let (true, true, Some(now)) = (is_keyed, is_final, &now)
            && !same(now)
        {
            wrong(&format!("two requests with one key are answered in two ways, also {} {}", now.0, now.1));
        }
        if !is_final && ["add to list", "take off list"].contains(&asked.kind) {
            // It may have come after others that were answered.
            state.sends(asked);
        }
        if is_final {
            state.learns(asked, answer);
            if let Some(kept) = kept {
                state.repeatable[kept].answer.get_or_insert((answer.status, answer.text.clone()));
            }
        }
    }

    async fn reuse(&self, index: usize, kept: usize) {
        let mut asked = self.state.lock().expect("state").repeatable[kept].asked.clone();
        let (field, value) = match asked.kind {
            "suggest" => ("lookback_days", Value::from(7)),
            "chat" => ("message", Value::from("Hello again")),
            "activity" => ("title", Value::from("Another")),
            "contact" => ("stage", Value::from("another")),
            _ => ("account_tier", Value::from("another")),
        };
        asked.body[field] = value;
        asked.kind = "reused key";
        let started = Instant::now();
        match self.world.send(&asked).await {
            Ok(answer) => {
                self.took(started.elapsed());
                self.note(asked.kind, &answer.status.to_string());
                if answer.status != 422 && !(answer.status == 503 && self.is_stormy()) {
                    self.violation(
                        index,
                        &format!("a key was used for another request: {} {}", answer.status, answer.text),
                    );
                }
            }
            Err(error) => self.violation(index, &format!("no answer: {}", error.without_url())),
        }
    }

    /// Nothing fails any more, and enough time passes for everybody to notice.
    async fn recover(&self) {
        self.world.heal().await;
        self.is_slow.store(false, Ordering::SeqCst);
        // As long as a model's breaker is open; then one request may try.
        for _ in 0..3 {
            self.world.api.clock.advance(TimeDelta::seconds(35));
            let body = serde_json::json!({"message": "Hello"});
            let asked = Asked::new("chat", 0, "POST", "/v1/lexi/chat").body(body).about("Hello");
            self.state.lock().expect("state").sends(&asked);
            if let Ok(answer) = self.world.send(&asked).await
                && answer.status == 200
            {
                self.state.lock().expect("state").learns(&asked, &answer);
                break;
            }
        }
        self.world.api.clock.advance(TimeDelta::seconds(5));
    }

    /// Whatever was not answered is asked again until it is: no client gives up.
    async fn finish(&self) {
        let count = self.state.lock().expect("state").repeatable.len();
        for kept in 0..count {
            for _ in 0..6 {
                let Repeatable { asked, answer } = self.state.lock().expect("state").repeatable[kept].clone();
                if answer.is_some()
                    || ![409, 0].contains(&self.ask(usize::MAX, &asked, Some(kept)).await)
                    || self.has_failed()
                {
                    break;
                }
                // Longer than a claim lasts.
                self.world.api.clock.advance(TimeDelta::seconds(60));
            }
        }
    }

    /// Whatever was answered is asked again, and answered with the same bytes.
    async fn repeat_all(&self) {
        let keyed: Vec<_> = {
            let state = self.state.lock().expect("state");
            let all = state.repeatable.iter().enumerate();
            all.filter(|(_, one)| one.asked.key.is_some() && one.answer.is_some())
                .map(|(kept, one)| (kept, one.asked.clone()))
                .collect()
        };
        let asked = stream::iter(&keyed).map(|(kept, asked)| self.ask(usize::MAX, asked, Some(*kept)));
        asked.buffer_unordered(self.clients).collect::<Vec<_>>().await;
        self.checked("a key has one answer, the same to the byte", keyed.len());
    }

    /// Works on everything until nothing is wanted within this time.
    async fn drain(&self, within: TimeDelta) {
        let dice = Dice::of(self.seed, u64::MAX);
        for round in 0.. {
            let mut worked = 0;
            loop {
                let letters: Vec<_> = (0..self.clients).map_while(|_| self.world.mailbox.draw(&dice, None)).collect();
                if letters.is_empty() {
                    break;
                }
                worked += letters.len();
                join_all(letters.into_iter().map(|letter| self.work(usize::MAX, letter, None, false))).await;
                if worked > 20_000 {
                    return self.violation(usize::MAX, "the queues do not become empty");
                }
            }
            self.schedule(usize::MAX, "sweeper").await;
            self.schedule(usize::MAX, "score-due").await;
            let now = self.world.api.clock.now();
            let due_in = |item: &Value| {
                let at = item["due_at"]["N"].as_str().and_then(|at| at.parse::<i64>().ok())?;
                Some(TimeDelta::milliseconds(at - now.timestamp_millis()))
            };
            let work = self.world.scan("WORK_TABLE").await;
            let wanted: Vec<_> =
                work.iter().filter_map(|item| Some((due_in(item).filter(|due| *due < within)?, item))).collect();
            if worked == 0 && wanted.is_empty() {
                return;
            }
            if round > 60 {
                let shown = |(due, item): &(TimeDelta, &Value)| {
                    let state =
                        item["attempts"]["L"].as_array().and_then(|all| all.last()).map(|one| &one["M"]["state"]);
                    let [pk, status, due_for] = ["pk", "status", "due_for"].map(|name| &item[name]["S"]);
                    format!("{pk} {status} {state:?} {due_for} in {} minutes", due.num_minutes())
                };
                let first: Vec<_> = wanted.iter().take(3).map(shown).collect();
                return self.violation(usize::MAX, &format!("{} items are stuck, such as {first:?}", wanted.len()));
            }
            // What is wanted only later, such as the word of a provider that has a day for it.
            let next = wanted.iter().map(|(due, _)| *due).min().filter(|_| worked == 0).unwrap_or_default();
            self.world.api.clock.advance(next.max(TimeDelta::minutes(8)));
        }
    }

    /// Whether calls fail: by the proxies, or because the machine is too slow for their timeouts.
    fn is_stormy(&self) -> bool {
        self.world.is_stormy.load(Ordering::SeqCst) || self.is_slow.load(Ordering::SeqCst)
    }

    /// Notes how long something took, for which nothing waits on purpose while the weather is good.
    fn took(&self, time: Duration) {
        if time >= TOO_LONG && !self.world.is_stormy.load(Ordering::SeqCst) {
            self.is_slow.store(true, Ordering::SeqCst);
            *self.notes.lock().expect("notes").injected.entry("machine: too slow".to_owned()).or_default() += 1;
        }
    }

    fn has_failed(&self) -> bool {
        !self.notes.lock().expect("notes").violations.is_empty()
    }

    fn note(&self, kind: &str, outcome: &str) {
        let mut notes = self.notes.lock().expect("notes");
        *notes.operations.entry((kind.to_owned(), outcome.to_owned())).or_default() += 1;
    }

    fn checked(&self, invariant: &'static str, times: usize) {
        *self.notes.lock().expect("notes").checked.entry(invariant).or_default() += times;
    }

    /// Notes what must not be; the operation is the last of all ones where it was found in the end.
    fn violation(&self, index: usize, what: &str) {
        let when = if index == usize::MAX { "in the end".to_owned() } else { format!("operation {index}") };
        let mut notes = self.notes.lock().expect("notes");
        if notes.violations.len() < 20 {
            notes.violations.push(format!("{when}: {what}"));
        }
    }
}

/// The name of a behaviour.
fn name(answer: &Value) -> String {
    let of = answer.as_object().and_then(|answer| answer.keys().next());
    answer.as_str().or(of.map(String::as_str)).unwrap_or("accept").to_owned()
}
