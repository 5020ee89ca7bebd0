//! Closing: what is settled, and was left alone for long enough, leaves every device.
//!
//! A Close names one subject in one scope, and what the subject leaves on accounts, so that whoever lets go of it keeps
//! his balances. Nothing is final: a late fact on a closed subject is taken like any other, and the intake puts the
//! subject back where it was (`protocol::intake`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::decide::Draft;
use protocol::fact::{Carry, Close, Fact};
use protocol::id::{Kind, Scope, Subject};
use protocol::taka::Taka;
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use crate::clock::Clock;
use crate::intake::{Decided, Deciding, Decision, Intake, IntakeError};
use crate::ledger::paisa;
use crate::store::{signed, unsigned};

/// Subjects of one run: bounds how long the lock is held.
pub const AT_ONCE: i64 = 64;
/// A beacon an hour.
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Sends beacons and closes what is due, for as long as the process lives. Several may run on one database.
pub async fn keep(pool: PgPool, intake: Intake, clock: Clock, after_days: u32) {
    loop {
        tokio::time::sleep(LOOK).await;
        let ticked = match tick(&pool, clock.now_ms()).await {
            Ok(ticked) => ticked,
            Err(error) => {
                tracing::warn!(%error, "the beacon cannot be written; trying again");
                continue;
            }
        };
        if !ticked || after_days == 0 {
            continue;
        }
        let before = clock.now_ms().saturating_sub(u64::from(after_days) * DAY_MS);
        if let Err(error) = close_all(&pool, &intake, before).await {
            tracing::warn!(%error, "nothing could be closed; trying again in an hour");
        }
    }
}

/// Writes the next beacon when an hour of central's time is over; `true` when it did.
///
/// # Errors
/// The database's.
pub async fn tick(pool: &PgPool, now_ms: u64) -> Result<bool, sqlx::Error> {
    // As many as hours have passed: a database that was restored comes to the number that devices have heard.
    let written = sqlx::query(
        "INSERT INTO beacon (number, position, at_ms)
         SELECT coalesce(last.number, 0) + greatest(1, ($1 - coalesce(last.at_ms, $1)) / $2), log_head.position, $1
         FROM log_head LEFT JOIN (SELECT number, at_ms FROM beacon ORDER BY number DESC LIMIT 1) AS last ON true
         WHERE last.at_ms IS NULL OR $1 - last.at_ms >= $2 ON CONFLICT DO NOTHING",
    )
    .bind(signed(now_ms))
    .bind(signed(HOUR_MS))
    .execute(pool)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// Closes all that is settled and was not touched since `before_ms`; returns how many subjects.
///
/// # Errors
/// See [`IntakeError`]; what was closed until then stays closed.
pub async fn close_all(pool: &PgPool, intake: &Intake, before_ms: u64) -> Result<u64, IntakeError> {
    let (position,): (Option<i64>,) = sqlx::query_as("SELECT max(position) FROM beacon WHERE at_ms <= $1")
        .bind(signed(before_ms))
        .fetch_one(pool)
        .await?;
    let Some(position) = position else { return Ok(0) };
    let mut closed = 0;
    loop {
        let some = close_some(intake, unsigned(position)).await?;
        closed += some;
        if some == 0 {
            break;
        }
    }
    if closed > 0 {
        metrics::counter!("subjects_closed_total").increment(closed);
        tracing::info!(closed, "settled subjects are closed");
    }
    Ok(closed)
}

async fn close_some(intake: &Intake, position: u64) -> Result<u64, IntakeError> {
    let decision: Decision = Arc::new(move |conn: &mut PgConnection| -> Deciding<'_> {
        Box::pin(async move {
            let due = settled(&mut *conn, position).await?;
            let answer = due.len().to_string();
            Ok(Decided { drafts: drafts(&mut *conn, due).await?, extra: None, answer })
        })
    });
    let authored = intake.decide(decision).await?;
    Ok(authored.answer.parse().unwrap_or(0))
}

