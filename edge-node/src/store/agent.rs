//! Rows behind an agent's screens: what he did himself, where it stands, and what lies in his bag.

use protocol::fact::{Fact, Reading};
use protocol::id::{Incarnation, Scope, Subject};
use protocol::sealed::{self, Personal};
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use ts_rs::TS;

use super::{Rows, StoreError, signed, unsigned};

/// Where a recorded thing is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Fsynced here, and nowhere else as far as is known.
    Device,
    /// Acknowledged: a lost device loses nothing.
    Hub,
    /// Acknowledged, and both sides held the same since.
    Books,
}

/// A fact of the own seat.
#[derive(Clone, Debug)]
pub struct OwnFact {
    /// What it is about.
    pub subject: Subject,
    /// What it says; `None` for one of a later version.
    pub fact: Option<Fact>,
    /// The claimed time, ms.
    pub at_ms: u64,
    /// Where it is held.
    pub place: Place,
}

/// A parcel as an agent's screens need it.
#[derive(Clone, Debug)]
pub struct BagRow {
    /// Which.
    pub parcel: Subject,
    /// Grows with each parcel that comes to this device: the order of the run.
    pub arrived: i64,
    /// Cash to collect, paisa.
    pub due_paisa: i64,
    /// Nothing is to be collected any more.
    pub paid: bool,
    /// Cash collected, paisa.
    pub collected_paisa: i64,
    /// `[{sku, qty, unit_price_paisa}]`.
    pub lines: serde_json::Value,
    /// Word of the status.
    pub status: String,
    /// Failed attempts.
    pub attempts: u32,
    /// Stable codes of what waits for a ruling, parted by commas.
    pub contested: String,
    /// The person, when this device holds the key.
    pub customer: Option<Personal>,
}

/// The kind of a parcel's creating fact: part of what its sealed field is bound to.
const PARCEL_CREATED: u16 = 0x1010;

/// A hand-in that the own seat offered.
#[derive(Clone, Debug)]
pub struct OwnOffer {
    /// The hand-in.
    pub handin: Subject,
    /// What he said it is, paisa.
    pub offered_paisa: Option<i64>,
    /// What was counted, paisa.
    pub counted_paisa: Option<i64>,
    /// Word of the status.
    pub status: String,
    /// When it was offered, ms; `None` when a count came without an offer.
    pub at_ms: Option<u64>,
    /// Where the offer is held.
    pub place: Place,
}

