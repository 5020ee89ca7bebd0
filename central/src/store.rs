//! The rim of Postgres: connecting, migrating, seats, and central's place in its own chain.
//!
//! [`load`] reads what a batch touches, [`save`] writes what it did; both run under the intake lock.

use protocol::account::Code;
use protocol::burst::ChainPlace;
use protocol::fold::RULES;
use protocol::id::{Author, Digest, Incarnation};
use protocol::seat::{Certificate, Seat};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};

use crate::period::Month;

/// Connections to central's Postgres, under a name that the hub may say without knowing sqlx.
pub use sqlx::postgres::PgPool as Pool;

pub(crate) mod copy;
pub(crate) mod load;
pub(crate) mod save;

/// The one intake lock of a database: `getitint` as a number. Commit order is log position (SPEC S3).
const INTAKE_LOCK: i64 = 0x6765_7469_7469_6e74;
/// A caller waits this long for a connection before it gets an error, seconds: longer than the longest
/// batch, shorter than a session's patience.
const ACQUIRE_SECONDS: u64 = 20;
/// Name of the channel on which a committed batch is told.
pub(crate) const LOG_CHANNEL: &str = "getit_log";

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres said no.
    #[error("the database did not answer as expected: {0}; check that it runs and that database.url is right")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date: {0}; restore it, or run the newer program")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// No randomness.
    #[error("the operating system gave no random bytes: try again")]
    Random,
    /// A stored row is not what this program wrote.
    #[error("a stored {0} cannot be read: verify the database, and restore it if it was changed")]
    Damaged(&'static str),
    /// Central has never started on this database.
    #[error("central has not been set up on this database: start central first")]
    NotSetUp,
}

/// Connects.
///
/// # Errors
/// When Postgres does not answer.
pub async fn connect(url: &str, connections: u32) -> Result<PgPool, StoreError> {
    // Compiling a plan takes 50 ms, and every statement here finds a few rows by a key.
    let options = url.parse::<PgConnectOptions>()?.options([("jit", "off")]);
    let pool = PgPoolOptions::new().max_connections(connections);
    Ok(pool.acquire_timeout(std::time::Duration::from_secs(ACQUIRE_SECONDS)).connect_with(options).await?)
}

/// Brings the schema up to date; several processes may do so at once.
///
/// # Errors
/// See [`StoreError`].
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::migrate!("./migrations").run(pool).await?;
    let (codes, titles): (Vec<i32>, Vec<&str>) =
        Code::ALL.iter().map(|code| (i32::from(*code as u16), code.title())).unzip();
    sqlx::query("INSERT INTO chart (code, title) SELECT * FROM unnest($1::int[], $2::text[]) ON CONFLICT DO NOTHING")
        .bind(codes)
        .bind(titles)
        .execute(pool)
        .await?;
    sqlx::query(
        "INSERT INTO log_head (log_id, position, journals, journal_hash, rules) VALUES ($1, 0, 0, $2, $3)
         ON CONFLICT DO NOTHING",
    )
    .bind(random::<8>()?)
    .bind([0u8; 32])
    .bind(i32::try_from(RULES).unwrap_or(i32::MAX))
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether the database answers; what a readiness probe asks.
pub async fn answers(pool: &Pool) -> bool {
    sqlx::query("SELECT 1").execute(pool).await.is_ok()
}

