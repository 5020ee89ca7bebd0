//! Intake: everything that enters the log goes through here, one transaction after another under one
//! lock (SPEC S3). Requests of all sessions and handlers are grouped; what each gets back is its own.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use protocol::decide::Draft;
use protocol::fold::Folded;
use protocol::id::{Author, Incarnation, OpId, Subject};
use protocol::intake::{RefusedRow, Verified};
use protocol::stamp::Stamp;
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::problem::Error;
use crate::store::StoreError;
use crate::store::load::Seats;

mod ahead;
mod batch;

use ahead::{Ahead, Behind};

/// A batch is closed at so many ops: beyond, the lock is held longer (a tenth of a second) without gain
/// (`./dev bench ingest`).
const BATCH_OPS: usize = 800;
/// A batch waits so long for company.
const BATCH_WAIT: Duration = Duration::from_millis(5);
/// Requests that may wait for the lock; more callers wait outside.
const QUEUE: usize = 1_024;

/// What central signs with.
#[derive(Clone)]
pub struct ClerkKey {
    /// Central's seat key.
    pub key: SigningKey,
    /// The seat's name; its certificate is opened by [`crate::store::open_author`].
    pub author: Author,
}

/// Time and chance for a batch, from the rim.
pub type Clock = Arc<dyn Fn() -> Stamp + Send + Sync>;

/// The door to the log. Clones share one queue; the task ends when the last clone is dropped.
#[derive(Clone)]
pub struct Intake {
    requests: mpsc::Sender<Request>,
    author: Author,
    worked_ahead: Arc<AtomicU64>,
}

/// What became of a caller's bursts.
#[derive(Clone, Debug, Default)]
pub struct Took {
    /// Log position after the batch.
    pub position: u64,
    /// The chains of the bursts: whole up to where, and whether a number was used twice.
    pub chains: BTreeMap<(Author, Incarnation), (u64, bool)>,
    /// Slots that were refused now.
    pub refused: Vec<RefusedRow>,
    /// Open slots that had been answered before.
    pub duplicates: u64,
}

/// What became of facts that central recorded.
#[derive(Clone, Debug, Default)]
pub struct Authored {
    /// Log position after the batch.
    pub position: u64,
    /// The op of each draft, in order.
    pub ids: Vec<OpId>,
    /// What a [`Decision`] answers.
    pub answer: String,
}

/// The state under the lock was not what the handler needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Which subject.
    pub subject: Subject,
    /// The word of its status.
    pub status: String,
}

/// A condition on the folded states of the drafts' subjects; one that has no facts is not in the map.
pub type Check = Arc<dyn Fn(&BTreeMap<Subject, Folded>) -> Result<(), Conflict> + Send + Sync>;
/// SQL of an [`Extra`] while it runs.
pub type Job<'t> = Pin<Box<dyn Future<Output = Result<(), sqlx::Error>> + Send + 't>>;
/// SQL inside the transaction that records the drafts. May run twice: the first run is then rolled back.
pub type Extra = Arc<dyn for<'t> Fn(&'t mut PgConnection) -> Job<'t> + Send + Sync>;

/// What must hold, and what must be written, for central's drafts to be recorded.
#[derive(Clone, Default)]
pub struct Guard {
    /// Runs under the lock, before anything is written.
    pub check: Option<Check>,
    /// Runs after the drafts are written. Its error rolls the drafts back.
    pub extra: Option<Extra>,
}

/// What a [`Decision`] came to.
#[derive(Clone, Default)]
pub struct Decided {
    /// What is to be recorded; nothing, when there is nothing to do.
    pub drafts: Vec<Draft>,
    /// SQL beside it, in the same transaction.
    pub extra: Option<Extra>,
    /// What the caller is told.
    pub answer: String,
}

/// A [`Decision`] while it runs.
pub type Deciding<'t> = Pin<Box<dyn Future<Output = Result<Decided, Error>> + Send + 't>>;
/// Reads rows under the lock and says what central records: amounts that depend on a balance are
/// decided so. It writes nothing itself, and runs alone, after everything before it is committed.
pub type Decision = Arc<dyn for<'t> Fn(&'t mut PgConnection) -> Deciding<'t> + Send + Sync>;

/// Why nothing was taken. The caller's work is untouched: it may ask again.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The guard's check said no.
    #[error("{} is {}: look at it again", .0.subject, .0.status)]
    Conflict(Conflict),
    /// The guard's SQL failed; for a unique violation the request was recorded before.
    #[error("the request's own rows could not be written: {0}")]
    Extra(sqlx::Error),
    /// The decision said no.
    #[error("declined: {0}")]
    Declined(Error),
    /// The task is gone: the process is stopping.
    #[error("central is stopping: try again in a moment")]
    Stopped,
}

