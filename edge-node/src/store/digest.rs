//! Projections: their digests, and how they are made again from the ops.

use std::collections::BTreeMap;

use protocol::fact::{Fact, Reading};
use protocol::fold;
use protocol::id::{OpId, Scope, Subject};
use protocol::intake::Generations;
use protocol::op::Op;
use protocol::root::Root;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, params};

use super::{Rows, Store, StoreError};

/// Every projection, with the columns of its key.
const PROJECTIONS: &[(&str, &str)] = &[
    ("carried", "subject, account_code, owner"),
    ("local_ledger", "subject, key, line"),
    ("member", "subject, scope"),
    ("root", "scope, lane"),
    ("sketch", "scope, lane"),
    ("view_earning", "subject"),
    ("view_handin", "subject"),
    ("view_parcel", "subject"),
];

/// Under which counter it stands by which rules the projections were made.
const MADE_BY: &str = "projections_made_by_rules";

/// What this program makes of ops: the version of the fold, and how many kinds it knows. What an older program kept as
/// `newer` is read by the one that knows its kind.
fn understood() -> i64 {
    i64::from(fold::RULES) * 10_000 + Fact::KINDS.len() as i64
}

/// The digest of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDigest {
    /// Which.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
    /// BLAKE3 over the rows, ordered by key.
    pub digest: [u8; 32],
}

impl Store {
    /// The digests of all projections, by name of table.
    ///
    /// # Errors
    /// The database.
    pub fn digest(&self) -> Result<Vec<TableDigest>, StoreError> {
        self.read(|rows| PROJECTIONS.iter().map(|(table, key)| rows.digest(table, key)).collect())
    }

    /// Drops every projection and makes it again from the ops, in one transaction.
    ///
    /// # Errors
    /// The database; nothing is changed then.
    pub fn rebuild(&self) -> Result<(), StoreError> {
        self.write(|rows| {
            for (table, _) in PROJECTIONS {
                rows.connection.execute(&format!("DELETE FROM {table}"), [])?;
            }
            rows.refold_members()?;
            rows.refold_roots()?;
            rows.refold_sketches()?;
            rows.refold_subjects()?;
            rows.refold_carried()?;
            rows.keep_rules()
        })
    }

    /// Makes the projections again when a program with other rules made them: before anybody reads them, and before the
    /// books are compared with central's.
    pub(super) fn mend_rules(&self) -> Result<(), StoreError> {
        let made_by: Option<i64> = self.read(|rows| {
            let read = "SELECT value FROM counter WHERE name = ?1";
            Ok::<_, StoreError>(rows.connection.query_row(read, [MADE_BY], |row| row.get(0)).optional()?)
        })?;
        if made_by == Some(understood()) {
            return Ok(());
        }
        tracing::info!(made_by, rules = understood(), "everything is folded anew by the rules of this program");
        self.rebuild()
    }
}

impl Rows<'_> {
    fn keep_rules(&self) -> Result<(), StoreError> {
        let write = "INSERT OR REPLACE INTO counter (name, value) VALUES (?1, ?2)";
        self.connection.execute(write, params![MADE_BY, understood()])?;
        Ok(())
    }

    fn digest(&self, table: &'static str, key: &str) -> Result<TableDigest, StoreError> {
        let mut statement = self.connection.prepare(&format!("SELECT * FROM {table} ORDER BY {key}"))?;
        let columns = statement.column_count();
        let mut hasher = blake3::Hasher::new_derive_key("getit table 1");
        let mut count = 0;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                feed(&mut hasher, row.get_ref(column)?);
            }
            count += 1;
        }
        Ok(TableDigest { table, rows: count, digest: *hasher.finalize().as_bytes() })
    }

    fn refold_members(&self) -> Result<(), StoreError> {
        let mut members: BTreeMap<(Scope, Subject), Generations> = BTreeMap::new();
        let mut statement = self.connection.prepare("SELECT bytes FROM op WHERE lane = 0 AND apart IS NULL")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let op = Op::decode(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)
                .map_err(|_| StoreError::Damaged("op"))?;
            let (subjects, put, close) = match Fact::read(op.class_kind, &op.payload) {
                Reading::Known(Fact::Put(put)) => (put.subjects, put.generation, 0),
                Reading::Known(Fact::Close(closed)) => (closed.subjects, 0, closed.generation),
                _ => continue,
            };
            for subject in subjects.into_iter().filter(|subject| !subject.is_scope()) {
                let generations = members.entry((op.subject, subject)).or_default();
                generations.put = generations.put.max(put);
                generations.close = generations.close.max(close);
            }
        }
        members.iter().try_for_each(|((scope, subject), generations)| self.put_member(scope, subject, *generations))
    }

    fn refold_roots(&self) -> Result<(), StoreError> {
        let mut roots: BTreeMap<(Scope, u8), Root> = BTreeMap::new();
        let mut statement = self.connection.prepare(
            "SELECT subject, lane, id FROM op WHERE lane = 0
             UNION ALL SELECT scope, lane, id FROM member JOIN op USING (subject) WHERE put_gen > close_gen AND held = 1",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            roots.entry((Subject(row.get(0)?), row.get(1)?)).or_default().join(&OpId(row.get(2)?));
        }
        roots.iter().try_for_each(|((scope, lane), root)| self.put_root(scope, *lane, root))
    }

    fn refold_subjects(&self) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare("SELECT DISTINCT subject FROM op WHERE lane > 0")?;
        let mut rows = statement.query(params![])?;
        while let Some(row) = rows.next()? {
            let subject = Subject(row.get(0)?);
            if self.counts_as_closed(&subject, false)? {
                continue;
            }
            self.put_folded(&subject, &fold::fold(subject, &self.history(&subject)?))?;
        }
        Ok(())
    }
}

fn feed(hasher: &mut blake3::Hasher, value: ValueRef<'_>) {
    let (tag, bytes): (u8, &[u8]) = match value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(number) => {
            hasher.update(&[1]).update(&number.to_be_bytes());
            return;
        }
        ValueRef::Real(number) => {
            hasher.update(&[2]).update(&number.to_bits().to_be_bytes());
            return;
        }
        ValueRef::Text(bytes) => (3, bytes),
        ValueRef::Blob(bytes) => (4, bytes),
    };
    hasher.update(&[tag]).update(&(bytes.len() as u64).to_be_bytes()).update(bytes);
}
