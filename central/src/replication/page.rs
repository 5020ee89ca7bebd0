//! The delta of a device: what it does not have yet, in the order in which it falls due.

use std::collections::BTreeSet;

use protocol::id::{Author, Scope};
use protocol::root::Root;
use protocol::seat::{Seat, bits};
use protocol::session::hub::{PAGE_OPS, Told};
use sqlx::postgres::{PgConnection, PgPool};

use super::{Parcelled, Ranges, ReplicationError, roots, snapshot, subject_books};
use crate::store::{self, signed, unsigned};

/// A part of what a device does not have yet.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The ops, in log order.
    pub parcel: Parcelled,
    /// Up to where the device is told after this page.
    pub upto: Told,
    /// Ask again with `upto`.
    pub more: bool,
    /// The newest beacon; 0 before the first.
    pub beacon: u64,
    /// Roots of every set the seat may read at `upto`; only on the last page.
    pub roots: Vec<(Scope, u8, Root)>,
    /// [`protocol::books::digest`] of the journal log over the seat's open member subjects at `upto`;
    /// zero but on the last page.
    pub books: [u8; 16],
}

/// How much a page may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Ops.
    pub ops: u32,
    /// Bytes of bursts, about.
    pub bytes: usize,
    /// A device that is behind by no more positions is answered from the end of the log, at a cost that follows what
    /// came; one that is behind by more from its own open subjects, at a cost that follows them.
    pub near: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ops: PAGE_OPS, bytes: usize::MAX, near: 128 }
    }
}

/// Bytes of a burst that holds one op, without it: head, signature, and how slots are written.
const BURST_BYTES: i64 = 120;
/// Bytes of a slot that is withheld.
const WITHHELD_BYTES: i64 = 33;

/// An op that is due: its id, where it falls due, its position, bytes, and the burst with its slots.
type Due = ([u8; 32], i64, i64, i32, [u8; 32], i32);

/// What is due, of `due`: an op is, at its own position, or when its subject first became readable, whichever is
/// later.
macro_rules! next {
    () => {
        " next AS (SELECT DISTINCT id, at, position, length, digest FROM due
            WHERE at > $3 AND author <> $4 AND (at > $3 + 1 OR position > $5) ORDER BY at, position LIMIT $6)
         SELECT id, at, position, length, digest, slots.slots
         FROM next, LATERAL (SELECT octet_length(burst.ids) / 32 AS slots FROM burst WHERE burst.digest = next.digest
            OFFSET 0) AS slots
         ORDER BY at, position"
    };
}

/// From the device's open subjects.
const FROM_SUBJECTS: &str = concat!(
    "WITH ",
    open_members!(),
    ", due AS (
        SELECT o.id, greatest(o.position, m.position) AS at, o.position, o.author, o.length, o.digest FROM m, LATERAL (
            SELECT id, position, author, octet_length(bytes) AS length, digest FROM op WHERE op.subject = m.subject
            OFFSET 0) AS o
        UNION ALL
        SELECT o.id, o.position, o.position, o.author, o.length, o.digest FROM scopes, LATERAL (
            SELECT id, position, author, octet_length(bytes) AS length, digest FROM op
             WHERE op.subject = scopes.scope AND op.position > $3 OFFSET 0) AS o),",
    next!(),
);

/// From the end of the log: what came, and what was put since.
const FROM_LOG: &str = concat!(
    "WITH r AS MATERIALIZED (SELECT * FROM unnest($1::bytea[], $2::bytea[]) AS r(low, high)),
     fresh AS MATERIALIZED (
        SELECT id, subject, position, author, octet_length(bytes) AS length, digest FROM op WHERE position > $3),
     looked AS MATERIALIZED (SELECT subject FROM fresh UNION SELECT put.subject FROM r, LATERAL (
        SELECT root.scope FROM root WHERE root.scope BETWEEN r.low AND r.high AND root.lane = 0 OFFSET 0) AS scopes,
        LATERAL (SELECT member.subject FROM member
            WHERE member.scope = scopes.scope AND member.position > $3 OFFSET 0) AS put),
     m AS MATERIALIZED (SELECT looked.subject, min(open.position) AS position FROM looked, LATERAL (
        SELECT member.scope, member.position FROM member
         WHERE member.subject = looked.subject AND member.put_gen > member.close_gen OFFSET 0) AS open
        JOIN r ON open.scope BETWEEN r.low AND r.high GROUP BY looked.subject),
     due AS (
        SELECT f.id, f.position AS at, f.position, f.author, f.length, f.digest FROM fresh f JOIN m USING (subject)
         WHERE f.position >= m.position
        UNION ALL
        SELECT o.id, m.position, o.position, o.author, o.length, o.digest FROM m, LATERAL (
            SELECT id, position, author, octet_length(bytes) AS length, digest FROM op WHERE op.subject = m.subject
            OFFSET 0) AS o WHERE m.position > $3 AND o.position < m.position
        UNION ALL
        SELECT f.id, f.position, f.position, f.author, f.length, f.digest
          FROM fresh f JOIN r ON f.subject BETWEEN r.low AND r.high),",
    next!(),
);

