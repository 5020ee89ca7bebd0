//! One batch: load, decide, write, commit, answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use protocol::burst::{Burst, ChainPlace, MAX_OPS, Slot};
use protocol::decide::Draft;
use protocol::fact::{Fact, Known};
use protocol::fold::{self, Folded};
use protocol::id::{Author, Digest, Incarnation, Kind, OpId, Scope, Subject};
use protocol::intake::{self, Desk, Taken, Verified, Wanted, history_of, op_of};
use protocol::op::Op;
use protocol::stamp::Stamp;
use sqlx::postgres::PgConnection;
use tokio::sync::oneshot;

use super::ahead::{Ahead, Behind};
use super::{Authored, Clerk, Decided, IntakeError, Recording, Request, Take, Took, answer};
use crate::seal;
use crate::store::{self, StoreError, load, save};

/// What a request has come to before the batch is written.
enum Outcome {
    Took(Vec<(Digest, (Author, Incarnation))>, u64),
    Authored(Vec<OpId>),
    Refused(IntakeError),
}

/// What a batch comes to, before anything of it is written.
pub(super) struct Work {
    /// Where central's chain stood.
    pub(super) place: ChainPlace,
    pub(super) stamp: Stamp,
    pub(super) desk: Desk,
    pub(super) taken: Taken,
    outcomes: Vec<Outcome>,
}

impl Clerk {
    /// Runs a group in one transaction: what is worked out `ahead` if it still stands, and says in `told` what the next
    /// one stands behind. An error leaves every request unanswered.
    pub(super) async fn run(
        &self,
        group: &mut [Request],
        ahead: Option<Ahead>,
        told: Option<oneshot::Sender<Behind>>,
    ) -> Result<(), IntakeError> {
        let started = std::time::Instant::now();
        let mut tx = self.pool.begin().await?;
        store::lock(&mut tx).await?;
        if let [Request::Author(recording)] = group {
            if let Some(decision) = recording.decision.clone() {
                match decision(&mut tx).await {
                    Ok(decided) => recording.take_over(decided),
                    Err(error) => {
                        answer(&mut recording.answer, Err(IntakeError::Declined(error)));
                        return Ok(());
                    }
                }
            }
        }
        let mut head = store::log_head(&mut tx).await?;
        let place = store::place(&mut tx, self.key.author).await?;
        let work = match ahead.and_then(|ahead| ahead.still(&head, &place)) {
            Some(work) => {
                self.worked_ahead.fetch_add(1, Ordering::Relaxed);
                work
            }
            None => self.work(&mut tx, group, place).await?,
        };
        let Work { stamp, desk, taken, outcomes, .. } = work;
        if let Some(told) = told {
            // Nobody listens when nothing may follow.
            drop(told.send(Behind::of(&head, place, &taken)));
        }
        seal::seal_day(&mut tx, &mut head, &self.key, stamp.now_ms).await?;
        save::taken(&mut tx, &mut head, &desk, &taken, stamp.now_ms).await?;
        for (request, outcome) in group.iter().zip(&outcomes) {
            if let (Request::Author(recording), Outcome::Authored(_)) = (request, outcome) {
                keep_keys(&mut tx, recording).await?;
                if let Some(extra) = &recording.guard.extra {
                    extra(&mut tx).await.map_err(IntakeError::Extra)?;
                }
            }
        }
        sqlx::query("SELECT pg_notify($1, $2)")
            .bind(store::LOG_CHANNEL)
            .bind(head.position.to_string())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;

        measure(&taken, started.elapsed());
        for (request, outcome) in group.iter_mut().zip(outcomes) {
            tell(request, outcome, &taken, head.position);
        }
        Ok(())
    }

    /// Loads what a group touches, and folds it. Central's chain goes on at `place`.
    pub(super) async fn work(
        &self,
        conn: &mut PgConnection,
        group: &[Request],
        place: ChainPlace,
    ) -> Result<Work, IntakeError> {
        self.work_behind(conn, group, place, |_| true).await?.ok_or(IntakeError::Stopped)
    }

