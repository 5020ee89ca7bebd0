//! Writes what a batch did: all of it in the caller's transaction, or nothing.

use std::collections::BTreeSet;

use protocol::burst::ChainPlace;
use protocol::id::{Digest, Scope, Subject};
use protocol::intake::{BurstRow, Desk, Taken};
use sqlx::postgres::PgConnection;

use super::copy::Rows;
use super::{LogHead, StoreError, signed};
use crate::ledger;
use crate::views::{self, Noted};

/// Writes `taken` behind `head`, and moves the head on. `desk` is what it was taken on; `now_ms` is
/// central's clock.
pub(crate) async fn taken(
    conn: &mut PgConnection,
    head: &mut LogHead,
    desk: &Desk,
    taken: &Taken,
    now_ms: u64,
) -> Result<(), StoreError> {
    let start = head.position;
    bursts(conn, desk, taken).await?;
    ops(conn, taken, start).await?;
    head.position += taken.ops.len() as u64;
    chains(conn, taken).await?;
    members(conn, desk, taken, start).await?;
    roots(conn, taken, head.position).await?;
    revocations(conn, taken, start).await?;
    refused(conn, taken, head.position).await?;
    ledger::append(conn, head, &taken.entries, now_ms).await?;
    views::write(conn, &taken.folded).await?;
    views::note(conn, &noted(taken, start)).await?;
    views::watch_custody(conn, &watched(desk, taken)).await?;
    ends(conn, head, taken.place.as_ref()).await?;
    count(conn, taken).await?;
    Ok(())
}

