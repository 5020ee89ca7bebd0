//! Loads what a batch touches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use protocol::fact::{Fact, Reading, Revoked};
use protocol::history::History;
use protocol::id::{Author, Digest, Incarnation, Kind, OpId, Scope, Subject};
use protocol::intake::{self, Chain, Desk, Generations, HeldBurst, HeldOp, Verified, Wanted};
use protocol::root::Root;
use rusqlite::{OptionalExtension, Row, params};

use super::{Rows, StoreError, unsigned};

/// The kind of a revocation, as stored rows spell it.
pub(super) const REVOKED: u16 = 0x0003;

impl Rows<'_> {
    /// The desk for these bursts: every row that `intake::take` may look at.
    ///
    /// # Errors
    /// The database.
    pub fn desk(&self, bursts: &[Verified]) -> Result<Desk, StoreError> {
        let wanted = Wanted::by(bursts);
        let mut subjects = wanted.subjects.clone();
        for author in &wanted.revoked {
            subjects.extend(self.subjects_of(author)?);
        }
        let mut desk = Desk { roots: self.roots()?, ..Desk::default() };
        let mut authors: BTreeSet<Author> = wanted.authors.clone();
        for subject in &subjects {
            let ops = self.ops_of(subject)?;
            authors.extend(ops.iter().map(|held| held.author));
            if !ops.is_empty() {
                desk.ops.insert(*subject, ops);
            }
            let members = self.memberships(subject)?;
            if !members.is_empty() {
                desk.members.insert(*subject, members);
            }
        }
        for author in authors {
            if let Some(seat) = self.store.seat_of(&author) {
                desk.seats.insert(author, seat);
            }
            let revocations = self.revocations_of(&author)?;
            if !revocations.is_empty() {
                desk.revocations.insert(author, revocations);
            }
        }
        for digest in &wanted.digests {
            if let Some(held) = self.held_burst(digest)? {
                desk.bursts.insert(*digest, held);
            }
        }
        for verified in bursts {
            let head = &verified.burst.head;
            if let Some(digest) = self.numbered(&head.author, &head.inc, head.seq)? {
                desk.numbered.insert((head.author, head.inc, head.seq), digest);
            }
        }
        for (author, inc) in wanted.chains.iter().filter(|(author, _)| *author == self.store.author) {
            desk.chains.insert((*author, *inc), self.chain(author, inc)?);
        }
        for id in wanted.control_ids {
            let held = self.connection.prepare_cached("SELECT 1 FROM op WHERE id = ?1")?.exists(params![id.0])?;
            if held {
                desk.control_ids.insert(id);
            }
        }
        Ok(desk)
    }

    /// All ops of one subject, in the order of their arrival.
    pub(super) fn ops_of(&self, subject: &Subject) -> Result<Vec<HeldOp>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, author, inc, seq, time_ms, bytes, apart FROM op WHERE subject = ?1 ORDER BY n",
        )?;
        let ops = statement.query_map(params![subject.0], held_op)?.collect::<Result<_, _>>()?;
        Ok(ops)
    }

    /// The subjects of one kind that have ops, in order.
    pub(super) fn subjects_of_kind(&self, kind: Kind) -> Result<Vec<Subject>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT DISTINCT subject FROM op WHERE subject >= ?1 AND subject < ?2 ORDER BY subject")?;
        let subjects = statement.query_map(params![[kind as u8], [kind as u8 + 1]], |row| row.get(0).map(Subject))?;
        Ok(subjects.collect::<Result<_, _>>()?)
    }

    /// The history of one subject, as the fold wants it.
    pub(super) fn history(&self, subject: &Subject) -> Result<History, StoreError> {
        self.history_of(&self.ops_of(subject)?)
    }

    pub(super) fn history_of(&self, ops: &[HeldOp]) -> Result<History, StoreError> {
        let authors: BTreeSet<Author> = ops.iter().map(|held| held.author).collect();
        let mut revocations = BTreeMap::new();
        for author in authors {
            let all = self.revocations_of(&author)?;
            if !all.is_empty() {
                revocations.insert(author, all);
            }
        }
        let seats = self.store.seats.read().unwrap_or_else(PoisonError::into_inner);
        Ok(intake::history_of(ops, &seats, &revocations))
    }

    /// Put and Close generations of a subject, by scope.
    pub(super) fn memberships(&self, subject: &Subject) -> Result<BTreeMap<Scope, Generations>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT scope, put_gen, close_gen FROM member WHERE subject = ?1")?;
        let read = |row: &Row<'_>| {
            Ok((Subject(row.get(0)?), Generations { put: row.get::<_, u32>(1)?, close: row.get::<_, u32>(2)? }))
        };
        let members = statement.query_map(params![subject.0], read)?.collect::<Result<_, _>>()?;
        Ok(members)
    }

    /// Every kept root.
    ///
    /// # Errors
    /// The database.
    pub fn roots(&self) -> Result<BTreeMap<(Scope, u8), Root>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT scope, lane, count, sum FROM root")?;
        let read = |row: &Row<'_>| {
            let root = Root::from_parts(unsigned(row.get(2)?), &row.get(3)?);
            Ok(((Subject(row.get(0)?), row.get(1)?), root))
        };
        let roots = statement.query_map([], read)?.collect::<Result<_, _>>()?;
        Ok(roots)
    }

    fn subjects_of(&self, author: &Author) -> Result<Vec<Subject>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT DISTINCT subject FROM op WHERE author = ?1")?;
        let all: Vec<Subject> =
            statement.query_map(params![author.0], |row| row.get(0).map(Subject))?.collect::<Result<_, _>>()?;
        Ok(all.into_iter().filter(|subject| !subject.is_scope()).collect())
    }

    fn revocations_of(&self, author: &Author) -> Result<Vec<Revoked>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT payload FROM revocation WHERE author = ?1 ORDER BY payload")?;
        let payloads: Vec<Vec<u8>> =
            statement.query_map(params![author.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let read = |payload: Vec<u8>| match Fact::read(REVOKED, &payload) {
            Reading::Known(Fact::Revoked(revoked)) => Ok(revoked),
            _ => Err(StoreError::Damaged("revocation")),
        };
        payloads.into_iter().map(read).collect()
    }

    fn held_burst(&self, digest: &Digest) -> Result<Option<HeldBurst>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT answered FROM burst WHERE digest = ?1")?;
        let answered: Option<i64> = statement.query_row(params![digest.0], |row| row.get(0)).optional()?;
        Ok(answered.map(|bits| HeldBurst { answered: bits.cast_unsigned() }))
    }

    fn numbered(&self, author: &Author, inc: &Incarnation, seq: u64) -> Result<Option<Digest>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT digest FROM burst WHERE author = ?1 AND inc = ?2 AND seq = ?3 ORDER BY digest LIMIT 1",
        )?;
        let digest = statement.query_row(params![author.0, inc.0, super::signed(seq)], |row| row.get(0)).optional()?;
        Ok(digest.map(Digest))
    }

    fn chain(&self, author: &Author, inc: &Incarnation) -> Result<Chain, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT upto, forked FROM chain WHERE author = ?1 AND inc = ?2")?;
        let read = |row: &Row<'_>| Ok((unsigned(row.get(0)?), row.get::<_, bool>(1)?));
        let (upto, forked) = statement.query_row(params![author.0, inc.0], read).optional()?.unwrap_or_default();
        Ok(Chain { upto, forked, ..Chain::default() })
    }
}

pub(super) fn held_op(row: &Row<'_>) -> rusqlite::Result<HeldOp> {
    Ok(HeldOp {
        id: OpId(row.get(0)?),
        author: Author(row.get(1)?),
        inc: Incarnation(row.get(2)?),
        seq: unsigned(row.get(3)?),
        time_ms: unsigned(row.get(4)?),
        bytes: row.get(5)?,
        apart: row.get(6)?,
    })
}
