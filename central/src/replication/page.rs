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
    /// How everything stands at `upto`; only on the last page.
    pub standing: Option<Standing>,
}

/// How everything that a seat may read stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Roots of every set.
    pub roots: Vec<(Scope, u8, Root)>,
    /// [`protocol::books::digest`] of the journal log over the open member subjects.
    pub books: [u8; 16],
    /// The position at which anything last happened there, and the journals of all: while both are the same, so is
    /// the rest.
    at: (u64, u64),
}

/// How much a page may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Ops.
    pub ops: u32,
    /// Bytes of bursts, about.
    pub bytes: usize,
    /// Where to look for them; `None`: where it costs less.
    pub from: Option<Source>,
    /// Positions of the log that are looked through at once, at least.
    pub window: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ops: PAGE_OPS, bytes: usize::MAX, from: None, window: 128 }
    }
}

/// Where what is due is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the device's open subjects: a page costs as much as they are.
    Subjects,
    /// In the log behind the cursor, whoever wrote it: all pages together cost as much as it is long.
    Log,
}

impl Source {
    /// The cheaper way for a device that is `behind` by so many positions and holds `held` ops. A look into the log is
    /// two by key, at the op and at its subject; one into the subjects comes again with every page.
    fn cheaper(behind: u64, held: u64, limits: Limits) -> Self {
        let pages = held.min(behind).div_ceil(u64::from(limits.ops).max(1));
        let log = behind <= limits.window || behind.saturating_mul(2) <= held.saturating_mul(pages);
        if log { Self::Log } else { Self::Subjects }
    }
}

/// Positions that are looked through at once, at most: what is read and left.
const WIDEST_WINDOW: u64 = 65_536;

/// Windows without anything for the device that one page looks through. Behind them it ends empty, and tells how far it
/// came: a device that heard nothing for as long as a long log takes would begin anew.
const WINDOWS: usize = 8;

/// How many positions hold about a page for a device that holds so much of what it is behind.
fn window(behind: u64, held: u64, limits: Limits) -> u64 {
    let page = u64::from(limits.ops).saturating_mul(behind) / held.max(1);
    page.saturating_add(page / 4).min(WIDEST_WINDOW).max(limits.window).max(1)
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

/// From the log behind the cursor, up to $7: what came, and what was put there.
const FROM_LOG: &str = concat!(
    "WITH r AS MATERIALIZED (SELECT * FROM unnest($1::bytea[], $2::bytea[]) AS r(low, high)),
     fresh AS MATERIALIZED (
        SELECT id, subject, position, author, octet_length(bytes) AS length, digest FROM op WHERE position > $3 AND position <= $7),
     looked AS MATERIALIZED (SELECT subject FROM fresh UNION SELECT put.subject FROM r, LATERAL (
        SELECT root.scope FROM root WHERE root.scope BETWEEN r.low AND r.high AND root.lane = 0 OFFSET 0) AS scopes,
        LATERAL (SELECT member.subject FROM member
            WHERE member.scope = scopes.scope AND member.position > $3 AND member.position <= $7 OFFSET 0) AS put),
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
            OFFSET 0) AS o WHERE m.position > $3 AND m.position <= $7 AND o.position < m.position
        UNION ALL
        SELECT f.id, f.position, f.position, f.author, f.length, f.digest
          FROM fresh f JOIN r ON f.subject BETWEEN r.low AND r.high),",
    next!(),
);