/// Makes `certificate` the one central authors under. A new certificate, as a first one, begins a new
/// incarnation; the same one goes on where it was.
///
/// # Errors
/// See [`StoreError`].
pub async fn open_author(pool: &PgPool, certificate: &Certificate) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    lock(&mut tx).await?;
    add_seat(&mut tx, certificate, "central").await?;
    sqlx::query(
        "INSERT INTO central_author (certificate, inc, seq, prev) VALUES ($1, $2, 1, NULL)
         ON CONFLICT (one) DO UPDATE SET certificate = excluded.certificate, inc = excluded.inc, seq = 1, prev = NULL
         WHERE central_author.certificate <> excluded.certificate",
    )
    .bind(certificate.encode())
    .bind(random::<4>()?)
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// Records a seat. Recording it again changes nothing.
///
/// # Errors
/// When Postgres refuses, as for a key that another seat has.
pub async fn add_seat(
    conn: &mut PgConnection,
    certificate: &Certificate,
    device_name: &str,
) -> Result<(), sqlx::Error> {
    let seat = &certificate.seat;
    sqlx::query(
        "INSERT INTO seat (author, certificate, public_key, role, party, device_name, issued_at)
         VALUES ($1, $2, $3, $4, $5, $6, timestamptz 'epoch' + $7::bigint * interval '1 millisecond')
         ON CONFLICT (author) DO NOTHING",
    )
    .bind(certificate.author().0)
    .bind(certificate.encode())
    .bind(seat.key)
    .bind(seat.role().word())
    .bind(seat.party.0)
    .bind(device_name)
    .bind(signed(seat.issued_ms))
    .execute(conn)
    .await?;
    Ok(())
}

/// Waits for the intake lock, which the transaction then holds until it ends. What a batch reads it reads by
/// key; see [`by_key`].
pub(crate) async fn lock(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let lock = "SELECT pg_advisory_xact_lock($1), set_config('enable_seqscan', 'off', true)";
    sqlx::query(lock).bind(INTAKE_LOCK).execute(conn).await.map(drop)
}

/// As [`lock`] does too: until the transaction ends, rows are found by their keys. Left to itself the planner reads whole tables
/// while they grow faster than their statistics: it takes a subject for a 200th of the log.
pub(crate) async fn by_key(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('enable_seqscan', 'off', true)").execute(conn).await?;
    Ok(())
}

/// Where the log and the books end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogHead {
    pub(crate) log_id: [u8; 8],
    pub(crate) position: u64,
    pub(crate) journals: u64,
    pub(crate) journal_hash: [u8; 32],
    /// When the last journal was posted, ms since 1970; 0 before the first.
    pub(crate) journal_ms: u64,
    /// The last month that takes nothing more.
    pub(crate) closed_through: Option<Month>,
    /// The newest; 0 before the first.
    pub(crate) beacon: u64,
}

/// The end of the log.
pub(crate) async fn log_head(conn: &mut PgConnection) -> Result<LogHead, StoreError> {
    let row: Option<([u8; 8], i64, i64, [u8; 32], i64, String, i64)> = sqlx::query_as(
        "SELECT log_id, position, journals, journal_hash, journal_ms, closed_through,
                (SELECT coalesce(max(number), 0) FROM beacon) FROM log_head",
    )
    .fetch_optional(conn)
    .await?;
    let (log_id, position, journals, journal_hash, journal_ms, closed, beacon) = row.ok_or(StoreError::NotSetUp)?;
    Ok(LogHead {
        log_id,
        position: unsigned(position),
        journals: unsigned(journals),
        journal_hash,
        journal_ms: unsigned(journal_ms),
        closed_through: Month::parse(&closed),
        beacon: unsigned(beacon),
    })
}

/// Where central's chain goes on.
pub(crate) async fn place(conn: &mut PgConnection, author: Author) -> Result<ChainPlace, StoreError> {
    let row: Option<([u8; 4], i64, Option<[u8; 32]>, i64)> =
        sqlx::query_as("SELECT inc, seq, prev, (SELECT coalesce(max(number), 0) FROM beacon) FROM central_author")
            .fetch_optional(conn)
            .await?;
    let (inc, seq, prev, beacon) = row.ok_or(StoreError::NotSetUp)?;
    let (inc, prev) = (Incarnation(inc), prev.map(Digest));
    Ok(ChainPlace { author, inc, seq: unsigned(seq), prev, beacon: unsigned(beacon) })
}

/// The seat inside a certificate that was verified before it was stored.
pub(crate) fn seat_of(certificate: &[u8]) -> Result<Seat, StoreError> {
    let body = certificate.get(64..).ok_or(StoreError::Damaged("certificate"))?;
    protocol::cbor::decode(body).ok_or(StoreError::Damaged("certificate"))
}

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Random)?;
    Ok(bytes)
}

/// Numbers here are positions, counts and times: far below 2^63.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The inverse of [`signed`].
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
