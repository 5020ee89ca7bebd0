//! One set, as a sync-hub asks for it: what joined it since a position, all of it in order, some of its
//! ops, or how it differs from a list of ids.

use std::collections::BTreeSet;

use protocol::id::{OpId, Scope, ShortId};
use protocol::ranges::Element;
use protocol::root::Root;
use protocol::seat::{Seat, bits};
use sqlx::postgres::{PgConnection, PgPool};

use super::{Parcelled, ReplicationError, snapshot};
use crate::store::{self, signed, unsigned};

/// Ops of a lane that one answer to a difference carries at most; the rest follows when the device
/// asks again. Bounds an answer's memory.
pub const MAX_DIFFERENCE_OPS: usize = 4_096;

/// How one set differs between central and a device.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What the device lacks.
    pub parcel: Parcelled,
    /// What central lacks.
    pub want: Vec<ShortId>,
    /// The log position of this answer.
    pub position: u64,
    /// The set's root at that position.
    pub root: Root,
}

/// Ids that joined a set, with its root to check them by.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The log position of this answer.
    pub position: u64,
    /// The set's root at that position.
    pub root: Root,
    /// What is in the set now and was not, or may not have been, at the position that was asked for.
    pub ids: Vec<OpId>,
}

/// What joined the set of (scope, lane) after position `since`; 0 gives all of it. What left it since is
/// not told: the root is that of the whole set.
///
/// # Errors
/// [`ReplicationError::NotYours`] for a scope the seat may not read.
pub async fn joined(
    pool: &PgPool,
    seat: &Seat,
    scope: Scope,
    lane: u8,
    since: u64,
) -> Result<Joined, ReplicationError> {
    readable(seat, scope)?;
    let mut tx = snapshot(pool).await?;
    let head = store::log_head(&mut tx).await?;
    let rows: Vec<([u8; 32],)> = sqlx::query_as(
        "SELECT op.id FROM member JOIN op ON op.subject = member.subject
          WHERE member.scope = $1 AND member.position > $3 AND member.put_gen > member.close_gen AND op.lane = $2
         UNION ALL
         SELECT op.id FROM op JOIN member ON member.subject = op.subject
          WHERE op.position > $3 AND op.lane = $2 AND member.scope = $1 AND member.position <= $3
            AND member.put_gen > member.close_gen
         UNION ALL
         SELECT id FROM op WHERE subject = $1 AND lane = $2 AND position > $3",
    )
    .bind(scope.0)
    .bind(i16::from(lane))
    .bind(signed(since))
    .fetch_all(&mut *tx)
    .await?;
    let root = root(&mut tx, scope, lane).await?;
    Ok(Joined { position: head.position, root, ids: rows.into_iter().map(|(id,)| OpId(id)).collect() })
}

/// All ops of the set of (scope, lane), by the time of their burst and then by id.
///
/// # Errors
/// [`ReplicationError::NotYours`] for a scope the seat may not read.
pub async fn elements(pool: &PgPool, seat: &Seat, scope: Scope, lane: u8) -> Result<Vec<Element>, ReplicationError> {
    readable(seat, scope)?;
    let mut tx = snapshot(pool).await?;
    let rows: Vec<(i64, [u8; 32])> = sqlx::query_as(
        "SELECT time_ms, id FROM (
            SELECT op.time_ms, op.id FROM member JOIN op ON op.subject = member.subject
             WHERE member.scope = $1 AND member.put_gen > member.close_gen AND op.lane = $2
            UNION ALL
            SELECT op.time_ms, op.id FROM op WHERE op.subject = $1 AND op.lane = $2) AS held
         ORDER BY time_ms, id",
    )
    .bind(scope.0)
    .bind(i16::from(lane))
    .fetch_all(&mut *tx)
    .await?;
    Ok(rows.into_iter().map(|(time_ms, id)| Element { time_ms: unsigned(time_ms), id: OpId(id) }).collect())
}

