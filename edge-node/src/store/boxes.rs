//! Boxes of handover codes, and how often each was tried at this counter.

use protocol::frame::CodeBox;
use protocol::handover::MAX_TRIES;
use protocol::id::Subject;
use rusqlite::{OptionalExtension, params};

use super::{Rows, Store, StoreError, signed};

/// A box with its tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBox {
    /// What the six digits open.
    pub sealed: Vec<u8>,
    /// Codes that were tried, the right one included.
    pub tries: u32,
}

impl Store {
    /// Keeps boxes. One that is held stays as it is: its tries are not forgotten.
    ///
    /// # Errors
    /// The database.
    pub fn add_boxes(&self, boxes: &[CodeBox]) -> Result<(), StoreError> {
        if boxes.is_empty() {
            return Ok(());
        }
        self.write_told(|rows| {
            let mut insert = rows
                .connection
                .prepare_cached("INSERT OR IGNORE INTO code_box (subject, sealed, tries) VALUES (?1, ?2, 0)")?;
            boxes
                .iter()
                .try_for_each(|code| insert.execute(params![code.subject.0, code.sealed.as_slice()]).map(drop))?;
            Ok(())
        })
    }

    /// Counts a try, and returns the box with the tries before it. When this returns, the try is on the
    /// disk: whoever pulls the plug now has used it up. A locked box is not counted further.
    ///
    /// # Errors
    /// The database.
    pub fn spend_try(&self, parcel: &Subject) -> Result<Option<HeldBox>, StoreError> {
        self.write(|rows| {
            let held = rows.code_box(parcel)?;
            if held.as_ref().is_some_and(|code| code.tries < MAX_TRIES) {
                rows.connection
                    .prepare_cached("UPDATE code_box SET tries = tries + 1 WHERE subject = ?1")?
                    .execute(params![parcel.0])?;
            }
            Ok(held)
        })
    }
}

impl Rows<'_> {
    /// The box of a parcel.
    ///
    /// # Errors
    /// The database.
    pub fn code_box(&self, parcel: &Subject) -> Result<Option<HeldBox>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT sealed, tries FROM code_box WHERE subject = ?1")?;
        let read = |row: &rusqlite::Row<'_>| Ok(HeldBox { sealed: row.get(0)?, tries: row.get(1)? });
        Ok(statement.query_row(params![parcel.0], read).optional()?)
    }

    /// Parcels that are to be fetched at this counter and whose box has not come, at most `limit`.
    ///
    /// # Errors
    /// The database.
    pub fn lacking_boxes(&self, limit: usize) -> Result<Vec<Subject>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT subject FROM view_parcel
             WHERE point = ?1 AND status NOT IN ('collected', 'delivered', 'returned', 'cancelled', 'rejected')
               AND NOT EXISTS (SELECT 1 FROM code_box WHERE code_box.subject = view_parcel.subject)
             ORDER BY held_since_ms DESC, subject LIMIT ?2",
        )?;
        let asked = params![self.store.seat.party.0, signed(limit as u64)];
        let rows = statement.query_map(asked, |row| row.get(0).map(Subject))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Boxes of other parcels that lie at this counter and are not locked, at most `limit`.
    ///
    /// # Errors
    /// The database.
    pub fn other_boxes(&self, parcel: &Subject, limit: u32) -> Result<Vec<(Subject, Vec<u8>)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT code_box.subject, code_box.sealed FROM view_parcel JOIN code_box USING (subject)
             WHERE status IN ('at_point', 'shelved') AND code_box.subject <> ?1 AND code_box.tries < ?2
             ORDER BY held_since_ms DESC, code_box.subject LIMIT ?3",
        )?;
        let rows =
            statement.query_map(params![parcel.0, MAX_TRIES, limit], |row| Ok((Subject(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