async fn bursts(conn: &mut PgConnection, desk: &Desk, taken: &Taken) -> Result<(), sqlx::Error> {
    let answered = |digest: &Digest| taken.answered.get(digest).copied().unwrap_or_default().cast_signed();
    let fresh = &taken.bursts;
    if !fresh.is_empty() {
        let ids = |row: &BurstRow| row.ids.iter().flat_map(|id| id.0).collect::<Vec<u8>>();
        sqlx::query(
            "INSERT INTO burst (digest, author, inc, seq, head, sig, ids, answered)
             SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[],
                                  $7::bytea[], $8::bigint[])
             ON CONFLICT DO NOTHING",
        )
        .bind(fresh.iter().map(|row| row.digest.0).collect::<Vec<_>>())
        .bind(fresh.iter().map(|row| row.burst.head.author.0).collect::<Vec<_>>())
        .bind(fresh.iter().map(|row| row.burst.head.inc.0).collect::<Vec<_>>())
        .bind(fresh.iter().map(|row| signed(row.burst.head.seq)).collect::<Vec<_>>())
        .bind(fresh.iter().map(|row| row.burst.head.encode()).collect::<Vec<_>>())
        .bind(fresh.iter().map(|row| row.burst.sig).collect::<Vec<_>>())
        .bind(fresh.iter().map(ids).collect::<Vec<_>>())
        .bind(fresh.iter().map(|row| answered(&row.digest)).collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?;
    }
    let more: Vec<(&Digest, u64)> = desk
        .bursts
        .iter()
        .filter_map(|(digest, held)| {
            Some((digest, *taken.answered.get(digest)?)).filter(|(_, now)| *now != held.answered)
        })
        .collect();
    if !more.is_empty() {
        sqlx::query(
            "UPDATE burst SET answered = u.answered
             FROM unnest($1::bytea[], $2::bigint[]) AS u(digest, answered) WHERE burst.digest = u.digest",
        )
        .bind(more.iter().map(|(digest, _)| digest.0).collect::<Vec<_>>())
        .bind(more.iter().map(|(_, answered)| answered.cast_signed()).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// All of them are new: those that are held were loaded, and [`protocol::intake::take`] left them out.
async fn ops(conn: &mut PgConnection, taken: &Taken, start: u64) -> Result<(), sqlx::Error> {
    if taken.ops.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(13);
    for (index, op) in taken.ops.iter().enumerate() {
        let held = &op.held;
        rows.row().bytes(&held.id.0).bigint(position(start, index)).bytes(&op.digest.0).smallint(i16::from(op.slot));
        rows.bytes(&op.subject.0).integer(i32::from(op.class_kind)).smallint(i16::from(op.lane));
        rows.bigint(signed(held.time_ms)).bytes(&held.author.0).bytes(&held.inc.0).bigint(signed(held.seq));
        rows.bytes(&held.bytes).bytes_or_null(held.apart.as_deref().map(str::as_bytes));
    }
    let statement =
        "COPY op (id, position, digest, slot, subject, class_kind, lane, time_ms, author, inc, seq, bytes, apart)
         FROM STDIN (FORMAT binary)";
    rows.send(conn, statement).await
}

/// The position of the op at an index of a batch that begins behind `start`.
fn position(start: u64, index: usize) -> i64 {
    signed(start + 1 + index as u64)
}

async fn chains(conn: &mut PgConnection, taken: &Taken) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = taken.chains.iter().collect();
    let highest = |chain: &protocol::intake::Chain| {
        signed(chain.beyond.keys().next_back().copied().unwrap_or_default().max(chain.upto))
    };
    sqlx::query(
        "INSERT INTO chain (author, inc, upto, highest, forked)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bool[])
         ON CONFLICT (author, inc) DO UPDATE
            SET upto = excluded.upto, highest = excluded.highest, forked = excluded.forked",
    )
    .bind(rows.iter().map(|((author, _), _)| author.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|((_, inc), _)| inc.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, chain)| signed(chain.upto)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, chain)| highest(chain)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, chain)| chain.forked).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// A membership keeps the position at which it last opened or closed: a repeated Put does not send
/// the subject again.
async fn members(conn: &mut PgConnection, desk: &Desk, taken: &Taken, start: u64) -> Result<(), sqlx::Error> {
    let is_new = |(scope, subject): &(Scope, Subject)| {
        desk.members.get(subject).is_some_and(|scopes| !scopes.contains_key(scope))
    };
    let (fresh, rows): (Vec<_>, Vec<_>) = taken.members.iter().partition(|(key, _)| is_new(key));
    if !fresh.is_empty() {
        let mut new = Rows::of(5);
        for ((scope, subject), (generations, index)) in fresh {
            new.row().bytes(&scope.0).bytes(&subject.0);
            new.bigint(i64::from(generations.put)).bigint(i64::from(generations.close));
            new.bigint(position(start, *index));
        }
        let statement = "COPY member (scope, subject, put_gen, close_gen, position) FROM STDIN (FORMAT binary)";
        new.send(&mut *conn, statement).await?;
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO member (scope, subject, put_gen, close_gen, position)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[])
         ON CONFLICT (scope, subject) DO UPDATE SET put_gen = excluded.put_gen, close_gen = excluded.close_gen,
            position = CASE WHEN (member.put_gen > member.close_gen) = (excluded.put_gen > excluded.close_gen)
                            THEN member.position ELSE excluded.position END",
    )
    .bind(rows.iter().map(|((scope, _), _)| scope.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|((_, subject), _)| subject.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, (generations, _))| i64::from(generations.put)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, (generations, _))| i64::from(generations.close)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, (_, index))| position(start, *index)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

async fn roots(conn: &mut PgConnection, taken: &Taken, moved: u64) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = taken.roots.iter().collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO root (scope, lane, count, sum, moved)
         SELECT *, $5 FROM unnest($1::bytea[], $2::smallint[], $3::bigint[], $4::bytea[])
         ON CONFLICT (scope, lane) DO UPDATE SET count = excluded.count, sum = excluded.sum, moved = excluded.moved",
    )
    .bind(rows.iter().map(|((scope, _), _)| scope.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|((_, lane), _)| i16::from(*lane)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, root)| signed(root.count)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, root)| root.sum_bytes()).collect::<Vec<_>>())
    .bind(signed(moved))
    .execute(&mut *conn)
    .await?;
    if rows.iter().any(|(_, root)| root.count == 0) {
        sqlx::query("DELETE FROM root WHERE count = 0").execute(conn).await?;
    }
    Ok(())
}

