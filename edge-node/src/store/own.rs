//! What concerns the own seat: its chain, its acts, its outbox, and what central said of it.

use protocol::burst::ChainPlace;
use protocol::frame::Cursor;
use protocol::id::{Digest, Incarnation};
use protocol::session::Life;
use rusqlite::{OptionalExtension, Row, params};

use super::closed::BEACON;
use super::{Rows, Store, StoreError, signed, unsigned};

/// What a session says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Where the last delta ended, if there was one.
    pub cursor: Option<Cursor>,
    /// The own incarnation.
    pub inc: Incarnation,
    /// The last burst written in it; 0 when none is.
    pub last_seq: u64,
    /// How far central has acknowledged it.
    pub safe_upto: u64,
}

/// Where the own chain goes on.
#[derive(Clone, Copy, Debug)]
pub struct OwnPlace {
    /// The next burst.
    pub place: ChainPlace,
    /// The latest time that the seat ever claimed, ms.
    pub last_ms: u64,
}

/// A recorded act.
#[derive(Clone, Debug)]
pub struct ActRow {
    /// The receipt as first given, JSON.
    pub receipt: String,
    /// The claimed time, ms.
    pub at_ms: u64,
}

/// One of our slots that central refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRow {
    /// The slot.
    pub slot: u8,
    /// Central's stable code.
    pub code: String,
}

/// How the replica stands to central.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    /// Log position of the last comparison.
    pub position: u64,
    /// All roots were equal.
    pub roots_equal: bool,
    /// The books were equal.
    pub books_equal: bool,
}

impl Rows<'_> {
    /// The current incarnation.
    ///
    /// # Errors
    /// The database.
    pub fn inc(&self) -> Result<Incarnation, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT inc FROM identity")?;
        Ok(Incarnation(statement.query_row([], |row| row.get(0))?))
    }

    /// Where the own chain goes on.
    ///
    /// # Errors
    /// The database.
    pub fn own_place(&self) -> Result<OwnPlace, StoreError> {
        let (author, inc) = (self.store.author, self.inc()?);
        let mut last = self.connection.prepare_cached(
            "SELECT seq, digest FROM burst WHERE author = ?1 AND inc = ?2 ORDER BY seq DESC, digest LIMIT 1",
        )?;
        let read = |row: &Row<'_>| Ok((unsigned(row.get(0)?), Digest(row.get(1)?)));
        let last = last.query_row(params![author.0, inc.0], read).optional()?;
        let place = last.map_or_else(
            || ChainPlace::start(author, inc),
            |(seq, digest)| ChainPlace { seq: seq + 1, prev: Some(digest), ..ChainPlace::start(author, inc) },
        );
        let place = ChainPlace { beacon: self.beacon()?, ..place };
        // Own acts all have a row here: the newest tells the latest time that was ever claimed.
        let last_ms = self.counter(LAST_MS)?;
        Ok(OwnPlace { place, last_ms })
    }

    /// The act of this id, if it was recorded.
    ///
    /// # Errors
    /// The database.
    pub fn act(&self, act: &[u8; 16]) -> Result<Option<ActRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT receipt, at_ms FROM act WHERE act = ?1")?;
        let read = |row: &Row<'_>| Ok(ActRow { receipt: row.get(0)?, at_ms: unsigned(row.get(1)?) });
        Ok(statement.query_row(params![act], read).optional()?)
    }

    /// Keeps the receipt of an act.
    ///
    /// # Errors
    /// The database.
    pub fn put_act(&self, act: &[u8; 16], receipt: &str, at_ms: u64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT INTO act (act, receipt, at_ms) VALUES (?1, ?2, ?3)")?
            .execute(params![act, receipt, signed(at_ms)])?;
        self.connection
            .prepare_cached(
                "INSERT INTO counter (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            )?
            .execute(params![LAST_MS, signed(at_ms)])?;
        Ok(())
    }

    /// How far central has acknowledged an own incarnation.
    ///
    /// # Errors
    /// The database.
    pub fn safe_upto(&self, inc: &Incarnation) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT upto FROM safe WHERE author = ?1 AND inc = ?2")?;
        let upto: Option<i64> =
            statement.query_row(params![self.store.author.0, inc.0], |row| row.get(0)).optional()?;
        Ok(upto.map_or(0, unsigned))
    }

    /// How far own bursts are safe and were so when every root was equal.
    ///
    /// # Errors
    /// The database.
    pub fn booked_upto(&self, inc: &Incarnation) -> Result<u64, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT min(upto, equal_upto) FROM safe WHERE author = ?1 AND inc = ?2")?;
        let upto: Option<i64> =
            statement.query_row(params![self.store.author.0, inc.0], |row| row.get(0)).optional()?;
        Ok(upto.map_or(0, unsigned))
    }

    /// What central refused of one own burst.
    ///
    /// # Errors
    /// The database.
    pub fn refusals(&self, inc: &Incarnation, seq: u64) -> Result<Vec<RefusalRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT slot, code FROM refusal WHERE author = ?1 AND inc = ?2 AND seq = ?3 ORDER BY slot",
        )?;
        let read = |row: &Row<'_>| Ok(RefusalRow { slot: row.get(0)?, code: row.get(1)? });
        let rows = statement.query_map(params![self.store.author.0, inc.0, signed(seq)], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The last comparison with central.
    ///
    /// # Errors
    /// The database.
    pub fn standings(&self) -> Result<Standings, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT position, roots_equal, books_equal FROM compared")?;
        let read = |row: &Row<'_>| {
            Ok(Standings { position: unsigned(row.get(0)?), roots_equal: row.get(1)?, books_equal: row.get(2)? })
        };
        Ok(statement.query_row([], read).optional()?.unwrap_or_default())
    }

    /// Ops held, by their numbers; the exact count is in [`Rows::op_counts`], at a cost that grows with them.
    ///
    /// # Errors
    /// The database.
    pub fn ops_held(&self) -> Result<u64, StoreError> {
        let mut last = self.connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'op'")?;
        let last: Option<i64> = last.query_row([], |row| row.get(0)).optional()?;
        Ok(last.map_or(0, unsigned).saturating_sub(self.counter(OPS_DROPPED)?))
    }

    /// Ops held, and those of them that central has acknowledged: own ones up to SAFE, and all others,
    /// which came from central.
    ///
    /// # Errors
    /// The database.
    pub fn op_counts(&self) -> Result<(u64, u64), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT (SELECT count(*) FROM op),
             (SELECT count(*) FROM op LEFT JOIN safe ON safe.author = op.author AND safe.inc = op.inc
              WHERE op.author = ?1 AND op.seq > coalesce(safe.upto, 0))",
        )?;
        let read = |row: &Row<'_>| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?)));
        let (all, waiting) = statement.query_row(params![self.store.author.0], read)?;
        Ok((all, all - waiting))
    }
}