/// Open subjects that are done, and of which the last fact came at or before `position`, oldest first.
async fn settled(conn: &mut PgConnection, position: u64) -> Result<Vec<Subject>, sqlx::Error> {
    let rows: Vec<([u8; 17],)> = sqlx::query_as(
        "SELECT m.subject FROM (
            SELECT subject, min(position) AS position FROM member
             WHERE put_gen > close_gen AND position <= $1 GROUP BY subject) AS m
         WHERE (
            EXISTS (SELECT 1 FROM view_parcel v WHERE v.subject = m.subject AND v.settled AND NOT v.contested
                AND v.status IN ('delivered', 'collected', 'returned', 'cancelled', 'rejected'))
            OR EXISTS (SELECT 1 FROM view_handin v WHERE v.subject = m.subject AND v.state IN ('counted', 'short', 'over')
                AND NOT v.contested AND NOT v.incomplete AND NOT v.newer)
            OR EXISTS (SELECT 1 FROM view_shift v WHERE v.subject = m.subject AND v.state = 'closed'
                AND NOT v.contested AND NOT v.incomplete AND NOT v.newer)
            OR EXISTS (SELECT 1 FROM view_refund v WHERE v.subject = m.subject AND v.state IN ('given', 'paid', 'withdrawn')
                AND NOT v.contested AND NOT v.incomplete AND NOT v.newer)
            OR EXISTS (SELECT 1 FROM view_earning v JOIN view_payout_line l ON l.earning = v.subject
                JOIN view_payout p ON p.subject = l.payout
                WHERE v.subject = m.subject AND p.confirmed_by IS NOT NULL AND NOT v.incomplete AND NOT v.newer))
           AND NOT EXISTS (SELECT 1 FROM op WHERE op.subject = m.subject AND op.position > $1)
           AND NOT EXISTS (SELECT 1 FROM exception e WHERE e.subject = m.subject)
           AND NOT EXISTS (SELECT 1 FROM return_request q WHERE q.earning = m.subject AND q.state = 'asked')
         ORDER BY m.position LIMIT $2",
    )
    .bind(signed(position))
    .bind(AT_ONCE)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(subject,)| Subject(subject)).collect())
}

/// A Close for each scope that each of these is open in; the note and the address of a parcel go with it.
async fn drafts(conn: &mut PgConnection, due: Vec<Subject>) -> Result<Vec<Draft>, sqlx::Error> {
    let parcels = due.iter().copied().filter(|subject| subject.kind() == Some(Kind::Parcel));
    let beside: Vec<Subject> =
        parcels.flat_map(|parcel| [Subject::note_of(parcel), Subject::address_of(parcel)]).collect();
    let subjects: Vec<[u8; 17]> = due.into_iter().chain(beside).map(|subject| subject.0).collect();
    let open: Vec<([u8; 17], [u8; 17], i64)> = sqlx::query_as(
        "SELECT scope, subject, put_gen FROM member WHERE subject = ANY($1) AND put_gen > close_gen
         ORDER BY subject, scope",
    )
    .bind(&subjects)
    .fetch_all(&mut *conn)
    .await?;
    let left: Vec<([u8; 17], i32, Option<[u8; 17]>, i64)> = sqlx::query_as(
        "SELECT j.subject, p.account_code, p.owner, sum(p.amount_paisa)::bigint
         FROM journal_log j JOIN posting p ON p.position = j.position WHERE j.subject = ANY($1)
         GROUP BY j.subject, p.account_code, p.owner HAVING sum(p.amount_paisa) <> 0
         ORDER BY j.subject, p.account_code, p.owner",
    )
    .bind(&subjects)
    .fetch_all(conn)
    .await?;
    let mut carries: BTreeMap<Subject, Vec<Carry>> = BTreeMap::new();
    for (subject, code, owner, net) in left {
        let carry = Carry { code: u16::try_from(code).unwrap_or_default(), owner: owner.map(Subject), net: paisa(net) };
        carries.entry(Subject(subject)).or_default().push(carry);
    }
    let close = |(scope, subject, generation): ([u8; 17], [u8; 17], i64)| {
        let (scope, subject): (Scope, Subject) = (Subject(scope), Subject(subject));
        let generation = u32::try_from(generation).unwrap_or(u32::MAX);
        let carry = carries.get(&subject).cloned().unwrap_or_default();
        debug_assert!(carry.iter().map(|left| left.net).sum::<Taka>() == Taka::ZERO);
        Draft { subject: scope, fact: Fact::Close(Close { generation, subjects: vec![subject], carry }) }
    };
    Ok(open.into_iter().map(close).collect())
}