impl From<sqlx::Error> for IntakeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Intake {
    /// Starts the task. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(pool: PgPool, clerk: ClerkKey, clock: Clock) -> Self {
        let (requests, queue) = mpsc::channel(QUEUE);
        let author = clerk.author;
        let worked_ahead = Arc::new(AtomicU64::new(0));
        let seats = Mutex::new(Seats::new());
        let clerk = Arc::new(Clerk { pool, key: clerk, clock, seats, worked_ahead: Arc::clone(&worked_ahead) });
        drop(tokio::spawn(clerk.serve(queue)));
        Self { requests, author, worked_ahead }
    }

    /// Central's seat, as which [`Intake::author`] records.
    #[must_use]
    pub const fn author_name(&self) -> Author {
        self.author
    }

    /// How many batches were worked out while the one before was written.
    #[must_use]
    pub fn worked_ahead(&self) -> u64 {
        self.worked_ahead.load(Ordering::Relaxed)
    }

    /// Takes verified bursts. When this returns, they are committed: SAFE may be sent.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn take(&self, bursts: Vec<Verified>) -> Result<Took, IntakeError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Take(Take { bursts, answer: Some(answer) }), answered).await
    }

    /// Records facts as central, each after the heads that its subject has under the lock, with keys
    /// for the sealed fields. A `Revoked` without `known` gets the chains as they are held.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn author(
        &self,
        drafts: Vec<Draft>,
        keys: Vec<(Subject, [u8; 32])>,
        guard: Option<Guard>,
    ) -> Result<Authored, IntakeError> {
        let (answer, answered) = oneshot::channel();
        let recording =
            Recording { drafts, keys, guard: guard.unwrap_or_default(), answer: Some(answer), ..Recording::default() };
        self.ask(Request::Author(Box::new(recording)), answered).await
    }

    /// Records what `decision` comes to under the lock.
    ///
    /// # Errors
    /// See [`IntakeError`]; [`IntakeError::Declined`] holds the decision's own.
    pub async fn decide(&self, decision: Decision) -> Result<Authored, IntakeError> {
        let (answer, answered) = oneshot::channel();
        let recording = Recording { decision: Some(decision), answer: Some(answer), ..Recording::default() };
        self.ask(Request::Author(Box::new(recording)), answered).await
    }

    /// Folds subjects anew, of which nothing came, by the rules of this program: posts what differs, tells what is contested
    /// now, and writes their views.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn fold_again(&self, again: BTreeSet<Subject>) -> Result<Authored, IntakeError> {
        let (answer, answered) = oneshot::channel();
        let recording = Recording { again, answer: Some(answer), ..Recording::default() };
        self.ask(Request::Author(Box::new(recording)), answered).await
    }

    async fn ask<T>(
        &self,
        request: Request,
        answered: oneshot::Receiver<Result<T, IntakeError>>,
    ) -> Result<T, IntakeError> {
        self.requests.send(request).await.map_err(|_| IntakeError::Stopped)?;
        answered.await.map_err(|_| IntakeError::Stopped)?
    }
}

type Answer<T> = Option<oneshot::Sender<Result<T, IntakeError>>>;

enum Request {
    Take(Take),
    Author(Box<Recording>),
}

struct Take {
    bursts: Vec<Verified>,
    answer: Answer<Took>,
}

#[derive(Default)]
struct Recording {
    /// Fills in the drafts, under the lock.
    decision: Option<Decision>,
    drafts: Vec<Draft>,
    /// Folded anew without a draft.
    again: BTreeSet<Subject>,
    keys: Vec<(Subject, [u8; 32])>,
    guard: Guard,
    said: String,
    answer: Answer<Authored>,
}

impl Request {
    /// How many ops it brings.
    fn weight(&self) -> usize {
        match self {
            Self::Take(take) => take.bursts.iter().map(|verified| verified.burst.slots.len()).sum(),
            Self::Author(recording) => recording.drafts.len() + recording.again.len(),
        }
    }

    fn fail(&mut self, error: IntakeError) {
        match self {
            Self::Take(take) => answer(&mut take.answer, Err(error)),
            Self::Author(recording) => answer(&mut recording.answer, Err(error)),
        }
    }
}

/// Answers once; a caller that has gone away does not matter.
fn answer<T>(to: &mut Answer<T>, with: Result<T, IntakeError>) {
    if let Some(to) = to.take() {
        drop(to.send(with));
    }
}

struct Clerk {
    pool: PgPool,
    key: ClerkKey,
    clock: Clock,
    seats: Mutex<Seats>,
    worked_ahead: Arc<AtomicU64>,
}

/// A batch that is worked out while the one before it is written.
type Following = JoinHandle<(Vec<Request>, Option<Ahead>)>;

