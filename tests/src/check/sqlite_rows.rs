//! Everything the checker reads of one edge, in one snapshot.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use protocol::id::{Author, Digest, Incarnation, OpId, Subject};
use protocol::intake::HeldOp;
use protocol::root::Root;
use protocol::seat::{Certificate, Seat, bits};
use rusqlite::{Connection, OpenFlags, Row};

use super::postgres_rows::number;
use super::rows::{BurstRow, Members, OpRow, Ops, Roots, ids_of};

/// A daemon that still runs may be writing.
const BUSY: Duration = Duration::from_secs(10);

/// One row of an edge's ledger.
#[derive(Clone, Debug)]
pub(super) struct LedgerRow {
    pub(super) subject: Subject,
    pub(super) key: [u8; 16],
    pub(super) rule: String,
    pub(super) code: i32,
    pub(super) owner: Option<Subject>,
    pub(super) paisa: i64,
}

/// All rows of one edge.
#[derive(Debug)]
pub(super) struct EdgeRows {
    /// Its name in reports.
    pub(super) name: String,
    pub(super) author: Author,
    pub(super) seat: Seat,
    pub(super) ops: Ops,
    pub(super) bursts: Vec<BurstRow>,
    pub(super) members: Members,
    pub(super) roots: Roots,
    /// What central acknowledged, by own incarnation.
    pub(super) safe: BTreeMap<Incarnation, u64>,
    pub(super) ledger: Vec<LedgerRow>,
}

impl EdgeRows {
    /// Reads the database in `folder`.
    pub(super) fn load(name: &str, folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(edge_node::store::FILE);
        // Not to be created; and writable, for what is left of a log has to be read in.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)
            .with_context(|| format!("{name}: {} cannot be opened", path.display()))?;
        connection.busy_timeout(BUSY)?;
        let snapshot = connection.transaction()?;
        Self::read(name, &snapshot).with_context(|| format!("{name}: {} cannot be read", path.display()))
    }

    fn read(name: &str, connection: &Connection) -> anyhow::Result<Self> {
        let (certificate, authority): (Vec<u8>, [u8; 32]) = connection
            .query_row("SELECT certificate, authority_key FROM identity", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .context("the device is not enrolled")?;
        let authority = protocol::seat::AuthorityKey::from_bytes(&authority)?;
        let certificate =
            Certificate::decode(&certificate, &authority).map_err(|error| anyhow!("its certificate: {error}"))?;
        let author = certificate.author();
        let mut edge = Self {
            name: name.to_owned(),
            author,
            seat: certificate.seat,
            ops: Ops::new(),
            bursts: Vec::new(),
            members: Members::new(),
            roots: Roots::new(),
            safe: BTreeMap::new(),
            ledger: Vec::new(),
        };
        edge.read_ops(connection)?;
        edge.read_sets(connection)?;
        edge.read_ledger(connection)?;
        Ok(edge)
    }

    fn read_ops(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let ops = all(
            connection,
            "SELECT id, author, inc, seq, time_ms, bytes, apart, digest, slot, subject, lane FROM op",
            |row| {
                let held = HeldOp {
                    id: OpId(row.get(0)?),
                    author: Author(row.get(1)?),
                    inc: Incarnation(row.get(2)?),
                    seq: number(row.get(3)?),
                    time_ms: number(row.get(4)?),
                    bytes: row.get(5)?,
                    apart: row.get(6)?,
                };
                let at = (Digest(row.get(7)?), usize::from(row.get::<_, u8>(8)?));
                Ok((held.id, OpRow { at, subject: Subject(row.get(9)?), lane: row.get(10)?, held }))
            },
        )?;
        self.ops = ops.into_iter().collect();
        self.bursts = all(
            connection,
            "SELECT digest, author, inc, seq, head, sig, ids FROM burst ORDER BY author, inc, seq, digest",
            |row| {
                Ok(BurstRow {
                    digest: Digest(row.get(0)?),
                    author: Author(row.get(1)?),
                    inc: Incarnation(row.get(2)?),
                    seq: number(row.get(3)?),
                    head: row.get(4)?,
                    sig: row.get(5)?,
                    ids: ids_of(&row.get::<_, Vec<u8>>(6)?),
                })
            },
        )?;
        let author = self.author;
        let safe = all(connection, "SELECT author, inc, upto FROM safe", |row| {
            Ok((Author(row.get(0)?), Incarnation(row.get(1)?), number(row.get(2)?)))
        })?;
        self.safe = safe.into_iter().filter(|row| row.0 == author).map(|(_, inc, upto)| (inc, upto)).collect();
        Ok(())
    }

    fn read_sets(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let members = all(connection, "SELECT scope, subject FROM member WHERE put_gen > close_gen", |row| {
            Ok((Subject(row.get(0)?), Subject(row.get(1)?)))
        })?;
        self.members = members.into_iter().collect();
        let roots = all(connection, "SELECT scope, lane, count, sum FROM root", |row| {
            Ok(((Subject(row.get(0)?), row.get(1)?), Root::from_parts(number(row.get(2)?), &row.get(3)?)))
        })?;
        self.roots = roots.into_iter().filter(|(_, root)| *root != Root::default()).collect();
        Ok(())
    }

    fn read_ledger(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.ledger =
            all(connection, "SELECT subject, key, rule, account_code, owner, amount_paisa FROM local_ledger", |row| {
                Ok(LedgerRow {
                    subject: Subject(row.get(0)?),
                    key: row.get(1)?,
                    rule: row.get(2)?,
                    code: row.get(3)?,
                    owner: owner(row, 4)?,
                    paisa: row.get(5)?,
                })
            })?;
        Ok(())
    }

    /// Whether the certificate lets the edge hold this scope.
    pub(super) fn may_read(&self, scope: &Subject) -> bool {
        self.seat.may(bits::READ, scope)
    }

    /// Own bursts that central has not acknowledged.
    pub(super) fn unsent(&self) -> impl Iterator<Item = &BurstRow> {
        self.bursts.iter().filter(|burst| burst.author == self.author && burst.seq > self.safe_upto(&burst.inc))
    }

    /// How far central acknowledged an own incarnation.
    pub(super) fn safe_upto(&self, inc: &Incarnation) -> u64 {
        self.safe.get(inc).copied().unwrap_or(0)
    }

    /// Ops that this edge authored.
    pub(super) fn own_ops(&self) -> impl Iterator<Item = &OpRow> {
        self.ops.values().filter(|op| op.held.author == self.author)
    }
}

fn owner(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Subject>> {
    Ok(row.get::<_, Option<[u8; 17]>>(index)?.map(Subject))
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map([], read)?.collect()
}