/// What `seat` does not have after `after`: at least one op, then as many as `limits` allow.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn page(
    pool: &PgPool,
    seat: &Seat,
    author: Author,
    after: Told,
    limits: Limits,
) -> Result<Page, ReplicationError> {
    let mut tx = snapshot(pool).await?;
    let head = store::log_head(&mut tx).await?;
    let readable = Ranges::of(seat, bits::READ);
    let moved = moved(&mut tx, &readable).await?;
    let mut rows: Vec<Due> = Vec::new();
    if moved > after.position {
        let near = head.position.saturating_sub(after.position) <= limits.near;
        rows = sqlx::query_as(if near { FROM_LOG } else { FROM_SUBJECTS })
            .bind(&readable.low)
            .bind(&readable.high)
            .bind(signed(after.position))
            .bind(author.0)
            .bind(signed(after.within))
            .bind(i64::from(limits.ops))
            .fetch_all(&mut *tx)
            .await?;
    }
    let fits = fitting(&rows, limits.bytes);
    let more = fits < rows.len() || rows.len() >= usize::try_from(limits.ops).unwrap_or(usize::MAX);
    rows.truncate(fits);
    let upto = match rows.last() {
        // What falls due at one position may be more than a page: the cursor stands within it.
        Some((_, at, position, ..)) if more => Told { position: unsigned(*at - 1), within: unsigned(*position) },
        _ => Told { position: head.position, within: 0 },
    };
    let ids: Vec<[u8; 32]> = rows.into_iter().map(|(id, ..)| id).collect();
    let parcel = Parcelled::of(&mut tx, seat, &ids).await?;
    let (mut set_roots, mut books) = (Vec::new(), [0; 16]);
    if !more {
        set_roots = roots(&mut tx, &readable).await?;
        books = protocol::books::digest(&subject_books(&mut tx, &readable).await?);
    }
    Ok(Page { parcel, upto, more, beacon: head.beacon, roots: set_roots, books })
}

/// The log position at which anything last happened in these scopes: at or before a cursor, nothing is due.
async fn moved(conn: &mut PgConnection, readable: &Ranges) -> Result<u64, sqlx::Error> {
    let (moved,): (i64,) = sqlx::query_as(
        "SELECT coalesce(max(known.moved), 0) FROM unnest($1::bytea[], $2::bytea[]) AS r(low, high), LATERAL (
            SELECT root.moved FROM root WHERE root.scope BETWEEN r.low AND r.high OFFSET 0) AS known",
    )
    .bind(&readable.low)
    .bind(&readable.high)
    .fetch_one(conn)
    .await?;
    Ok(unsigned(moved))
}

/// How many of these ops, one at least, travel in about so many bytes.
fn fitting(rows: &[Due], bytes: usize) -> usize {
    let most = i64::try_from(bytes).unwrap_or(i64::MAX);
    let (mut sum, mut bursts) = (0, BTreeSet::new());
    let over = rows.iter().position(|(_, _, _, length, digest, slots)| {
        let opened = bursts.insert(*digest);
        let burst = if opened { BURST_BYTES + WITHHELD_BYTES * i64::from(slots - 1) } else { -WITHHELD_BYTES };
        sum += i64::from(*length) + burst;
        sum > most
    });
    over.map_or(rows.len(), |at| at.max(1))
}