    /// The same on a desk that `mend` brings up to date; nothing, when that says that it cannot.
    pub(super) async fn work_behind(
        &self,
        conn: &mut PgConnection,
        group: &[Request],
        place: ChainPlace,
        mend: impl Fn(&mut Desk) -> bool,
    ) -> Result<Option<Work>, IntakeError> {
        let stamp = (self.clock)();
        let mut wanted = wanted(group);
        wanted.authors.insert(self.key.author);
        wanted.chains.insert((place.author, place.inc));
        let received: Vec<Verified> = received(group).cloned().collect();
        let mut scopes = put_scopes(group);
        let again: BTreeSet<Subject> = again(group).copied().collect();
        let mut seats = self.seats.lock().await;
        let mut desk = load::desk(conn, &wanted, &received, &scopes, &mut seats).await?;
        desk.again.clone_from(&again);
        if !mend(&mut desk) {
            return Ok(None);
        }

        let mut goes_on = place;
        let mut bursts = Vec::new();
        let mut outcomes = Vec::with_capacity(group.len());
        let mut answered: BTreeMap<Digest, u64> = desk.bursts.iter().map(|(d, held)| (*d, held.answered)).collect();
        for request in group {
            let outcome = match request {
                Request::Take(take) => offered(take, &mut answered, &mut bursts),
                Request::Author(recording) => match check(recording, &desk) {
                    Err(refused) => Outcome::Refused(refused),
                    Ok(()) => {
                        let ops = drafted(conn, &desk, &recording.drafts, stamp.now_ms).await?;
                        Outcome::Authored(self.sign(&mut goes_on, stamp.now_ms, &ops, &mut bursts))
                    }
                },
            };
            outcomes.push(outcome);
        }

        loop {
            let clerk = intake::Clerk { key: &self.key.key, place: goes_on, stamp };
            let taken = intake::take(desk.clone(), bursts.clone(), Some(clerk));
            let unread = unread(&desk, &taken);
            if unread.is_empty() {
                return Ok(Some(Work { place, stamp, desk, taken, outcomes }));
            }
            // A reaction reached a scope that nothing in the batch named: its roots have to be read.
            scopes.extend(unread);
            desk = load::desk(conn, &wanted, &received, &scopes, &mut seats).await?;
            desk.again.clone_from(&again);
            if !mend(&mut desk) {
                return Ok(None);
            }
        }
    }

    /// Signs central's ops as bursts of its chain; a subject's second op begins a new burst.
    fn sign(&self, place: &mut ChainPlace, now_ms: u64, ops: &[Op], bursts: &mut Vec<Verified>) -> Vec<OpId> {
        let mut ids = Vec::with_capacity(ops.len());
        let mut last: BTreeMap<Subject, OpId> = BTreeMap::new();
        let mut rest = ops;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(run_length(rest));
            let follow = |op: &Op| match last.get(&op.subject) {
                Some(id) if !op.subject.is_scope() => Op { after: vec![id.short()], ..op.clone() },
                _ => op.clone(),
            };
            let part: Vec<Op> = part.iter().map(follow).collect();
            let signed = Verified::of_own(Burst::sign(&self.key.key, place, now_ms, &part));
            *place = place.then(signed.digest);
            last.extend(part.iter().map(|op| op.subject).zip(signed.ids.iter().copied()));
            ids.extend(signed.ids.iter().copied());
            bursts.push(signed);
            rest = after;
        }
        ids
    }
}

impl Recording {
    fn take_over(&mut self, decided: Decided) {
        self.drafts = decided.drafts;
        self.guard.extra = decided.extra;
        self.said = decided.answer;
    }
}

/// How many ops fit one burst: at most [`MAX_OPS`], one for each subject that is no scope.
fn run_length(ops: &[Op]) -> usize {
    let mut seen = BTreeSet::new();
    let fits = |op: &&Op| op.subject.is_scope() || seen.insert(op.subject);
    ops.iter().take(MAX_OPS).take_while(fits).count()
}

/// What a group touches.
pub(super) fn wanted(group: &[Request]) -> Wanted {
    let bursts: Vec<Verified> = received(group).cloned().collect();
    let mut wanted = Wanted::by(&bursts);
    for draft in drafts(group) {
        match &draft.fact {
            Fact::Put(put) => wanted.subjects.extend(&put.subjects),
            Fact::Close(close) => wanted.subjects.extend(&close.subjects),
            Fact::Revoked(revoked) => {
                wanted.revoked.insert(revoked.author);
            }
            Fact::DetailEntered(edit) => wanted.subjects.extend([draft.subject, edit.parcel]),
            _ => {
                wanted.subjects.insert(draft.subject);
            }
        }
    }
    wanted.subjects.extend(again(group));
    let parcels = wanted.subjects.iter().filter(|subject| subject.kind() == Some(Kind::Parcel));
    let parcels: Vec<Subject> = parcels.copied().collect();
    wanted.beside(&parcels);
    wanted
}

fn received(group: &[Request]) -> impl Iterator<Item = &Verified> {
    group.iter().flat_map(|request| match request {
        Request::Take(take) => take.bursts.as_slice(),
        Request::Author(_) => &[],
    })
}

fn drafts(group: &[Request]) -> impl Iterator<Item = &Draft> {
    group.iter().flat_map(|request| match request {
        Request::Take(_) => &[],
        Request::Author(recording) => recording.drafts.as_slice(),
    })
}

fn again(group: &[Request]) -> impl Iterator<Item = &Subject> {
    group
        .iter()
        .flat_map(|request| match request {
            Request::Take(_) => None,
            Request::Author(recording) => Some(&recording.again),
        })
        .flatten()
}

/// Scopes that central's drafts name.
fn put_scopes(group: &[Request]) -> BTreeSet<Scope> {
    drafts(group).map(|draft| draft.subject).filter(Subject::is_scope).collect()
}

