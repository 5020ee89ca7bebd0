//! What central has closed: how long it is kept here, and what it leaves on accounts.
//!
//! A closed subject has left every set that this seat reads, and its key is gone with it. Its records stay for
//! [`KEEP_BEACONS`] more, so that a central which was restored can be fed again; then they go, if central holds all
//! that was written here about it and both sides came to the same amounts. What it leaves on accounts stays, as central
//! said, so that the cash in a bag is still what it was. A late record opens the subject again, and all of it comes back.

use std::collections::BTreeMap;

use protocol::account::Account;
use protocol::burst::Head;
use protocol::fact::{Carry, Close, Fact, Reading};
use protocol::fold;
use protocol::id::{Digest, Subject};
use protocol::intake::{OpRow, Taken};
use protocol::op::Op;
use protocol::taka::Taka;
use rusqlite::{OptionalExtension, Row, params};

use super::own::OPS_DROPPED;
use super::{Rows, Store, StoreError, signed, unsigned};

/// Beacons come about once an hour: seven days of central's own time.
pub const KEEP_BEACONS: u64 = 7 * 24;
/// Subjects that one comparison lets go: a tap may wait for them.
const AT_ONCE: u32 = 32;
/// Number of `Close`.
const CLOSE: u16 = 0x0002;
/// The name of the counter that holds the newest beacon.
pub(super) const BEACON: &str = "beacon";

/// How far a closed subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// Its records are held and count, until its time is over.
    Waits = 0,
    /// Its records came to other amounts: they are held, and central's amounts count.
    Differs = 1,
    /// Its records are gone, or never were here.
    Gone = 2,
}

/// What is left on accounts, zero nets left out.
type Nets = BTreeMap<(u16, Option<Subject>), Taka>;

/// What waits to be let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClosedCounts {
    /// Closed, and still held.
    pub held: u64,
    /// Those of them whose amounts here are not central's: they are kept until somebody looks.
    pub differ: u64,
}

