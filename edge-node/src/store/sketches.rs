//! Sketches of the held sets, kept in the same transaction as the ops: a repair reads one row instead of
//! every id.

use protocol::id::{Scope, ShortId};
use protocol::intake::Move;
use protocol::op::lane;
use protocol::ranges::Element;
use protocol::root::Root;
use protocol::sketch::{Cell, Sketch, decode_cells, encode_cells};
use rusqlite::{OptionalExtension, params};

use super::{Rows, Store, StoreError, unsigned};

/// Cells that are kept of each set; more are made from the ids when a hub asks for them, at a cost that grows with the
/// set. 512 tell about 350 differences, so that 100 on each side are found without reading the set; they
/// take at most 7.8 KB, two pages of the database for each set that a tap touches.
pub const KEPT_CELLS: usize = 512;

impl Rows<'_> {
    /// Moves the sketch of a set on together with its root. A row that does not belong to the root of
    /// before (an older program wrote in between) is made anew.
    pub(super) fn move_sketch(&self, scope: &Scope, lane: u8, root: &Root, moves: &[Move]) -> Result<(), StoreError> {
        if !self.store.may_read(scope) {
            return Ok(());
        }
        let before = root.before(moves);
        let kept =
            if before == Root::default() { Some(Sketch::empty(KEPT_CELLS)) } else { self.kept(scope, lane, &before)? };
        let sketch = match kept {
            Some(mut sketch) => {
                moves.iter().for_each(|shift| sketch.shift(*shift));
                sketch
            }
            None => Sketch::of(self.short_ids(*scope, lane)?, KEPT_CELLS),
        };
        self.put_sketch(scope, lane, root, &sketch)
    }

    /// An empty set has no row, as it has no root.
    fn put_sketch(&self, scope: &Scope, lane: u8, root: &Root, sketch: &Sketch) -> Result<(), StoreError> {
        if *root == Root::default() {
            self.connection
                .prepare_cached("DELETE FROM sketch WHERE scope = ?1 AND lane = ?2")?
                .execute(params![scope.0, lane])?;
            return Ok(());
        }
        self.connection
            .prepare_cached(
                "INSERT INTO sketch (scope, lane, sum, cells) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (scope, lane) DO UPDATE SET sum = excluded.sum, cells = excluded.cells",
            )?
            .execute(params![scope.0, lane, root.sum_bytes(), encode_cells(sketch.cells())])?;
        Ok(())
    }

    /// The kept sketch of a set, if it stands at this root.
    fn kept(&self, scope: &Scope, lane: u8, root: &Root) -> Result<Option<Sketch>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT sum, cells FROM sketch WHERE scope = ?1 AND lane = ?2")?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, Vec<u8>>(1)?));
        let Some((sum, cells)) = statement.query_row(params![scope.0, lane], read).optional()? else {
            return Ok(None);
        };
        let mut sketch = Sketch::default();
        sketch.append(decode_cells(&cells, KEPT_CELLS).unwrap_or_default());
        let stands = sum == root.sum_bytes() && sketch.count() == root.count && sketch.cells().len() == KEPT_CELLS;
        Ok(stands.then_some(sketch))
    }

    /// Makes every sketch from the ids.
    pub(super) fn refold_sketches(&self) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM sketch", [])?;
        for ((scope, lane), root) in self.roots()? {
            self.put_sketch(&scope, lane, &root, &Sketch::of(self.short_ids(scope, lane)?, KEPT_CELLS))?;
        }
        Ok(())
    }

    /// The sorted short ids of one set.
    pub(super) fn short_ids(&self, scope: Scope, in_lane: u8) -> Result<Vec<ShortId>, StoreError> {
        let query = if in_lane == lane::CONTROL {
            "SELECT substr(id, 1, 8) FROM op WHERE subject = ?1 AND lane = ?2 ORDER BY id"
        } else {
            "SELECT substr(op.id, 1, 8) FROM member JOIN op USING (subject)
             WHERE scope = ?1 AND put_gen > close_gen AND lane = ?2 ORDER BY op.id"
        };
        let mut statement = self.connection.prepare_cached(query)?;
        let ids = statement.query_map(params![scope.0, in_lane], |row| row.get(0).map(ShortId))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }
}

impl Store {
    /// How many ids one set holds, and its cells `from..upto`.
    ///
    /// # Errors
    /// The database.
    pub fn cells(&self, scope: Scope, lane: u8, from: usize, upto: usize) -> Result<(u64, Vec<Cell>), StoreError> {
        self.read(|rows| {
            let root = rows.roots()?.remove(&(scope, lane)).unwrap_or_default();
            let mut sketch = rows.kept(&scope, lane, &root)?.unwrap_or_default();
            if upto > sketch.cells().len() {
                sketch.extend(rows.short_ids(scope, lane)?, upto);
            }
            Ok((root.count, sketch.cells().get(from..upto).unwrap_or_default().to_vec()))
        })
    }

    /// All ops of one set, by the time of their burst and then by id.
    ///
    /// # Errors
    /// The database.
    pub fn elements(&self, scope: Scope, in_lane: u8) -> Result<Vec<Element>, StoreError> {
        self.read(|rows| {
            let query = if in_lane == lane::CONTROL {
                "SELECT time_ms, id FROM op WHERE subject = ?1 AND lane = ?2 ORDER BY time_ms, id"
            } else {
                "SELECT op.time_ms, op.id FROM member JOIN op USING (subject)
                 WHERE scope = ?1 AND put_gen > close_gen AND lane = ?2 ORDER BY op.time_ms, op.id"
            };
            let mut statement = rows.connection.prepare_cached(query)?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Element { time_ms: unsigned(row.get(0)?), id: protocol::id::OpId(row.get(1)?) })
            };
            let elements = statement.query_map(params![scope.0, in_lane], read)?;
            Ok(elements.collect::<Result<_, _>>()?)
        })
    }

    /// Makes the sketches that are missing or old: of a database from before there were any, or in which
    /// an older program has written since.
    pub(super) fn mend_sketches(&self) -> Result<(), StoreError> {
        let old: i64 = self.read(|rows| {
            let unlike = "SELECT (SELECT count(*) FROM root LEFT JOIN sketch USING (scope, lane)
                              WHERE sketch.sum IS NOT root.sum)
                        + (SELECT count(*) FROM sketch LEFT JOIN root USING (scope, lane) WHERE root.sum IS NULL)";
            Ok::<_, StoreError>(rows.connection.query_row(unlike, [], |row| row.get(0))?)
        })?;
        if old > 0 { self.write(|rows| rows.refold_sketches()) } else { Ok(()) }
    }

    /// Counts something by name.
    ///
    /// # Errors
    /// The database.
    pub fn count_one(&self, name: &str) -> Result<(), StoreError> {
        self.write_told(|rows| rows.count(name, 1))
    }
}