/// What `seat` does not have after `after`, as much as `limits` allow and one op at least, unless a long part of the log
/// has nothing for it. `known` is how everything
/// stood at the end of an earlier page of the same seat.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn page(
    pool: &PgPool,
    seat: &Seat,
    author: Author,
    after: Told,
    limits: Limits,
    known: Option<&Standing>,
) -> Result<Page, ReplicationError> {
    let mut tx = snapshot(pool).await?;
    let head = store::log_head(&mut tx).await?;
    let readable = Ranges::of(seat, bits::READ);
    let (moved, held) = readable_sets(&mut tx, &readable).await?;
    let (mut rows, mut end): (Vec<Due>, u64) = (Vec::new(), head.position);
    if moved > after.position {
        let behind = head.position.saturating_sub(after.position);
        let from = limits.from.unwrap_or_else(|| Source::cheaper(behind, held, limits));
        let window = window(behind, held, limits);
        let mut told = after;
        for _ in 0..WINDOWS {
            end = if from == Source::Log { head.position.min(told.position + window) } else { head.position };
            rows = due(&mut tx, &readable, author, (told, end, from), limits.ops).await?;
            if !rows.is_empty() || end == head.position {
                break;
            }
            told = Told { position: end, within: 0 };
        }
    }
    let fits = fitting(&rows, limits.bytes);
    let full = fits < rows.len() || rows.len() >= usize::try_from(limits.ops).unwrap_or(usize::MAX);
    rows.truncate(fits);
    let upto = match rows.last() {
        // What falls due at one position may be more than a page: the cursor stands within it.
        Some((_, at, position, ..)) if full => Told { position: unsigned(*at - 1), within: unsigned(*position) },
        _ => Told { position: end, within: 0 },
    };
    let more = full || end < head.position;
    let ids: Vec<[u8; 32]> = rows.into_iter().map(|(id, ..)| id).collect();
    let parcel = Parcelled::of(&mut tx, seat, &ids).await?;
    let at = (moved, head.journals);
    let standing = match known.filter(|known| known.at == at) {
        _ if more => None,
        Some(known) => Some(known.clone()),
        None => {
            let books = protocol::books::digest(&subject_books(&mut tx, &readable).await?);
            Some(Standing { roots: roots(&mut tx, &readable).await?, books, at })
        }
    };
    Ok(Page { parcel, upto, more, beacon: head.beacon, standing })
}

async fn due(
    conn: &mut PgConnection,
    readable: &Ranges,
    author: Author,
    (after, end, from): (Told, u64, Source),
    most: u32,
) -> Result<Vec<Due>, sqlx::Error> {
    let query = match from {
        Source::Subjects => sqlx::query_as(FROM_SUBJECTS),
        Source::Log => sqlx::query_as(FROM_LOG),
    };
    let query = query.bind(&readable.low).bind(&readable.high).bind(signed(after.position));
    let query = query.bind(author.0).bind(signed(after.within)).bind(i64::from(most));
    match from {
        Source::Subjects => query,
        Source::Log => query.bind(signed(end)),
    }
    .fetch_all(conn)
    .await
}

/// The log position at which anything last happened in these scopes (at or before a cursor, nothing is due), and the
/// ops of all their sets.
async fn readable_sets(conn: &mut PgConnection, readable: &Ranges) -> Result<(u64, u64), sqlx::Error> {
    let (moved, held): (i64, i64) = sqlx::query_as(
        "SELECT coalesce(max(known.moved), 0), coalesce(sum(known.count), 0)::bigint
         FROM unnest($1::bytea[], $2::bytea[]) AS r(low, high), LATERAL (
            SELECT root.moved, root.count FROM root WHERE root.scope BETWEEN r.low AND r.high OFFSET 0) AS known",
    )
    .bind(&readable.low)
    .bind(&readable.high)
    .fetch_one(conn)
    .await?;
    Ok((unsigned(moved), unsigned(held)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_looked_for_where_it_costs_less() {
        let limits = Limits::default();
        for (behind, held, cheaper) in [
            // Back after a minute, with little or much.
            (100, 0, Source::Log),
            (100, 1_000_000, Source::Log),
            // A first sync of nearly everything; of little among much.
            (10_000, 10_000, Source::Log),
            (1_000_000, 1_000_000, Source::Log),
            (1_000_000, 100, Source::Subjects),
            (1_000_000, 10_000, Source::Subjects),
        ] {
            assert_eq!(Source::cheaper(behind, held, limits), cheaper, "{held} of {behind}");
        }
        assert_eq!(window(10_000, 10_000, limits), u64::from(PAGE_OPS) * 5 / 4);
        assert_eq!(window(1_000_000_000, 1, limits), WIDEST_WINDOW);
        assert_eq!((window(0, 0, limits), window(50, 1_000, limits)), (128, 128));
    }
}