impl Clerk {
    /// One batch after another. While Postgres writes one, the next is read and folded (see [`ahead`]).
    async fn serve(self: Arc<Self>, mut queue: mpsc::Receiver<Request>) {
        let mut waiting: Vec<Request> = Vec::new();
        let mut ready = None;
        loop {
            let (mut group, ahead) = match ready.take() {
                Some(ready) => ready,
                None if gather(&mut queue, &mut waiting).await => (std::mem::take(&mut waiting), None),
                None => return,
            };
            let (told, hears) = oneshot::channel();
            let running = self.settle_all(&mut group, ahead, told);
            tokio::pin!(running);
            let following = tokio::select! {
                _ = &mut running => continue,
                following = self.follow(&mut queue, &mut waiting, hears) => following,
            };
            let as_told = running.await;
            let Some(following) = following else { continue };
            match following.await {
                Ok((group, ahead)) => ready = Some((group, ahead.filter(|_| as_told))),
                Err(error) => tracing::error!(%error, "a batch was lost while it was read; its senders ask again"),
            }
        }
    }

    /// Waits until the batch before is worked out and a whole one waits behind it, and works that out. None when what
    /// waits is not only devices' bursts: central's drafts need to see everything committed.
    async fn follow(
        self: &Arc<Self>,
        queue: &mut mpsc::Receiver<Request>,
        waiting: &mut Vec<Request>,
        hears: oneshot::Receiver<Behind>,
    ) -> Option<Following> {
        let behind = hears.await.ok()?;
        let drafts = |waiting: &[Request]| waiting.iter().any(|request| matches!(request, Request::Author(_)));
        while weight(waiting) < BATCH_OPS && !drafts(waiting) {
            waiting.push(queue.recv().await?);
        }
        if drafts(waiting) {
            return None;
        }
        let (clerk, group) = (Arc::clone(self), std::mem::take(waiting));
        Some(tokio::spawn(async move {
            let ahead = clerk.ahead(&group, behind).await;
            (group, ahead)
        }))
    }

    /// Runs a group, in parts where it must be. Whether it went as it was told.
    async fn settle_all(&self, group: &mut Vec<Request>, ahead: Option<Ahead>, told: oneshot::Sender<Behind>) -> bool {
        let mut parts = parts(std::mem::take(group));
        if let [part] = &mut parts[..] {
            return self.settle(part, ahead, Some(told)).await;
        }
        for part in &mut parts {
            self.settle(part, None, None).await;
        }
        false
    }

    /// Runs a group; one that fails is run again request by request, so that one caller's failure
    /// is his alone. False when it failed.
    async fn settle(&self, group: &mut [Request], ahead: Option<Ahead>, told: Option<oneshot::Sender<Behind>>) -> bool {
        let Err(error) = self.run(group, ahead, told).await else { return true };
        if let [only] = group {
            tracing::warn!(%error, "a request could not be taken");
            only.fail(error);
            return false;
        }
        tracing::warn!(%error, requests = group.len(), "a batch failed; its requests are tried one by one");
        for request in group.chunks_mut(1) {
            if let Err(error) = self.run(request, None, None).await {
                request[0].fail(error);
            }
        }
        false
    }
}

/// Fills a batch with what comes within [`BATCH_WAIT`] of its first request. False when nobody asks any more.
async fn gather(queue: &mut mpsc::Receiver<Request>, waiting: &mut Vec<Request>) -> bool {
    if waiting.is_empty() {
        match queue.recv().await {
            Some(first) => waiting.push(first),
            None => return false,
        }
    }
    let closes = Instant::now() + BATCH_WAIT;
    while weight(waiting) < BATCH_OPS {
        let Ok(Some(next)) = timeout_at(closes, queue.recv()).await else { break };
        waiting.push(next);
    }
    true
}

fn weight(group: &[Request]) -> usize {
    group.iter().map(Request::weight).sum()
}

/// Cuts a group where central's drafts build on what an earlier request of the group touches: heads
/// and guards must see it committed. A decision may read anything: it is a part of its own.
fn parts(group: Vec<Request>) -> Vec<Vec<Request>> {
    let mut parts: Vec<Vec<Request>> = Vec::new();
    let mut touched: BTreeSet<Subject> = BTreeSet::new();
    let mut after_decision = false;
    for request in group {
        let subjects = batch::wanted(std::slice::from_ref(&request)).subjects;
        let decides = matches!(&request, Request::Author(recording) if recording.decision.is_some());
        let builds = matches!(request, Request::Author(_)) && !subjects.is_disjoint(&touched);
        let builds = builds || decides || after_decision;
        after_decision = decides;
        if builds {
            touched.clear();
        }
        touched.extend(subjects);
        match parts.last_mut() {
            Some(part) if !builds => part.push(request),
            _ => parts.push(vec![request]),
        }
    }
    parts
}