impl Rows<'_> {
    /// The newest beacon that central told; 0 for none.
    ///
    /// # Errors
    /// The database.
    pub fn beacon(&self) -> Result<u64, StoreError> {
        self.counter(BEACON)
    }

    /// Keeps what a batch closed, and forgets of what it opened that it was closed. After the memberships.
    pub(super) fn note_closed(&self, taken: &Taken) -> Result<(), StoreError> {
        for (_, subject) in taken.members.keys() {
            if self.state_of(subject)?.is_some() && self.is_open(subject)? {
                self.connection.prepare_cached("DELETE FROM closed WHERE subject = ?1")?.execute(params![subject.0])?;
                self.leave(subject, &Nets::new())?;
                // What is still held of it counts again, whether more of it comes or not.
                if self.holds_any(subject)? {
                    self.put_folded(subject, &fold::fold(*subject, &self.history(subject)?))?;
                }
            }
        }
        taken.ops.iter().filter(|row| row.class_kind == CLOSE && row.held.apart.is_none()).try_for_each(|row| {
            let OpRow { subject: scope, held, digest, .. } = row;
            self.note_close(scope, &held.bytes, digest)
        })
    }

    /// Keeps what one Close says, when it stands.
    fn note_close(&self, scope: &Subject, bytes: &[u8], digest: &Digest) -> Result<(), StoreError> {
        let Some(close) = close_of(bytes) else { return Ok(()) };
        // What several subjects leave together says nothing of one of them: such are kept.
        let [subject] = close.subjects.as_slice() else { return Ok(()) };
        let stands = self.memberships(subject)?.get(scope).is_some_and(|held| held.close == close.generation);
        if !stands || !self.store.may_read(scope) || self.is_open(subject)? {
            return Ok(());
        }
        self.connection.prepare_cached("DELETE FROM subject_key WHERE subject = ?1")?.execute(params![subject.0])?;
        let state = match self.state_of(subject)? {
            Some(state) if state != State::Waits => return self.leave(subject, &nets_of(&close.carry)),
            _ if self.holds_any(subject)? => State::Waits,
            _ => {
                self.leave(subject, &nets_of(&close.carry))?;
                State::Gone
            }
        };
        // By the time at which central closed it, not at which it was heard of here: a device that was away for long
        // lets go no sooner than a copy of central may be older.
        let mut head = self.connection.prepare_cached("SELECT head FROM burst WHERE digest = ?1")?;
        let head: Vec<u8> = head.query_row(params![digest.0], |row| row.get(0))?;
        let (head, _) = Head::decode_front(&head).map_err(|_| StoreError::Damaged("burst"))?;
        self.connection
            .prepare_cached(
                "INSERT INTO closed (subject, beacon, close, state) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (subject) DO UPDATE SET beacon = excluded.beacon, close = excluded.close, state = excluded.state",
            )?
            .execute(params![subject.0, signed(head.beacon), bytes, state as u8])?;
        Ok(())
    }

    fn state_of(&self, subject: &Subject) -> Result<Option<State>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT state FROM closed WHERE subject = ?1")?;
        let state: Option<u8> = statement.query_row(params![subject.0], |row| row.get(0)).optional()?;
        Ok(state.map(|state| match state {
            0 => State::Waits,
            1 => State::Differs,
            _ => State::Gone,
        }))
    }

    /// Whether the subject counts as central said when it closed it, whatever records of it are here. An own record
    /// ends that: it is news, and central will open the subject for it.
    pub(super) fn counts_as_closed(&self, subject: &Subject, own: bool) -> Result<bool, StoreError> {
        let hidden = self.state_of(subject)?.is_some_and(|state| state != State::Waits);
        if hidden && own {
            let sql = "UPDATE closed SET state = 0 WHERE subject = ?1";
            self.connection.prepare_cached(sql)?.execute(params![subject.0])?;
            self.leave(subject, &Nets::new())?;
        }
        Ok(hidden && !own)
    }

    /// Whether a scope that this seat reads has the subject as a member.
    fn is_open(&self, subject: &Subject) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM member WHERE subject = ?1 AND held = 1 AND put_gen > close_gen";
        Ok(self.connection.prepare_cached(sql)?.exists(params![subject.0])?)
    }

    fn holds_any(&self, subject: &Subject) -> Result<bool, StoreError> {
        Ok(self.connection.prepare_cached("SELECT 1 FROM op WHERE subject = ?1")?.exists(params![subject.0])?)
    }

    /// What a subject without records leaves on accounts, in place of what was there.
    fn leave(&self, subject: &Subject, nets: &Nets) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM carried WHERE subject = ?1")?.execute(params![subject.0])?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO carried (subject, account_code, owner, amount_paisa) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for ((code, owner), net) in nets {
            insert.execute(params![subject.0, code, owner.map(|owner| owner.0), net.paisa()])?;
        }
        Ok(())
    }

    /// What closed subjects left on one account, debit positive.
    pub(super) fn carried(&self, account: Account) -> Result<Taka, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT coalesce(sum(amount_paisa), 0) FROM carried WHERE account_code = ?1 AND owner IS ?2",
        )?;
        let owner = account.owner.map(|owner| owner.0);
        let sum: i64 = statement.query_row(params![account.code as u16, owner], |row| row.get(0))?;
        Ok(Taka::from_paisa(sum).unwrap_or_default())
    }

    /// Makes `carried` again from the Closes that are held.
    pub(super) fn refold_carried(&self) -> Result<(), StoreError> {
        let sql = "SELECT subject, bytes, digest FROM op WHERE class_kind = ?1 AND apart IS NULL ORDER BY n";
        let mut statement = self.connection.prepare(sql)?;
        let read = |row: &Row<'_>| Ok((Subject(row.get(0)?), row.get::<_, Vec<u8>>(1)?, Digest(row.get(2)?)));
        let closes: Vec<_> = statement.query_map(params![CLOSE], read)?.collect::<Result<_, _>>()?;
        closes.iter().try_for_each(|(scope, bytes, digest)| self.note_close(scope, bytes, digest))
    }

    fn let_go(&self, subject: &Subject, close: &[u8]) -> Result<bool, StoreError> {
        let author = self.store.author.0;
        let sql = "SELECT 1 FROM op LEFT JOIN safe USING (author, inc)
                   WHERE op.subject = ?1 AND op.author = ?2 AND op.seq > coalesce(safe.upto, 0)";
        if self.connection.prepare_cached(sql)?.exists(params![subject.0, author])? {
            return Ok(false);
        }
        if self.has_strays(Some(subject))? {
            return Ok(false);
        }
        let central = nets_of(&close_of(close).ok_or(StoreError::Damaged("close"))?.carry);
        let same = self.nets(subject)? == central;
        for table in ["view_parcel", "view_handin", "view_earning", "local_ledger"] {
            self.connection
                .prepare_cached(&format!("DELETE FROM {table} WHERE subject = ?1"))?
                .execute(params![subject.0])?;
        }
        self.leave(subject, &central)?;
        if !same {
            // Whoever was away for long gets the end without what led to it. Central's amounts count; the records
            // that come to others are kept, to be looked at.
            tracing::warn!(%subject, "a closed subject came to other amounts here; its records are kept");
            return self.set_state(subject, State::Differs);
        }
        let mut slots = self.connection.prepare_cached("SELECT digest, slot FROM op WHERE subject = ?1")?;
        let read = |row: &Row<'_>| Ok((Digest(row.get(0)?), row.get::<_, u8>(1)?));
        let slots: Vec<(Digest, u8)> = slots.query_map(params![subject.0], read)?.collect::<Result<_, _>>()?;
        let dropped =
            self.connection.prepare_cached("DELETE FROM op WHERE subject = ?1")?.execute(params![subject.0])?;
        self.count(OPS_DROPPED, dropped as u64)?;
        let mut open =
            self.connection.prepare_cached("UPDATE burst SET answered = answered & ~?2 WHERE digest = ?1")?;
        // Own bursts stay as a chain; of others', nothing is left to keep.
        let mut drop = self.connection.prepare_cached(
            "DELETE FROM burst WHERE digest = ?1 AND author <> ?2
                AND NOT EXISTS (SELECT 1 FROM op WHERE op.digest = burst.digest)",
        )?;
        for (digest, slot) in slots {
            open.execute(params![digest.0, 1i64.wrapping_shl(u32::from(slot))])?;
            drop.execute(params![digest.0, author])?;
        }
        self.connection.prepare_cached("DELETE FROM code_box WHERE subject = ?1")?.execute(params![subject.0])?;
        self.set_state(subject, State::Gone)
    }

    fn set_state(&self, subject: &Subject, state: State) -> Result<bool, StoreError> {
        let sql = "UPDATE closed SET state = ?2 WHERE subject = ?1";
        self.connection.prepare_cached(sql)?.execute(params![subject.0, state as u8])?;
        Ok(true)
    }

    /// What the journals of a subject come to here.
    fn nets(&self, subject: &Subject) -> Result<Nets, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT account_code, owner, sum(amount_paisa) FROM local_ledger WHERE subject = ?1
             GROUP BY account_code, owner HAVING sum(amount_paisa) <> 0",
        )?;
        let read = |row: &Row<'_>| {
            let owner: Option<[u8; 17]> = row.get(1)?;
            Ok(((row.get::<_, u16>(0)?, owner.map(Subject)), Taka::from_paisa(row.get(2)?).unwrap_or_default()))
        };
        Ok(statement.query_map(params![subject.0], read)?.collect::<Result<_, _>>()?)
    }
}