fn offered(take: &Take, answered: &mut BTreeMap<Digest, u64>, bursts: &mut Vec<Verified>) -> Outcome {
    let mut duplicates = 0;
    let mut named = Vec::with_capacity(take.bursts.len());
    for verified in &take.bursts {
        let open = verified.burst.slots.iter().enumerate().filter(|(_, slot)| matches!(slot, Slot::Open(_)));
        let open = open.fold(0u64, |mask, (index, _)| mask | 1 << index);
        let before = answered.entry(verified.digest).or_default();
        duplicates += u64::from((open & *before).count_ones());
        *before |= open;
        named.push((verified.digest, (verified.burst.head.author, verified.burst.head.inc)));
        bursts.push(verified.clone());
    }
    Outcome::Took(named, duplicates)
}

fn check(recording: &Recording, desk: &Desk) -> Result<(), IntakeError> {
    let Some(check) = &recording.guard.check else { return Ok(()) };
    let folded = |draft: &Draft| {
        let ops = desk.ops.get(&draft.subject)?;
        let history = history_of(ops, &desk.seats, &desk.revocations);
        Some((draft.subject, fold::fold(draft.subject, &history)))
    };
    let states: BTreeMap<Subject, Folded> = recording.drafts.iter().filter_map(folded).collect();
    check(&states).map_err(IntakeError::Conflict)
}

/// The ops of central's drafts, after the heads of their subjects.
async fn drafted(conn: &mut PgConnection, desk: &Desk, drafts: &[Draft], now_ms: u64) -> Result<Vec<Op>, sqlx::Error> {
    let mut ops = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let mut fact = draft.fact.clone();
        if let Fact::Revoked(revoked) = &mut fact {
            if revoked.known.is_empty() {
                revoked.known = known(conn, revoked.author).await?;
                revoked.beacon = next_beacon(conn, now_ms).await?;
            }
        }
        let heads = || {
            let held = desk.ops.get(&draft.subject).map_or(&[][..], Vec::as_slice);
            history_of(held, &desk.seats, &desk.revocations).heads()
        };
        let after = if draft.subject.is_scope() { Vec::new() } else { heads() };
        ops.push(op_of(draft.subject, &fact, after));
    }
    Ok(ops)
}

/// A beacon that nobody has heard yet: whoever has heard it wrote after this moment.
async fn next_beacon(conn: &mut PgConnection, now_ms: u64) -> Result<u64, sqlx::Error> {
    let (number,): (i64,) = sqlx::query_as(
        "INSERT INTO beacon (number, position, at_ms)
         SELECT (SELECT coalesce(max(number), 0) + 1 FROM beacon), position, $1 FROM log_head RETURNING number",
    )
    .bind(store::signed(now_ms))
    .fetch_one(conn)
    .await?;
    Ok(store::unsigned(number))
}

async fn known(conn: &mut PgConnection, author: Author) -> Result<Vec<Known>, sqlx::Error> {
    let rows: Vec<([u8; 4], i64)> = sqlx::query_as("SELECT inc, upto FROM chain WHERE author = $1 ORDER BY inc")
        .bind(author.0)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|(inc, upto)| Known { inc: Incarnation(inc), seq: store::unsigned(upto) }).collect())
}

/// Scopes whose roots changed without having been read.
fn unread(desk: &Desk, taken: &Taken) -> BTreeSet<Scope> {
    taken.roots.keys().filter(|key| !desk.roots.contains_key(key)).map(|(scope, _)| *scope).collect()
}

async fn keep_keys(conn: &mut PgConnection, recording: &Recording) -> Result<(), StoreError> {
    if recording.keys.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO subject_key (subject, key) SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT DO NOTHING",
    )
    .bind(recording.keys.iter().map(|(subject, _)| subject.0).collect::<Vec<_>>())
    .bind(recording.keys.iter().map(|(_, key)| *key).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

fn tell(request: &mut Request, outcome: Outcome, taken: &Taken, position: u64) {
    match (request, outcome) {
        (Request::Take(take), Outcome::Took(named, duplicates)) => {
            let digests: BTreeSet<Digest> = named.iter().map(|(digest, _)| *digest).collect();
            let chain = |at: &(Author, Incarnation)| {
                let chain = taken.chains.get(at)?;
                Some((*at, (chain.upto, chain.forked)))
            };
            let chains = named.iter().filter_map(|(_, at)| chain(at)).collect();
            let refused = taken.refused.iter().filter(|row| digests.contains(&row.digest)).cloned().collect();
            answer(&mut take.answer, Ok(Took { position, chains, refused, duplicates }));
        }
        (Request::Author(recording), Outcome::Authored(ids)) => {
            let said = std::mem::take(&mut recording.said);
            answer(&mut recording.answer, Ok(Authored { position, ids, answer: said }));
        }
        (request, Outcome::Refused(error)) => request.fail(error),
        (request, _) => request.fail(IntakeError::Stopped),
    }
}

fn measure(taken: &Taken, spent: std::time::Duration) {
    metrics::counter!("intake_ops_total").increment(taken.ops.len() as u64);
    metrics::counter!("intake_duplicates_total").increment(taken.duplicates);
    metrics::counter!("intake_refused_total").increment(taken.refused.len() as u64);
    metrics::histogram!("intake_batch_ops").record(u32::try_from(taken.ops.len()).unwrap_or(u32::MAX));
    metrics::histogram!("intake_batch_seconds").record(spent);
}