const LAST_MS: &str = "last_ms";
/// Ops that went with closed subjects.
pub(super) const OPS_DROPPED: &str = "ops_dropped";

impl Store {
    /// What a session says first.
    ///
    /// # Errors
    /// The database.
    pub fn hello(&self) -> Result<Hello, StoreError> {
        self.read(|rows| {
            let read = |row: &Row<'_>| {
                let within = Some(unsigned(row.get(2)?)).filter(|within| *within > 0);
                Ok(Cursor { log_id: row.get(0)?, position: unsigned(row.get(1)?), within })
            };
            let query = "SELECT log_id, position, within FROM cursor";
            let cursor = rows.connection.query_row(query, [], read).optional()?;
            let place = rows.own_place()?.place;
            Ok(Hello { cursor, inc: place.inc, last_seq: place.seq - 1, safe_upto: rows.safe_upto(&place.inc)? })
        })
    }

    /// Own bursts of the current incarnation after `seq`, encoded, in order: at least one if there is
    /// any, and then as many as fit in `max_bytes`.
    ///
    /// # Errors
    /// The database.
    pub fn own_bursts_after(&self, seq: u64, max_bytes: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(|rows| rows.chain_after(&rows.inc()?, seq, max_bytes))
    }

    /// The same of any own incarnation.
    ///
    /// # Errors
    /// The database.
    pub fn own_bursts_of(&self, inc: Incarnation, seq: u64, max_bytes: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(|rows| rows.chain_after(&inc, seq, max_bytes))
    }

    /// Own incarnations of which something is not acknowledged yet, with how far each is.
    ///
    /// # Errors
    /// The database.
    pub fn waiting_incarnations(&self) -> Result<Vec<(Incarnation, u64)>, StoreError> {
        self.read(|rows| {
            let mut statement = rows.connection.prepare_cached(
                "SELECT b.inc, coalesce(safe.upto, 0) FROM burst b LEFT JOIN safe USING (author, inc)
                 WHERE b.author = ?1 GROUP BY b.inc HAVING max(b.seq) > coalesce(safe.upto, 0) ORDER BY b.inc",
            )?;
            let read = |row: &Row<'_>| Ok((Incarnation(row.get(0)?), unsigned(row.get(1)?)));
            Ok(statement.query_map(params![self.author.0], read)?.collect::<Result<_, _>>()?)
        })
    }

    /// Own incarnations of which something is acknowledged.
    ///
    /// # Errors
    /// The database.
    pub fn lives(&self) -> Result<Vec<Life>, StoreError> {
        self.read(|rows| {
            let mut statement = rows.connection.prepare_cached(
                "SELECT safe.inc, safe.upto, coalesce(chain.forked, 0)
                 FROM safe LEFT JOIN chain USING (author, inc) WHERE safe.author = ?1",
            )?;
            let read = |row: &Row<'_>| {
                Ok(Life { inc: Incarnation(row.get(0)?), safe: unsigned(row.get(1)?), forked: row.get(2)? })
            };
            Ok(statement.query_map(params![self.author.0], read)?.collect::<Result<_, _>>()?)
        })
    }

    /// Digests of the own bursts of this number.
    ///
    /// # Errors
    /// The database.
    pub fn own_digests(&self, inc: Incarnation, seq: u64) -> Result<Vec<Digest>, StoreError> {
        self.read(|rows| {
            let sql = "SELECT digest FROM burst WHERE author = ?1 AND inc = ?2 AND seq = ?3";
            let mut statement = rows.connection.prepare_cached(sql)?;
            let read = |row: &Row<'_>| Ok(Digest(row.get(0)?));
            Ok(statement.query_map(params![self.author.0, inc.0, signed(seq)], read)?.collect::<Result<_, _>>()?)
        })
    }

    /// Own bursts that central has not acknowledged.
    ///
    /// # Errors
    /// The database.
    pub fn outbox_len(&self) -> Result<u64, StoreError> {
        self.read(|rows| {
            let mut statement = rows.connection.prepare_cached(
                "SELECT count(*) FROM burst LEFT JOIN safe USING (author, inc)
                 WHERE author = ?1 AND seq > coalesce(upto, 0)",
            )?;
            Ok(unsigned(statement.query_row(params![self.author.0], |row| row.get(0))?))
        })
    }

    /// Central holds every slot of every own burst up to `upto`. Never lowers.
    ///
    /// # Errors
    /// The database.
    pub fn set_safe(&self, inc: Incarnation, upto: u64) -> Result<(), StoreError> {
        self.write_told(|rows| {
            rows.connection
                .prepare_cached(
                    "INSERT INTO safe (author, inc, upto) VALUES (?1, ?2, ?3)
                     ON CONFLICT (author, inc) DO UPDATE SET upto = max(upto, excluded.upto)",
                )?
                .execute(params![self.author.0, inc.0, signed(upto)])?;
            Ok(())
        })
    }

    /// Central was restored and holds less of an own incarnation than it had acknowledged: what is
    /// beyond goes out again.
    ///
    /// # Errors
    /// The database.
    pub fn lower_safe(&self, inc: Incarnation, upto: u64) -> Result<(), StoreError> {
        self.write(|rows| {
            rows.connection
                .prepare_cached("UPDATE safe SET upto = min(upto, ?3), equal_upto = min(equal_upto, ?3) WHERE author = ?1 AND inc = ?2")?
                .execute(params![self.author.0, inc.0, signed(upto)])?;
            Ok(())
        })
    }

    /// The delta up to `cursor` is held, and central's newest beacon is heard; it never goes back.
    ///
    /// # Errors
    /// The database.
    pub fn set_cursor(&self, cursor: Cursor, beacon: u64) -> Result<(), StoreError> {
        self.write_told(|rows| {
            let known = rows.beacon()?;
            rows.count(BEACON, beacon.saturating_sub(known))?;
            rows.connection
                .prepare_cached("INSERT OR REPLACE INTO cursor (one, log_id, position, within) VALUES (1, ?1, ?2, ?3)")?
                .execute(params![cursor.log_id, signed(cursor.position), signed(cursor.within.unwrap_or(0))])?;
            Ok(())
        })
    }

    /// Central refused a slot of ours.
    ///
    /// # Errors
    /// The database.
    pub fn note_refused(&self, inc: Incarnation, seq: u64, slot: u8, code: &str, at_ms: u64) -> Result<(), StoreError> {
        self.write(|rows| {
            rows.connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO refusal (author, inc, seq, slot, code, at_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![self.author.0, inc.0, signed(seq), slot, code, signed(at_ms)])?;
            Ok(())
        })
    }

    /// Roots and books were compared with central's at a log position.
    ///
    /// # Errors
    /// The database.
    pub fn note_compared(
        &self,
        position: u64,
        equal: bool,
        books_equal: bool,
        proven: Option<u64>,
    ) -> Result<(), StoreError> {
        self.write_told(|rows| {
            rows.connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO compared (one, position, roots_equal, books_equal) VALUES (1, ?1, ?2, ?3)",
                )?
                .execute(params![signed(position), equal, books_equal])?;
            if equal {
                // What was safe at an equal root stands in the books, whatever arrives later.
                rows.connection.execute("UPDATE safe SET equal_upto = max(equal_upto, upto)", [])?;
            }
            if let Some(upto) = proven {
                rows.set_proven(upto)?;
            }
            Ok(())
        })
    }

    /// Begins a new incarnation: the next burst is its first.
    ///
    /// # Errors
    /// The database.
    pub fn new_incarnation(&self, inc: Incarnation) -> Result<(), StoreError> {
        self.write(|rows| {
            rows.connection.execute("UPDATE identity SET inc = ?1", params![inc.0])?;
            Ok(())
        })
    }
}
