//! What people and places are called, for the devices that work with them: a counter knows its riders and the
//! sites it sends to, a rider knows his own name and his hub. Names travel beside the log, never in an op.

use protocol::id::{Kind, Scope, Subject};
use protocol::seat::{Role, Seat};
use sqlx::PgPool;

use crate::replication::ReplicationError;

/// Names of one device at most: more than any hub has riders and points.
const MAX_NAMES: i64 = 2_000;

/// The names that this seat is told, in order of the party.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn of(pool: &PgPool, seat: &Seat) -> Result<Vec<(Scope, String)>, ReplicationError> {
    // Both a rider's id and his site's begin with the same 8 bytes.
    let (low, high) = match seat.role() {
        Role::Site => (bound(Kind::Agent, seat, 0), bound(Kind::Agent, seat, 0xff)),
        Role::Agent => (seat.party.0, seat.party.0),
        Role::Vendor | Role::Central | Role::Hub => return Ok(Vec::new()),
    };
    let (own, own_end) = (bound(Kind::Site, seat, 0), bound(Kind::Site, seat, 0xff));
    let rows: Vec<([u8; 17], String)> = sqlx::query_as(
        "WITH own AS (SELECT subject, hub FROM site WHERE subject BETWEEN $3 AND $4)
         SELECT party, name FROM (
            SELECT DISTINCT ON (s.party) s.party, e.name FROM seat s JOIN enrolled e USING (author)
             WHERE s.party BETWEEN $1 AND $2 AND s.role = 'agent' AND s.revoked_at IS NULL
             ORDER BY s.party, s.issued_at DESC, s.author) AS riders
         UNION ALL
         SELECT subject, name FROM site
          WHERE subject IN (SELECT subject FROM own UNION SELECT hub FROM own)
             OR hub IN (SELECT subject FROM own UNION SELECT hub FROM own)
         ORDER BY 1 LIMIT $5",
    )
    .bind(low)
    .bind(high)
    .bind(own)
    .bind(own_end)
    .bind(MAX_NAMES)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(party, name)| (Subject(party), name)).collect())
}

/// The first or the last party of a kind at the seat's site.
fn bound(kind: Kind, seat: &Seat, fill: u8) -> [u8; 17] {
    let mut bytes = [fill; 17];
    bytes[0] = kind as u8;
    bytes[1..9].copy_from_slice(&seat.party.0[1..9]);
    bytes
}