fn close_of(op: &[u8]) -> Option<Close> {
    let op = Op::decode(op).ok()?;
    match Fact::read(op.class_kind, &op.payload) {
        Reading::Known(Fact::Close(close)) => Some(close),
        _ => None,
    }
}

fn nets_of(carry: &[Carry]) -> Nets {
    carry.iter().filter(|left| left.net != Taka::ZERO).map(|left| ((left.code, left.owner), left.net)).collect()
}

impl Store {
    /// Lets go of closed subjects whose time is over, some at once; returns how many. Called when all roots are
    /// equal: what is to be known about a subject is known then.
    ///
    /// # Errors
    /// The database; nothing is changed then.
    pub fn let_closed_go(&self) -> Result<u32, StoreError> {
        let due = |rows: &Rows<'_>| {
            let sql =
                "SELECT subject, close FROM closed WHERE state = 0 AND beacon + ?1 <= ?2 ORDER BY beacon LIMIT ?3";
            let mut statement = rows.connection.prepare_cached(sql)?;
            let read = |row: &Row<'_>| Ok((Subject(row.get(0)?), row.get::<_, Vec<u8>>(1)?));
            let due = statement.query_map(params![signed(KEEP_BEACONS), signed(rows.beacon()?), AT_ONCE], read)?;
            Ok::<_, StoreError>(due.collect::<Result<Vec<_>, _>>()?)
        };
        // Nearly always there is nothing: then nothing is written.
        if self.read(due)?.is_empty() {
            return Ok(0);
        }
        self.write_told(|rows| {
            let mut gone = 0;
            for (subject, close) in due(rows)? {
                gone += u32::from(rows.let_go(&subject, &close)?);
            }
            Ok(gone)
        })
    }

    /// How much is closed and still held.
    ///
    /// # Errors
    /// The database.
    pub fn closed_counts(&self) -> Result<ClosedCounts, StoreError> {
        self.read(|rows| {
            let sql = "SELECT count(*), count(*) FILTER (WHERE state = 1) FROM closed WHERE state < 2";
            let read = |row: &Row<'_>| Ok(ClosedCounts { held: unsigned(row.get(0)?), differ: unsigned(row.get(1)?) });
            Ok(rows.connection.prepare_cached(sql)?.query_row([], read).optional()?.unwrap_or_default())
        })
    }
}