/// Those ops of the set of (scope, lane) that have these short ids.
///
/// # Errors
/// [`ReplicationError::NotYours`] for a scope the seat may not read.
pub async fn ops(
    pool: &PgPool,
    seat: &Seat,
    scope: Scope,
    lane: u8,
    ids: &[ShortId],
) -> Result<Parcelled, ReplicationError> {
    readable(seat, scope)?;
    let mut tx = snapshot(pool).await?;
    let bound = |id: &ShortId, fill: u8| {
        let mut bytes = [fill; 32];
        bytes[..8].copy_from_slice(&id.0);
        bytes
    };
    let rows: Vec<([u8; 32],)> = sqlx::query_as(
        "SELECT op.id FROM unnest($3::bytea[], $4::bytea[]) AS r(low, high) JOIN op ON op.id BETWEEN r.low AND r.high
         WHERE op.lane = $2 AND (op.subject = $1 OR EXISTS (
            SELECT 1 FROM member WHERE member.scope = $1 AND member.subject = op.subject
             AND member.put_gen > member.close_gen))",
    )
    .bind(scope.0)
    .bind(i16::from(lane))
    .bind(ids.iter().map(|id| bound(id, 0)).collect::<Vec<_>>())
    .bind(ids.iter().map(|id| bound(id, 0xff)).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    let ids: Vec<[u8; 32]> = rows.into_iter().map(|(id,)| id).collect();
    Ok(Parcelled::of(&mut tx, seat, &ids).await?)
}

/// How the set of (scope, lane) differs from the device's, of which `theirs` are all ids.
///
/// # Errors
/// [`ReplicationError::NotYours`] for a scope the seat may not read.
pub async fn difference(
    pool: &PgPool,
    seat: &Seat,
    scope: Scope,
    lane: u8,
    theirs: &[ShortId],
) -> Result<Difference, ReplicationError> {
    readable(seat, scope)?;
    let mut tx = snapshot(pool).await?;
    let head = store::log_head(&mut tx).await?;
    let rows: Vec<([u8; 32],)> = sqlx::query_as(
        "SELECT id FROM (
            SELECT op.id, op.position FROM member JOIN op ON op.subject = member.subject
             WHERE member.scope = $1 AND member.put_gen > member.close_gen AND op.lane = $2
            UNION ALL
            SELECT op.id, op.position FROM op WHERE op.subject = $1 AND op.lane = $2) AS held
         ORDER BY position",
    )
    .bind(scope.0)
    .bind(i16::from(lane))
    .fetch_all(&mut *tx)
    .await?;
    let ours: BTreeSet<ShortId> = rows.iter().map(|(id,)| OpId(*id).short()).collect();
    let theirs: BTreeSet<ShortId> = theirs.iter().copied().collect();
    let lacking = rows.iter().filter(|(id,)| !theirs.contains(&OpId(*id).short())).map(|(id,)| *id);
    let lacking: Vec<[u8; 32]> = lacking.take(MAX_DIFFERENCE_OPS).collect();
    let want = theirs.difference(&ours).copied().collect();
    let parcel = Parcelled::of(&mut tx, seat, &lacking).await?;
    let root = root(&mut tx, scope, lane).await?;
    Ok(Difference { parcel, want, position: head.position, root })
}

fn readable(seat: &Seat, scope: Scope) -> Result<(), ReplicationError> {
    if seat.may(bits::READ, &scope) { Ok(()) } else { Err(ReplicationError::NotYours(scope)) }
}

async fn root(conn: &mut PgConnection, scope: Scope, lane: u8) -> Result<Root, sqlx::Error> {
    let row: Option<(i64, [u8; 32])> = sqlx::query_as("SELECT count, sum FROM root WHERE scope = $1 AND lane = $2")
        .bind(scope.0)
        .bind(i16::from(lane))
        .fetch_optional(conn)
        .await?;
    Ok(row.map_or_else(Root::default, |(count, sum)| Root::from_parts(unsigned(count), &sum)))
}