impl Rows<'_> {
    /// Facts of the own seat since `from_ms`, in the order in which they were recorded. Puts and facts on
    /// scopes are left out.
    ///
    /// # Errors
    /// The database.
    pub fn own_facts_since(&self, from_ms: u64) -> Result<Vec<OwnFact>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT op.subject, op.class_kind, op.bytes, op.time_ms, coalesce(op.seq <= max(safe.upto, safe.held_upto), 0),
                    coalesce(op.seq <= min(safe.upto, safe.equal_upto), 0)
             FROM op LEFT JOIN safe USING (author, inc) WHERE op.author = ?1 AND op.time_ms >= ?2 ORDER BY op.n",
        )?;
        let read = |row: &Row<'_>| {
            let fact = (row.get::<_, u16>(1)?, row.get::<_, Vec<u8>>(2)?);
            Ok((Subject(row.get(0)?), fact, unsigned(row.get(3)?), place_of(row, 4)?))
        };
        let rows = statement.query_map(params![self.store.author.0, signed(from_ms)], read)?;
        let mut facts = Vec::new();
        for row in rows {
            let (subject, (kind, bytes), at_ms, place) = row?;
            if !subject.is_scope() {
                let op = protocol::op::Op::decode(&bytes).map_err(|_| StoreError::Damaged("op"))?;
                let fact = match Fact::read(kind, &op.payload) {
                    Reading::Known(fact) => Some(fact),
                    _ => None,
                };
                facts.push(OwnFact { subject, fact, at_ms, place });
            }
        }
        Ok(facts)
    }

    /// One parcel, when it is held.
    ///
    /// # Errors
    /// The database.
    pub fn bag_row(&self, parcel: &Subject) -> Result<Option<BagRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT coalesce((SELECT min(n) FROM op WHERE op.subject = view_parcel.subject), 0), due_paisa,
             collected_paisa, lines, status, attempts, contested, sealed, key, paid
             FROM view_parcel LEFT JOIN subject_key USING (subject) WHERE subject = ?1",
        )?;
        let read = |row: &Row<'_>| {
            let (field, key): (Option<Vec<u8>>, Option<[u8; 32]>) = (row.get(7)?, row.get(8)?);
            Ok(BagRow {
                parcel: *parcel,
                arrived: row.get(0)?,
                due_paisa: row.get(1)?,
                paid: row.get(9)?,
                collected_paisa: row.get(2)?,
                lines: serde_json::from_str(&row.get::<_, String>(3)?).unwrap_or_default(),
                status: row.get(4)?,
                attempts: row.get(5)?,
                contested: row.get(6)?,
                customer: key.zip(field).and_then(|(key, field)| sealed::open(&key, parcel, PARCEL_CREATED, &field)),
            })
        };
        Ok(statement.query_row(params![parcel.0], read).optional()?)
    }

    /// The own site: the one whose prefix the own party carries, by the parcels that it sent.
    ///
    /// # Errors
    /// The database.
    pub fn own_site(&self) -> Result<Option<Scope>, StoreError> {
        let party = self.store.seat.party;
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT site FROM view_parcel WHERE site NOT NULL")?;
        let sites = statement.query_map([], |row| Ok(Subject(row.get(0)?)))?;
        for site in sites {
            let site = site?;
            if site.0[1..9] == party.0[1..9] {
                return Ok(Some(site));
            }
        }
        Ok(None)
    }

    /// Parcels that are on the run of `agent` or in his hands.
    ///
    /// # Errors
    /// The database.
    pub fn on_run_of(&self, agent: Scope) -> Result<Vec<Subject>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT subject FROM view_parcel WHERE (agent = ?1 OR custodian = ?1)
             AND status IN ('on_run', 'loaded', 'attempted', 'refused', 'cancelled')
             ORDER BY subject",
        )?;
        let rows = statement.query_map(params![agent.0], |row| Ok(Subject(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Hand-ins of `agent`, the newest first.
    ///
    /// # Errors
    /// The database.
    pub fn handins_of(&self, agent: Scope, limit: u32) -> Result<Vec<OwnOffer>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT h.subject, h.offered_paisa, h.counted_paisa, h.status, max(op.time_ms),
                    coalesce(op.seq <= max(safe.upto, safe.held_upto), 0), coalesce(op.seq <= min(safe.upto, safe.equal_upto), 0)
             FROM view_handin h LEFT JOIN op ON op.subject = h.subject AND op.author = ?2
             LEFT JOIN safe ON safe.author = op.author AND safe.inc = op.inc
             WHERE h.agent = ?1 GROUP BY h.subject ORDER BY max(op.n) DESC, h.subject LIMIT ?3",
        )?;
        let read = |row: &Row<'_>| {
            Ok(OwnOffer {
                handin: Subject(row.get(0)?),
                offered_paisa: row.get(1)?,
                counted_paisa: row.get(2)?,
                status: row.get(3)?,
                at_ms: row.get::<_, Option<i64>>(4)?.map(unsigned),
                place: place_of(row, 5)?,
            })
        };
        let rows = statement.query_map(params![agent.0, self.store.author.0, limit], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Own bursts, those of them that are in the books, and the claimed time of the oldest that is not.
    /// An act is one burst.
    ///
    /// # Errors
    /// The database.
    pub fn own_counts(&self) -> Result<(u64, u64, Option<u64>), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*), count(*) FILTER (WHERE seq <= min(safe.upto, safe.equal_upto)),
                    (SELECT min(op.time_ms) FROM burst b LEFT JOIN safe s USING (author, inc)
                     JOIN op USING (digest)
                     WHERE b.author = ?1 AND b.seq > coalesce(min(s.upto, s.equal_upto), 0))
             FROM burst LEFT JOIN safe USING (author, inc) WHERE author = ?1",
        )?;
        let read = |row: &Row<'_>| {
            let oldest: Option<i64> = row.get(2)?;
            Ok((unsigned(row.get(0)?), unsigned(row.get(1)?), oldest.map(unsigned)))
        };
        Ok(statement.query_row(params![self.store.author.0], read)?)
    }

    /// Acts that are not in the books or that central refused in part, oldest first.
    ///
    /// # Errors
    /// The database.
    pub fn unbooked_acts(&self, limit: u32) -> Result<Vec<[u8; 16]>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT act, json_extract(receipt, '$.inc'), json_extract(receipt, '$.seq') FROM act ORDER BY at_ms, act",
        )?;
        let mut rows = statement.query([])?;
        let mut acts = Vec::new();
        // The place of an act stands in its receipt: a few thousand rows a day, read when somebody looks.
        while let Some(row) = rows.next()? {
            let (inc, seq): (String, i64) = (row.get(1)?, row.get(2)?);
            let inc = data_encoding::HEXLOWER.decode(inc.as_bytes()).ok().and_then(|inc| inc.try_into().ok());
            let inc = Incarnation(inc.ok_or(StoreError::Damaged("receipt"))?);
            let seq = unsigned(seq);
            if seq > self.booked_upto(&inc)? || !self.refusals(&inc, seq)?.is_empty() {
                acts.push(row.get(0)?);
            }
            if acts.len() >= limit as usize {
                break;
            }
        }
        Ok(acts)
    }
}

/// From two columns: acknowledged, and in the books.
pub(super) fn place_of(row: &Row<'_>, index: usize) -> rusqlite::Result<Place> {
    let (safe, booked): (bool, bool) = (row.get(index)?, row.get(index + 1)?);
    Ok(if booked {
        Place::Books
    } else if safe {
        Place::Hub
    } else {
        Place::Device
    })
}