async fn revocations(conn: &mut PgConnection, taken: &Taken, start: u64) -> Result<(), sqlx::Error> {
    for (index, row) in taken.ops.iter().enumerate() {
        let Some(revoked) = revocation(row) else { continue };
        sqlx::query(
            "INSERT INTO revocation (op, author, revoked, position) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(row.held.id.0)
        .bind(revoked.author.0)
        .bind(protocol::cbor::encode(&revoked))
        .bind(position(start, index))
        .execute(&mut *conn)
        .await?;
        sqlx::query("UPDATE seat SET revoked_at = now() WHERE author = $1 AND revoked_at IS NULL")
            .bind(revoked.author.0)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

fn revocation(row: &protocol::intake::OpRow) -> Option<protocol::fact::Revoked> {
    use protocol::fact::{Fact, Reading};
    if row.held.apart.is_some() || !row.subject.is_scope() {
        return None;
    }
    let op = protocol::op::Op::decode(&row.held.bytes).ok()?;
    match Fact::read(op.class_kind, &op.payload) {
        Reading::Known(Fact::Revoked(revoked)) => Some(revoked),
        _ => None,
    }
}

async fn refused(conn: &mut PgConnection, taken: &Taken, at: u64) -> Result<(), sqlx::Error> {
    let rows = &taken.refused;
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO refused_slot (digest, slot, author, inc, seq, code, position)
         SELECT u.*, $7 FROM unnest($1::bytea[], $2::smallint[], $3::bytea[], $4::bytea[], $5::bigint[], $6::text[]) AS u
         ON CONFLICT DO NOTHING",
    )
    .bind(rows.iter().map(|row| row.digest.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| i16::from(row.slot)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.at.0.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.at.1.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| signed(row.at.2)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.code).collect::<Vec<_>>())
    .bind(signed(at))
    .execute(&mut *conn)
    .await?;
    refused_exceptions(conn, Some(rows.iter().map(|row| row.digest.0).collect())).await
}

/// Refused slots (of these bursts, or of all) as exceptions: of the seat, with digest and slot as the cause.
pub(crate) async fn refused_exceptions(
    conn: &mut PgConnection,
    digests: Option<Vec<[u8; 32]>>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO exception (subject, kind, cause, code, opened_position)
         SELECT author, 'refused', digest || set_byte('\\x00'::bytea, 0, slot), code, position FROM refused_slot
         WHERE $1::bytea[] IS NULL OR digest = ANY($1)
         ON CONFLICT DO NOTHING",
    )
    .bind(digests)
    .execute(conn)
    .await?;
    Ok(())
}

fn noted(taken: &Taken, start: u64) -> Vec<Noted<'_>> {
    let mut noted = Vec::with_capacity(taken.ops.len());
    for (position, row) in (start + 1..).zip(&taken.ops) {
        let (bytes, apart) = (row.held.bytes.as_slice(), row.held.apart.as_deref());
        noted.push(Noted { id: row.held.id, subject: row.subject, author: row.held.author, bytes, apart, position });
    }
    noted
}

/// Whose cash to look at again: owners of moved accounts, and everybody whose chain moved.
fn watched(desk: &Desk, taken: &Taken) -> Vec<[u8; 17]> {
    let postings = taken.entries.iter().flat_map(|entry| &entry.journal.postings);
    let owners = postings.filter(|posting| posting.account.code.is_watched()).filter_map(|p| p.account.owner);
    let parties = taken.chains.keys().filter_map(|(author, _)| Some(desk.seats.get(author)?.party));
    let all: BTreeSet<Subject> = owners.chain(parties).collect();
    all.into_iter().map(|subject| subject.0).collect()
}

async fn ends(conn: &mut PgConnection, head: &LogHead, place: Option<&ChainPlace>) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE log_head SET position = $1, journals = $2, journal_hash = $3, journal_ms = $4")
        .bind(signed(head.position))
        .bind(signed(head.journals))
        .bind(head.journal_hash)
        .bind(signed(head.journal_ms))
        .execute(&mut *conn)
        .await?;
    if let Some(place) = place {
        sqlx::query("UPDATE central_author SET seq = $1, prev = $2")
            .bind(signed(place.seq))
            .bind(place.prev.map(|digest| digest.0))
            .execute(conn)
            .await?;
    }
    Ok(())
}

async fn count(conn: &mut PgConnection, taken: &Taken) -> Result<(), sqlx::Error> {
    let counts = [
        ("ops_taken", taken.ops.len() as u64),
        ("duplicates_received", taken.duplicates),
        ("slots_refused", taken.refused.len() as u64),
        ("batches", 1),
    ];
    sqlx::query(
        "INSERT INTO counter (name, value) SELECT * FROM unnest($1::text[], $2::bigint[])
         ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value",
    )
    .bind(counts.iter().map(|(name, _)| *name).collect::<Vec<_>>())
    .bind(counts.iter().map(|(_, value)| signed(*value)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
